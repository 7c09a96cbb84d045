/* Locks: exclusion under contention, and that every misuse aborts and says so. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>

#include "base/lock.h"

static struct lock outer = LOCK_INIT(RANK_KERNEL, "outer");
static struct lock inner = LOCK_INIT(RANK_MM, "inner");
static struct lock twin_a = LOCK_INIT(RANK_SOCKET, "twin_a");
static struct lock twin_b = LOCK_INIT(RANK_SOCKET, "twin_b");
static long counter;

#define ROUNDS 100000

static void *count_up(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		LOCK_GUARD(&inner);
		lock_assert_held(&inner);
		counter++;
	}
	return NULL;
}

Test(lock, excludes)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, count_up, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(counter, 4L * ROUNDS);
}

Test(lock, rising_ranks_pairs_and_tries_are_allowed)
{
	lock_take(&outer);
	lock_take(&inner);
	lock_two(&twin_b, &twin_a);
	cr_assert_not(lock_try(&inner));
	unlock_two(&twin_a, &twin_b);
	lock_two(&twin_a, &twin_a);
	unlock_two(&twin_a, &twin_a);
	lock_drop(&outer); /* out of order on purpose: only taking is ordered */
	cr_assert(lock_try(&outer));
	lock_drop(&inner);
	lock_drop(&outer);
}

Test(lock, falling_rank_aborts, .signal = SIGABRT)
{
	lock_take(&inner);
	lock_take(&outer);
}

Test(lock, equal_rank_aborts, .signal = SIGABRT)
{
	lock_take(&twin_a);
	lock_take(&twin_b);
}

Test(lock, taking_twice_aborts, .signal = SIGABRT)
{
	lock_take(&inner);
	lock_take(&inner);
}

Test(lock, dropping_what_is_not_held_aborts, .signal = SIGABRT)
{
	lock_drop(&inner);
}

Test(lock, assert_held_aborts, .signal = SIGABRT)
{
	lock_assert_held(&inner);
}
