/* exit, exit_group. */
#include "abi/wait.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/syscalls/handlers.h"

/* A thread that is not the last leaves by the host's own exit(2); the last one's process is killed. */
int64_t sys_exit(struct task *t, const struct sysargs *a)
{
	int status = LX_WSTATUS_EXITED(arg_int(a, 0));
	int64_t ret = ptrace_exit_first(t, status);

	if (ret)
		return ret;
	return task_end(t, status) ? SYS_GONE : SYS_PASS;
}

int64_t sys_exit_group(struct task *t, const struct sysargs *a)
{
	int status = LX_WSTATUS_EXITED(arg_int(a, 0));

	int64_t ret;

	process_exit(t->proc, status);
	ret = ptrace_exit_first(t, status);
	if (ret)
		return ret;
	task_end(t, status);
	return SYS_GONE;
}
