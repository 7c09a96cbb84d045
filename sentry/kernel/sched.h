/*
 * How a guest thread's system calls are run, blocked, and run again.
 *
 * A task is in one of these states (task->run, atomic):
 *
 *   GUEST    in guest code, or on its way there
 *   HANDLER  a sentry thread is running its handler: only that thread touches what is "owned by the runner"
 *   BLOCKED  its handler returned SYS_BLOCKED; it is on wait queues
 *   READY    woken, on the ready list of the thread that woke it
 *   HELD     at a control stop that is not being left (job control, vfork parent)
 *   DEAD     has exited; only references keep the structure
 *
 *   GUEST ──call──▶ HANDLER ──result──▶ GUEST
 *                    │   ▲
 *          SYS_BLOCKED   │ run again from the start
 *                    ▼   │
 *                 BLOCKED ──wake──▶ READY
 *
 * No sentry thread waits for a blocked task. Whoever makes it ready runs it, on the same CPU, when its own work is
 * done (sched_drain()): a pipe's writer runs the reader's read. Tracer threads cannot run handlers (they live in the
 * pocket fd table): what they wake is passed to the reactor thread.
 *
 * A handler that may block is written so that it can be run again from its start:
 *
 *	n = file_read(f, &uio);
 *	if (n == -EAGAIN && !file_nonblock(f))
 *		return task_wait_file(t, f, POLLIN);
 *
 * task_wait_*() registers, looks once more, and returns SYS_BLOCKED, SYS_AGAIN (ready in the meantime), or -ERESTARTSYS (a signal
 * is pending), which the handler returns as they are. Arguments are in t->call and do not change; what a handler must remember
 * between its runs (a deadline, bytes already moved) is in t->blk, zero at the first run.
 */
#ifndef SENTRY_KERNEL_SCHED_H
#define SENTRY_KERNEL_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/kernel/timer.h"
#include "sentry/kernel/waitq.h"

struct task;
struct file;
struct tracee;
struct stop;
struct call_info;

/* Results of handlers that are not the guest's. They live between a handler and the dispatcher only. */
enum {
	ERESTARTSYS = 512,    /* interrupted: restart if the handler has SA_RESTART, else EINTR */
	ERESTARTNOINTR = 513, /* restart always */
	ERESTARTNOHAND = 514, /* restart if no handler runs, else EINTR */
	ERESTART_BLOCK = 516, /* as NOHAND, but restarts as restart_syscall, with t->restart */
	SYS_BLOCKED = -600,   /* on wait queues; run again when woken */
	SYS_AGAIN = -601,     /* run again at once */
	SYS_PASS = -602,      /* the host makes the call, with the trapped registers (scalars only) */
	SYS_AT_STOP = -603,   /* run t->at_stop on the tracer thread before guest code; its result is the call's */
	SYS_GONE = -604,      /* no answer: the thread is no more, or has a new image under way */
	SYS_HOST_CALL = -605, /* STOP calls only: the host makes the call as the handler has set it in the registers */
	SYS_NO_RESULT = -606, /* STOP calls only: the handler has set all registers itself (rt_sigreturn) */
	SYS_RAW = -607,       /* the result is t->raw_result, whatever it looks like */
	SYS_HOLD = -608,      /* STOP calls only, before their handler: stays at the stop and is run again at each task_notify() */
	SYS_BY_TRAP = -609,   /* quick calls only: nothing has been done, and the trap is the way to do it; see quick.h */
	SYS_LAST = SYS_BY_TRAP,
};

enum run_state { RUN_GUEST, RUN_HANDLER, RUN_BLOCKED, RUN_READY, RUN_HELD, RUN_DEAD };

/* What a blocked call remembers between its runs. Owned by the runner; zeroed at the start of each call. */
#define BLOCK_INLINE_WAITERS 4
struct task_waiter {
	struct waiter w;
	struct task *t;
	struct file *file; /* referenced: keeps the queue while another thread closes the fd; NULL where something else does */
};
struct block {
	bool rerun;                  /* this is not the first run */
	bool timed_out;              /* the deadline passed */
	bool has_deadline;
	bool fired;                  /* helper for handlers: a wake-up meant for this wait has come (futex) */
	int64_t deadline;            /* CLOCK_MONOTONIC ns */
	uint64_t scratch[6];         /* the handler's own */
	void *data;                  /* the handler's own object… */
	void (*data_free)(void *);   /* …freed so when the call ends */
	struct file *waited;         /* what task_wait_file() waited for; referenced until the call ends */
	struct io_op *io;            /* host I/O under way or done, see io/io.h; let go when the call ends */
	struct ktimer timer;
	struct task_waiter inline_waiters[BLOCK_INLINE_WAITERS];
	struct task_waiter *more;    /* allocated when a call waits on more queues; see waiter_slot() */
	uint32_t used, cap, more_free;
};

/* --- for handlers ------------------------------------------------------------------------------------------------------------ */

/* Registers on a queue until the call ends or runs again. 0 or -ENOMEM. */
int task_wait_on(struct task *, struct waitq *, uint32_t events);
/* The same for a queue that lives as long as the file: the wait holds a reference. */
int task_wait_on_file(struct task *, struct waitq *, uint32_t events, struct file *);
/* Sets the call's deadline at its first run and keeps it in later ones; KTIMER_NEVER for none. */
void task_set_deadline(struct task *, int64_t monotonic_ns);
/* To be returned when everything is registered and the condition has been looked at again. SYS_BLOCKED, or -ERESTARTSYS when a signal is pending;
   -ETIMEDOUT when the deadline has passed. */
int64_t task_block(struct task *);
/*
 * Registers on the file's queue, looks again, blocks: for a read or write that gave -EAGAIN. Where the file's operation has set a deadline
 * (SO_RCVTIMEO): -EAGAIN when it has passed, -EINTR for a signal.
 */
int64_t task_wait_file(struct task *, struct file *, uint32_t events);
/* The call's file: fd_get_io() at the first run, and the one that was waited for in later ones, whatever the fd means by now. */
struct file *task_call_file(struct task *, int fd);

/* --- for those who make ready -------------------------------------------------------------------------------------------------- */

/* Makes a blocked task run its handler again. Any thread, any lock up to RANK_SCHED. */
void task_wake(struct task *);
/* After t->work got a bit: brings the task to a stop if it is in guest code, runs it again if it is blocked. */
void task_notify(struct task *);

/* Work for a thread in the main fd table that may do anything: from tracer threads, and for what must not run under the caller's locks. */
struct work {
	struct work *next;
	void (*fn)(struct work *);
};
void sched_defer(struct work *);

/* --- for the sentry's threads ----------------------------------------------------------------------------------------------------- */

/* Runs the tasks that this thread made ready, and those which they make ready, until none is left. */
void sched_drain(void);

#endif
