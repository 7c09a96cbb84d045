/* Load averages: see load.h. Linux: kernel/sched/loadavg.c. */
#include "sentry/kernel/load.h"

#include <stddef.h>

#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/kernel.h"

#define LOOK_NS (5 * LX_NSEC_PER_SEC)

/* What is left of a value after one look, in 1 / LOAD_ONE: e to the power of -5 s / span. */
static const uint64_t decay[LOAD_SPANS] = { 60296, 64453, 65173 };

static bool runs(const struct task *t)
{
	int run = atomic_load(&t->run);

	return (run == RUN_GUEST || run == RUN_HANDLER || run == RUN_READY) && !t->stopped;
}

static int running_of(struct process *p)
{
	struct task *t;
	int n = 0;

	LOCK_GUARD(&p->lock);
	list_for_each(t, &p->tasks, proc_link)
		n += runs(t);
	return n;
}

void load_count(struct kernel *k, int *running, int *processes)
{
	*running = *processes = 0;
	for (int pid = process_next(k, 0); pid; pid = process_next(k, pid)) {
		struct process *p = process_find(k, pid);

		++*processes;
		if (p)
			*running += running_of(p);
		process_put(p);
	}
}

static void look(struct ktimer *timer)
{
	struct kernel *k = container_of(timer, struct kernel, load.timer);
	int running, processes;

	load_count(k, &running, &processes);
	for (int i = 0; i < LOAD_SPANS; i++) {
		uint64_t old = atomic_load(&k->load.value[i]);

		atomic_store(&k->load.value[i], (old * decay[i] + (uint64_t)running * LOAD_ONE * (LOAD_ONE - decay[i])) / LOAD_ONE);
	}
	ktimer_arm(timer, host_monotonic_ns() + LOOK_NS);
}

void load_start(struct kernel *k)
{
	ktimer_init(&k->load.timer, look);
	ktimer_arm(&k->load.timer, host_monotonic_ns() + LOOK_NS);
}

uint64_t load_get(struct kernel *k, int span)
{
	return atomic_load(&k->load.value[span]);
}
