/* Calls: answered, passed, stopped, made by the host. */
#include "tiny.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

GUEST static void guest_getppid(uint64_t arg)
{
	int64_t sum = 0;

	for (uint64_t i = 0; i < arg; i++)
		sum += guest_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
	guest_report(0, sum);
	guest_exit();
}

TINY_TEST(answer, 1)
{
	tiny_run(guest_getppid, 100);
	cr_assert_eq(tiny_await_report(0), 424200);
	tiny_await_gone(1);
}

TINY_TEST(two_lanes, 2)
{
	for (int i = 0; i < 6; i++) {
		tiny_run(guest_getppid, 100);
		cr_assert_eq(tiny_await_report(0), 424200);
	}
	tiny_await_gone(6);
}

GUEST static void guest_maps(uint64_t arg)
{
	uint64_t at = 0x40000000;
	volatile char *p = (volatile char *)at;

	(void)arg;
	guest_report(0, guest_call(SYS_mmap, at, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX, 0));
	p[5000] = 42;
	guest_report(1, p[5000]);
	guest_report(2, guest_call(SYS_mprotect, at, 4096, PROT_READ, 0, 0, 0));
	guest_report(3, guest_call(SYS_munmap, at, 8192, 0, 0, 0, 0));
	guest_report(4, guest_call(SYS_mmap, at, 4096, 0x1000, 0, 0, 0));
	guest_report(5, guest_call(999, 1, 2, 3, 4, 5, 6));
	guest_exit();
}

TINY_TEST(address_space, 1)
{
	tiny_run(guest_maps, 0);
	tiny_await_gone(1);
	cr_assert_eq(tiny.report[0], 0x40000000);
	cr_assert_eq(tiny.report[1], 42);
	cr_assert_eq(tiny.report[2], 0);
	cr_assert_eq(tiny.report[3], 0);
	cr_assert_eq(tiny.report[4], -ENOSYS, "a call that was not made leaves the host's default: %ld", (long)tiny.report[4]);
	cr_assert_eq(tiny.report[5], -ENOSYS);
}

/* Registers other than the result, rcx and r11 survive calls of every kind. */
GUEST static void guest_registers(uint64_t arg)
{
	int64_t bad = 0;
	static const int nrs[] = { SYS_getppid, SYS_mmap, SYS_mprotect };

	(void)nrs;
	for (int i = 0; i < 3; i++) {
		int64_t nr = i == 0 ? SYS_getppid : i == 1 ? SYS_execve : SYS_munmap;
		uint64_t di = arg + 1, si = arg + 2, dx = arg + 3, bx = arg + 4;
		register uint64_t r10 __asm__("r10") = arg + 5;
		register uint64_t r8 __asm__("r8") = arg + 6;
		register uint64_t r9 __asm__("r9") = arg + 7;
		register uint64_t r12 __asm__("r12") = arg + 8;
		register uint64_t r15 __asm__("r15") = arg + 9;

		__asm__ volatile("syscall"
				 : "+a"(nr), "+D"(di), "+S"(si), "+d"(dx), "+b"(bx), "+r"(r10), "+r"(r8), "+r"(r9), "+r"(r12), "+r"(r15)
				 :
				 : "rcx", "r11", "memory");
		bad += di != arg + 1 || si != arg + 2 || dx != arg + 3 || bx != arg + 4 || r10 != arg + 5 || r8 != arg + 6 ||
		       r9 != arg + 7 || r12 != arg + 8 || r15 != arg + 9;
	}
	guest_report(0, bad);
	guest_exit();
}

TINY_TEST(registers, 1)
{
	tiny_run(guest_registers, 0x123456789000);
	cr_assert_eq(tiny_await_report(0), 0);
	tiny_await_gone(1);
}
