/* Wait queues: see waitq.h. */
#include "sentry/kernel/waitq.h"

#include <limits.h>
#include <stddef.h>

#include "base/log.h"

void waitq_init(struct waitq *q)
{
	lock_init(&q->lock, RANK_WAITQ, "waitq");
	list_init(&q->waiters);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	assert_that(w->q == NULL);
	LOCK_GUARD(&q->lock);
	w->q = q;
	/* Exclusive waiters stand behind the others, so that one pass serves both. */
	if (w->exclusive)
		list_push_back(&q->waiters, &w->link);
	else
		list_push_front(&q->waiters, &w->link);
}

void waitq_remove(struct waiter *w)
{
	struct waitq *q = w->q;

	if (!q)
		return;
	lock_take(&q->lock);
	list_remove(&w->link);
	w->q = NULL;
	lock_drop(&q->lock);
}

int waitq_wake_some(struct waitq *q, uint32_t events, int limit)
{
	struct waiter *w, *next;
	int used = 0;

	if (!waitq_active(q))
		return 0;
	LOCK_GUARD(&q->lock);
	list_for_each_safe(w, next, &q->waiters, link) {
		if (!(w->events & events))
			continue;
		if (w->exclusive && limit <= 0)
			break;
		if (!w->wake(w, events))
			continue;
		used++;
		if (w->exclusive)
			limit--;
	}
	return used;
}

void waitq_wake(struct waitq *q, uint32_t events)
{
	waitq_wake_some(q, events, INT_MAX);
}

bool waitq_active(const struct waitq *q)
{
	/* Orders the caller's change of the condition before the look; pairs with the lock that waitq_add() takes. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&q->waiters.next, __ATOMIC_RELAXED) != &q->waiters;
}
