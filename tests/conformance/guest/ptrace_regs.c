/* ptrace: registers, single steps, breakpoints and watchpoints, memory. */
#include "ptrace.h"

#include <elf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static long set_reg(pid_t pid, size_t offset, unsigned long v)
{
	return request(PTRACE_POKEUSR, pid, offset, v);
}
#define SET(pid, name, v) set_reg(pid, offsetof(struct user, regs.name), (unsigned long)(v))

static long get_set(pid_t pid, long what, unsigned type, void *buf, size_t *len)
{
	struct iovec iov = { buf, *len };
	long ret = request(what, pid, type, (uintptr_t)&iov);

	*len = iov.iov_len;
	return ret;
}

static siginfo_t info_of(pid_t pid)
{
	siginfo_t info = { 0 };

	request(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info);
	return info;
}

static long peek(pid_t pid, const volatile void *at)
{
	long v = -1;

	return request(PTRACE_PEEKDATA, pid, (uintptr_t)at, (uintptr_t)&v) ? -2 : v;
}

/* --- registers ---------------------------------------------------------------------------------------------------------------------- */

static void general(void)
{
	pid_t pid = TRACED(0, pause());
	struct user_regs_struct r = regs(pid), s;
	size_t len = sizeof(s);

	CHECK_EQ(r.cs, 0x33, "the code segment");
	CHECK_EQ(r.ss, 0x2b, "the stack segment");
	CHECK_EQ(r.rsp % 8, 0, "a stack");
	CHECK(r.fs_base != 0, "the thread's base");
	CHECK_OK(get_set(pid, PTRACE_GETREGSET, NT_PRSTATUS, &s, &len));
	CHECK_EQ(len, sizeof(s), "as large as GETREGS'");
	CHECK(!memcmp(&r, &s, sizeof(s)), "and the same");
	len = 16;
	CHECK_OK(get_set(pid, PTRACE_GETREGSET, NT_PRSTATUS, &s, &len));
	CHECK_EQ(len, 16, "or a part");
	len = 15;
	CHECK_ERRNO(get_set(pid, PTRACE_GETREGSET, NT_PRSTATUS, &s, &len), EINVAL);
	len = sizeof(s);
	CHECK_ERRNO(get_set(pid, PTRACE_GETREGSET, 12345, &s, &len), EINVAL);
	r.r15 = 0x1515;
	r.rbx = 0xbbbb;
	CHECK_OK(request(PTRACE_SETREGS, pid, 0, (uintptr_t)&r));
	CHECK_EQ(regs(pid).r15, 0x1515, "set");
	CHECK_OK(SET(pid, r12, 0x1212));
	CHECK_EQ(regs(pid).r12, 0x1212, "by the word");
	CHECK_EQ(regs(pid).rbx, 0xbbbb, "only that word");
	CHECK_ERRNO(SET(pid, cs, 0), EIO);
	CHECK_ERRNO(SET(pid, ss, 0x28), EIO);
	CHECK_ERRNO(SET(pid, fs_base, 1ul << 63), EIO);
	CHECK_ERRNO(set_reg(pid, 1, 0), EIO);
	CHECK_OK(SET(pid, eflags, ~0ul));
	CHECK_EQ(regs(pid).eflags & 0x200, 0x200, "flags that are not the program's stay");
	CHECK_EQ(regs(pid).eflags >> 19, 0, "none is gained");
	r = regs(pid);
	r.eflags = 0x246;
	CHECK_OK(request(PTRACE_SETREGS, pid, 0, (uintptr_t)&r));
	CHECK_OK(request(PTRACE_KILL, pid, 0, 0));
	CHECK_EQ(next(pid), SIGKILL, "killed");
}

static void floating(void)
{
	struct user_fpregs_struct fp, back;
	static uint8_t x[16384];
	double got[2];
	int p[2];
	size_t len;
	pid_t pid;

	MUST(pipe(p) == 0);
	pid = TRACED(0, double d[2] = { 1.5, 2.5 }; long pid_reg = getpid();
		     asm volatile("movupd %0, %%xmm5; movl $62, %%eax; movl $10, %%esi; mov %1, %%rdi; syscall; movupd %%xmm5, %0"
				  : "+m"(d) : "r"(pid_reg) : "rax", "rcx", "r11", "rsi", "rdi", "xmm5", "memory");
		     MUST(write(p[1], d, sizeof(d)) == sizeof(d)));
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGUSR1), "it stops with a number in a vector register");
	CHECK_OK(request(PTRACE_GETFPREGS, pid, 0, (uintptr_t)&fp));
	memcpy(got, &fp.xmm_space[5 * 4], sizeof(got));
	CHECK(got[0] == 1.5 && got[1] == 2.5, "which GETFPREGS has");
	CHECK_EQ(fp.cwd, 0x37f, "the control word");
	CHECK_EQ(fp.mxcsr, 0x1f80, "the other one");
	len = sizeof(x);
	CHECK_OK(get_set(pid, PTRACE_GETREGSET, NT_X86_XSTATE, x, &len));
	CHECK(len >= 576 && len <= sizeof(x), "the whole state");
	CHECK(!memcmp(x + 160, &fp.xmm_space[0], 256), "begins alike");
	CHECK(x[464] & 2, "its features are told");
	got[0] = 4.5;
	memcpy(&fp.xmm_space[5 * 4], got, sizeof(got));
	CHECK_OK(request(PTRACE_SETFPREGS, pid, 0, (uintptr_t)&fp));
	len = sizeof(back);
	CHECK_OK(get_set(pid, PTRACE_GETREGSET, NT_PRFPREG, &back, &len));
	CHECK_EQ(len, sizeof(back), "the same by NT_PRFPREG");
	CHECK(!memcmp(&back.xmm_space, &fp.xmm_space, sizeof(fp.xmm_space)), "is what was set");
	len = sizeof(x);
	get_set(pid, PTRACE_GETREGSET, NT_X86_XSTATE, x, &len);
	got[1] = 5.5;
	memcpy(x + 160 + 5 * 16, got, sizeof(got));
	CHECK_OK(get_set(pid, PTRACE_SETREGSET, NT_X86_XSTATE, x, &len));
	len = 64;
	CHECK_ERRNO(get_set(pid, PTRACE_SETREGSET, NT_X86_XSTATE, x, &len), EFAULT);
	fp.mxcsr = 0xffffffff;
	CHECK_ERRNO(request(PTRACE_SETFPREGS, pid, 0, (uintptr_t)&fp), EINVAL);
	CHECK_EQ(go(PTRACE_CONT, pid, 0), 0, "it goes on");
	CHECK_EQ(read(p[0], got, sizeof(got)), sizeof(got), "and tells");
	CHECK(got[0] == 4.5 && got[1] == 5.5, "what its register had");
	close(p[0]);
	close(p[1]);
}

/* --- steps --------------------------------------------------------------------------------------------------------------------------- */

/* Its instructions: 1, 3, 3, 2 (a call of the system), 1, 1 bytes. */
extern const char code_start[], code_call[], code_after[], code_end[];
asm(".text\n.globl code_start, code_call, code_after, code_end\ncode_start: nop\n\txor %rbx, %rbx\n\tinc %rbx\ncode_call: syscall\ncode_after: nop\ncode_end: ret\n");

static void at_code(pid_t pid, long nr)
{
	SET(pid, orig_rax, -1);
	SET(pid, rip, code_start);
	SET(pid, rax, nr);
}

static void steps(void)
{
	static const long calls[] = { SYS_getppid, SYS_munmap, SYS_sched_yield, 9999 };
	pid_t pid = TRACED(0, pause());
	siginfo_t info;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		at_code(pid, calls[i]);
		for (const char *at = code_start + 1; at < code_call; at += 3) {
			CHECK_EQ(go(PTRACE_SINGLESTEP, pid, 0), STOPPED(SIGTRAP), "a step");
			CHECK_EQ(regs(pid).rip, (uintptr_t)at, "is one instruction");
		}
		CHECK_EQ(regs(pid).rbx, 0, "and what it did");
		CHECK_EQ(go(PTRACE_SINGLESTEP, pid, 0), STOPPED(SIGTRAP), "another");
		CHECK_EQ(regs(pid).rbx, 1, "and what that did");
		info = info_of(pid);
		CHECK_EQ(info.si_code, TRAP_TRACE, "the trap's code");
		CHECK_EQ((uintptr_t)info.si_addr, (uintptr_t)code_call, "and address");
		CHECK_EQ(go(PTRACE_SINGLESTEP, pid, 0), STOPPED(SIGTRAP), "a step over call %ld", calls[i]);
		CHECK_EQ(regs(pid).rip, (uintptr_t)code_after, "is over it");
		CHECK((long)regs(pid).rax == getpid() || calls[i] != SYS_getppid, "with its result");
		CHECK_EQ(info_of(pid).si_code, TRAP_BRKPT, "its trap's code");
		CHECK_EQ(go(PTRACE_SINGLESTEP, pid, 0), STOPPED(SIGTRAP), "the one behind it");
		CHECK_EQ(regs(pid).rip, (uintptr_t)code_end, "is one, too");
		CHECK_EQ(regs(pid).eflags & 0x100, 0, "no flag is left to see");
	}
	kill(pid, SIGKILL);
	CHECK_EQ(next(pid), SIGKILL, "killed");
}

static volatile int handler_ran;
static void handler(int sig)
{
	handler_ran = sig;
}

static void step_into_handler(void)
{
	pid_t pid = TRACED(0, signal(SIGUSR1, handler); raise(SIGUSR1); MUST(handler_ran == SIGUSR1));

	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGUSR1), "a signal");
	CHECK_EQ(go(PTRACE_SINGLESTEP, pid, SIGUSR1), STOPPED(SIGTRAP), "a step with it");
	CHECK_EQ(regs(pid).rip, (uintptr_t)handler, "ends at the handler's first instruction");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), 0, "which returns well");
}

static int called;
__attribute__((noinline)) static void broken(void)
{
	asm volatile("" ::: "memory");
	called++;
}

static void breakpoints(void)
{
	pid_t pid = TRACED(0, broken(); broken(); MUST(called == 2));
	const char *at = (const char *)broken;
	long word = peek(pid, at);
	char mem[64];
	int fd;

	CHECK(word == *(long *)at, "code is read");
	CHECK_OK(request(PTRACE_POKETEXT, pid, (uintptr_t)at, (word & ~0xffl) | 0xcc));
	CHECK_EQ(peek(pid, at) & 0xff, 0xcc, "written, though it is read-only");
	CHECK_EQ(*(long *)at, word, "nobody else's is");
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGTRAP), "a breakpoint");
		CHECK_EQ(regs(pid).rip, (uintptr_t)at + 1, "behind it");
		CHECK_EQ(info_of(pid).si_code, SI_KERNEL, "its code");
		CHECK_OK(request(PTRACE_POKETEXT, pid, (uintptr_t)at, word));
		CHECK_OK(SET(pid, rip, at));
		CHECK_EQ(go(PTRACE_SINGLESTEP, pid, 0), STOPPED(SIGTRAP), "a step over it");
		CHECK_EQ(info_of(pid).si_code, TRAP_TRACE, "is a step");
		CHECK_OK(request(PTRACE_POKETEXT, pid, (uintptr_t)at, (word & ~0xffl) | 0xcc));
	}
	snprintf(mem, sizeof(mem), "/proc/%d/mem", pid);
	fd = open(mem, O_RDWR);
	CHECK(fd >= 0, "its memory is a file");
	CHECK_EQ(pwrite(fd, &word, 1, (off_t)(uintptr_t)at), 1, "which is written to");
	CHECK_EQ(peek(pid, at), word, "the breakpoint is away");
	CHECK_EQ(pread(fd, &word, 8, (off_t)(uintptr_t)&called), 8, "and read from");
	CHECK((int)word == 1 || (int)word == 2, "what it says");
	CHECK_ERRNO(pread(fd, &word, 8, 0x1000), EIO);
	CHECK_ERRNO(pwrite(fd, &word, 8, 0x1000), EIO);
	close(fd);
	CHECK_EQ(go(PTRACE_CONT, pid, 0), 0, "to its end");
}

static volatile long watched;

static void watchpoints(void)
{
	size_t dr = offsetof(struct user, u_debugreg);
	pid_t pid = TRACED(0, watched = 5; raise(SIGUSR1));
	unsigned long status = 0;

	if (set_reg(pid, dr, (uintptr_t)&watched) < 0 || set_reg(pid, dr + 7 * 8, 0x000d0001) < 0) {
		SKIP("watchpoints", "this machine has none");
		kill(pid, SIGKILL);
		next(pid);
		return;
	}
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGTRAP), "a write to a watched word");
	CHECK_EQ(info_of(pid).si_code, TRAP_HWBKPT, "its code");
	CHECK_EQ(peek(pid, &watched), 5, "it was written");
	CHECK_OK(request(PTRACE_PEEKUSR, pid, dr + 6 * 8, (uintptr_t)&status));
	CHECK_EQ(status & 15, 1, "which one it was");
	CHECK_ERRNO(set_reg(pid, dr, ~0ul << 47), EINVAL);
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGUSR1), "once");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), 0, "it ends");
}

static void faults(void)
{
	pid_t pid = TRACED(0, *(volatile int *)0x18 = 1);

	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGSEGV), "a fault is seen by the tracer");
	CHECK_EQ((uintptr_t)info_of(pid).si_addr, 0x18, "with its address");
	CHECK_EQ(info_of(pid).si_code, SEGV_MAPERR, "and code");
	CHECK_EQ(go(PTRACE_CONT, pid, SIGSEGV) & 0x7f, SIGSEGV, "and kills");
}

int main(void)
{
	tap_begin();
	general();
	floating();
	steps();
	step_into_handler();
	breakpoints();
	watchpoints();
	faults();
	return tap_end();
}
