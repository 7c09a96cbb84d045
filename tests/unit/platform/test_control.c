/* What a stop handler and others can do with a tracee: hold, rerun, exchange, copy; and workers that are stuck. */
#include "tiny.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

GUEST static void guest_hold(uint64_t arg)
{
	(void)arg;
	guest_report(0, guest_call(CALL_HOLD, 0, 0, 0, 0, 0, 0));
	guest_exit();
}

TINY_TEST(hold_and_rerun, 1)
{
	tiny_run(guest_hold, 0);
	struct task *k = tiny_await_waiting();

	usleep(1000); /* it is held now, or will be: either is right */
	for (int i = 1; i <= 20; i++) {
		platform_rerun_held(k->tracee);
		pthread_mutex_lock(&tiny.lock);
		while (tiny.kicks < i)
			pthread_cond_wait(&tiny.change, &tiny.lock);
		pthread_mutex_unlock(&tiny.lock);
	}
	platform_release(k->tracee, RESUME_RUN);
	cr_assert_eq(tiny_await_report(0), 33);
	tiny_await_gone(1);
}

TINY_TEST(killed_while_held, 1)
{
	tiny_run(guest_hold, 0);
	struct task *k = tiny_await_waiting();

	platform_kill(k->tracee);
	tiny_await_gone(1);
}

GUEST static void guest_exchange(uint64_t arg)
{
	volatile uint32_t *word = (volatile uint32_t *)(uint64_t)GUEST_DATA;

	(void)arg;
	*word = 5;
	guest_report(0, guest_call(CALL_CMPXCHG, GUEST_DATA, 5, 6, 0, 0, 0));
	guest_report(1, *word);
	guest_report(2, guest_call(CALL_CMPXCHG, GUEST_DATA, 5, 7, 0, 0, 0));
	guest_report(3, *word);
	guest_report(4, guest_call(CALL_CMPXCHG, 0x1000, 5, 7, 0, 0, 0));
	guest_report(5, guest_call(CALL_CMPXCHG, GUEST_CODE - 4096, 5, 7, 0, 0, 0));
	guest_exit();
}

TINY_TEST(compare_and_exchange, 1)
{
	tiny_run(guest_exchange, 0);
	tiny_await_gone(1);
	cr_assert_eq(tiny.report[0], 105, "exchanged, seen 5");
	cr_assert_eq(tiny.report[1], 6);
	cr_assert_eq(tiny.report[2], 6, "not exchanged, seen 6");
	cr_assert_eq(tiny.report[3], 6);
	cr_assert_eq(tiny.report[4], -EFAULT);
	cr_assert_eq(tiny.report[5], -EFAULT);
}

GUEST static void guest_memory(uint64_t arg)
{
	volatile char *p = (volatile char *)(uint64_t)GUEST_DATA;

	(void)arg;
	for (int i = 0; i < 0x10000; i++)
		p[i] = (char)i;
	guest_call(SYS_mprotect, GUEST_DATA + 0x2000, 0x1000, PROT_READ, 0, 0, 0);
	guest_call(CALL_WAIT, 0, 0, 0, 0, 0, 0);
	guest_report(0, p[0x1fff]);
	guest_exit();
}

TINY_TEST(memory, 1)
{
	static char buf[0x20000];

	tiny_run(guest_memory, 0);
	struct task *k = tiny_await_waiting();
	struct tracee *t = k->tracee;

	cr_assert_eq(tracee_read(t, buf, (uaddr_t){ GUEST_DATA + 3 }, 100), 100);
	cr_assert_eq(buf[99], 102);
	cr_assert_eq(tracee_read(t, buf, (uaddr_t){ GUEST_DATA + 0xfff0 }, 100), 16, "as far as it goes");
	cr_assert_eq(tracee_read(t, buf, (uaddr_t){ 0x1000 }, 100), -EFAULT);
	cr_assert_eq(tracee_read(t, buf, (uaddr_t){ UINT64_MAX - 3 }, 100), -EFAULT);
	buf[0x1fff] = 77;
	cr_assert_eq(tracee_write(t, (uaddr_t){ GUEST_DATA }, buf, 0x4000), 0x2000, "up to the page that cannot be written");
	cr_assert_eq(tracee_write(t, (uaddr_t){ GUEST_DATA + 0x2000 }, buf, 1), -EFAULT);
	struct iovec local[2] = { { buf, 4 }, { buf + 8, 4 } };
	struct guest_iov guest[2] = { { { GUEST_DATA + 1 }, 2 }, { { GUEST_DATA + 0x8001 }, 6 } };

	cr_assert_eq(tracee_readv(t, local, 2, guest, 2), 8);
	cr_assert_eq(tracee_readv(t, local, 65, guest, 2), -EINVAL);
	cr_assert_gt(tracee_cpu_ns(t, true), 0);
	platform_answer(t, 0);
	cr_assert_eq(tiny_await_report(0), 77);
	tiny_await_gone(1);
}

/* A handler that waits for what only another call of the same lane can bring. */
GUEST static void guest_stuck(uint64_t arg)
{
	(void)arg;
	if (guest_call(SYS_clone, 17, 0, 0, 0, 0, 0) == 0) {
		guest_call(CALL_UNSTICK, 0, 0, 0, 0, 0, 0);
		guest_exit();
	}
	guest_report(0, guest_call(CALL_STUCK, 0, 0, 0, 0, 0, 0));
	guest_exit();
}

TINY_TEST(stuck_worker, 1)
{
	for (int i = 1; i <= 5; i++) {
		tiny_run(guest_stuck, 0);
		cr_assert_eq(tiny_await_report(0), 1);
		tiny_await_gone(2 * i);
	}
}

/* Answers are given from stop handlers too, on a tracer thread. */
GUEST static void guest_answered_by_stop(uint64_t arg)
{
	(void)arg;
	if (guest_call(SYS_clone, 17, 0, 0, 0, 0, 0) == 0) {
		while (!guest_call(CALL_ANSWER_OTHER, 0, 0, 0, 0, 0, 0))
			;
		guest_exit();
	}
	guest_report(0, guest_call(CALL_WAIT, 0, 0, 0, 0, 0, 0));
	guest_exit();
}

TINY_TEST(answer_on_tracer, 1)
{
	tiny_run(guest_answered_by_stop, 0);
	cr_assert_eq(tiny_await_report(0), 55);
	tiny_await_gone(2);
}

/* Two that compute and one that calls on two lanes: everybody gets on, wherever they are run. */
GUEST static void guest_compute(uint64_t rounds)
{
	volatile uint64_t x = 0;

	if (guest_call(SYS_clone, 17, 0, 0, 0, 0, 0) == 0) {
		for (uint64_t i = 0; i < rounds; i++)
			x++;
		guest_report(1, 1);
		guest_exit();
	}
	for (uint64_t i = 0; i < rounds; i++)
		x++;
	for (int i = 0; i < 1000; i++)
		guest_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
	guest_report(0, 1);
	guest_exit();
}

TINY_TEST(balance, 2)
{
	tiny_run(guest_compute, 100000000);
	tiny_await_report(0);
	tiny_await_report(1);
	tiny_await_gone(2);
}
