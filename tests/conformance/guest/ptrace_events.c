/* ptrace: the events of fork, exec, exit and of seccomp filters. */
#include "ptrace.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

static void events(void)
{
	long all = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE;
	pid_t pid = TRACED(all, pid_t c = fork(); if (c == 0) _exit(3); waitpid(c, NULL, 0); if (vfork() == 0) _exit(4); _exit(5));
	pid_t child;

	CHECK_EQ(go(PTRACE_CONT, pid, 0), EVENT(PTRACE_EVENT_FORK), "fork");
	child = message(pid);
	CHECK_EQ(next(child), STOPPED(SIGSTOP), "the child is traced, and stops");
	CHECK_EQ(go(PTRACE_CONT, child, 0), EVENT(PTRACE_EVENT_EXIT), "it has the options, too");
	CHECK_EQ(message(child), EXITED(3), "the status that it will have");
	CHECK_EQ(go(PTRACE_CONT, child, 0), EXITED(3), "it ends");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGCHLD), "the parent hears of it");
	CHECK_EQ(go(PTRACE_CONT, pid, SIGCHLD), EVENT(PTRACE_EVENT_VFORK), "vfork");
	child = message(pid);
	CHECK_EQ(next(child), STOPPED(SIGSTOP), "the child");
	CHECK_EQ(go(PTRACE_CONT, child, 0), EVENT(PTRACE_EVENT_EXIT), "exits");
	CHECK_OK(request(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(waitpid(pid, NULL, WNOHANG | __WALL), 0, "the parent waits for it");
	CHECK_EQ(go(PTRACE_CONT, child, 0), EXITED(4), "it ends");
	CHECK_EQ(next(pid), EVENT(PTRACE_EVENT_VFORK_DONE), "vfork is done");
	CHECK_EQ(message(pid), child, "of that child");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGCHLD), "a signal");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), EVENT(PTRACE_EVENT_EXIT), "exit");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), EXITED(5), "the end");

	pid = TRACED(PTRACE_O_TRACEEXIT, raise(SIGTERM));
	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGTERM), "a deadly signal");
	CHECK_EQ(go(PTRACE_CONT, pid, SIGTERM), EVENT(PTRACE_EVENT_EXIT), "leads to an exit event");
	CHECK_EQ(message(pid), SIGTERM, "with the signal");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), SIGTERM, "and to the end");
}

static void exec(char *self)
{
	char *argv[] = { self, "0", NULL };
	pid_t pid = TRACED(0, execv(self, argv));

	CHECK_EQ(go(PTRACE_CONT, pid, 0), STOPPED(SIGTRAP), "exec is a SIGTRAP");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), EXITED(42), "the new program");
	pid = TRACED(PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD, execv(self, argv));
	CHECK(to_entry(pid, SYS_execve), "its call");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), EVENT(PTRACE_EVENT_EXEC), "an event");
	CHECK_EQ(message(pid), pid, "of that thread");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "then its exit");
	CHECK_EQ(regs(pid).orig_rax, SYS_execve, "of exec");
	CHECK_EQ(regs(pid).rax, 0, "with 0");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), EXITED(42), "the new program");
}

static void filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 99),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, code };
	struct sock_filter back[8];
	struct ptrace_syscall_info info;
	long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD;
	pid_t pid = TRACED(options, MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
			   MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0); MUST(syscall(SYS_getppid) == getppid());
			   MUST(syscall(SYS_getppid) == 55));

	CHECK_EQ(go(PTRACE_CONT, pid, 0), EVENT(PTRACE_EVENT_SECCOMP), "a filter asks the tracer");
	CHECK_EQ(message(pid), 99, "with its data");
	CHECK_EQ(regs(pid).orig_rax, SYS_getppid, "the call");
	CHECK_EQ(request(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (uintptr_t)&info), 84, "info");
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_SECCOMP, "of its kind");
	CHECK_EQ(info.seccomp.ret_data, 99, "with the data");
	CHECK_EQ(go(PTRACE_SYSCALL, pid, 0), CALL_STOP, "then the exit stop");
	CHECK_EQ(regs(pid).rax, getpid(), "its result");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), EVENT(PTRACE_EVENT_SECCOMP), "glibc's getppid is asked about, too");
	CHECK_EQ(go(PTRACE_CONT, pid, 0), EVENT(PTRACE_EVENT_SECCOMP), "the last");
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax), -1));
	CHECK_OK(request(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rax), 55));
	if (tap_is_root()) {
		CHECK_EQ(request(PTRACE_SECCOMP_GET_FILTER, pid, 0, 0), 4, "the filter's length");
		CHECK_EQ(request(PTRACE_SECCOMP_GET_FILTER, pid, 0, (uintptr_t)back), 4, "the filter");
		CHECK(!memcmp(back, code, sizeof(code)), "as it was set");
		CHECK_ERRNO(request(PTRACE_SECCOMP_GET_FILTER, pid, 1, 0), ENOENT);
	} else {
		CHECK_ERRNO(request(PTRACE_SECCOMP_GET_FILTER, pid, 0, 0), EACCES);
	}
	CHECK_EQ(go(PTRACE_CONT, pid, 0), 0, "skipped, with a result");
}

int main(int argc, char **argv)
{
	char self[256] = "";

	(void)argv;
	if (argc > 1)
		return 42;
	MUST(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	tap_begin();
	events();
	exec(self);
	filter();
	return tap_end();
}
