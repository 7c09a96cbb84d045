/* What the programs for ptrace(2) share: requests, waits, and a traced child. */
#include "../tap.h"

#include <linux/ptrace.h>
#include <stddef.h>
#include <sys/user.h>

#define STOPPED(sig) ((sig) << 8 | 0x7f)
#define CALL_STOP STOPPED(SIGTRAP | 0x80)
#define EVENT(e) STOPPED(SIGTRAP | (e) << 8)

TAP_FN long request(long what, pid_t pid, uintptr_t addr, uintptr_t data)
{
	return syscall(SYS_ptrace, what, (long)pid, addr, data);
}

TAP_FN int next(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, __WALL) == pid ? status : -1;
}

TAP_FN int go(long what, pid_t pid, int sig)
{
	return request(what, pid, 0, sig) < 0 ? -1 : next(pid);
}

TAP_FN struct user_regs_struct regs(pid_t pid)
{
	struct user_regs_struct r = { 0 };

	request(PTRACE_GETREGS, pid, 0, (uintptr_t)&r);
	return r;
}

TAP_FN unsigned long message(pid_t pid)
{
	unsigned long m = 0;

	request(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&m);
	return m;
}

/* A child that stops; then the options are set. */
#define TRACED(options, ...) ({ \
	pid_t pid_ = tap_fork(); \
	if (pid_ == 0) { \
		MUST(request(PTRACE_TRACEME, 0, 0, 0) == 0); \
		raise(SIGSTOP); \
		__VA_ARGS__; \
		_exit(0); \
	} \
	CHECK_EQ(next(pid_), STOPPED(SIGSTOP), "it stops (line %d)", __LINE__); \
	CHECK_OK(request(PTRACE_SETOPTIONS, pid_, 0, options)); \
	pid_; \
})

/* To the next entry stop of call nr; at others, and at exits, it goes on. False when it ended before that. */
TAP_FN bool to_entry(pid_t pid, long nr)
{
	struct ptrace_syscall_info info;

	for (;;) {
		int status = go(PTRACE_SYSCALL, pid, 0);

		if (status != CALL_STOP)
			return false;
		request(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (uintptr_t)&info);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && (long)info.entry.nr == nr)
			return true;
	}
}
