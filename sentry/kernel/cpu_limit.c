/* RLIMIT_CPU: looked at when it could have been reached at the earliest; no event tells how much CPU time a process has used. */
#include "sentry/kernel/cpu_limit.h"

#include <stddef.h>

#include "base/host.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/signal.h"

#define LOOK_NS 10000000 /* between two looks, at least */

static void send(struct process *p, int signo)
{
	struct lx_siginfo info;

	siginfo_init_kill(&info, signo, NULL);
	signal_send_process(p, &info);
}

static void rearm(struct process *p, uint64_t used_ns)
{
	uint64_t soft = p->limits[LX_RLIMIT_CPU].rlim_cur, cpus = p->k->cpus > 0 ? (uint64_t)p->k->cpus : 1;
	uint64_t left;

	if (soft >= LX_RLIM_INFINITY / LX_NSEC_PER_SEC)
		return;
	left = soft * LX_NSEC_PER_SEC > used_ns ? (soft * LX_NSEC_PER_SEC - used_ns) / cpus : 0;
	ktimer_arm(&p->cpu_limit_timer, host_monotonic_ns() + (int64_t)(left > LOOK_NS ? left : LOOK_NS));
}

static void look(struct ktimer *timer)
{
	struct process *p = container_of(timer, struct process, cpu_limit_timer);
	uint64_t used = process_cpu_ns(p), seconds = used / LX_NSEC_PER_SEC;
	bool over;

	if (p->limits[LX_RLIMIT_CPU].rlim_max <= seconds) {
		send(p, LX_SIGKILL);
		return;
	}
	lock_take(&p->lock);
	over = p->limits[LX_RLIMIT_CPU].rlim_cur <= seconds;
	if (over)
		p->limits[LX_RLIMIT_CPU].rlim_cur = seconds + 1;
	lock_drop(&p->lock);
	if (over)
		send(p, LX_SIGXCPU);
	rearm(p, used);
}

void cpu_limit_watch(struct process *p)
{
	struct lx_rlimit *limit = &p->limits[LX_RLIMIT_CPU];

	if (limit->rlim_cur == LX_RLIM_INFINITY)
		return;
	/* Zero would be over before it began: as on Linux it means a second. */
	if (limit->rlim_cur == 0)
		limit->rlim_cur = 1;
	if (!p->cpu_limit_timer.fn)
		ktimer_init(&p->cpu_limit_timer, look);
	ktimer_arm(&p->cpu_limit_timer, host_monotonic_ns() + LOOK_NS);
}

void cpu_limit_end(struct process *p)
{
	if (p->cpu_limit_timer.fn)
		ktimer_cancel_sync(&p->cpu_limit_timer);
}
