/*
 * A kernel in miniature for the platform's tests: it runs guest functions of this very program, copied into a guest
 * address space. A guest function is position-independent, calls nothing and touches nothing but its stack, its data
 * page and inline code.
 */
#ifndef TESTS_PLATFORM_TINY_H
#define TESTS_PLATFORM_TINY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "platform/arch.h"
#include "platform/platform.h"

#define GUEST __attribute__((section("guest_text"), noinline, used, no_stack_protector, no_sanitize("address", "undefined")))

enum {
	GUEST_CODE = 0x10000000,
	GUEST_DATA = 0x20000000, /* 64 KiB, read and write */
	GUEST_STACK = 0x30000000, /* 64 KiB, top at + 0x10000 */
	GUEST_STACK_TOP = GUEST_STACK + 0x10000,

	/* Calls of this kernel alone. */
	CALL_REPORT = 1000, /* (slot, value): into tiny.report[] */
	CALL_WAIT = 1001,   /* unanswered until the test says so */
	CALL_SIGNAL = 1002, /* (handler, restorer, on_alt): a signal frame is pushed before it returns 77 */
	CALL_NOTE = 1003,   /* counts, answers the count */
	CALL_STUCK = 1004,  /* its handler waits, declared stuck, for CALL_UNSTICK */
	CALL_UNSTICK = 1005,
	/* Control stops; numbers that the host has no call for. */
	CALL_HOLD = 500,    /* held until the test says so, then 33 */
	CALL_CMPXCHG = 501, /* (address, expected, desired): seen, + 100 if exchanged */
	CALL_ANSWER_OTHER = 502, /* answers 55 to who is in CALL_WAIT */
};

struct task {
	struct tracee *tracee;
	struct task *parent;  /* a held vfork parent, released by CALL_REPORT of the child */
	uint64_t entry, arg;
	uint64_t handler, restorer, on_alt;
	bool kicked, vforked, in_wait;
	int faults;
	bool in_hold;
};

struct tiny {
	struct platform *platform;
	pthread_mutex_t lock;
	pthread_cond_t change;
	/* Protected by lock. */
	int64_t report[64];
	uint64_t reported; /* bit: slot has been reported */
	int live, gone, kicks, kicks_after, notes, stops, faults;
	struct call_info last_stop;
	struct fault_info last_fault;
	int last_status;
	struct task *waiting; /* in CALL_WAIT */
	struct task *first;
	bool unstuck;
};

extern struct tiny tiny;

void tiny_create(const struct platform_ops *ops, int lanes);
void tiny_destroy(void);
void tiny_run(void (*fn)(uint64_t), uint64_t arg);
int64_t tiny_await_report(int slot);
void tiny_await_gone(int count);
struct task *tiny_await_waiting(void);
uint64_t tiny_guest_address(const void *fn);

static inline __attribute__((always_inline)) int64_t guest_call(int64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
								 uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	int64_t ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return ret;
}

#define guest_report(slot, value) guest_call(CALL_REPORT, (slot), (uint64_t)(value), 0, 0, 0, 0)
#define guest_exit() guest_call(SYS_exit_group, 0, 0, 0, 0, 0, 0)

/* Both platforms, each in a process of its own. */
#define TINY_TEST(name, lanes)                                        \
	static void check_##name(void);                               \
	Test(platform_seccomp, name, .timeout = 60)                   \
	{                                                             \
		tiny_create(&platform_seccomp, lanes);                \
		check_##name();                                       \
		tiny_destroy();                                       \
	}                                                             \
	Test(platform_ptrace, name, .timeout = 60)                    \
	{                                                             \
		tiny_create(&platform_ptrace, lanes);                 \
		check_##name();                                       \
		tiny_destroy();                                       \
	}                                                             \
	static void check_##name(void)

#endif
