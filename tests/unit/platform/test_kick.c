/* Kicks: in guest code, in a call, before a call was received; and signal frames. */
#include "tiny.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

GUEST static void guest_loop(uint64_t arg)
{
	(void)arg;
	guest_report(0, 1);
	for (;;)
		;
}

static struct tracee *first(void)
{
	pthread_mutex_lock(&tiny.lock);
	struct tracee *t = tiny.first->tracee;

	pthread_mutex_unlock(&tiny.lock);
	return t;
}

static void await_kicks(int n)
{
	pthread_mutex_lock(&tiny.lock);
	while (tiny.kicks < n)
		pthread_cond_wait(&tiny.change, &tiny.lock);
	pthread_mutex_unlock(&tiny.lock);
}

TINY_TEST(kick_in_loop, 1)
{
	tiny_run(guest_loop, 0);
	tiny_await_report(0);
	for (int i = 1; i <= 100; i++) {
		platform_kick(first());
		await_kicks(i);
	}
	cr_assert_leq(tiny.kicks_after, 1, "the first may have met the report");
}

GUEST static void guest_wait(uint64_t arg)
{
	(void)arg;
	guest_report(0, guest_call(CALL_WAIT, 0, 0, 0, 0, 0, 0));
	guest_exit();
}

TINY_TEST(kick_in_call, 1)
{
	tiny_run(guest_wait, 0);
	struct task *k = tiny_await_waiting();

	platform_kick(k->tracee);
	usleep(20000);
	cr_assert_eq(tiny.kicks, 0, "the call is not disturbed");
	platform_answer(k->tracee, 12);
	cr_assert_eq(tiny_await_report(0), 12);
	cr_assert_eq(tiny.kicks, 1);
	cr_assert_eq(tiny.kicks_after, 1);
	tiny_await_gone(1);
}

/*
 * Every call is made exactly once, however kicks fall: before it is received, during it, after it, in stops and
 * injected calls.
 */
GUEST static void guest_count(uint64_t arg)
{
	int64_t bad = 0;

	for (uint64_t i = 1; i <= arg; i++) {
		bad += guest_call(CALL_NOTE, 0, 0, 0, 0, 0, 0) != (int64_t)i;
		bad += guest_call(SYS_mmap, 0x40000000, 4096, 3, 0x32, UINT64_MAX, 0) != 0x40000000;
		bad += guest_call(SYS_mprotect, 0x40000000, 4096, 1, 0, 0, 0) != 0;
		if (i % 16 == 0) {
			int64_t r = guest_call(SYS_clone, 17, 0, 0, 0, 0, 0);

			if (r == 0)
				guest_exit();
			bad += r != 5000;
		}
	}
	guest_report(0, bad);
	guest_call(CALL_WAIT, 0, 0, 0, 0, 0, 0);
	guest_exit();
}

TINY_TEST(kick_stress, 1)
{
	enum { ROUNDS = 1600 };
	unsigned seed = 7;
	int sent = 0;

	tiny_run(guest_count, ROUNDS);
	for (;;) {
		pthread_mutex_lock(&tiny.lock);
		bool done = tiny.waiting != NULL;
		struct tracee *t = tiny.first->tracee;

		pthread_mutex_unlock(&tiny.lock);
		if (done)
			break;
		if (t)
			platform_kick(t);
		sent++;
		for (int i = rand_r(&seed) % 3000; i > 0; i--)
			__asm__ volatile("pause");
	}
	cr_assert_eq(tiny_await_report(0), 0);
	cr_assert_eq(tiny.notes, ROUNDS);
	struct task *k = tiny_await_waiting();

	platform_answer(k->tracee, 0);
	tiny_await_gone(1 + ROUNDS / 16);
	cr_assert_gt(tiny.kicks, 0);
	cr_log_info("%d kicks sent, %d stops\n", sent, tiny.kicks);
}

/* Naked: the kernel's frame is what it finds. */
GUEST __attribute__((naked)) static void guest_restorer(void)
{
	__asm__("mov $15, %eax\n\tsyscall\n\tud2");
}

/* Reports what it is given and spoils everything that sigreturn has to restore. */
GUEST static void guest_handler(int sig, siginfo_t *info, ucontext_t *uc)
{
	uint64_t sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	guest_report(10, sig);
	guest_report(11, *(volatile int *)info);
	guest_report(12, uc->uc_mcontext.gregs[REG_RAX]);
	guest_report(13, sp);
	guest_report(14, *(volatile uint32_t *)((char *)uc->uc_mcontext.fpregs + 464));
	guest_report(15, (uint64_t)uc->uc_mcontext.fpregs & 63);
	uc->uc_mcontext.gregs[REG_R13] = 1313;
	__asm__ volatile("pcmpeqb %%xmm0, %%xmm0\n\tpcmpeqb %%xmm15, %%xmm15\n\tvpxor %%ymm7, %%ymm7, %%ymm7\n\tmov $5, %%r14\n\tfld1"
			 :
			 :
			 : "xmm0", "xmm7", "xmm15", "r14", "memory");
}

/*
 * A signal after a call: upper halves of the vector registers and the callee-saved ones are as before, rax is the
 * call's.
 */
GUEST static void guest_signalled(uint64_t on_alt)
{
	int64_t nr = CALL_SIGNAL;
	uint64_t out7[4], out0[4], r13, r14;
	uint64_t handler, restorer;

	__asm__ volatile("lea guest_handler(%%rip), %0\n\tlea guest_restorer(%%rip), %1" : "=r"(handler), "=r"(restorer));
	register uint64_t in13 __asm__("r13") = 1;
	register uint64_t in14 __asm__("r14") = 14;

	__asm__ volatile("mov $0x1122334455667788, %%rcx\n\tmovq %%rcx, %%xmm7\n\tvbroadcastsd %%xmm7, %%ymm7\n\t"
			 "vmovdqa %%ymm7, %%ymm0\n\tsyscall\n\tvmovdqu %%ymm7, %3\n\tvmovdqu %%ymm0, %4"
			 : "+a"(nr), "+r"(in13), "+r"(in14), "=m"(out7), "=m"(out0)
			 : "D"(handler), "S"(restorer), "d"(on_alt)
			 : "rcx", "r11", "xmm0", "xmm7", "memory");
	r13 = in13;
	r14 = in14;
	guest_report(1, nr);
	guest_report(2, out7[3]);
	guest_report(3, out0[3]);
	guest_report(4, out0[0]);
	guest_report(5, r13);
	guest_report(6, r14);
	guest_exit();
}

static void expect_frame(bool on_alt)
{
	tiny_run(guest_signalled, on_alt);
	tiny_await_gone(1);
	cr_assert_eq(tiny.report[10], SIGUSR1);
	cr_assert_eq(tiny.report[11], SIGUSR1);
	cr_assert_eq(tiny.report[12], 77, "the context shows the call's result");
	cr_assert_eq(tiny.report[14], 0x46505853, "FP_XSTATE_MAGIC1");
	cr_assert_eq(tiny.report[15], 0, "aligned");
	uint64_t base = on_alt ? GUEST_DATA + 0x8000 : GUEST_STACK, size = on_alt ? 0x4000 : 0x10000;

	cr_assert((uint64_t)tiny.report[13] > base && (uint64_t)tiny.report[13] < base + size);
	cr_assert_eq(tiny.report[1], 77);
	cr_assert_eq(tiny.report[2], 0x1122334455667788);
	cr_assert_eq(tiny.report[3], 0x1122334455667788);
	cr_assert_eq(tiny.report[4], 0x1122334455667788);
	cr_assert_eq(tiny.report[5], 1313, "a handler may change the context");
	cr_assert_eq(tiny.report[6], 14);
	cr_assert_eq(tiny.report[60], 0xabcd, "the mask comes back");
}

TINY_TEST(frame, 1)
{
	expect_frame(false);
}

TINY_TEST(frame_on_alternate_stack, 1)
{
	expect_frame(true);
}
