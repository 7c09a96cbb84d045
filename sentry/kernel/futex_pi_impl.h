/* Between futex_pi.c and futex_pi_requeue.c: who waits for PI locks. */
#ifndef SENTRY_KERNEL_FUTEX_PI_IMPL_H
#define SENTRY_KERNEL_FUTEX_PI_IMPL_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/lock.h"
#include "sentry/kernel/futex_pi.h"
#include "sentry/mm/usermem.h"

/* A call under way; its task's blk.data. Protected by the PI lock, `granted` is atomic as well. */
struct pi_waiter {
	struct list link;      /* among the waiters; empty when on no list */
	struct mem_key key;    /* of the lock; of the first word while parked */
	uaddr_t addr;          /* of the lock, in the waiter's memory */
	struct task *t;
	struct task *owner;    /* referenced; who holds the lock; NULL while parked */
	bool parked;           /* waits to be requeued to target */
	struct mem_key target;
	atomic_bool granted;   /* the lock is the waiter's */
};

#define PI_TRIES 64 /* of a compare-and-exchange that other threads keep failing */

extern struct lock futex_pi_lock; /* RANK_FUTEX_PI */

/* All need futex_pi_lock. */
struct pi_waiter *pi_top(const struct mem_key *, bool parked);
void pi_enqueue(struct pi_waiter *, struct task *owner);
void pi_enqueue_parked(struct pi_waiter *);
void pi_dequeue(struct pi_waiter *);
/* The lock is w's from here on, and those who still wait for it wait for w. */
void pi_grant(struct pi_waiter *w);
bool pi_would_deadlock(const struct task *t, const struct task *owner);
bool pi_key_equal(const struct mem_key *, const struct mem_key *);
int pi_read(struct task *, uaddr_t, uint32_t *word);

/* The rest of a call that has been queued. `interrupted`: what a signal makes of it. */
int64_t pi_await(struct task *, int64_t interrupted);
/* Makes a waiter that the call owns; NULL when memory is out. */
struct pi_waiter *pi_waiter_new(struct task *);

#endif
