/* nanosleep, clock_nanosleep. */
#include <errno.h>

#include "base/host.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/timer.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define CPU_SLEEP_STEP_NS 1000000 /* how often a sleep on a CPU clock looks at it, at least */

static int64_t slept(int64_t ret)
{
	return ret == -ETIMEDOUT ? 0 : ret;
}

/* Interrupted: what is left is told, and a restart sleeps to the same moment. */
static int64_t interrupted(struct task *t, uaddr_t rem)
{
	int64_t left = t->blk.deadline - host_monotonic_ns();
	struct lx_timespec ts = timespec_from_ns(left > 0 ? left : 0);

	if (left <= 0)
		return 0;
	if (!uaddr_null(rem) && copy_out(t, rem, &ts, sizeof(ts)) < 0)
		return -EFAULT;
	return -ERESTART_BLOCK;
}

static int64_t restart_sleep(struct task *t)
{
	int64_t ret;

	task_set_deadline(t, (int64_t)t->restart.v[0]);
	ret = slept(task_block(t));
	return ret == -ERESTARTSYS ? interrupted(t, uaddr(t->restart.v[1])) : ret;
}

static int64_t sleep_relative(struct task *t, int64_t deadline, uaddr_t rem)
{
	int64_t ret;

	task_set_deadline(t, deadline);
	ret = slept(task_block(t));
	if (ret != -ERESTARTSYS)
		return ret;
	t->restart.fn = restart_sleep;
	t->restart.v[0] = (uint64_t)t->blk.deadline;
	t->restart.v[1] = rem.v;
	return interrupted(t, rem);
}

int64_t sys_nanosleep(struct task *t, const struct sysargs *a)
{
	int64_t deadline = KTIMER_NEVER;
	struct lx_timespec ts;
	int err;

	if (!t->blk.rerun) {
		err = timespec_copy_in(t, arg_addr(a, 0), &ts);
		if (err)
			return err;
		deadline = clock_deadline(LX_CLOCK_MONOTONIC, timespec_to_ns(&ts), false);
	}
	return sleep_relative(t, deadline, arg_addr(a, 1));
}

/* Sleeps on a CPU clock are looked at in steps: no event tells when a process has used so much. scratch[0]: the clock's time to reach. */
static int64_t sleep_cpu_until(struct task *t, int clock, int64_t until, int64_t *left_out)
{
	int64_t now = clock_now(t, clock), left, ret;

	if (now < 0)
		return now;
	if (!t->blk.rerun)
		t->blk.scratch[0] = (uint64_t)until;
	left = *left_out = (int64_t)t->blk.scratch[0] - now;
	if (left <= 0)
		return 0;
	t->blk.has_deadline = false;
	task_set_deadline(t, clock_add(host_monotonic_ns(), left > CPU_SLEEP_STEP_NS ? left : CPU_SLEEP_STEP_NS));
	ret = task_block(t);
	return ret == -ETIMEDOUT ? SYS_AGAIN : ret;
}

static int64_t restart_cpu_sleep(struct task *t)
{
	int64_t left = 0, ret = sleep_cpu_until(t, (int)t->restart.v[1], (int64_t)t->restart.v[0], &left);
	struct lx_timespec ts;

	if (ret != -ERESTARTSYS)
		return ret;
	ts = timespec_from_ns(left);
	if (t->restart.v[2] && copy_out(t, uaddr(t->restart.v[2]), &ts, sizeof(ts)) < 0)
		return -EFAULT;
	return -ERESTART_BLOCK;
}

/* A thread cannot sleep on its own CPU clock: it would never run on. */
static bool is_own_thread(const struct task *t, int clock)
{
	return clock < 0 && (clock & LX_CPUCLOCK_PERTHREAD_MASK) && (!LX_CPUCLOCK_PID(clock) || LX_CPUCLOCK_PID(clock) == t->tid);
}

static int64_t sleep_cpu(struct task *t, int clock, const struct lx_timespec *ts, bool absolute, uaddr_t rem)
{
	int64_t now = clock_now(t, clock), left = 0, until, ret;

	if (now < 0 || is_own_thread(t, clock))
		return -EINVAL;
	until = timespec_to_ns(ts);
	if (!absolute)
		until = until > INT64_MAX - now ? INT64_MAX : until + now;
	ret = sleep_cpu_until(t, clock, until, &left);
	if (ret != -ERESTARTSYS)
		return ret;
	if (absolute)
		return -ERESTARTNOHAND;
	t->restart.fn = restart_cpu_sleep;
	t->restart.v[0] = t->blk.scratch[0];
	t->restart.v[1] = (uint64_t)(int64_t)clock;
	t->restart.v[2] = rem.v;
	if (!uaddr_null(rem) && copy_out(t, rem, &(struct lx_timespec){ left / LX_NSEC_PER_SEC, left % LX_NSEC_PER_SEC }, sizeof(*ts)) < 0)
		return -EFAULT;
	return -ERESTART_BLOCK;
}

int64_t sys_clock_nanosleep(struct task *t, const struct sysargs *a)
{
	int clock = arg_int(a, 0);
	bool absolute = arg_int(a, 1) & LX_TIMER_ABSTIME;
	struct lx_timespec ts = { 0, 0 };
	int64_t ret = clock == LX_CLOCK_THREAD_CPUTIME_ID ? -EOPNOTSUPP : clock_for_timers(clock);

	if (ret)
		return ret;
	if (!t->blk.rerun) {
		ret = timespec_copy_in(t, arg_addr(a, 2), &ts);
		if (ret)
			return ret;
	}
	if (clock_is_cpu(clock))
		return sleep_cpu(t, clock, &ts, absolute, arg_addr(a, 3));
	if (!absolute)
		return sleep_relative(t, t->blk.rerun ? KTIMER_NEVER : clock_deadline(clock, timespec_to_ns(&ts), false), arg_addr(a, 3));
	if (!t->blk.rerun)
		task_set_deadline(t, clock_deadline(clock, timespec_to_ns(&ts), true));
	ret = slept(task_block(t));
	return ret == -ERESTARTSYS ? -ERESTARTNOHAND : ret;
}
