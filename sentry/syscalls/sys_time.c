/* clock_gettime, clock_settime, clock_getres, gettimeofday, settimeofday, time, times, adjtimex, clock_adjtime. */
#include <errno.h>

#include "base/host.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define COARSE_RES_NS 4000000 /* a tick of a 250 Hz kernel */
#define NS_PER_TICK (LX_NSEC_PER_SEC / LX_CLOCK_TICKS)

int64_t sys_clock_gettime(struct task *t, const struct sysargs *a)
{
	int64_t now = clock_now(t, arg_int(a, 0));
	struct lx_timespec ts;

	if (now < 0)
		return now;
	ts = timespec_from_ns(now);
	return copy_out(t, arg_addr(a, 1), &ts, sizeof(ts));
}

int64_t sys_clock_getres(struct task *t, const struct sysargs *a)
{
	int clock = arg_int(a, 0);
	bool coarse = clock == LX_CLOCK_REALTIME_COARSE || clock == LX_CLOCK_MONOTONIC_COARSE;
	struct lx_timespec ts = { 0, coarse ? COARSE_RES_NS : 1 };
	int64_t now = clock_now(t, clock);

	if (now < 0)
		return now;
	return uaddr_null(arg_addr(a, 1)) ? 0 : copy_out(t, arg_addr(a, 1), &ts, sizeof(ts));
}

/* The clocks are the host's: nobody inside a sandbox has CAP_SYS_TIME over them. A CPU clock is nobody's to set, but has a setter. */
int64_t sys_clock_settime(struct task *t, const struct sysargs *a)
{
	int clock = arg_int(a, 0);
	struct lx_timespec ts;

	if (clock > 0)
		return -EINVAL;
	if (copy_in(t, &ts, arg_addr(a, 1), sizeof(ts)) < 0)
		return -EFAULT;
	if (clock < 0)
		return clock_now(t, clock) < 0 ? -EINVAL : -EPERM;
	return timespec_valid(&ts) ? -EPERM : -EINVAL;
}

/* As clock_settime: first what is wrong, then that it is not allowed. */
int64_t sys_settimeofday(struct task *t, const struct sysargs *a)
{
	struct lx_timeval tv = { 0, 0 };
	struct lx_timezone tz;

	if (!uaddr_null(arg_addr(a, 0)) && copy_in(t, &tv, arg_addr(a, 0), sizeof(tv)) < 0)
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec > LX_USEC_PER_SEC)
		return -EINVAL;
	if (!uaddr_null(arg_addr(a, 1)) && copy_in(t, &tz, arg_addr(a, 1), sizeof(tz)) < 0)
		return -EFAULT;
	return tv.tv_sec < 0 || tv.tv_usec == LX_USEC_PER_SEC ? -EINVAL : -EPERM;
}

int64_t sys_gettimeofday(struct task *t, const struct sysargs *a)
{
	struct lx_timeval tv = timeval_from_ns(host_realtime_ns());
	struct lx_timezone tz = { 0, 0 };

	if (!uaddr_null(arg_addr(a, 0)) && copy_out(t, arg_addr(a, 0), &tv, sizeof(tv)) < 0)
		return -EFAULT;
	return uaddr_null(arg_addr(a, 1)) ? 0 : copy_out(t, arg_addr(a, 1), &tz, sizeof(tz));
}

int64_t sys_time(struct task *t, const struct sysargs *a)
{
	int64_t now = host_realtime_ns() / LX_NSEC_PER_SEC;

	if (!uaddr_null(arg_addr(a, 0)) && copy_out(t, arg_addr(a, 0), &now, sizeof(now)) < 0)
		return -EFAULT;
	return now;
}

int64_t sys_times(struct task *t, const struct sysargs *a)
{
	const struct cpu_times *children = &t->proc->child_usage.cpu;
	struct usage self;
	struct lx_tms tms;

	process_usage_get(t->proc, &self);
	tms = (struct lx_tms){
		.tms_utime = (int64_t)self.cpu.user / NS_PER_TICK,
		.tms_stime = (int64_t)self.cpu.system / NS_PER_TICK,
		.tms_cutime = (int64_t)children->user / NS_PER_TICK,
		.tms_cstime = (int64_t)children->system / NS_PER_TICK,
	};

	if (!uaddr_null(arg_addr(a, 0)) && copy_out(t, arg_addr(a, 0), &tms, sizeof(tms)) < 0)
		return -EFAULT;
	return host_monotonic_ns() / NS_PER_TICK;
}

/* Modes that only read, adjtime(3)'s among them, are for everybody; changing the clock is for nobody. */
static int judge_modes(uint32_t modes)
{
	if (!(modes & LX_ADJ_ADJTIME))
		return modes ? -EPERM : 0;
	if (!(modes & LX_ADJ_OFFSET_SINGLESHOT))
		return -EINVAL;
	return modes & LX_ADJ_OFFSET_READONLY ? 0 : -EPERM;
}

/* Whether the host's clock is kept by somebody is the host's affair: a guest's counts as one that nobody keeps. */
static int64_t adjtime(struct task *t, uaddr_t addr)
{
	struct lx_timex tx;
	int err;

	if (copy_in(t, &tx, addr, sizeof(tx)) < 0)
		return -EFAULT;
	err = judge_modes(tx.modes);
	if (err)
		return err;
	tx = (struct lx_timex){ .modes = tx.modes, .status = LX_STA_UNSYNC, .constant = 2, .tick = 10000, .tolerance = 32768000,
				.precision = 1, .maxerror = 16000000, .esterror = 16000000 };
	tx.time = timeval_from_ns(host_realtime_ns());
	return copy_out(t, addr, &tx, sizeof(tx)) < 0 ? -EFAULT : LX_TIME_ERROR;
}

int64_t sys_adjtimex(struct task *t, const struct sysargs *a)
{
	return adjtime(t, arg_addr(a, 0));
}

int64_t sys_clock_adjtime(struct task *t, const struct sysargs *a)
{
	int clock = arg_int(a, 0);
	struct lx_timex tx;

	if (clock == LX_CLOCK_REALTIME)
		return adjtime(t, arg_addr(a, 1));
	if (copy_in(t, &tx, arg_addr(a, 1), sizeof(tx)) < 0)
		return -EFAULT;
	if (clock < 0)
		return clock_for_timers(clock) ? -EINVAL : -EOPNOTSUPP;
	return clock > LX_CLOCK_TAI || clock == 10 ? -EINVAL : -EOPNOTSUPP;
}
