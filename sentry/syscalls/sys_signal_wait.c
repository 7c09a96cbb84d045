/* rt_sigtimedwait, rt_sigsuspend, pause, restart_syscall. */
#include <errno.h>

#include "sentry/kernel/clock.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int64_t take_signal(struct task *t, uint64_t set, uaddr_t info_addr)
{
	struct lx_siginfo info;
	int signo = signal_dequeue(t, set, &info);

	if (signo && !uaddr_null(info_addr) && copy_out(t, info_addr, &info, sizeof(info)) < 0)
		return -EFAULT;
	return signo;
}

int64_t sys_rt_sigtimedwait(struct task *t, const struct sysargs *a)
{
	uaddr_t info_addr = arg_addr(a, 1), timeout = arg_addr(a, 2);
	struct lx_timespec ts;
	uint64_t set;
	int64_t ret;

	if (arg_size(a, 3) != LX_SIGSET_SIZE)
		return -EINVAL;
	if (copy_in(t, &set, arg_addr(a, 0), sizeof(set)) < 0)
		return -EFAULT;
	set &= ~LX_SIG_UNMASKABLE;
	if (!t->blk.rerun && !uaddr_null(timeout)) {
		ret = timespec_copy_in(t, timeout, &ts);
		if (ret)
			return ret;
		task_set_deadline(t, clock_deadline(LX_CLOCK_MONOTONIC, timespec_to_ns(&ts), false));
	}
	ret = take_signal(t, set, info_addr);
	if (ret)
		return ret;
	/* Signals that are sent from here on wake the queue; what came before is found by the second look. */
	ret = task_wait_on(t, &t->proc->signal_wait, ~0u);
	if (!ret)
		ret = take_signal(t, set, info_addr);
	if (ret)
		return ret;
	ret = task_block(t);
	if (ret == -ETIMEDOUT)
		return -EAGAIN;
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

static int64_t block_for_signal(struct task *t)
{
	int64_t ret = task_block(t);

	return ret == -ERESTARTSYS ? -ERESTARTNOHAND : ret;
}

int64_t sys_rt_sigsuspend(struct task *t, const struct sysargs *a)
{
	uint64_t mask;

	if (arg_size(a, 1) != LX_SIGSET_SIZE)
		return -EINVAL;
	if (!t->blk.rerun) {
		if (copy_in(t, &mask, arg_addr(a, 0), sizeof(mask)) < 0)
			return -EFAULT;
		signal_temp_mask(t, mask);
	}
	return block_for_signal(t);
}

int64_t sys_pause(struct task *t, const struct sysargs *a)
{
	(void)a;
	return block_for_signal(t);
}

int64_t sys_restart_syscall(struct task *t, const struct sysargs *a)
{
	(void)a;
	return t->restart.fn ? t->restart.fn(t) : -EINTR;
}
