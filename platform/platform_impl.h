/*
 * What the files of platform/ share and nobody else sees: lanes, tracees, and the little in which the two platforms
 * differ. The states of a tracee and who may do what are told at the top of control/platform.c.
 */
#ifndef PLATFORM_PLATFORM_IMPL_H
#define PLATFORM_PLATFORM_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "platform/arch.h"
#include "platform/arch_control.h"
#include "platform/platform.h"

/*
 * The one host signal of the platform. Sent to a guest thread it is the kick: the tracer sees it as a signal-delivery
 * stop and suppresses it. Sent to a tracer or worker thread it ends a wait (arch_waitcall). SIGURG: ignored by default,
 * so that a stray one harms nobody, and not queued, so that many kicks are one.
 */
#define PLATFORM_SIGNAL SIGURG

/* Host thread ids are below this (the kernel's PID_MAX_LIMIT on 64-bit hosts). */
#define TID_LIMIT (1 << 22)
/* The longest notification and answer that a kernel may have; ours of today are 80 and 24 bytes. */
#define NOTIF_MAX 256
/* Workers of one lane, all but one of them stuck in the host or spare. */
#define WORKERS_MAX 64

/* Where the host has stopped a tracee: it decides how registers and calls are put in. */
enum where {
	AT_RUN,   /* not stopped, as far as the tracer knows */
	AT_ENTRY, /* at the entry of a host call, which is made on resuming unless its number is taken away */
	AT_USER,  /* on its way to user code: signal delivery, first stop of a clone, a call that SYSEMU swallowed */
};

enum request {
	REQUEST_RELEASE = 1,
	REQUEST_RERUN = 2,
	REQUEST_ANSWER = 4,
	REQUEST_PASS = 8,
	REQUEST_GONE = 16,
	REQUEST_SPAWN = 32,
};

/* A host process of guest threads. Owned by the tracer of its lane. */
struct hproc {
	pid_t tgid;
	atomic_int threads; /* tracees that are not gone */
	struct ref ref;     /* a tracee each, until it is freed: others read tgid */
};

/* For tracee.watch.wanted: no site, just a slot of its own. */
#define FAST_SLOT_ALONE 1

struct fast_space;
struct fast_state;

struct tracee {
	struct ref ref; /* the platform's until `gone` has returned, the sentry's from STOP_NEW to tracee_put() */
	/* Immutable after creation (tid and proc: after the clone). */
	struct platform *platform;
	struct lane *lane;
	void *cookie;
	pid_t tid;
	struct hproc *proc;

	/* Owned by the tracer thread. */
	enum where where;
	bool fresh;    /* has not had its STOP_NEW */
	bool held;     /* a stop handler said RESUME_HOLD */
	bool cloning;  /* a thread is being made of it, which may exist before we know */
	bool again;    /* the host is about to make an injected call once more */
	bool kicked;   /* a kick arrived while the tracer had it stopped anyway */
	bool fetched;  /* `regs` are the guest's */
	bool dirty;    /* `regs` differ from what the host has */
	bool remaking; /* the host makes a call for a RESUME_CALL: `before` says how to begin it again */
	bool completing; /* ptrace: its call is being completed */
	bool vsyscall; /* ptrace: that call came by the old vsyscall page */
	bool skipping; /* it steps from the entry of a call that is not made: the host reports that as a step, too */
	bool leaving;  /* it has been sent into exit(2): its death is all that is to come */
	bool dead;     /* the host has said so, `wait_status` is set */
	int wait_status;
	struct arch_regs regs;
	struct arch_regs before;
	struct stop stop;
	struct list event_link; /* on lane->events */

	/* Protected by lane->lock. */
	struct list link;         /* on lane->tracees */
	int delivering;           /* workers that are inside handler->call() for it */
	bool finished;            /* `gone` has been delivered: no request is taken any more */
	bool gone_waits;          /* `gone` is due as soon as they have left */
	unsigned requests;        /* enum request */
	enum resume release_how;
	int64_t answer;
	struct list request_link; /* on lane->requests */
	struct list call_link;    /* on lane->calls: ptrace, a call to be delivered; seccomp, one to be completed */
	bool pass;                /* the latter: by passing it */

	/* Written by who delivers a call, read by who completes it; the sentry orders the two. */
	uint64_t call_id;
	struct call_info call;
	atomic_bool reaped; /* the tid may belong to another by now */

	/* For fast/. */
	struct fast_space *space; /* changed by the tracer; NULL where there are no quick calls */
	struct fast_watch {
		int64_t last_ns;  /* of the last trap; owned by who delivers a call, as the next three */
		uint32_t streak;  /* frequent ones in a row */
		struct fast_count {
			uint64_t ip;
			int32_t hits;
		} count[8];
		bool copied;      /* the tracer's: stopped while it copied for the sentry */
		bool hopeless;    /* the window's place is the guest's, or the host does not play along */
		_Atomic uint64_t wanted; /* a site to be patched at the next stop, FAST_SLOT_ALONE, or 0 */
	} watch;

	/* For balance.c. */
	atomic_bool busy;     /* neither in a call nor held */
	pid_t parent_tid;     /* who was cloned for it, or 0 */
	uint32_t events;      /* calls and stops so far; written by who handles them */
	uint32_t events_seen; /* at the balancer's last look; its own, as is: */
	bool loose;           /* may run on any CPU */
};

struct worker {
	struct lane *lane;
	pthread_t thread;
	bool started;
	pid_t tid;     /* 0 until it runs */
	uint32_t wake; /* set before PLATFORM_SIGNAL is sent: ends its wait for calls */
};

struct lane {
	/* Immutable after platform_create(). */
	struct platform *platform;
	int index;
	int cpu;
	pthread_t tracer;
	pid_t tracer_tid;
	int listener; /* seccomp; in the main fd table */
	struct tracee *zygote;
	bool has_tracer; /* written by who makes the thread */

	uint32_t wake;    /* atomic: there are requests */
	uint32_t waiting; /* atomic: the tracer may be waiting, and needs the signal */

	/* Owned by the tracer thread. */
	struct list events; /* stops and deaths that were seen while waiting for another's */
	/* Events of threads that nobody knows: clones that came up before their parent's event was read. */
	struct {
		pid_t tid;
		int status;
	} strangers[16];
	int stranger_count;

	struct lock lock;
	/* Protected by lock. */
	struct list tracees;     /* only the tracer changes it */
	struct list requests;
	struct list calls;       /* ptrace: calls that no worker has taken; seccomp: answers given on tracer threads */
	struct worker *receiver; /* who waits for the lane's calls */
	struct worker *workers[WORKERS_MAX];
	int worker_count;
	int stuck;               /* of them, between platform_stuck_begin() and _end() */
	atomic_int busy; /* tracees, see balance.c */

	uint32_t spare_gate; /* futex: bumped when a spare should look again */
	uint32_t call_gate;  /* futex, ptrace: bumped when a call is queued */
};

struct platform {
	const struct platform_ops *ops;
	const struct platform_handler *handler;
	uint64_t stop_set[8]; /* bit nr: delivered as STOP_CALL */
	struct lane *lanes;
	int lane_count;
	int self_pidfd;       /* in the pocket: this process, whose main table donated fds are copied from */
	int setup_socket[2];  /* during set-up: listeners go from the pocket to the main table */
	int log_fd;           /* or 0: kept in the pocket */
	const char *_Atomic step; /* what creation is at, for its error message */
	pid_t self;
	_Atomic(struct tracee *) *by_tid; /* TID_LIMIT slots, reserved but not resident; a slot is protected by its tracee's lane lock */
	uint32_t gate;        /* futex: threads go on at 1 */
	atomic_bool ending;         /* tracers: kill, reap, leave */
	atomic_bool workers_ending;
	pthread_t balancer;
	bool has_balancer;
	atomic_bool balancer_sleeps;
	uint32_t balance_gate; /* futex: bumped to wake the balancer */
	struct fast_state *fast; /* NULL where every call is a trap; immutable after platform_create() */
};

/* The difference between the platforms. */
struct platform_ops {
	const char *name;
	bool at_entry;     /* stub calls stop at their entry (RET_TRACE), and so do stop calls; else after the call */
	int resume;        /* the ptrace request that lets guest code run */
	int step;          /* the one that runs one instruction of it */
	long trace_options;
	/*
	 * In the zygote, before it lets go of its memory: the last calls it makes unwatched. A listener fd, 0, or a
	 * negative errno.
	 */
	int (*confine)(const struct platform_config *);
	/* In the main table: the listener's own settings. */
	int (*adopt)(struct lane *);
	/* A tracee stopped at a call of its own: by a filter's verdict, or by SYSEMU. */
	void (*on_call_stop)(struct tracee *, bool seccomp_event);
	/*
	 * On a worker: waits for a call of the lane. NULL when woken for another reason. Takes a delivery on the
	 * tracee.
	 */
	struct tracee *(*receive)(struct worker *);
	/* Completes a call; by any thread of the main table. */
	void (*answer)(struct tracee *, int64_t ret);
	void (*pass)(struct tracee *);
	/* The same on the tracer thread, where `answer` and `pass` post requests. */
	void (*complete)(struct tracee *, bool pass, int64_t ret);
};

/* control/platform.c */
bool platform_stops_at(const struct platform *, int64_t nr);
/* Common to all threads of the platform; on the lane's CPU, if one is given. */
void platform_thread_setup(const struct lane *);
void platform_wait_gate(struct platform *);
/* Frees everything but threads, of which there must be none. */
void platform_free(struct platform *);

/* control/host.c: the host calls that have no other home. */
pid_t host_gettid(void);
int host_tgkill(pid_t tgid, pid_t tid, int sig);
void host_futex_wait(uint32_t *word, uint32_t expected);
/* The same for so many microseconds, for ever if negative. */
void host_futex_wait_for(uint32_t *word, uint32_t expected, int64_t us);
void host_futex_wake(uint32_t *word, int count);
int host_drop_capabilities(void);
int host_pin(pid_t tid, int cpu);
int host_unpin(pid_t tid);
int host_cpus(int *cpus, int max);
int host_send_fd(int sock, int fd, int64_t value);
int host_receive_fd(int sock, int *fd, int64_t *value);
int64_t host_ptrace(int request, pid_t tid, uint64_t addr, uint64_t data);

/* control/zygote.c: on the tracer thread. */
int zygote_create(struct lane *, const struct platform_config *);
void zygote_spawn(struct lane *, struct tracee *);

/* control/tracer.c */
void *tracer_main(void *lane);
struct tracee *tracee_alloc(struct lane *, void *cookie);
void tracee_adopt(struct tracee *, pid_t tid, struct hproc *shared);
void tracee_finish(struct tracee *);
/* Waits until the tracee stops or dies; other tracees' events are noted for later. 0, or -ESRCH with dead set. */
int tracer_wait(struct tracee *, int *status);
/* Of the calling thread: the lane whose tracer it is, or NULL. */
struct lane *tracer_current_lane(void);
/* A live tracee of the lane by its thread id, or NULL. */
struct tracee *tracer_find(struct lane *, pid_t tid);
/* Before a clone: whoever is unknown by now is nobody's. */
void tracer_drop_strangers(struct lane *);
/* After it: what has been seen of the child already happens to it now. */
void tracer_welcome(struct tracee *child);

/* control/stops.c */
void stop_deliver(struct tracee *, enum stop_kind);
void stop_settle(struct tracee *, enum resume);
void stop_signal(struct tracee *, int sig);
void stop_fetch(struct tracee *);
void stop_resume_run(struct tracee *);
void stop_resume_step(struct tracee *);

/* control/inject.c */
/* -ESRCH when it died, or was made to exit, which nobody waits for: a leader's end is reported after its threads'. */
int64_t inject_call(struct tracee *, int64_t nr, const uint64_t arg[6], pid_t *child);
/* Clones a stopped tracee, or the zygote; `child` becomes the clone. */
int inject_clone(struct tracee *, const struct clone_how *, struct tracee *child);

/* control/requests.c */
void request_post(struct tracee *, unsigned what);
/* REQUEST_ANSWER with a result, or REQUEST_PASS. */
void request_answer(struct tracee *, unsigned what, int64_t ret);
void requests_run(struct lane *);

/* control/calls.c */
int worker_start(struct lane *);
void workers_end(struct lane *);
/* The tracee of a thread that a call came from, with a delivery taken on it; NULL when it is no more. */
struct tracee *call_begin(struct lane *, pid_t tid);
void call_end(struct tracee *);
/* Of the calling thread: the lane whose worker it is, or NULL. */
struct lane *calls_current_lane(void);

/* control/balance.c */
int balance_start(struct platform *);
void balance_end(struct platform *);
void balance_stop_begins(struct tracee *);
void balance_stop_ends(void);
void balance_set_busy(struct tracee *, bool busy);
/* The lane for a fresh address space that the calling thread asks for. */
struct lane *balance_choose(struct platform *);

#endif
