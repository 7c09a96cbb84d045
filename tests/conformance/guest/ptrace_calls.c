/* ptrace: the stops of system calls, and what a tracer changes at them. */
#include "ptrace.h"

#include <linux/audit.h>
#include <sys/mman.h>

/* Calls of every kind: answered, blocking, made by the host, made at a stop. */
static void each_call(void)
{
	static const long want[] = { SYS_getppid, SYS_mmap, SYS_munmap, SYS_brk, SYS_pipe2, SYS_close, SYS_sched_yield, SYS_gettid };
	pid_t pid = TRACED(PTRACE_O_TRACESYSGOOD, int p[2]; long m = syscall(SYS_getppid);
			   m = syscall(SYS_mmap, 0L, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L); syscall(SYS_munmap, m, 4096L);
			   syscall(SYS_brk, 0L); syscall(SYS_pipe2, p, 0L); syscall(SYS_close, -1L); syscall(SYS_sched_yield); syscall(SYS_gettid));
	struct user_regs_struct r;

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "an entry stop");
		r = regs(pid);
		CHECK_EQ(r.orig_rax, want[i], "of call %ld", want[i]);
		CHECK_EQ(r.rax, -ENOSYS, "whose result is ENOSYS so far");
		CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "an exit stop");
		r = regs(pid);
		CHECK_EQ(r.orig_rax, want[i], "of the same call");
		CHECK(want[i] == SYS_close ? (long)r.rax == -EBADF : (long)r.rax >= 0, "with its result");
	}
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "exit_group's entry");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), 0, "which has no exit stop");
}

static void infos(void)
{
	pid_t pid = TRACED(PTRACE_O_TRACESYSGOOD, syscall(SYS_lseek, -1L, 22L, 33L, 44L, 55L, 66L));
	struct ptrace_syscall_info info;

	memset(&info, 0xee, sizeof(info));
	CHECK_EQ(request(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (uintptr_t)&info), 24, "outside of calls there is a head only");
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_NONE, "of no kind");
	CHECK_EQ(info.arch, AUDIT_ARCH_X86_64, "the architecture");
	CHECK(to_entry(pid, SYS_lseek), "an entry");
	CHECK_EQ(request(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (uintptr_t)&info), 80, "which tells more");
	CHECK_EQ(info.entry.args[1], 22, "second argument");
	CHECK_EQ(info.entry.args[5], 66, "sixth argument");
	CHECK_EQ(info.instruction_pointer, regs(pid).rip, "the instruction behind the call");
	CHECK_EQ(info.stack_pointer, regs(pid).rsp, "the stack");
	CHECK_EQ(message(pid), PTRACE_EVENTMSG_SYSCALL_ENTRY, "the message says which stop");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "the exit");
	CHECK_EQ(request(PTRACE_GET_SYSCALL_INFO, pid, 8, (uintptr_t)&info), 33, "the length is told even where less is wanted");
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT, "an exit");
	CHECK_EQ(request(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (uintptr_t)&info), 33, "again");
	CHECK_EQ(info.exit.rval, -EBADF, "its result");
	CHECK_EQ(info.exit.is_error, 1, "an error");
	CHECK_EQ(message(pid), PTRACE_EVENTMSG_SYSCALL_EXIT, "and the message");
	kill(pid, SIGKILL);
	CHECK_EQ(next(pid), SIGKILL, "killed");
}

static void changes(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct user_regs_struct r;
	int pipes[2];
	pid_t pid;

	MUST(pipe(pipes) == 0);
	pid = TRACED(PTRACE_O_TRACESYSGOOD, MUST(syscall(SYS_lseek, -1L, 1L, 0L) == 4711); MUST(syscall(SYS_lseek, -1L, 2L, 0L) == 4712);
			   MUST(syscall(SYS_lseek, -1L, 3L, 0L) == getpid()); MUST(syscall(SYS_lseek, -1L, 4L, 0L) == -1 && errno == ENOSYS);
			   MUST((char *)syscall(SYS_lseek, 0L, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L) != page);
			   MUST(syscall(SYS_close, -1L) == 0); page[0] = 1);
	CHECK(to_entry(pid, SYS_lseek), "a call");
	r = regs(pid);
	r.orig_rax = -1;
	r.rax = 4711;
	CHECK_OK(request(PTRACE_SETREGS, pid, 0, (uintptr_t)&r));
	CHECK(to_entry(pid, SYS_lseek), "skipped, with a result of the tracer's at the entry");
	CHECK_EQ(regs(pid).rsi, 2, "the next one");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax), -1));
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "a skipped call has an exit stop");
	CHECK_EQ((long)regs(pid).rax, -ENOSYS, "which says ENOSYS");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rax), 4712));
	CHECK(to_entry(pid, SYS_lseek), "changed at its exit");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax), SYS_getpid));
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "another call in its place");
	CHECK_EQ(regs(pid).rax, pid, "has its own result");
	CHECK(to_entry(pid, SYS_lseek), "the fourth");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax), 99999));
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "a number that there is not");
	CHECK_EQ((long)regs(pid).rax, -ENOSYS, "is ENOSYS");
	CHECK(to_entry(pid, SYS_lseek), "the fifth");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax), SYS_mmap));
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "mmap in its place");
	CHECK((long)regs(pid).rax > 0, "maps");
	CHECK(to_entry(pid, SYS_close), "a close");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rdi), pipes[0]));
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "with another argument");
	CHECK_EQ(regs(pid).rax, 0, "is another close");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), 0, "all was as the tracer wanted it");
	CHECK_EQ(page[0], 1, "to the end");
	munmap(page, 4096);
	close(pipes[0]);
	close(pipes[1]);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A signal in a call that blocks: the exit stop shows the restart code, the handler runs, the call comes again. */
static void restarts(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int p[2];
	pid_t pid;
	char c;

	MUST(pipe(p) == 0);
	sigaction(SIGUSR1, &sa, NULL);
	pid = TRACED(PTRACE_O_TRACESYSGOOD, MUST(syscall(SYS_read, p[0], &c, 1L) == 1); sa.sa_flags = 0; sigaction(SIGUSR1, &sa, NULL);
		     MUST(syscall(SYS_read, p[0], &c, 1L) == -1 && errno == EINTR); _exit(7));
	CHECK(to_entry(pid, SYS_read), "a read");
	CHECK_OK(request(PTRACE_SYSCALL, pid, 0, 0));
	kill(pid, SIGUSR1);
	CHECK_EQ(next(pid), CALL_STOP, "interrupted");
	CHECK_EQ((long)regs(pid).rax, -512, "ERESTARTSYS");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), STOPPED(SIGUSR1), "the signal");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, SIGUSR1), CALL_STOP, "the handler's return");
	CHECK_EQ(regs(pid).orig_rax, SYS_rt_sigreturn, "by rt_sigreturn");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "its exit");
	CHECK_EQ((long)regs(pid).orig_rax, -1, "is of no call");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "the read again");
	CHECK_EQ(regs(pid).orig_rax, SYS_read, "restarted");
	tap_signal_fd(p[1]);
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "done");
	CHECK_EQ(regs(pid).rax, 1, "a byte");
	CHECK(to_entry(pid, SYS_read), "the second");
	CHECK_OK(request(PTRACE_SYSCALL, pid, 0, 0));
	kill(pid, SIGUSR1);
	CHECK_EQ(next(pid), CALL_STOP, "interrupted");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGUSR1), "the signal");
	CHECK_EQ(go(PTRACE_CONT, pid, SIGUSR1), EXITED(7), "and EINTR");
	close(p[0]);
	close(p[1]);
}

static void sysemu(void)
{
	pid_t pid = TRACED(0, MUST(syscall(SYS_getppid) == 1234); MUST(syscall(SYS_exit_group, 9L) == 77); MUST(syscall(SYS_getpid) == getpid()));

	CHECK_EQ(go(PTRACE_SYSEMU, pid, 0), STOPPED(SIGTRAP), "SYSEMU stops at the entry");
	CHECK_EQ(regs(pid).orig_rax, SYS_getppid, "of a call");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rax), 1234));
	CHECK_EQ(go(PTRACE_SYSEMU, pid, 0), STOPPED(SIGTRAP), "there is no exit stop");
	CHECK_EQ(regs(pid).orig_rax, SYS_exit_group, "but the next call's");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rax), 77));
	CHECK_EQ(go(PTRACE_CONT, pid, 0), 0, "nothing was done of it");
}

int main(void)
{
	tap_begin();
	each_call();
	infos();
	changes();
	restarts();
	sysemu();
	return tap_end();
}
