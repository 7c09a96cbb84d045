/* exit, exit_group. */
#include "abi/wait.h"
#include "sentry/kernel/family.h"
#include "sentry/syscalls/handlers.h"

/* A thread that is not the last leaves by the host's own exit(2); the last one's process is killed. */
int64_t sys_exit(struct task *t, const struct sysargs *a)
{
	return task_end(t, LX_WSTATUS_EXITED(arg_int(a, 0))) ? SYS_GONE : SYS_PASS;
}

int64_t sys_exit_group(struct task *t, const struct sysargs *a)
{
	int status = LX_WSTATUS_EXITED(arg_int(a, 0));

	process_exit(t->proc, status);
	task_end(t, status);
	return SYS_GONE;
}
