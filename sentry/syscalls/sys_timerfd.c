/* timerfd_create, timerfd_settime, timerfd_gettime. */
#include <errno.h>

#include "abi/fcntl.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/timerfd.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

int64_t sys_timerfd_create(struct task *t, const struct sysargs *a)
{
	int clock = arg_int(a, 0), flags = arg_int(a, 1), err;
	struct file *f;

	if ((flags & ~(LX_TFD_CLOEXEC | LX_TFD_NONBLOCK)) || clock == LX_CLOCK_TAI)
		return -EINVAL;
	/* The alarm clocks wake the machine: a right that a sandbox has not. */
	if (clock == LX_CLOCK_REALTIME_ALARM || clock == LX_CLOCK_BOOTTIME_ALARM)
		return -EPERM;
	if (!clock_is_wall(clock))
		return -EINVAL;
	err = timerfd_file(t, clock, (uint32_t)flags & LX_O_NONBLOCK, &f);
	return err ? err : fd_add(t, f, flags & LX_TFD_CLOEXEC);
}

static struct lx_itimerspec to_itimerspec(const struct timer_setting *s)
{
	return (struct lx_itimerspec){ timespec_from_ns(s->interval), timespec_from_ns(s->left) };
}

int64_t sys_timerfd_settime(struct task *t, const struct sysargs *a)
{
	int flags = arg_int(a, 1), err;
	struct file *f AUTO_FILE = NULL;
	struct lx_itimerspec new, out;
	struct timer_setting s, old;

	if (copy_in(t, &new, arg_addr(a, 2), sizeof(new)) < 0)
		return -EFAULT;
	if ((flags & ~(LX_TFD_TIMER_ABSTIME | LX_TFD_TIMER_CANCEL_ON_SET)) || !timespec_valid(&new.it_value) ||
	    !timespec_valid(&new.it_interval))
		return -EINVAL;
	f = fd_get(t, arg_fd(a, 0));
	if (!f)
		return -EBADF;
	s = (struct timer_setting){ timespec_to_ns(&new.it_value), timespec_to_ns(&new.it_interval) };
	err = timerfd_set(f, &s, flags & LX_TFD_TIMER_ABSTIME, &old);
	if (err || uaddr_null(arg_addr(a, 3)))
		return err;
	out = to_itimerspec(&old);
	return copy_out(t, arg_addr(a, 3), &out, sizeof(out));
}

int64_t sys_timerfd_gettime(struct task *t, const struct sysargs *a)
{
	struct file *f AUTO_FILE = fd_get(t, arg_fd(a, 0));
	struct lx_itimerspec out;
	struct timer_setting s;
	int err;

	if (!f)
		return -EBADF;
	err = timerfd_get(f, &s);
	if (err)
		return err;
	out = to_itimerspec(&s);
	return copy_out(t, arg_addr(a, 1), &out, sizeof(out));
}
