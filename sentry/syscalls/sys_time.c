/* clock_gettime, clock_settime, clock_getres, gettimeofday, time, times, adjtimex, clock_adjtime. */
#include <errno.h>

#include "base/host.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define COARSE_RES_NS 4000000 /* a tick of a 250 Hz kernel */
#define NS_PER_TICK (LX_NSEC_PER_SEC / LX_CLOCK_TICKS)
#define TIME_OK 0
#define ADJ_READ_ONLY 0

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

/* The clocks are the host's: nobody inside a sandbox has CAP_SYS_TIME over them. */
int64_t sys_clock_settime(struct task *t, const struct sysargs *a)
{
	struct lx_timespec ts;
	int err;

	if (arg_int(a, 0) != LX_CLOCK_REALTIME)
		return -EINVAL;
	err = timespec_copy_in(t, arg_addr(a, 1), &ts);
	return err ? err : -EPERM;
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
	struct lx_tms tms = {
		.tms_utime = (int64_t)process_cpu_ns(t->proc) / NS_PER_TICK,
		.tms_cutime = (int64_t)t->proc->child_cpu_ns / NS_PER_TICK,
	};

	if (!uaddr_null(arg_addr(a, 0)) && copy_out(t, arg_addr(a, 0), &tms, sizeof(tms)) < 0)
		return -EFAULT;
	return host_monotonic_ns() / NS_PER_TICK;
}

/* Reading the state of the clock is for everybody, changing it for nobody. */
static int64_t adjtime(struct task *t, uaddr_t addr)
{
	struct lx_timex tx;

	if (copy_in(t, &tx, addr, sizeof(tx)) < 0)
		return -EFAULT;
	if (tx.modes != ADJ_READ_ONLY)
		return -EPERM;
	tx = (struct lx_timex){ .tick = 10000, .tolerance = 32768000, .precision = 1, .maxerror = 16000000, .esterror = 16000000 };
	tx.time = timeval_from_ns(host_realtime_ns());
	return copy_out(t, addr, &tx, sizeof(tx)) < 0 ? -EFAULT : TIME_OK;
}

int64_t sys_adjtimex(struct task *t, const struct sysargs *a)
{
	return adjtime(t, arg_addr(a, 0));
}

int64_t sys_clock_adjtime(struct task *t, const struct sysargs *a)
{
	if (arg_int(a, 0) != LX_CLOCK_REALTIME)
		return clock_now(t, arg_int(a, 0)) < 0 ? -EINVAL : -EOPNOTSUPP;
	return adjtime(t, arg_addr(a, 1));
}
