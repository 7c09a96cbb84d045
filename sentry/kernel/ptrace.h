/*
 * ptrace(2) between guest tasks. Linux: kernel/ptrace.c, kernel/signal.c (ptrace_stop), arch/x86/kernel/ptrace.c.
 *
 * A tracee stops where every task looks before guest code: at a control stop on its lane's tracer thread (stop.c, leave()). What the
 * tracer may see and change is copied out there: general registers into struct ptrace, and back when the tracee goes on. What needs the
 * stopped host thread itself (extended state, debug registers, memory that may not be written) is a job that the tracee's runner
 * does at the stop while the tracer's call is blocked.
 *
 *   leave() ──▶ ptrace_look() ──stop due──▶ begin: snapshot, tell the tracer ──▶ held
 *                    ▲                                                             │
 *                    └── adopt: registers back, what the stop's kind asks for ◀── ptrace_resume() by the tracer, or death
 *
 * System calls. With PTRACE_SYSCALL a trapped call is not made at first: the task is brought to a control stop just after the
 * instruction, with the registers of a call's entry, and shows its entry stop there. When it goes on, the registers are set back over the
 * instruction (or not, where the tracer took the number away), so that the call is trapped once more and then runs as any call
 * does, whoever performs it: a worker, the host, a stop handler. Between the two no signal is delivered. Its end comes to a control
 * stop since WORK_TRACE_CALLS is set, and shows the exit stop.
 */
#ifndef SENTRY_KERNEL_PTRACE_H
#define SENTRY_KERNEL_PTRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/ptrace.h"
#include "abi/signal.h"
#include "base/list.h"
#include "base/ref.h"
#include "platform/arch.h"
#include "sentry/kernel/task.h"

enum ptrace_stop {
	PTRACE_NONE,
	PTRACE_SIGNAL, /* a signal is about to be delivered */
	PTRACE_GROUP,  /* takes part in a group stop */
	PTRACE_TRAP,   /* PTRACE_EVENT_STOP */
	PTRACE_EVENT,  /* the other events, and a signal handler entered by a step */
	PTRACE_ENTRY,  /* of a system call */
	PTRACE_EXIT,
};

/* How a tracee was told to go on. */
enum {
	PTRACE_MODE_SYSCALL = 1,
	PTRACE_MODE_SYSEMU = 2,
	PTRACE_MODE_STEP = 4,
};

struct ptrace {
	struct task *task;         /* immutable: whose this is; it owns this */

	/* protected by k->lock */
	struct task *tracer;       /* no reference: its end takes it away. NULL: not traced */
	struct list link;          /* on tracer->proc->tracees, with a reference to `task` */
	bool dead;                 /* the task has ended: its status waits for the tracer */
	int status;

	/* protected by task->proc->sig_lock */
	_Atomic bool traced;       /* read without it where a stale answer is as good */
	bool seized;
	uint32_t options;
	enum ptrace_stop kind;     /* of the stop under way, or the last one */
	atomic_bool stopped;       /* the tracer may look; the runner looks without the lock, and is notified of changes */
	atomic_bool resumed;       /* has been let go; the runner has not yet seen to it */
	bool listening, reported;
	int code;                  /* as waits tell it: signal | event << 8 */
	uint64_t message;
	bool has_info;
	struct lx_siginfo info;
	struct arch_regs regs;
	int mode;
	int signo;                 /* what the tracer wants delivered */
	bool trap;                 /* a stop of kind TRAP (or GROUP) is due */

	/* owned by the tracee's runner */
	bool inject;               /* `info` is to be delivered, the tracer has seen it */
	int event;                 /* due, with event_message */
	uint64_t event_message;
	uint64_t vfork_child;      /* VFORK_DONE is due when it has gone on */
	bool entry_due;            /* an entry stop */
	bool sysemu_entry;         /* whose call is not made, whatever the tracer does */
	bool entry_done;           /* it was shown; the same call comes again */
	bool seccomp_due;          /* the call is to be shown for a filter's verdict, with event_message */
	bool seccomp_done;         /* it was, and comes again, or */
	bool seccomp_seen;         /* has come: to the filter it is allowed */
	bool exit_due;             /* a call is under way whose end is to be shown */
	bool frame_due;            /* a handler was entered by a step */
	bool exit_shown;           /* PTRACE_EVENT_EXIT was */
};

/* --- for the tracee, on its own thread of control --------------------------------------------------------------------------- */

/* In a stop handler, before guest code: jobs, the end of the last stop, the next one. True: held until the tracer acts. */
bool ptrace_look(struct task *);
/* What stop_dispatch() is to leave guest code with: RESUME_RUN or RESUME_STEP. */
enum resume ptrace_resume_how(const struct task *);
/* A trapped call, before anything is done with it. True: it is to be brought to a control stop first. */
bool ptrace_call_enters(struct task *, const struct call_info *);
/* It is begun now. */
void ptrace_call_begins(struct task *);
/*
 * A filter says SECCOMP_RET_TRACE with `data`. True: the tracer has seen the call, and it is allowed. False: *ret is its result, or brings it to
 * the tracer's stop.
 */
bool ptrace_seccomp(struct task *, uint32_t data, int64_t *ret);
/* Host reports of a step over a call, which the sentry makes its own report of. True: forget this one. */
bool ptrace_is_step_over_call(const struct task *, const struct fault_info *);
/* A signal taken from the queue: true when the tracer is to see it first; *info is kept. */
bool ptrace_signal_stop(struct task *, const struct lx_siginfo *);
/* What the tracer made of it, once: signal number or 0. */
int ptrace_take_injected(struct task *, struct lx_siginfo *);
/* True while no signal may be delivered. */
bool ptrace_holds_signals(const struct task *);
/* The task has taken its place in a group stop. */
void ptrace_group_stop(struct task *);
/* It was to stop, with its process stopped already and its tracer having let it go on. */
void ptrace_stop_again(struct task *, int signo);
void ptrace_handler_entered(struct task *);

/*
 * PTRACE_EVENT_*: the task will stop and tell, before it next runs guest code, if its tracer asked for the event (`options`). Event EXEC
 * is a SIGTRAP for tracers that did not ask. On the task's runner. True when there will be a stop.
 */
bool ptrace_event(struct task *, int event, uint64_t message);
/* By clone: the event that its flags mean for the tracer, and whether the child is traced from its start. Before the child runs. 0 or -ENOMEM. */
int ptrace_clone(struct task *, struct task *child, uint64_t flags, int exit_signal);
/* The end of the task by a call of its own is to be shown first: returns as a handler does, with the death to come. 0: go on and die. */
int64_t ptrace_exit_first(struct task *, int status);

/* --- for its tracer --------------------------------------------------------------------------------------------------------- */

/* 0 or -EPERM, -ENOMEM. */
int ptrace_attach(struct task *tracer, struct task *, bool seize, uint32_t options);
int ptrace_traceme(struct task *);
/* The tracee's state for its tracer: 0 with sig_lock of it taken; -ESRCH when it is not the caller's, or not stopped. */
int ptrace_hold(struct task *tracer, struct task *, bool any_state);
void ptrace_drop(struct task *);
/* Both under ptrace_hold(). */
void ptrace_resume(struct task *, int mode, int signo);
int ptrace_interrupt(struct task *);
int ptrace_listen(struct task *);
int ptrace_detach(struct task *tracer, struct task *, int signo);

/* May `t` look into `other` (PTRACE_MODE_READ or _ATTACH with real ids)? 0 or -EPERM. */
int ptrace_may_access(const struct task *t, struct task *other);

/* --- life and death; k->lock held where it says so ------------------------------------------------------------------------- */

/* sig_lock held: it is killed: no stop keeps it. */
void ptrace_killed(struct task *);
/* sig_lock held: SIGCONT was sent, or a stop begins, which seized tracees tell. */
void ptrace_continued(struct task *);
/* k->lock held, in its end: its status waits for the tracer. */
void ptrace_task_ends(struct task *, int status);
/* In its end, no lock held: its tracees go free, or die. */
void ptrace_tracer_ends(struct task *);
/* k->lock held: the dead leader of a zombie is no longer waited for by a tracer. */
void ptrace_forget_leader(struct process *);
/* k->lock held: one of the parent's threads traces one of its. */
bool ptrace_by_parent(const struct process *);
/* k->lock held: a tracer that is not the parent is to hear of the zombie first. */
bool ptrace_withholds(const struct process *);
void ptrace_tell_zombie(struct process *);
/* k->lock held: the dead task was waited for; the number is free. Puts the reference. */
void ptrace_reap(struct task *);
/* What its registers say of a stopped tracee's call; nr is negative when it is in none. False: it is not stopped. */
bool ptrace_call_of(struct task *, struct call_info *out);
/* The tracer's pid for /proc, 0 when there is none; whether it is stopped for it. */
int ptrace_tracer_pid(struct task *, bool *stopped);
void ptrace_free(struct task *);

static inline bool ptrace_is_traced(const struct task *t)
{
	return t->pt && atomic_load(&t->pt->traced);
}

/* --- jobs --------------------------------------------------------------------------------------------------------------------- */

/* Something to be done at a control stop of `target`, by its runner. Shared by who waits and the target's list. */
struct stop_job {
	struct ref ref;
	struct list link;          /* on target->jobs; protected by the target's sig_lock */
	struct task *waiter;       /* referenced */
	int (*fn)(struct stop_job *, struct task *target); /* in the stop handler; result to `ret` */
	atomic_bool done;
	int ret;
	uint64_t addr, size, value; /* fn's own */
	uint8_t *bytes;            /* allocated, or NULL */
};

/*
 * In a handler of `t`: at its first run queues the job that `make` describes, then blocks until it was done; then it is *out, owned
 * by the call under way, and 0 or its result is returned. -ESRCH when the target has died. Not for the caller itself.
 */
int64_t stop_job_run(struct task *t, struct task *target, const struct stop_job *make, const void *bytes, struct stop_job **out);
/* The runner's side. */
void stop_jobs_do(struct task *);
void stop_jobs_cancel(struct task *);

#endif
