/* The pid table: numbers are given out in order, not again at once, and are free when nothing bears them. */
#include <criterion/criterion.h>

#include "kernel_fixture.h"
#include "sentry/kernel/pid.h"

static struct kernel_fixture f;

static void setup(void)
{
	fixture_setup(&f);
}

TestSuite(kernel_pid, .init = setup);

static int take(int nr)
{
	static struct task mark;

	if (nr > 0)
		pid_entry(&f.k, nr)->task = &mark;
	return nr;
}

Test(kernel_pid, init_is_one)
{
	cr_assert_eq(f.init->tid, 1);
	cr_assert_eq(task_pid(f.init), 1);
}

Test(kernel_pid, numbers_are_not_used_again_at_once)
{
	lock_take(&f.k.lock);
	cr_assert_eq(take(pid_alloc(&f.k)), 2);
	pid_entry(&f.k, 2)->task = NULL;
	pid_release(&f.k, 2);
	cr_assert_eq(take(pid_alloc(&f.k)), 3);
	lock_drop(&f.k.lock);
}

Test(kernel_pid, wraps_above_the_reserved_ones)
{
	int nr = 0;

	lock_take(&f.k.lock);
	for (int i = 2; i < PID_WRAP; i++) {
		nr = take(pid_alloc(&f.k));
		pid_entry(&f.k, nr)->task = NULL;
		pid_release(&f.k, nr);
	}
	cr_assert_eq(nr, PID_WRAP - 1);
	cr_assert_eq(take(pid_alloc(&f.k)), PID_FIRST_AGAIN);
	lock_drop(&f.k.lock);
}

Test(kernel_pid, goes_past_the_wrap_when_many_are_in_use)
{
	int nr = 0;

	lock_take(&f.k.lock);
	for (int i = 0; i < PID_WRAP + 10; i++)
		nr = take(pid_alloc(&f.k));
	cr_assert_gt(nr, PID_WRAP);
	lock_drop(&f.k.lock);
}

Test(kernel_pid, next_goes_in_order)
{
	struct task *a = fixture_fork(f.init), *b = fixture_fork(f.init);

	cr_assert_eq(process_next(&f.k, 0), 1);
	cr_assert_eq(process_next(&f.k, 1), task_pid(a));
	cr_assert_eq(process_next(&f.k, task_pid(a)), task_pid(b));
	cr_assert_eq(process_next(&f.k, task_pid(b)), 0);
}

Test(kernel_pid, foreign_numbers_find_nothing)
{
	lock_take(&f.k.lock);
	cr_assert_null(pid_entry(&f.k, -1));
	cr_assert_null(pid_entry(&f.k, 0));
	cr_assert_null(pid_entry(&f.k, PID_MAX));
	cr_assert_null(pid_entry(&f.k, 100000));
	lock_drop(&f.k.lock);
}

Test(kernel_pid, counts_by_user)
{
	lock_take(&f.k.lock);
	cr_assert_eq(pid_uid_count(&f.k, 0, 0), 1);
	cr_assert_eq(pid_uid_count(&f.k, 16, 2), 2);
	cr_assert_eq(pid_uid_count(&f.k, 0, 0), 1);
	cr_assert_eq(pid_uid_count(&f.k, 16, -1), 1);
	lock_drop(&f.k.lock);
}
