/* Clocks: see clock.h. */
#include "sentry/kernel/clock.h"

#include <errno.h>
#include <time.h>

#include "base/host.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/timer.h"
#include "sentry/mm/usermem.h"

bool timespec_valid(const struct lx_timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < LX_NSEC_PER_SEC;
}

int64_t timespec_to_ns(const struct lx_timespec *ts)
{
	if (ts->tv_sec >= INT64_MAX / LX_NSEC_PER_SEC)
		return INT64_MAX;
	return ts->tv_sec * LX_NSEC_PER_SEC + ts->tv_nsec;
}

struct lx_timespec timespec_from_ns(int64_t ns)
{
	return (struct lx_timespec){ ns / LX_NSEC_PER_SEC, ns % LX_NSEC_PER_SEC };
}

struct lx_timeval timeval_from_ns(int64_t ns)
{
	return (struct lx_timeval){ ns / LX_NSEC_PER_SEC, ns % LX_NSEC_PER_SEC / 1000 };
}

struct lx_rusage rusage_from(const struct usage *u)
{
	return (struct lx_rusage){
		.ru_utime = timeval_from_ns((int64_t)u->cpu.user),
		.ru_stime = timeval_from_ns((int64_t)u->cpu.system),
		.ru_maxrss = (int64_t)u->max_rss_kb,
		.ru_nvcsw = (int64_t)u->waits,
	};
}

int timespec_copy_in(struct task *t, uaddr_t from, struct lx_timespec *ts)
{
	int err = copy_in(t, ts, from, sizeof(*ts));

	if (err)
		return err;
	return timespec_valid(ts) ? 0 : -EINVAL;
}

bool clock_is_cpu(int clock)
{
	return clock < 0 || clock == LX_CLOCK_PROCESS_CPUTIME_ID || clock == LX_CLOCK_THREAD_CPUTIME_ID;
}

bool clock_is_wall(int clock)
{
	switch (clock) {
	case LX_CLOCK_REALTIME:
	case LX_CLOCK_MONOTONIC:
	case LX_CLOCK_BOOTTIME:
	case LX_CLOCK_TAI:
		return true;
	default:
		return false;
	}
}

/* The kind that means a file descriptor of a clock device. */
static bool clock_is_device(int clock)
{
	return clock < 0 && (clock & (LX_CPUCLOCK_PERTHREAD_MASK | LX_CPUCLOCK_MASK)) == LX_CPUCLOCK_MASK;
}

int clock_for_timers(int clock)
{
	switch (clock) {
	case LX_CLOCK_MONOTONIC_RAW:
	case LX_CLOCK_REALTIME_COARSE:
	case LX_CLOCK_MONOTONIC_COARSE:
	case LX_CLOCK_REALTIME_ALARM: /* as on a machine without a clock that could wake it */
	case LX_CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	default:
		if (clock_is_device(clock))
			return -EOPNOTSUPP;
		return clock_is_wall(clock) || clock_is_cpu(clock) ? 0 : -EINVAL;
	}
}

/* Suspended time counts for the guest's boot time as for its monotonic time: the host's clocks are shown as they are. */
static int64_t wall_now(int clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		return -EINVAL;
	return (int64_t)ts.tv_sec * LX_NSEC_PER_SEC + ts.tv_nsec;
}

int cpu_clock_get(struct task *t, int clock, struct cpu_clock *out)
{
	int pid = LX_CPUCLOCK_PID(clock);

	*out = (struct cpu_clock){ 0 };
	if (clock == LX_CLOCK_PROCESS_CPUTIME_ID) {
		out->proc = process_get(t->proc);
	} else if (clock == LX_CLOCK_THREAD_CPUTIME_ID) {
		out->task = task_get(t);
	} else if (clock >= 0 || (clock & LX_CPUCLOCK_MASK) == LX_CPUCLOCK_MASK) {
		return -EINVAL;
	} else if (clock & LX_CPUCLOCK_PERTHREAD_MASK) {
		out->task = pid ? task_find(t->k, pid) : task_get(t);
		if (out->task && out->task->proc != t->proc)
			cpu_clock_put(out);
	} else {
		out->proc = pid ? process_find(t->k, pid) : process_get(t->proc);
	}
	out->user = clock < 0 && (clock & LX_CPUCLOCK_MASK) == LX_CPUCLOCK_VIRT;
	return out->task || out->proc ? 0 : -EINVAL;
}

void cpu_clock_put(struct cpu_clock *c)
{
	task_put(c->task);
	process_put(c->proc);
	*c = (struct cpu_clock){ 0 };
}

int64_t cpu_clock_ns(const struct cpu_clock *c)
{
	struct usage used;

	if (!c->user)
		return (int64_t)(c->task ? task_cpu_ns(c->task) : process_cpu_ns(c->proc));
	if (c->task)
		task_usage_get(c->task, &used);
	else
		process_usage_get(c->proc, &used);
	return (int64_t)used.cpu.user;
}

int64_t clock_now(struct task *t, int clock)
{
	struct cpu_clock cpu;
	int64_t ns;
	int err;

	if (!clock_is_cpu(clock))
		return clock > LX_CLOCK_TAI || clock == 10 || clock == LX_CLOCK_REALTIME_ALARM || clock == LX_CLOCK_BOOTTIME_ALARM ?
			       -EINVAL : wall_now(clock);
	err = cpu_clock_get(t, clock, &cpu);
	if (err)
		return err;
	ns = cpu_clock_ns(&cpu);
	cpu_clock_put(&cpu);
	return ns;
}

int64_t clock_add(int64_t ns, int64_t span)
{
	int64_t sum;

	return __builtin_add_overflow(ns, span, &sum) || sum == KTIMER_NEVER ? KTIMER_NEVER - 1 : sum;
}

int64_t clock_deadline(int clock, int64_t ns, bool absolute)
{
	int64_t now = host_monotonic_ns(), left = ns;

	if (absolute && clock == LX_CLOCK_MONOTONIC)
		return ns;
	if (absolute)
		left = ns - wall_now(clock);
	if (left <= 0)
		return now;
	return clock_add(now, left);
}
