/* fork, vfork, clone, clone3, unshare, setns. All but the last two run at a control stop: the host makes the process. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

int64_t sys_fork(struct task *t, const struct sysargs *a)
{
	const struct clone_params c = { .exit_signal = LX_SIGCHLD };

	(void)a;
	return task_clone(t, &c);
}

int64_t sys_vfork(struct task *t, const struct sysargs *a)
{
	const struct clone_params c = { .flags = LX_CLONE_VM | LX_CLONE_VFORK, .exit_signal = LX_SIGCHLD };

	(void)a;
	return task_clone(t, &c);
}

int64_t sys_clone(struct task *t, const struct sysargs *a)
{
	uint64_t flags = (uint32_t)arg_u64(a, 0);
	struct clone_params c = {
		.flags = flags & ~LX_CSIGNAL,
		.exit_signal = (int)(flags & LX_CSIGNAL),
		.stack = arg_u64(a, 1),
		.parent_tid = arg_addr(a, 2),
		.child_tid = arg_addr(a, 3),
		.tls = arg_u64(a, 4),
		.pidfd = arg_addr(a, 2),
	};

	/* Both are returned through one argument; and DETACHED is what the pidfd's bit once was. */
	if ((flags & LX_CLONE_PIDFD) && (flags & (LX_CLONE_PARENT_SETTID | LX_CLONE_DETACHED)))
		return -EINVAL;
	return task_clone(t, &c);
}

static int check_clone3(const struct lx_clone_args *ca, size_t size)
{
	const uint64_t known = 0xffffffffull | LX_CLONE_CLEAR_SIGHAND | LX_CLONE_INTO_CGROUP;

	if (ca->flags & (~known | LX_CLONE_DETACHED | (LX_CSIGNAL & ~LX_CLONE_NEWTIME)))
		return -EINVAL;
	if (ca->exit_signal > LX_NSIG)
		return -EINVAL;
	if ((ca->flags & (LX_CLONE_THREAD | LX_CLONE_PARENT)) && ca->exit_signal)
		return -EINVAL;
	if (!ca->stack != !ca->stack_size)
		return -EINVAL;
	if (ca->set_tid_size > 32 || !ca->set_tid != !ca->set_tid_size)
		return -EINVAL;
	if ((ca->flags & LX_CLONE_INTO_CGROUP) && (ca->cgroup > INT32_MAX || size < sizeof(*ca)))
		return -EINVAL;
	/* Choosing numbers is for checkpoint tools, with a right that a sandbox has not; groups of the host are not ours. */
	if (ca->set_tid)
		return -EPERM;
	return ca->flags & LX_CLONE_INTO_CGROUP ? -EBADF : 0;
}

int64_t sys_clone3(struct task *t, const struct sysargs *a)
{
	size_t size = arg_size(a, 1);
	struct lx_clone_args ca;
	struct clone_params c;
	int err;

	if (size > LX_PAGE_SIZE)
		return -E2BIG;
	if (size < LX_CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	err = copy_in_struct(t, &ca, sizeof(ca), arg_addr(a, 0), size);
	if (!err)
		err = check_clone3(&ca, size);
	if (err)
		return err;
	c = (struct clone_params){
		.flags = ca.flags,
		.exit_signal = (int)ca.exit_signal,
		.stack = ca.stack,
		.stack_size = ca.stack_size,
		.tls = ca.tls,
		.parent_tid = uaddr(ca.parent_tid),
		.child_tid = uaddr(ca.child_tid),
		.pidfd = uaddr(ca.pidfd),
	};
	return task_clone(t, &c);
}
