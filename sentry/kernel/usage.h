/*
 * What tasks and processes have used: CPU time as user and system, waits, memory. getrusage(2), times(2), wait4(2).
 *
 * User time is the guest's own. System time is what the host spent on it (faults, its address-space calls) and what the
 * sentry's workers did for it, which is looked up once in so many calls: as with the ticks of Linux, sums are right and
 * small figures are chance.
 */
#ifndef SENTRY_KERNEL_USAGE_H
#define SENTRY_KERNEL_USAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "platform/platform.h"

struct process;
struct task;

struct cpu_times {
	uint64_t user, system; /* ns */
};

/* What others than its parent may not see of a child until it is waited for; sums of the waited-for ones are alike. */
struct usage {
	struct cpu_times cpu;
	uint64_t max_rss_kb; /* an upper bound: what was mapped and may have been touched */
	uint64_t waits;      /* calls that blocked: voluntary context switches */
};

/* Of a process, beside what its tracees tell. */
struct process_usage {
	/* protected by proc->lock */
	struct cpu_sample before;  /* of the host processes of earlier images */
	struct cpu_times shown;    /* neither figure ever goes back */
	/* atomic */
	_Atomic uint64_t sentry_ns, waits, max_rss_kb;
};

static inline uint64_t cpu_times_sum(const struct cpu_times *c)
{
	return c->user + c->system;
}

/* Dead threads included. Without k->lock. */
void process_usage_get(struct process *, struct usage *out);
/* As above; the host tells nothing of one thread among several: then what the sentry did for it. */
void task_usage_get(struct task *, struct usage *out);
/* Adds a waited-for child's own and its children's. */
void usage_add(struct usage *sum, const struct usage *more);
/* The host process of an image is about to go: what it used is kept. */
void process_usage_exec(struct process *, struct tracee *old);
/* Notes how much memory the task's process has mapped now. */
void process_usage_memory(struct task *);

/* On a worker, after a call of the task: once in USAGE_CALLS the worker's CPU time since the last look is put down to it. */
#define USAGE_CALLS 32
extern __thread uint32_t usage_calls;
void usage_look(struct task *);
static inline void usage_call(struct task *t)
{
	if (__builtin_expect(++usage_calls % USAGE_CALLS == 0, 0))
		usage_look(t);
}

#endif
