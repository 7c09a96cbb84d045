/*
 * Priority-inheriting futexes: FUTEX_LOCK_PI and its kin, see futex(2) and Linux' Documentation/locking/rt-mutex.
 *
 * The word says who holds the lock (its tid), whether somebody waits in the kernel (WAITERS), and whether a holder died (OWNER_DIED). Guest code
 * takes and frees a lock that nobody waits for; all else comes here. The sentry's changes to a word are compare-and-exchanges at a control stop of
 * the caller, made under one lock: PI locks that are fought over are rare. No priority is lent: the host schedules all guests alike; waiters get
 * the lock by real-time priority, then in order of arrival.
 */
#ifndef SENTRY_KERNEL_FUTEX_PI_H
#define SENTRY_KERNEL_FUTEX_PI_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/platform.h"
#include "sentry/mm/mm.h"

struct task;

/* FUTEX_LOCK_PI, LOCK_PI2 and TRYLOCK_PI, as handlers: 0, SYS_AT_STOP, SYS_BLOCKED, -EDEADLK, -ESRCH, -EAGAIN, -EINVAL, -ETIMEDOUT… `deadline` is monotonic. */
int64_t futex_lock_pi(struct task *, uaddr_t, bool private, bool try_only, int64_t deadline);
/* FUTEX_UNLOCK_PI: -EPERM where the caller does not hold it. */
int64_t futex_unlock_pi(struct task *, uaddr_t, bool private);

struct futex_pi_wait {
	uaddr_t from, to;
	bool private;
	uint32_t expected;
	int64_t deadline;
};
/* FUTEX_WAIT_REQUEUE_PI: 0 with the lock at `to` taken. */
int64_t futex_wait_requeue_pi(struct task *, const struct futex_pi_wait *);

struct futex_pi_requeue {
	uaddr_t from, to;
	bool private;
	int wake, move;
	uint32_t expected;
};
/* FUTEX_CMP_REQUEUE_PI, at a control stop: how many got the lock or wait for it now. */
int64_t futex_requeue_pi(struct task *, const struct futex_pi_requeue *);

/* Does somebody wait for the PI lock there? Plain wake-ups are refused then. Locks below RANK_FUTEX_PI. */
bool futex_pi_waited(const struct mem_key *);
/* A robust PI lock of a dying task, by the address in its list: marked OWNER_DIED, and given to who waits. */
void futex_pi_owner_died(struct task *, uaddr_t);
/* What else it holds goes to those who wait for it; nobody waits for this task from here on. */
void futex_pi_release(struct task *);

#endif
