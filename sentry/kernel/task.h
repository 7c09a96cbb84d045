/*
 * Tasks and processes: the guest's threads and thread groups.
 *
 * A process has tasks, and one family of everything that POSIX shares between threads: signal actions, children, limits, timers.
 * A task has what Linux gives a thread, including references to mm, files, fs and credentials that clone may share.
 *
 * Life of a process: created by fork (or boot) with one task; its tasks die one by one or together (exit_group); when the last is dead it
 * is a zombie until its parent waits for it, or is reaped at once when the parent does not care; then its pid is free.
 * The sentry's zombie exists as soon as the guest has called exit: the host's process may live for a moment more.
 */
#ifndef SENTRY_KERNEL_TASK_H
#define SENTRY_KERNEL_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/resource.h"
#include "abi/signal.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "platform/platform.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/entry.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/usage.h"
#include "sentry/mm/mempolicy.h"
#include "sentry/syscalls/sysargs.h"

struct kernel;
struct mm;
struct fdtable;
struct fsctx;
struct ns_set;
struct tty;
struct exec_plan;
struct pidns_entry;
struct trace_call;
struct ptrace;
struct key;

/* Bits of task->work: why the task must not go on in guest code without a look. */
enum {
	WORK_SIGNAL = 1,  /* an unblocked signal may be pending */
	WORK_EXIT = 2,    /* the task is to die (group exit, exec by another thread) */
	WORK_STOP = 4,    /* job-control stop under way */
	WORK_AT_STOP = 8, /* at_stop is set */
	WORK_PTRACE = 16, /* its tracer wants something, or a stop job waits; see ptrace.h */
	WORK_TRACE_CALLS = 32, /* its calls are traced: stays set, and alone keeps it from nothing */
};

/* One queued signal. */
struct sigqueue_entry {
	struct list link;
	struct lx_siginfo info;
	struct posix_timer *timer; /* whose entry this is (never freed, re-queued), or NULL */
};
struct sigpending {
	uint64_t set;
	struct list queue; /* of sigqueue_entry, in order of arrival */
};

struct task {
	struct ref ref;
	/* immutable after creation */
	struct kernel *k;
	struct process *proc;

	/* protected by k->lock (RANK_KERNEL) */
	int tid;                  /* as the guest sees it; an exec by another thread than the leader changes it */

	/* protected by proc->lock */
	struct list proc_link;    /* on proc->tasks; changed under proc->lock and sig_lock both, read under either */

	/* run state, atomic; see sched.h */
	_Atomic int run;
	atomic_bool woken;        /* a wake came while the handler ran */
	_Atomic uint32_t work;    /* WORK_* */
	struct task *ready_next;  /* owned by the thread on whose ready list it is */

	struct lock tracee_lock;  /* RANK_TRACEE */
	struct work stop_work;    /* owned by stop_on_reactor() while the reactor has the task */
	struct work exit_work;    /* for a death that a stop handler found; see dispatch.h */
	atomic_bool exit_queued;
	atomic_bool lost; /* its host process is gone: dispatch.h */
	atomic_bool vfork_wait;   /* held until its vfork child execs or exits; cleared, then task_notify() */

	/* owned by the runner */
	struct tracee *tracee;    /* referenced; of the present image. Others read it, and exec changes it, under tracee_lock */
	struct sysargs call;      /* the call under way */
	struct block blk;
	struct entry entry;       /* what calls pass before their handlers; some of it others' too */
	bool in_stop;             /* the handler runs in a stop handler: stop_*() may be used, fds may not */
	bool quick;               /* a quick call: it may be made once more, by the trap; see quick.h */
	bool in_call;             /* between a call's start and its result */
	bool call_held;           /* SYS_HOLD: what reaches the task at its stop runs the call again */
	int64_t raw_result;       /* see SYS_RAW */
	int64_t ret;              /* result of the answered call, for restart rules at the stop */
	int64_t (*at_stop)(struct task *); /* see SYS_AT_STOP */
	void *at_stop_arg;
	struct exec_plan *exec;   /* image under way, see mm/exec.h */
	struct mm *mm;            /* referenced; other tasks read it under proc->lock or k->lock */
	struct fdtable *files;    /* referenced */
	struct fsctx *fs;         /* referenced */
	struct ns_set *ns;        /* referenced; other tasks take a reference under proc->lock */
	struct cred *cred;        /* referenced; other tasks take a reference under proc->lock */
	uaddr_t clear_child_tid;
	uaddr_t robust_list;
	struct {                  /* for restart_syscall */
		int64_t (*fn)(struct task *);
		uint64_t v[4];
	} restart;
	char comm[16];            /* written by the runner or through /proc, read by anybody: torn reads are harmless */
	int exit_status;          /* wait status, once dying; set with WORK_EXIT */
	struct fault_info fault;  /* of the fault signal under way; signo 0 when none */
	struct trace_call *traced; /* --strace: the line of the call under way; trace/trace.c */
	struct ptrace *pt;        /* once it was ever traced; set under k->lock and sig_lock, freed with the task; kernel/ptrace.h */
	struct futex_waiter *futex_waiters; /* of the futex call under way; kernel/futex.c */
	struct pi_waiter *pi_wait; /* the PI futex call that waits, or NULL; protected by futex_pi_lock */
	bool futex_released;      /* its PI futexes are given up: nobody waits for it any more; protected by futex_pi_lock */
	struct sched_attrs {      /* sched_setattr(2) and the like: kept and shown, not obeyed */
		int policy, priority;
		bool reset_on_fork;
	} sched;
	struct mempolicy mempolicy; /* set_mempolicy(2) */
	uint64_t affinity[4];     /* sched_setaffinity(2), one bit a CPU */
	int nice;
	struct key *thread_keyring, *session_keyring; /* referenced, or NULL: kernel/keys.h */
	int reqkey_keyring;       /* KEYCTL_SET_REQKEY_KEYRING: kept and shown */
	int64_t timer_slack_ns;
	uint16_t ioprio;          /* ioprio_set(2): kept and shown; 0 is none */
	uint8_t mce_kill;         /* prctl(PR_MCE_KILL) */
	bool io_flusher, tsc_faults; /* prctl(PR_SET_IO_FLUSHER), prctl(PR_SET_TSC) */

	/* protected by proc->sig_lock (RANK_SIGNAL) */
	struct list jobs;         /* of stop_job: to be done at its next stop */
	struct sigpending pending;
	uint64_t blocked;         /* the mask */
	uint64_t saved_mask;      /* to go back to after sigsuspend, ppoll… (restore_mask) */
	bool restore_mask;
	bool stopped;             /* takes part in the group stop */
	struct {
		uint64_t base, size;
		int32_t flags;
	} altstack;

	/* accounting; atomic, relaxed */
	_Atomic uint64_t call_count;
	_Atomic uint64_t sentry_ns; /* see usage.h */
	_Atomic uint64_t waits;     /* calls that blocked */
	int64_t start_ns;         /* immutable */
};

enum proc_state { PROC_ALIVE, PROC_STOPPED, PROC_ZOMBIE, PROC_REAPED };

struct process {
	struct ref ref;
	/* immutable after creation */
	struct kernel *k;

	/* protected by k->lock (RANK_KERNEL) */
	int pid;
	struct process *parent;    /* no reference: children are re-parented before it goes */
	struct list children;      /* of process.sibling */
	struct list sibling;
	struct pgrp *pgrp;
	struct session *session;
	struct list pgrp_link;
	enum proc_state state;     /* ALIVE and STOPPED change under sig_lock, ZOMBIE and REAPED under k->lock and sig_lock */
	int exit_status;           /* wait status, valid as zombie */
	int exit_signal;           /* to the parent; 0 for none, SIGCHLD for a plain fork */
	bool subreaper;
	bool execed;               /* for setpgid */
	bool root;                 /* asked for by the runtime, which is told of its end */
	struct usage child_usage;  /* of waited-for children */
	struct usage usage_at_exit; /* valid as zombie */
	uint32_t counted_uid;      /* whose RLIMIT_NPROC it counts against */
	char comm[16];             /* of its last task, valid as zombie */
	bool auto_reap;            /* nobody will wait for it */
	int forker;                /* tid of the parent's thread that made it */
	struct list tracees;       /* of ptrace.link: those of its threads */
	struct task *traced_leader; /* the dead leader, while a tracer has still to wait for it */

	struct waitq child_wait;   /* the process's own children changed state */
	struct waitq exit_wait;    /* this process exited: pidfd poll */

	/* protected by lock (RANK_PROCESS) */
	struct lock lock;
	struct list tasks;         /* of task.proc_link; the leader first while it lives */
	int live_tasks;
	struct task *vfork_parent; /* waits (task.vfork_wait) until this process execs or exits; referenced */
	struct lx_rlimit limits[LX_RLIM_NLIMITS];
	struct file *exe;          /* referenced */
	uint64_t arg_start, arg_end, env_start, env_end; /* for /proc */
	uint64_t auxv[48];
	int dumpable;
	uint32_t personality;
	int pdeath_signal;
	struct key *process_keyring; /* referenced, or NULL; protected by keys_lock */
	/* protected by sig_lock (RANK_SIGNAL) */
	struct lock sig_lock;
	struct sigpending shared_pending;
	struct sighand *sighand;   /* referenced; shared by CLONE_SIGHAND */
	struct lx_sigaction *actions; /* sighand->actions: 64 of them */
	int pending_count;         /* queued entries, against RLIMIT_SIGPENDING */
	int stop_signal;           /* why stopped, or stopping */
	int stop_count;            /* tasks still to stop */
	uint32_t cont_count;       /* SIGCONTs sent so far */
	bool stop_reported, continued_pending; /* for WUNTRACED, WCONTINUED */
	bool notify_continued;     /* the parent is to be told by the first task that goes on */
	bool group_exiting;
	int group_exit_status;
	struct waitq signal_wait;  /* signalfd, sigtimedwait; woken after sig_lock is dropped */

	struct process_usage used;
	struct ktimer cpu_limit_timer; /* kernel/cpu_limit.c */
	struct posix_timers *timers; /* interval and POSIX timers; kernel/posix_timer.c; owned by the process */
	int64_t start_ns;            /* immutable */
	atomic_int oom_score_adj;
};

/* Signal actions. Between processes that share them without being one (CLONE_SIGHAND alone) changes are not ordered. */
struct sighand {
	struct ref ref;
	struct lx_sigaction actions[64];
};

struct pgrp {
	struct ref ref;
	int id;                    /* immutable */
	struct session *session;   /* immutable; referenced */
	struct list members;       /* of process.pgrp_link; protected by k->lock */
};
struct session {
	struct ref ref;
	int id;                    /* immutable */
	struct tty *tty;           /* controlling terminal or NULL; protected by k->lock */
	struct pgrp *foreground;   /* of the controlling terminal; protected by k->lock */
	int leader;                /* pid; 0 when gone; protected by k->lock */
	int members;               /* processes; protected by k->lock */
};

struct task *task_get(struct task *);
void task_put(struct task *);
struct process *process_get(struct process *);
void process_put(struct process *);

/* Look-ups by the guest's number. The result is referenced; NULL when there is none (or it is being reaped). */
struct task *task_find(struct kernel *, int tid);
struct process *process_find(struct kernel *, int pid);
struct pgrp *pgrp_find(struct kernel *, int id);
/* In order, for /proc: the lowest pid above `after`, zombies included; 0 at the end. */
int process_next(struct kernel *, int after);

/* pid of the process as others see it; tgid in Linux's words. */
static inline int task_pid(const struct task *t)
{
	return t->proc->pid;
}

/* Creation and death; kernel/exit.c, kernel/clone.c. */
struct clone_params {
	uint64_t flags;            /* LX_CLONE_* */
	int exit_signal;
	uint64_t stack, stack_size, tls;
	uaddr_t parent_tid, child_tid, pidfd;
};
/* In a stop handler. The child's tid (positive), or negative errno. For a vfork sets t->vfork_wait, which holds the caller at its stop (stop.c). */
int64_t task_clone(struct task *, const struct clone_params *);
/* The first process: pid 1, without image. Referenced; NULL when memory is out. */
struct task *task_create_init(struct kernel *, struct cred *);
/* A further process without a parent (the runtime's EXEC), leader of a session of its own. As above. */
struct task *task_create_root(struct kernel *, struct cred *);
/*
 * On a worker or the reactor, by the task's runner. The thread ends with `status` (a wait status; that of a group exit counts more). Idempotent.
 * Leaves RUN_DEAD. The host thread goes on to its own exit(2) (SYS_PASS), or stays until the last task of the process has the host process killed.
 */
void task_exit(struct task *, int status);
/*
 * Every thread of the process is to end: sets WORK_EXIT on each and notifies it, see dispatch.h. A handler that calls it for its own process calls task_exit()
 * too. Any thread, locks below RANK_SIGNAL. Idempotent: the first status counts.
 */
void process_exit(struct process *, int status);
/* All other threads of the process end, and the caller becomes the leader. For exec. 0 or SYS_BLOCKED style results. */
int64_t process_become_single(struct task *);
/* A vfork parent held by this process, if any, goes on. After exec, and at exit. */
void process_release_vfork_parent(struct process *);

#endif
