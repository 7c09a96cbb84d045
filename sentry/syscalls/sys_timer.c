/* getitimer, setitimer, alarm, timer_create, timer_settime, timer_gettime, timer_getoverrun, timer_delete. */
#include <errno.h>

#include "abi/signal.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/posix_timer.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static struct lx_itimerval to_itimerval(const struct timer_setting *s)
{
	/* What is armed is not shown as zero, whatever the resolution. */
	int64_t left = s->left > 0 && s->left < 1000 ? 1000 : s->left;

	return (struct lx_itimerval){ timeval_from_ns(s->interval), timeval_from_ns(left) };
}

static bool timeval_ok(const struct lx_timeval *tv)
{
	return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < LX_USEC_PER_SEC;
}

static int64_t timeval_ns(const struct lx_timeval *tv)
{
	const struct lx_timespec ts = { tv->tv_sec, tv->tv_usec * 1000 };

	return timespec_to_ns(&ts);
}

int64_t sys_getitimer(struct task *t, const struct sysargs *a)
{
	struct timer_setting s;
	struct lx_itimerval out;
	int err;

	if (arg_u32(a, 0) > LX_ITIMER_PROF)
		return -EINVAL;
	err = itimer_get(t, arg_int(a, 0), &s);
	if (err)
		return err;
	out = to_itimerval(&s);
	return copy_out(t, arg_addr(a, 1), &out, sizeof(out));
}

int64_t sys_setitimer(struct task *t, const struct sysargs *a)
{
	uaddr_t new_addr = arg_addr(a, 1), old_addr = arg_addr(a, 2);
	struct lx_itimerval new = { { 0, 0 }, { 0, 0 } }, out;
	struct timer_setting s, old;
	int err;

	/* Linux takes no new value for one that disarms. */
	if (!uaddr_null(new_addr) && copy_in(t, &new, new_addr, sizeof(new)) < 0)
		return -EFAULT;
	if (!timeval_ok(&new.it_value) || !timeval_ok(&new.it_interval) || arg_u32(a, 0) > LX_ITIMER_PROF)
		return -EINVAL;
	s = (struct timer_setting){ timeval_ns(&new.it_value), timeval_ns(&new.it_interval) };
	err = itimer_set(t, arg_int(a, 0), &s, &old);
	if (err || uaddr_null(old_addr))
		return err;
	out = to_itimerval(&old);
	return copy_out(t, old_addr, &out, sizeof(out));
}

int64_t sys_alarm(struct task *t, const struct sysargs *a)
{
	struct timer_setting new = { (int64_t)arg_u32(a, 0) * LX_NSEC_PER_SEC, 0 }, old;
	int err = itimer_set(t, LX_ITIMER_REAL, &new, &old);
	int64_t seconds;

	if (err)
		return err;
	/* Rounded, and never to zero while something was left. */
	seconds = (old.left + LX_NSEC_PER_SEC / 2) / LX_NSEC_PER_SEC;
	return old.left && !seconds ? 1 : seconds;
}

int64_t sys_timer_create(struct task *t, const struct sysargs *a)
{
	uaddr_t event_addr = arg_addr(a, 1);
	struct lx_sigevent ev;
	int32_t id;

	if (!uaddr_null(event_addr) && copy_in(t, &ev, event_addr, sizeof(ev)) < 0)
		return -EFAULT;
	id = posix_timer_create(t, arg_int(a, 0), uaddr_null(event_addr) ? NULL : &ev);
	if (id < 0)
		return id;
	if (copy_out(t, arg_addr(a, 2), &id, sizeof(id)) == 0)
		return 0;
	posix_timer_delete(t, id);
	return -EFAULT;
}

static struct lx_itimerspec to_itimerspec(const struct timer_setting *s)
{
	return (struct lx_itimerspec){ timespec_from_ns(s->interval), timespec_from_ns(s->left) };
}

int64_t sys_timer_settime(struct task *t, const struct sysargs *a)
{
	uaddr_t old_addr = arg_addr(a, 3);
	struct timer_setting s, old;
	struct lx_itimerspec new, out;
	int err;

	if (uaddr_null(arg_addr(a, 2)))
		return -EINVAL;
	if (copy_in(t, &new, arg_addr(a, 2), sizeof(new)) < 0)
		return -EFAULT;
	if (!timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
		return -EINVAL;
	s = (struct timer_setting){ timespec_to_ns(&new.it_value), timespec_to_ns(&new.it_interval) };
	err = posix_timer_set(t, arg_int(a, 0), &s, arg_int(a, 1) & LX_TIMER_ABSTIME, &old);
	if (err || uaddr_null(old_addr))
		return err;
	out = to_itimerspec(&old);
	return copy_out(t, old_addr, &out, sizeof(out));
}

int64_t sys_timer_gettime(struct task *t, const struct sysargs *a)
{
	struct timer_setting s;
	struct lx_itimerspec out;
	int err = posix_timer_get(t, arg_int(a, 0), &s);

	if (err)
		return err;
	out = to_itimerspec(&s);
	return copy_out(t, arg_addr(a, 1), &out, sizeof(out));
}

int64_t sys_timer_getoverrun(struct task *t, const struct sysargs *a)
{
	return posix_timer_overrun(t, arg_int(a, 0));
}

int64_t sys_timer_delete(struct task *t, const struct sysargs *a)
{
	return posix_timer_delete(t, arg_int(a, 0));
}
