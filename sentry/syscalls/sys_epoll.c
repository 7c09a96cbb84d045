/* epoll_create, epoll_create1, epoll_ctl, epoll_wait, epoll_pwait, epoll_pwait2. */
#include <errno.h>
#include <stddef.h>

#include "abi/epoll.h"
#include "abi/time.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/epoll.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define MAX_REPORT (INT32_MAX / (int)sizeof(struct lx_epoll_event))
#define EXCLUSIVE_OK (LX_EPOLLIN | LX_EPOLLOUT | LX_EPOLLERR | LX_EPOLLHUP | LX_EPOLLWAKEUP | LX_EPOLLET | LX_EPOLLEXCLUSIVE)

static int64_t create(struct task *t, bool cloexec)
{
	struct file *f;
	int ret = epoll_open(t, &f);

	return ret < 0 ? ret : fd_add(t, f, cloexec);
}

int64_t sys_epoll_create(struct task *t, const struct sysargs *a)
{
	return arg_int(a, 0) <= 0 ? -EINVAL : create(t, false);
}

int64_t sys_epoll_create1(struct task *t, const struct sysargs *a)
{
	return arg_u32(a, 0) & ~(uint32_t)LX_EPOLL_CLOEXEC ? -EINVAL : create(t, arg_u32(a, 0) != 0);
}

static bool can_be_watched(const struct file *f)
{
	return f->ops->poll != NULL;
}

int64_t sys_epoll_ctl(struct task *t, const struct sysargs *a)
{
	int op = arg_int(a, 1), fd = arg_fd(a, 2);
	struct lx_epoll_event event = { 0 };
	AUTO_FILE struct file *epf = NULL;
	AUTO_FILE struct file *f = NULL;

	if (op != LX_EPOLL_CTL_DEL && copy_in(t, &event, arg_addr(a, 3), sizeof(event)) < 0)
		return -EFAULT;
	epf = fd_get_io(t, arg_fd(a, 0));
	f = epf ? fd_get_io(t, fd) : NULL;
	if (!f)
		return -EBADF;
	if (!can_be_watched(f))
		return -EPERM;
	if (f == epf || !file_epoll(epf))
		return -EINVAL;
	if ((event.events & LX_EPOLLEXCLUSIVE) && op == LX_EPOLL_CTL_ADD &&
	    ((event.events & ~EXCLUSIVE_OK) || file_epoll(f)))
		return -EINVAL;
	return epoll_control(epf->priv, f, op, fd, &event);
}

static int64_t wait_once(struct task *t, struct epoll *ep, uaddr_t at, int max)
{
	struct lx_epoll_event few[32];
	AUTO_FREE struct lx_epoll_event *many = NULL;
	struct lx_epoll_event *out = few;
	int n;

	if (max > (int)ARRAY_LEN(few)) {
		uint32_t room = epoll_count(ep) < (uint32_t)max ? epoll_count(ep) + 1 : (uint32_t)max;

		max = (int)room;
		if (room > ARRAY_LEN(few) && !(out = many = mem_alloc(room * sizeof(*out))))
			return -ENOMEM;
	}
	n = epoll_collect(ep, out, max);
	if (n > 0 && copy_out(t, at, out, (size_t)n * sizeof(*out)) < 0)
		return -EFAULT;
	return n;
}

static int64_t do_wait(struct task *t, const struct sysargs *a)
{
	int max = arg_int(a, 2);
	AUTO_FILE struct file *f = NULL;
	struct epoll *ep;
	int64_t ret;

	if (max <= 0 || max > MAX_REPORT)
		return -EINVAL;
	f = fd_get_io(t, arg_fd(a, 0));
	if (!f)
		return -EBADF;
	ep = file_epoll(f);
	if (!ep)
		return -EINVAL;
	ret = wait_once(t, ep, arg_addr(a, 1), max);
	if (ret)
		return ret;
	if (task_wait_on_file(t, epoll_queue(ep), LX_EPOLLIN, f) < 0)
		return -ENOMEM;
	ret = wait_once(t, ep, arg_addr(a, 1), max);
	if (ret)
		return ret;
	ret = task_block(t);
	if (ret == -ETIMEDOUT)
		return 0;
	return ret == -ERESTARTSYS ? -EINTR : ret; /* never restarted, signal(7) */
}

static void deadline_ms(struct task *t, int ms)
{
	if (ms >= 0)
		task_set_deadline(t, host_monotonic_ns() + ms * 1000000ll);
}

int64_t sys_epoll_wait(struct task *t, const struct sysargs *a)
{
	deadline_ms(t, arg_int(a, 3));
	return do_wait(t, a);
}

static int64_t wait_masked(struct task *t, const struct sysargs *a)
{
	uint64_t mask;
	int64_t ret;

	if (arg_u64(a, 4) && !t->blk.rerun) {
		if (arg_size(a, 5) != sizeof(mask))
			return -EINVAL;
		if (copy_in(t, &mask, arg_addr(a, 4), sizeof(mask)) < 0)
			return -EFAULT;
		signal_temp_mask(t, mask);
	}
	ret = do_wait(t, a);
	if (ret != SYS_BLOCKED && ret != -EINTR)
		signal_restore_mask(t);
	return ret;
}

int64_t sys_epoll_pwait(struct task *t, const struct sysargs *a)
{
	deadline_ms(t, arg_int(a, 3));
	return wait_masked(t, a);
}

int64_t sys_epoll_pwait2(struct task *t, const struct sysargs *a)
{
	struct lx_timespec ts;

	if (arg_u64(a, 3) && !t->blk.rerun) {
		if (copy_in(t, &ts, arg_addr(a, 3), sizeof(ts)) < 0)
			return -EFAULT;
		if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= 1000000000)
			return -EINVAL;
		if (ts.tv_sec < INT32_MAX)
			task_set_deadline(t, host_monotonic_ns() + ts.tv_sec * 1000000000 + ts.tv_nsec);
	}
	return wait_masked(t, a);
}
