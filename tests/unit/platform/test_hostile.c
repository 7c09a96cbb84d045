/* Guests that do what they should not: faults, jumps into the stub, other entries into the host's kernel. */
#include "tiny.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "platform/arch_control.h"

GUEST static void guest_fault(uint64_t addr)
{
	*(volatile int *)addr = 1;
	guest_exit();
}

TINY_TEST(fault, 1)
{
	tiny_run(guest_fault, 0xdead000);
	tiny_await_gone(1);
	cr_assert_eq(tiny.last_fault.signo, SIGSEGV);
	cr_assert_eq(tiny.last_fault.addr, 0xdead000);
	cr_assert_eq(tiny.last_fault.cr2, 0xdead000);
	cr_assert_eq(tiny.last_fault.trapno, 14);
}

GUEST static void guest_breakpoint(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("int3");
	guest_exit();
}

TINY_TEST(breakpoint, 1)
{
	tiny_run(guest_breakpoint, 0);
	tiny_await_gone(1);
	cr_assert_eq(tiny.last_fault.signo, SIGTRAP);
	cr_assert_eq(tiny.last_fault.trapno, 3);
}

/* Jumps to a `syscall` in the stub with a call in its registers. After it the stub makes another one or traps. */
GUEST static void guest_jump(uint64_t at)
{
	guest_report(0, 1);
	__asm__ volatile("jmp *%0" : : "r"(at), "a"((uint64_t)CALL_REPORT), "D"(7ul), "S"(99ul) : "memory");
	__builtin_unreachable();
}

/* An unannounced call from any place of the stub is the guest's own, answered by the sentry as such. */
static void check_jump(uint64_t at)
{
	tiny_run(guest_jump, at);
	cr_assert_eq(tiny_await_report(7), 99);
	pthread_mutex_lock(&tiny.lock);
	struct tracee *t = tiny.gone ? NULL : tiny.first->tracee;

	if (t)
		platform_kill(t);
	pthread_mutex_unlock(&tiny.lock);
	tiny_await_gone(1);
}

TINY_TEST(jump_to_loop, 1)
{
	check_jump(arch_stub_address());
}

TINY_TEST(jump_to_alias, 1)
{
	check_jump(arch_stub_address() + 0x10);
}

TINY_TEST(jump_to_once, 1)
{
	check_jump(arch_stub_address() + 0x20);
}

/* A call that the host would make is stopped at as ever, with the guest's arguments. */
GUEST static void guest_jump_mmap(uint64_t at)
{
	__asm__ volatile("jmp *%0" : : "r"(at), "a"((uint64_t)SYS_execve), "D"(GUEST_DATA), "S"(0ul), "d"(0ul) : "memory");
	__builtin_unreachable();
}

TINY_TEST(jump_with_stop_call, 1)
{
	tiny_run(guest_jump_mmap, arch_stub_address());
	pthread_mutex_lock(&tiny.lock);
	while (tiny.last_stop.nr != SYS_execve)
		pthread_cond_wait(&tiny.change, &tiny.lock);
	platform_kill(tiny.first->tracee);
	pthread_mutex_unlock(&tiny.lock);
	tiny_await_gone(1);
	cr_assert_eq(tiny.last_stop.arg[0], GUEST_DATA);
}

GUEST static void guest_int80(uint64_t arg)
{
	int64_t ret = 20; /* i386 getpid; x86-64's writev */

	(void)arg;
	__asm__ volatile("int $0x80" : "+a"(ret) : : "r8", "r9", "r10", "r11", "memory");
	guest_report(0, ret);
	guest_exit();
}

TINY_TEST(int80, 1)
{
	tiny_run(guest_int80, 0);
	cr_assert_eq(tiny_await_report(0), -ENOSYS);
	tiny_await_gone(1);
}

GUEST static void guest_x32(uint64_t arg)
{
	(void)arg;
	guest_report(0, guest_call(SYS_getppid | 0x40000000, 0, 0, 0, 0, 0, 0));
	guest_report(1, guest_call(SYS_mmap | 0x40000000, 0x40000000, 4096, 3, 0x32, UINT64_MAX, 0));
	guest_report(2, guest_call(-1, 0, 0, 0, 0, 0, 0));
	guest_exit();
}

TINY_TEST(x32, 1)
{
	tiny_run(guest_x32, 0);
	tiny_await_gone(1);
	cr_assert_eq(tiny.report[0], -ENOSYS);
	cr_assert_eq(tiny.report[1], -ENOSYS);
	cr_assert_eq(tiny.report[2], -ENOSYS);
}

GUEST static void guest_vsyscall(uint64_t arg)
{
	int64_t ret;

	(void)arg;
	__asm__ volatile("call *%1" : "=a"(ret) : "r"(0xffffffffff600400ul), "D"(0ul) : "rcx", "r11", "memory");
	guest_report(0, ret);
	guest_exit();
}

/* time(2) by the old page: the sentry's answer (this kernel has none), or a fault; never the host's clock. */
TINY_TEST(vsyscall, 1)
{
	tiny_run(guest_vsyscall, 0);
	tiny_await_gone(1);
	cr_assert(tiny.report[0] == -ENOSYS || tiny.last_fault.signo == SIGSEGV, "got %ld", (long)tiny.report[0]);
}
