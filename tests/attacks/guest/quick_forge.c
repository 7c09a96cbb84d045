/*
 * A guest plays with what the platform puts into its address space for calls without a trap: the window at 0x050f0000 with
 * its table and trampolines, the word, the slot, and the code in the stub. Section 8, lines 1, 5 and 7. What may happen:
 * the guest gets wrong results, hangs (and can be killed) or dies. Nobody else does, and no other process' slot is seen.
 */
#include "tap.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/time.h>

#define WINDOW 0x050f0000ul
#define TRAMPOLINES (WINDOW + 0x1000)
#define WORD ((volatile unsigned *)(WINDOW + 0x6000))
#define STUB 0x7fffffffc000ul
#define SLOT_LEN 4096

struct slot {
	volatile unsigned state, armed;
	volatile long nr;
	volatile unsigned long arg[6];
	volatile unsigned long rest[504];
};
#define SLOT ((struct slot *)(WINDOW + 0x8000))

static int probe[2]; /* a pipe: what cannot be written into it is not mapped */
static unsigned long seed = 88172645463325252ull;

static unsigned long any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* By a site that cannot be patched: the trap, whatever the slot says. */
static long trap(long nr, long a, long b, long c)
{
	register long ret __asm__("rax") = nr, none __asm__("r10") = 0;

	__asm__ volatile("nop; nop; nop; nop; nop; syscall" : "+r"(ret) : "D"(a), "S"(b), "d"(c), "r"(none) : "rcx", "r11", "memory");
	return ret;
}

static bool is_mapped(unsigned long at)
{
	char c;

	return trap(SYS_write, probe[1], (long)at, 1) == 1 && trap(SYS_read, probe[0], (long)&c, 1) == 1;
}

/* Makes this process one whose calls need no trap. False where there is no such thing. */
static bool get_hot(void)
{
	for (int i = 0; i < 2000; i++) {
		if (getppid() < 0)
			return false;
		if (i % 64 == 63 && is_mapped(WINDOW) && is_mapped((unsigned long)SLOT) && *WORD)
			return true;
	}
	return false;
}

/* A child that is given a moment to do harm. Whatever becomes of it is well. */
static void try(void (*harm)(unsigned long), unsigned long arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct itimerval end = { { 0, 0 }, { 0, 400000 } };

		signal(SIGALRM, SIG_DFL);
		trap(SYS_setitimer, 0, (long)&end, 0);
		harm(arg);
		trap(SYS_exit_group, 0, 0, 0);
	}
	tap_wait(pid);
}

/* Requests that nobody waits for, and what the guest does meanwhile. */
static void ask(long nr, unsigned long a, unsigned long b, unsigned long c)
{
	SLOT->nr = nr;
	SLOT->arg[0] = a;
	SLOT->arg[1] = b;
	SLOT->arg[2] = c;
	SLOT->armed = 1;
	__atomic_store_n(&SLOT->state, 1, __ATOMIC_SEQ_CST);
}

static void nothing(int sig)
{
	(void)sig;
}

static void meanwhile(unsigned long what)
{
	static char page[4096];
	char *const argv[] = { "quick_forge", "leave", NULL }, *const envp[] = { NULL };

	if (!get_hot())
		return;
	signal(SIGUSR1, nothing);
	for (int i = 0; i < 300; i++) {
		static const long nrs[] = { SYS_openat, SYS_read, SYS_close, SYS_dup, SYS_write, SYS_brk, SYS_stat, SYS_pipe, SYS_exit,
					    SYS_execve, SYS_fork, SYS_mmap, SYS_rt_sigreturn, SYS_getdents64, -1, 1 << 20 };
		long nr = nrs[any() % (sizeof(nrs) / sizeof(nrs[0]))];

		ask(nr, nr == SYS_close || nr == SYS_dup ? 100 + any() % 50 : any(), (unsigned long)page, any() % 4096);
		for (unsigned long n = any() % 2000; n > 0; n--)
			__asm__ volatile("pause");
		switch (what) {
		case 0: trap(SYS_getpid, 0, 0, 0); break;
		case 1: trap(SYS_kill, trap(SYS_getpid, 0, 0, 0), SIGUSR1, 0); break;
		case 2: trap(SYS_munmap, (long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096, 0); break;
		case 3:
			if (i == 20)
				trap(SYS_execve, (long)"/bin/quick_forge", (long)argv, (long)envp);
			break;
		case 4:
			if (trap(SYS_fork, 0, 0, 0) == 0)
				trap(SYS_exit_group, 0, 0, 0);
			trap(SYS_wait4, -1, 0, 0);
			break;
		case 5:
			if (i == 20)
				*(volatile char *)8 = 1;
			break;
		case 6: SLOT->state = (unsigned)any() % 6; break;
		case 7: trap(SYS_exit_group, 0, 0, 0); break;
		case 8: getppid(); break;
		case 9:
			for (int k = 0; k < 100; k++)
				((volatile unsigned *)SLOT)[any() % 1024] = (unsigned)any();
			break;
		}
	}
}

/* Another process writes to the same memory all the time. */
static int scribble(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200000; i++) {
		SLOT->state = (unsigned)any() % 5;
		SLOT->nr = (long)any() % 400;
		SLOT->armed = 1;
		*WORD = 1;
	}
	return 0;
}

static void together(unsigned long flags)
{
	static char stack[65536];
	int pid;

	if (!get_hot())
		return;
	pid = clone(scribble, stack + sizeof(stack), (int)flags | SIGCHLD, NULL);
	for (int i = 0; i < 5000; i++) {
		getppid();
		if (i % 50 == 0)
			*WORD = 1;
	}
	kill(pid, SIGKILL);
}

/* Into the code, at any place, with anything in the registers. */
static void jump(unsigned long at)
{
	if (any() % 2 && !get_hot())
		return;
	ask((long)(any() % 400), any(), any(), any());
	SLOT->state = (unsigned)any() % 5;
	__asm__ volatile("mov %0, %%rax; jmp *%1"
			 :
			 : "g"(any() % 400), "c"(at), "D"(any()), "S"(any()), "d"(any() % 2 ? any() : TRAMPOLINES + 19)
			 : "rax", "r11", "memory");
	__builtin_unreachable();
}

static void jumps(void)
{
	for (unsigned long at = 0x100; at < 0x290; at += 1 + any() % 3)
		try(jump, STUB + at);
	for (unsigned long at = 0; at < 200; at += 1 + any() % 5)
		try(jump, TRAMPOLINES + at);
	try(jump, WINDOW);
	try(jump, (unsigned long)SLOT);
}

/* In a child, which may have a slot of its own by now: whether it sees its parent's, or its parent sees what it writes. */
static int in_bare_child(unsigned long at)
{
	int status = -1;
	long pid;

	SLOT->rest[10] = 0x1234567;
	SLOT->rest[11] = 0;
	pid = trap(SYS_fork, 0, 0, 0);
	if (pid == 0) {
		bool mapped = is_mapped(at);

		if (mapped)
			SLOT->rest[11] = 1;
		trap(SYS_exit_group, mapped && SLOT->rest[10], 0, 0);
	}
	trap(SYS_wait4, pid, (long)&status, 0);
	return status ? status : (int)SLOT->rest[11];
}

/* What must not be had: the slot in a child, at another place, or with another process' data in it. */
static void keeping(void)
{
	unsigned long at = (unsigned long)SLOT;
	void *moved;

	MUST(get_hot());
	CHECK_EQ(in_bare_child(at), 0, "a fork's child has not its parent's slot");
	CHECK_ERRNO(madvise((void *)WINDOW, 0x10000, MADV_DOFORK), EINVAL);
	CHECK_ERRNO(madvise((void *)at, SLOT_LEN, 19 /* KEEPONFORK */), EINVAL);
	CHECK_EQ(in_bare_child(at), 0, "and not after it was told to keep it");
	memset((void *)SLOT->rest, 0x77, sizeof(SLOT->rest));
	moved = mremap((void *)at, SLOT_LEN, SLOT_LEN, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x20000000);
	CHECK(moved == MAP_FAILED, "the slot cannot be moved");
	CHECK(!is_mapped(at) || getppid() > 0, "and calls go on");
	for (int i = 0; i < 3; i++)
		CHECK_CHILD("a new slot is empty", {
			if (get_hot())
				for (size_t k = 8; k < 504; k++)
					MUST(SLOT->rest[k] == 0);
			memset((void *)SLOT->rest, 0x78, sizeof(SLOT->rest));
		});
}

int main(int argc, char **argv)
{
	pid_t parent = getppid();
	int wrong = 0;

	if (argc > 1)
		return argv[1][0] == 'l' ? 0 : 1;
	tap_begin();
	alarm(280);
	MUST(pipe(probe) == 0);
	CHECK_CHILD("calls without a trap are to be had here", MUST(get_hot()));
	for (unsigned long what = 0; what < 10; what++)
		for (int i = 0; i < 3; i++)
			try(meanwhile, what);
	try(together, CLONE_VM);
	try(together, CLONE_VM | CLONE_FILES);
	jumps();
	for (int i = 0; i < 500; i++)
		wrong += getppid() != parent;
	CHECK_EQ(wrong, 0, "calls of a process that did nothing are right");
	keeping();
	return tap_end();
}
