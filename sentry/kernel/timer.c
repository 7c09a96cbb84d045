/* The heap of kernel timers: see timer.h. Served by the reactor through timers_run(). */
#include "sentry/kernel/timer.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/kernel/timers.h"

/* One heap a sentry; it belongs to the reactor, and every timer of the kernel is in it. */
static struct {
	struct lock lock;
	/* protected by lock */
	struct ktimer **heap; /* a binary heap; slot i of the array holds timer->slot == i + 1 */
	uint32_t count, capacity;
	struct ktimer *running;
	/* immutable after timers_init() */
	void (*earlier)(void);
} timers = { .lock = LOCK_INIT(RANK_TIMER, "timers") };

void timers_init(void (*earlier)(void))
{
	timers.earlier = earlier;
}

static void heap_place(uint32_t i, struct ktimer *t)
{
	timers.heap[i] = t;
	t->slot = i + 1;
}

static void heap_up(uint32_t i, struct ktimer *t)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / 2;

		if (timers.heap[parent]->expires <= t->expires)
			break;
		heap_place(i, timers.heap[parent]);
		i = parent;
	}
	heap_place(i, t);
}

static void heap_down(uint32_t i, struct ktimer *t)
{
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= timers.count)
			break;
		if (child + 1 < timers.count && timers.heap[child + 1]->expires < timers.heap[child]->expires)
			child++;
		if (timers.heap[child]->expires >= t->expires)
			break;
		heap_place(i, timers.heap[child]);
		i = child;
	}
	heap_place(i, t);
}

static void heap_remove(struct ktimer *t)
{
	uint32_t i = t->slot - 1;
	struct ktimer *last = timers.heap[--timers.count];

	t->slot = 0;
	if (last == t)
		return;
	if (i > 0 && timers.heap[(i - 1) / 2]->expires > last->expires)
		heap_up(i, last);
	else
		heap_down(i, last);
}

static bool heap_reserve(void)
{
	uint32_t capacity = timers.capacity ? 2 * timers.capacity : 64;
	struct ktimer **heap;

	if (timers.count < timers.capacity)
		return true;
	heap = mem_realloc_array(timers.heap, capacity, sizeof(*heap));
	if (!heap)
		return false;
	timers.heap = heap;
	timers.capacity = capacity;
	return true;
}

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *))
{
	t->expires = KTIMER_NEVER;
	t->slot = 0;
	t->fn = fn;
}

int ktimer_arm(struct ktimer *t, int64_t expires)
{
	bool first;

	lock_take(&timers.lock);
	if (t->slot)
		heap_remove(t);
	if (!heap_reserve()) {
		lock_drop(&timers.lock);
		return -ENOMEM;
	}
	t->expires = expires;
	heap_up(timers.count++, t);
	first = t->slot == 1;
	lock_drop(&timers.lock);
	if (first && timers.earlier)
		timers.earlier();
	return 0;
}

bool ktimer_cancel(struct ktimer *t)
{
	/* Unlocked look first: most calls that set a deadline never armed. Only the owner arms, so a stale 0 cannot be seen. */
	if (!__atomic_load_n(&t->slot, __ATOMIC_ACQUIRE))
		return false;
	LOCK_GUARD(&timers.lock);
	if (!t->slot)
		return false;
	heap_remove(t);
	return true;
}

void ktimer_cancel_sync(struct ktimer *t)
{
	lock_take(&timers.lock);
	if (t->slot)
		heap_remove(t);
	while (timers.running == t) {
		lock_drop(&timers.lock);
		sched_yield();
		lock_take(&timers.lock);
	}
	lock_drop(&timers.lock);
}

int64_t timers_run(int64_t now)
{
	lock_take(&timers.lock);
	while (timers.count && timers.heap[0]->expires <= now) {
		struct ktimer *t = timers.heap[0];

		heap_remove(t);
		timers.running = t;
		lock_drop(&timers.lock);
		t->fn(t);
		lock_take(&timers.lock);
		timers.running = NULL;
	}
	now = timers.count ? timers.heap[0]->expires : KTIMER_NEVER;
	lock_drop(&timers.lock);
	return now;
}

int64_t timers_next(void)
{
	LOCK_GUARD(&timers.lock);
	return timers.count ? timers.heap[0]->expires : KTIMER_NEVER;
}
