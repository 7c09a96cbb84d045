/*
 * A guest that traces another, to reach what is not the guest's: the pages at the top of each guest address space where the platform's
 * own calls are made from, processes outside, and files outside by a traced task's registers. Section 8, lines 1, 2, 5 and 7.
 * Usage: tracer SECRET-PATH, a path that exists on the host only.
 */
#include "tap.h"

#include <linux/ptrace.h>
#include <stddef.h>
#include <sys/user.h>

#define TOP 0x7fffffff0000ul /* clock, vDSO and stub lie from here on */
#define STUB 0x7fffffffc000ul
#define STOPPED(sig) ((sig) << 8 | 0x7f)

static const char *secret_path;

static long request(long what, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, what, (long)pid, addr, data);
}

static int next(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, __WALL) == pid ? status : -1;
}

static pid_t victim(void)
{
	pid_t pid = tap_fork();

	if (pid == 0) {
		request(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		alarm(1); /* ends a task that was sent into a loop */
		for (;;)
			pause();
	}
	MUST(next(pid) == STOPPED(SIGSTOP));
	request(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	for (int status = next(pid); status != -1 && !WIFSIGNALED(status) && !WIFEXITED(status);)
		status = next(pid);
}

/* The victim goes on at `rip` with a call in its registers; true when one of the next stops shows that it was made for it. */
static bool jumps(unsigned long rip, const long call[7], long how, bool after_call)
{
	struct user_regs_struct r;
	pid_t pid = victim();
	bool made = false;

	if (after_call && request(PTRACE_SYSCALL, pid, 0, 0) == 0)
		next(pid);
	request(PTRACE_GETREGS, pid, 0, (unsigned long)&r);
	r.rip = rip;
	r.rax = (unsigned long)call[0];
	r.rdi = (unsigned long)call[1];
	r.rsi = (unsigned long)call[2];
	r.rdx = (unsigned long)call[3];
	r.r10 = (unsigned long)call[4];
	r.r8 = (unsigned long)call[5];
	r.r9 = (unsigned long)call[6];
	r.orig_rax = after_call ? (unsigned long)call[0] : -1ul;
	request(PTRACE_SETREGS, pid, 0, (unsigned long)&r);
	for (int i = 0; i < 8 && !made; i++) {
		int status;

		if (request(how, pid, 0, 0) < 0)
			break;
		status = next(pid);
		if (status == -1 || !WIFSTOPPED(status))
			break;
		request(PTRACE_GETREGS, pid, 0, (unsigned long)&r);
		made = (long)r.orig_rax == call[0] && (long)r.rax >= 0 && WSTOPSIG(status) == (SIGTRAP | 0x80);
		if (WSTOPSIG(status) != (SIGTRAP | 0x80) && WSTOPSIG(status) != SIGTRAP)
			break;
	}
	end(pid);
	return made;
}

static void stub_calls(void)
{
	const long calls[][7] = {
		{ SYS_openat, -100, (long)secret_path, 0 },
		{ SYS_execve, (long)secret_path, 0, 0 },
		{ SYS_perf_event_open, (long)secret_path, 0, -1, -1, 0 },
		{ SYS_io_uring_setup, 4, (long)secret_path, 0 },
		{ SYS_pidfd_getfd, 3, 0, 0 },
		{ SYS_bpf, 0, (long)secret_path, 16 },
	};
	static const long hows[] = { PTRACE_SYSCALL, PTRACE_SINGLESTEP };
	int made = 0;

	for (unsigned long at = 0; at < 0x60; at += 2)
		for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
			made += jumps(STUB + at, calls[i], hows[(at / 2 + i) % 2], (at / 2) % 4 == 3);
	CHECK_EQ(made, 0, "no call is made for a task that its tracer sends into the stub");
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		made += jumps(TOP + 0x1000 + i * 64, calls[i], PTRACE_SINGLESTEP, false);
	CHECK_EQ(made, 0, "nor into the vDSO");
}

/* Everything that the sentry has mapped into each guest is the same memory for all, or has code that it trusts to be there. */
static void writes(void)
{
	static const unsigned long where[] = { TOP, TOP + 8, TOP + 0x1000, STUB - 8, STUB - 4, STUB, STUB + 0x10, STUB + 0x20, STUB + 0xff8, STUB + 0xffc,
					       STUB + 0x3000, 0xffffffffff600000ul, 0xffff800000000000ul, ~7ul, ~0ul };
	pid_t pid = victim();
	char path[64];
	int fd, written = 0;

	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++)
		written += request(PTRACE_POKETEXT, pid, where[i], 0x050f050f050f050f) == 0;
	CHECK_EQ(written, 0, "nothing at the top is written by POKE");
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++)
		written += pwrite(fd, "\x0f\x05\x0f\x05", 4, (off_t)where[i]) > 0;
	CHECK_EQ(written, 0, "nor by /proc/PID/mem");
	written += pwrite(fd, path, 64, (off_t)(TOP - 32)) > 32;
	CHECK_EQ(written, 0, "nor by a write that begins below");
	close(fd);
	for (int i = 0; i < 4; i++) {
		written += request(PTRACE_POKEUSR, pid, offsetof(struct user, u_debugreg) + 8ul * i, STUB) == 0;
		written += request(PTRACE_POKEUSR, pid, offsetof(struct user, u_debugreg) + 8ul * i, TOP - 4) == 0;
	}
	CHECK_EQ(written, 0, "no watchpoint is put there");
	end(pid);
}

static void outside(void)
{
	int reached = 0;

	for (pid_t pid = 2; pid < 400; pid++) {
		if (pid == getpid())
			continue;
		reached += request(PTRACE_ATTACH, pid, 0, 0) == 0;
		reached += request(PTRACE_SEIZE, pid, 0, 0) == 0;
	}
	reached += request(PTRACE_SEIZE, getppid(), 0, 0) == 0 && getpid() == 1;
	CHECK_EQ(reached, 0, "there is nobody else to attach to");
	CHECK(request(PTRACE_ATTACH, 0, 0, 0) < 0 && request(PTRACE_ATTACH, -1, 0, 0) < 0, "nor by numbers that are none");
	CHECK(getpid() != 1 || request(PTRACE_TRACEME, 0, 0, 0) < 0, "the first process has nobody above it to trace it");
}

/* Registers that a host kernel would refuse, or an unwary one trip over. */
static void odd_registers(void)
{
	static const unsigned long odd[] = { 0, 1, ~0ul, 1ul << 47, 1ul << 63, 0xffff800000000000ul, 0xffffffff81000000ul, STUB, STUB + 1, 0x7ffffffff000ul };
	struct user_regs_struct r;

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		for (size_t slot = 0; slot < sizeof(r) / 8; slot++) {
			pid_t pid;

			if (slot % 3 != i % 3)
				continue;
			pid = victim();
			request(PTRACE_POKEUSR, pid, slot * 8, odd[i]);
			if (request(i % 2 ? PTRACE_CONT : PTRACE_SINGLESTEP, pid, 0, 0) == 0 && i % 2 == 0)
				next(pid);
			end(pid);
		}
	}
	CHECK(true, "odd registers harm nobody else");
}

int main(int argc, char **argv)
{
	secret_path = argc > 1 ? argv[1] : "/nowhere";
	tap_begin();
	alarm(60);
	outside();
	stub_calls();
	writes();
	odd_registers();
	CHECK_CHILD("the sandbox works as before", MUST(getppid() > 0));
	return tap_end();
}
