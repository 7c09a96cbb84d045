/*
 * Wait queues: where something that may become ready tells those who wait for it.
 *
 * A waiter is on one queue. Waking calls its function, under the queue's lock, on the waker's thread: it must be short, must not
 * take a lock of lower rank than RANK_WAITQ, and must not touch the queue. Task waiters make the task ready (sched.h);
 * epoll and signal-driven waiters have functions of their own.
 */
#ifndef SENTRY_KERNEL_WAITQ_H
#define SENTRY_KERNEL_WAITQ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"

struct waitq {
	struct lock lock;
	struct list waiters; /* protected by lock; in order of arrival */
};

struct waiter {
	struct list link;    /* protected by q->lock */
	struct waitq *q;     /* owned by who adds and removes; NULL when on none */
	uint32_t events;     /* POLL* bits of interest; 0xffffffff for any */
	uint32_t index;      /* the owner's own: which of its waiters this is */
	bool exclusive;      /* a wake of one stops here, when its function says that it took the event */
	/* Returns true when it used the wake-up (counts against an exclusive wake's limit). */
	bool (*wake)(struct waiter *, uint32_t events);
};

void waitq_init(struct waitq *);
/* The waiter's owner must keep it (and the queue's object) alive until waitq_remove(). Adding a waiter that is on a queue is a bug. */
void waitq_add(struct waitq *, struct waiter *);
void waitq_remove(struct waiter *);              /* harmless when on none */
/* Wakes all non-exclusive waiters interested in `events` and up to `limit` exclusive ones. Number of those that used it. */
int waitq_wake_some(struct waitq *, uint32_t events, int limit);
void waitq_wake(struct waitq *, uint32_t events); /* everybody */
bool waitq_active(const struct waitq *);          /* a hint, without the lock */

#endif
