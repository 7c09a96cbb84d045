/* Between kernel/futex*.c and syscalls/sys_futex.c. */
#ifndef SENTRY_KERNEL_FUTEX_IMPL_H
#define SENTRY_KERNEL_FUTEX_IMPL_H

#include <stdatomic.h>

#include "base/list.h"
#include "sentry/kernel/futex.h"
#include "sentry/mm/mm.h"

struct futex_bucket;

struct futex_waiter {
	/* protected by the bucket's lock while queued */
	struct list link;
	struct mem_key key;
	struct futex_bucket *_Atomic bucket; /* NULL: not queued, or chosen to be woken */
	/* immutable while queued */
	struct task *t;
	uint32_t bits;
};

struct futex_requeue {
	uaddr_t from, to;
	bool private, compare;
	int wake, move;
	uint32_t expected;
};

/* -EINVAL (alignment), -EFAULT. */
int futex_key(struct task *, uaddr_t, bool private, struct mem_key *);
/* Queues a waiter unless the word differs (-EAGAIN) or cannot be read. The waiter stays put until it is woken or dequeued. */
int futex_enqueue(struct futex_waiter *, struct task *, uaddr_t, bool private, uint32_t expected, uint32_t bits);
/* True when it was still queued, false when it had been chosen. */
bool futex_dequeue(struct futex_waiter *);
/* A whole wait, as a handler does it. 0 when woken, -EAGAIN, -EFAULT, -ETIMEDOUT, -ERESTARTSYS, SYS_BLOCKED. */
int64_t futex_wait(struct task *, uaddr_t, bool private, uint32_t expected, uint32_t bits, int64_t deadline);
int futex_wake_key(const struct mem_key *, int n, uint32_t bits);
/* Woken and moved together. */
int64_t futex_requeue(struct task *, const struct futex_requeue *);
/* FUTEX_WAKE_OP's change of the second word: 1 where its old value compares, 0 where not. At a control stop. -ENOSYS, -EFAULT. */
int futex_op(struct task *, uaddr_t, uint32_t op);

#endif
