/*
 * Calls without a trap: patched call sites, the slot by which a guest asks, the spinner that answers.
 *
 * A trap costs two switches between threads of one CPU. Where another CPU has nothing to do, a guest that makes many
 * calls asks a thread there, the spinner, which polls for requests: about a tenth of the price. For that its busiest
 * call sites are rewritten to jump to code in the stub (arch.../fastcode.S), which puts the call into the slot and spins
 * for the answer; and which makes the call by the trap after all when the slot is off, nobody polls, or the answer is
 * "by the trap".
 *
 *   watch.c    counts traps: which process is worth it, which site
 *   space.c    the window of an address space, its sites, and threads that are stopped in there
 *   spinner.c  the thread that polls, and when it does not
 *
 * Whose slot it is. An address space has one at most, and it is used while exactly one thread runs there: a further
 * thread or a vfork's child turns it off until it is gone. A fork's child does not get it (MADV_DONTFORK), and the word
 * that says "use it" reads as 0 there (MADV_WIPEONFORK), so that its patched sites trap.
 *
 * The claim. While the spinner has a tracee's call no stop of it may be handled, and the other way round: each takes
 * the record's claim first. The spinner lets it be where it is taken; the tracer waits, which ends when the handler of
 * a call does that is not allowed to block. So does a worker that gets a trap meanwhile, which a guest in its senses does
 * not make: this one's slot is not served any more.
 *
 * The guest can do what it likes to window, word and slot, and run any of that code with any registers. It can thereby
 * get calls answered that it made, and get wrong answers; both could be had by a plain `syscall`.
 */
#ifndef PLATFORM_FAST_FAST_H
#define PLATFORM_FAST_FAST_H

#include "platform/platform_impl.h"

struct slot;

enum { FAST_SLOTS = 64 };

struct fast_site {
	uint64_t ip;
	uint8_t code[ARCH_SITE_SIZE]; /* what was there */
};

/* The patched sites of an address space. Its forks share the list until one of them adds to it. */
struct fast_sites {
	struct ref ref;
	int count;
	struct fast_site site[ARCH_SITES_MAX];
};

/* An address space; changed by the tracer alone, at a stop of a tracee that is alone in it. */
struct fast_space {
	struct ref ref;           /* the tracees that run in it */
	struct fast_sites *sites; /* NULL: it has no window */
	struct fast_record *record;
	bool closed;              /* no site is patched any more */
};

enum { CLAIM_FREE, CLAIM_HELD, CLAIM_WAITED };

/* One slot, as the sentry knows it. Never freed. */
struct fast_record {
	uint32_t claim;
	atomic_bool used;
	atomic_bool on;      /* the spinner may serve it */
	struct slot *slot;   /* immutable */
	/* Protected by the claim. */
	struct tracee *tracee;
	bool answered;       /* a QUICK_STOP: the guest does not know its result yet; the stop will tell it */
	int64_t answer;
};

struct fast_state {
	/* Immutable. */
	struct platform *platform;
	enum platform_quick mode;
	uint64_t quick_set[8];      /* bit nr: worth asking */

	struct lock lock;
	bool ready, failed;         /* protected by lock; what follows up to the thread is immutable once ready */
	int memfd;
	struct slot *slots;
	pthread_t thread;

	struct fast_record record[FAST_SLOTS];
	/* The spinner, atomic. */
	uint32_t gate;              /* futex: bumped to wake it */
	atomic_bool polls;
	atomic_bool ending;
	_Atomic int64_t beat_ns;    /* when it last looked around */
	_Atomic int64_t rests_until_ns;
	int64_t rest_ns;            /* its own: how long it rests after it was disturbed */
};

/* watch.c */
int fast_create(struct platform *, const struct platform_config *);
void fast_destroy(struct platform *);
/* A worker has received a call, which is in t->call and has not been delivered. */
void fast_trap(struct tracee *);
/* Its result is about to be told: brings the tracee to a stop after it, for fast_at_stop(). */
void fast_answers(struct tracee *, int64_t ret);

/* space.c; on the tracer thread */
/* Around everything that the tracer does with a tracee. Leaving is possible when it is no more. */
void fast_enter(struct tracee *);
void fast_leave(void);
/* The guest's registers have been fetched: moves them out of the platform's code. True when they have changed. */
bool fast_roll(struct tracee *);
/* At a stop in guest code: does what fast_trap() found worth while. */
void fast_at_stop(struct tracee *);
/* At a fault: true when it was the platform's code that met it, which the guest does not hear of. Fetches the registers. */
bool fast_fault(struct tracee *, int sig);
void fast_cloned(struct tracee *parent, struct tracee *child, bool share_vm);
/* It is dead: no more quick calls of it. */
void fast_detach(struct tracee *);
/* The last that is done with it. */
void fast_finish(struct tracee *);
/* Any thread: no other thread runs in its address space. */
bool fast_alone(const struct tracee *);
/* The slot of a tracee that is alone, and stopped or in a trap, is in use from now on. The caller has the claim. */
void fast_turn_on(struct fast_record *, struct tracee *);

/* spinner.c */
/* Memory for slots, and the thread. Once; in the main fd table. */
bool fast_prepare(struct fast_state *);
/* A guest would be served now; wakes the spinner where that is of use. True when it polls already. */
bool fast_want(struct fast_state *, int64_t now);
void spinner_end(struct fast_state *);
/*
 * On the spinner, in the handler of a call of this tracee: has its thread copy to or from its memory, which is much cheaper
 * than the host's copying from outside. False when it does not, for whatever reason: then it is to be copied in the usual
 * way. `local` must be memory that cannot fault.
 */
bool fast_copy(struct tracee *, bool write, void *local, uint64_t remote, uint64_t n);
bool claim_try(struct fast_record *);
void claim_take(struct fast_record *);
void claim_drop(struct fast_record *);

#endif
