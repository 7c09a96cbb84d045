/*
 * Locks: a three-state futex word (0 free, 1 held, 2 held and somebody waits), as in Drepper's "Futexes are tricky".
 * A waiter spins for a moment first: critical sections are short, and a wake that crosses CPUs costs far more than one.
 *
 * Debug builds keep a thread's held locks in a small stack of its own and check every take against it.
 */
#include "base/lock.h"

#include <stddef.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"

enum { FREE = 0, HELD = 1, CONTENDED = 2 };

#define SPINS 100

#ifdef PICKET_DEBUG

#define HELD_MAX 16

/* The calling thread's locks, in the order they were taken; nobody else sees them. */
static _Thread_local struct {
	struct lock *lock[HELD_MAX];
	unsigned int count;
} held;

/* `pair` allows one equal rank: the second half of lock_two(). */
static void check_order(const struct lock *l, bool pair)
{
	for (unsigned int i = 0; i < held.count; i++) {
		const struct lock *h = held.lock[i];

		if (h == l)
			panic("lock %s is taken twice by one thread", l->name);
		if (h->rank > l->rank || (h->rank == l->rank && !pair))
			panic("lock order: %s (rank %u) is taken while %s (rank %u) is held", l->name, l->rank, h->name,
			      h->rank);
	}
}

static void note_taken(struct lock *l)
{
	if (held.count == HELD_MAX)
		panic("lock %s: a thread holds more than %d locks", l->name, HELD_MAX);
	held.lock[held.count++] = l;
	__atomic_store_n(&l->owner, gettid(), __ATOMIC_RELAXED);
}

static void note_dropped(struct lock *l)
{
	unsigned int i;

	lock_assert_held(l);
	for (i = held.count; i > 0 && held.lock[i - 1] != l; i--)
		;
	if (i == 0)
		panic("lock %s is dropped by a thread that did not take it", l->name);
	for (; i < held.count; i++)
		held.lock[i - 1] = held.lock[i];
	held.count--;
	__atomic_store_n(&l->owner, 0, __ATOMIC_RELAXED);
}

void lock_assert_held(const struct lock *l)
{
	if (__atomic_load_n(&l->owner, __ATOMIC_RELAXED) != gettid())
		panic("lock %s is not held here", l->name);
}

#else

static inline void check_order(const struct lock *l, bool pair)
{
	(void)l;
	(void)pair;
}

static inline void note_taken(struct lock *l)
{
	(void)l;
}

static inline void note_dropped(struct lock *l)
{
	(void)l;
}

#endif

void lock_init(struct lock *l, enum lock_rank rank, const char *name)
{
	*l = (struct lock)LOCK_INIT((uint16_t)rank, name);
}

static bool take_if_free(struct lock *l)
{
	uint32_t expected = FREE;

	return __atomic_compare_exchange_n(&l->word, &expected, HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static bool spin(struct lock *l)
{
	for (int i = 0; i < SPINS; i++) {
		uint32_t now = __atomic_load_n(&l->word, __ATOMIC_RELAXED);

		if (now == FREE && take_if_free(l))
			return true;
		if (now == CONTENDED)
			return false;
		__builtin_ia32_pause();
	}
	return false;
}

static void take_contended(struct lock *l)
{
	if (spin(l))
		return;
	/* Whoever sleeps takes it as CONTENDED: one wake too many when it was the last, but none is lost. */
	while (__atomic_exchange_n(&l->word, CONTENDED, __ATOMIC_ACQUIRE) != FREE)
		host_wait_word(&l->word, CONTENDED, -1);
}

static void take(struct lock *l, bool pair)
{
	check_order(l, pair);
	if (__builtin_expect(!take_if_free(l), 0))
		take_contended(l);
	note_taken(l);
}

void lock_take(struct lock *l)
{
	take(l, false);
}

bool lock_try(struct lock *l)
{
	/* No order check: what does not wait cannot deadlock. */
	if (!take_if_free(l))
		return false;
	note_taken(l);
	return true;
}

void lock_drop(struct lock *l)
{
	note_dropped(l);
	if (__builtin_expect(__atomic_exchange_n(&l->word, FREE, __ATOMIC_RELEASE) == CONTENDED, 0))
		host_wake_word(&l->word, 1);
}

void lock_two(struct lock *a, struct lock *b)
{
	struct lock *first = (uintptr_t)a < (uintptr_t)b ? a : b;

	take(first, false);
	if (a != b)
		take(first == a ? b : a, true);
}

void unlock_two(struct lock *a, struct lock *b)
{
	lock_drop(a);
	if (a != b)
		lock_drop(b);
}
