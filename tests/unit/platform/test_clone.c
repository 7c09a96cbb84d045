/* Clones: processes, threads, vfork; and how they end. */
#include "tiny.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

GUEST static void guest_fork(uint64_t arg)
{
	volatile int64_t *shared = (volatile int64_t *)(uint64_t)GUEST_DATA;

	*shared = 1;
	for (uint64_t i = 0; i < arg; i++) {
		int64_t r = guest_call(SYS_clone, 17, 0, 0, 0, 0, 0);

		if (r == 0) {
			*shared = 2;
			guest_report(1, *shared);
			guest_exit();
		}
		guest_report(2, r);
	}
	guest_call(CALL_WAIT, 0, 0, 0, 0, 0, 0);
	guest_report(3, *shared);
	guest_exit();
}

TINY_TEST(fork, 1)
{
	enum { CHILDREN = 30 };

	tiny_run(guest_fork, CHILDREN);
	struct task *parent = tiny_await_waiting();

	tiny_await_gone(CHILDREN);
	cr_assert_eq(tiny_await_report(1), 2);
	cr_assert_eq(tiny_await_report(2), 5000);
	platform_answer(parent->tracee, 0);
	cr_assert_eq(tiny_await_report(3), 1, "the child's write stays its own");
	tiny_await_gone(CHILDREN + 1);
}

/* The child runs in the parent's memory while the parent is held; its report releases the parent. */
GUEST static void guest_vfork(uint64_t arg)
{
	volatile int64_t *shared = (volatile int64_t *)(uint64_t)GUEST_DATA;

	(void)arg;
	int64_t r = guest_call(SYS_clone, CLONE_VM | CLONE_VFORK | 17, GUEST_STACK + 0x4000, 0, 0, 0, 0);

	if (r == 0) {
		for (int i = 0; i < 100; i++)
			guest_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
		*shared = 9;
		guest_report(1, 1);
		guest_exit();
	}
	guest_report(2, *shared);
	guest_exit();
}

TINY_TEST(vfork, 1)
{
	tiny_run(guest_vfork, 0);
	cr_assert_eq(tiny_await_report(1), 1);
	cr_assert_eq(tiny_await_report(2), 9, "the parent went on after the child's write");
	tiny_await_gone(2);
}

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS)

GUEST static void guest_threads(uint64_t arg)
{
	volatile int64_t *shared = (volatile int64_t *)(uint64_t)GUEST_DATA;

	for (uint64_t i = 0; i < 4; i++) {
		int64_t r = guest_call(SYS_clone, THREAD_FLAGS, GUEST_STACK + 0x4000 + i * 0x2000, 0, 0, GUEST_DATA + 0x100 + i * 8, 0);

		if (r == 0) {
			uint64_t tls;

			__asm__ volatile("mov %%fs:0, %0" : "=r"(tls));
			__atomic_fetch_add(shared, (int64_t)tls, __ATOMIC_SEQ_CST);
			for (int k = 0; k < 200; k++)
				guest_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
			__atomic_fetch_add(shared + 1, 1, __ATOMIC_SEQ_CST);
			guest_call(SYS_exit, 0, 0, 0, 0, 0, 0);
		}
	}
	if (arg)
		guest_call(SYS_exit, 0, 0, 0, 0, 0, 0); /* the leader first */
	while (__atomic_load_n(shared + 1, __ATOMIC_SEQ_CST) != 4)
		guest_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
	guest_report(0, *shared);
	guest_exit();
}

TINY_TEST(threads, 1)
{
	tiny_run(guest_threads, 0);
	cr_assert_eq(tiny_await_report(0), 0, "every thread has read its own (zero) word");
	tiny_await_gone(5);
}

TINY_TEST(leader_exits_first, 1)
{
	tiny_run(guest_threads, 1);
	tiny_await_gone(5);
	cr_assert(WIFEXITED(tiny.last_status));
}

GUEST static void guest_spin(uint64_t arg)
{
	for (uint64_t i = 0; i < arg; i++)
		if (guest_call(SYS_clone, THREAD_FLAGS, GUEST_STACK + 0x4000 + i * 0x2000, 0, 0, GUEST_DATA + 0x100, 0) == 0)
			break;
	guest_report(0, 1);
	for (;;)
		;
}

TINY_TEST(kill, 1)
{
	tiny_run(guest_spin, 0);
	tiny_await_report(0);
	pthread_mutex_lock(&tiny.lock);
	struct tracee *t = tiny.first->tracee;

	pthread_mutex_unlock(&tiny.lock);
	platform_kill(t);
	tiny_await_gone(1);
	cr_assert(WIFSIGNALED(tiny.last_status) && WTERMSIG(tiny.last_status) == 9);
}

/* The whole process dies, whichever thread is named; destroy kills what is left. */
TINY_TEST(destroy_kills, 2)
{
	for (int i = 0; i < 3; i++) {
		tiny_run(guest_spin, 3);
		tiny_await_report(0);
	}
}

/* Threads that clone threads and processes without end, killed at any moment. Nothing is left behind. */
GUEST static void guest_breed(uint64_t arg)
{
	uint64_t stack = GUEST_STACK + 0x4000;

	(void)arg;
	guest_report(0, 1);
	for (int i = 0; i < 3; i++)
		if (guest_call(SYS_clone, THREAD_FLAGS, stack + (uint64_t)i * 0x2000, 0, 0, GUEST_DATA + 0x100, 0) == 0)
			break;
	for (;;)
		if (guest_call(SYS_clone, 17, 0, 0, 0, 0, 0) == 0)
			guest_exit();
}

TINY_TEST(killed_while_cloning, 2)
{
	unsigned seed = 3;

	for (int i = 0; i < 60; i++) {
		tiny_run(guest_breed, 0);
		tiny_await_report(0);
		usleep((useconds_t)(rand_r(&seed) % 3000));
		pthread_mutex_lock(&tiny.lock);
		struct tracee *t = tracee_get(tiny.first->tracee);

		pthread_mutex_unlock(&tiny.lock);
		platform_kill(t);
		tracee_put(t);
		pthread_mutex_lock(&tiny.lock);
		while (tiny.live > 0)
			pthread_cond_wait(&tiny.change, &tiny.lock);
		pthread_mutex_unlock(&tiny.lock);
	}
}
