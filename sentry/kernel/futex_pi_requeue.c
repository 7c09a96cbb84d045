/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: from a plain word to a PI lock. Linux: kernel/futex/requeue.c. */
#include <errno.h>

#include "abi/futex.h"
#include "sentry/kernel/futex_impl.h"
#include "sentry/kernel/futex_pi_impl.h"
#include "sentry/kernel/task.h"

static int64_t park(struct task *t, const struct futex_pi_wait *c)
{
	struct mem_key from, to;
	struct pi_waiter *w;
	uint32_t word;
	int err = futex_key(t, c->from, c->private, &from);

	if (!err)
		err = futex_key(t, c->to, c->private, &to);
	if (err)
		return err;
	if (pi_key_equal(&from, &to))
		return -EINVAL;
	LOCK_GUARD(&futex_pi_lock);
	if (pi_read(t, c->from, &word) < 0)
		return -EFAULT;
	if (word != c->expected)
		return -EAGAIN;
	w = pi_waiter_new(t);
	if (!w)
		return -ENOMEM;
	w->key = from;
	w->target = to;
	w->addr = c->to;
	w->parked = true;
	pi_enqueue_parked(w);
	return 0;
}

/* One that waits for the lock already is not sent back to the first word: that has changed. */
static int64_t when_interrupted(struct task *t)
{
	const struct pi_waiter *w = t->blk.data;

	LOCK_GUARD(&futex_pi_lock);
	return w->parked ? -ERESTARTNOINTR : -EAGAIN;
}

int64_t futex_wait_requeue_pi(struct task *t, const struct futex_pi_wait *c)
{
	int64_t ret;

	if (!t->blk.data) {
		ret = park(t, c);
		if (ret)
			return ret;
		task_set_deadline(t, c->deadline);
	}
	return pi_await(t, when_interrupted(t));
}

struct requeue {
	struct mem_key from, to;
	struct task *owner; /* of the lock; referenced */
	int done;
};

static void become_owner(struct requeue *q, struct task *t)
{
	task_put(q->owner);
	q->owner = task_get(t);
}

/* A lock that is free goes to the first; one that is held gets its WAITERS bit. SYS_AGAIN: its holder is not q->owner. */
static int64_t claim(struct task *t, const struct futex_pi_requeue *c, struct requeue *q)
{
	struct pi_waiter *top = pi_top(&q->from, true);
	uint32_t word, new, tid = (uint32_t)top->t->tid;
	int done = pi_read(t, c->to, &word);

	for (int i = 0; !done && i < PI_TRIES; i++) {
		uint32_t held = word & LX_FUTEX_TID_MASK;

		if (held == tid)
			return -EDEADLK;
		if (held && (!q->owner || (uint32_t)q->owner->tid != held || q->owner->futex_released))
			return q->owner && (uint32_t)q->owner->tid != held ? SYS_AGAIN : -ESRCH;
		if (!held && pi_top(&q->to, false))
			return -EINVAL;
		new = held ? word | LX_FUTEX_WAITERS : tid | LX_FUTEX_WAITERS | (word & LX_FUTEX_OWNER_DIED);
		done = stop_cmpxchg32(t->tracee, c->to, word, new, &word);
		if (done > 0 && !held) {
			become_owner(q, top->t);
			top->parked = false;
			pi_grant(top);
			q->done++;
		}
	}
	return done < 0 ? done : done == 0 ? SYS_AGAIN : 0;
}

static int64_t move(const struct futex_pi_requeue *c, struct requeue *q)
{
	struct pi_waiter *w;

	while (q->done - c->wake < c->move && (w = pi_top(&q->from, true))) {
		if (!pi_key_equal(&w->target, &q->to))
			return -EINVAL;
		if (pi_would_deadlock(w->t, q->owner))
			return -EDEADLK;
		pi_dequeue(w);
		w->key = q->to;
		pi_enqueue(w, q->owner);
		q->done++;
	}
	return q->done;
}

static int64_t requeue(struct task *t, const struct futex_pi_requeue *c, struct requeue *q)
{
	struct pi_waiter *top;
	uint32_t word;
	int64_t ret;

	LOCK_GUARD(&futex_pi_lock);
	if (pi_read(t, c->from, &word) < 0)
		return -EFAULT;
	if (word != c->expected)
		return -EAGAIN;
	top = pi_top(&q->from, true);
	if (!top)
		return 0;
	if (!pi_key_equal(&top->target, &q->to))
		return -EINVAL;
	ret = claim(t, c, q);
	return ret ? ret : move(c, q);
}

int64_t futex_requeue_pi(struct task *t, const struct futex_pi_requeue *c)
{
	struct requeue q = { .owner = NULL };
	int64_t ret;

	/* More than one cannot have the lock. */
	if (c->from.v == c->to.v || c->wake != 1 || c->move < 0)
		return -EINVAL;
	ret = futex_key(t, c->from, c->private, &q.from);
	if (!ret)
		ret = futex_key(t, c->to, c->private, &q.to);
	if (!ret && pi_key_equal(&q.from, &q.to))
		ret = -EINVAL;
	for (int i = 0; !ret && i < PI_TRIES; i++) {
		uint32_t word;

		if (pi_read(t, c->to, &word) < 0)
			return -EFAULT;
		q.done = 0;
		q.owner = word & LX_FUTEX_TID_MASK ? task_find(t->k, (int)(word & LX_FUTEX_TID_MASK)) : NULL;
		ret = requeue(t, c, &q);
		task_put(q.owner);
		if (ret != SYS_AGAIN)
			return ret;
		ret = 0;
	}
	return ret ? ret : -EAGAIN;
}
