/* What tasks and processes have used: see usage.h. Linux: kernel/sched/cputime.c, cputime_adjust(). */
#include "sentry/kernel/usage.h"

#include <string.h>
#include <time.h>

#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/mm.h"

__thread uint32_t usage_calls;
static __thread uint64_t usage_seen_ns; /* this worker's CPU time at the last look; 0 before the first */

static struct tracee *tracee_of(struct task *t)
{
	LOCK_GUARD(&t->tracee_lock);
	return t->tracee ? tracee_get(t->tracee) : NULL;
}

static struct tracee *first_tracee(struct process *p)
{
	LOCK_GUARD(&p->lock);
	return list_empty(&p->tasks) ? NULL : tracee_of(list_first(&p->tasks, struct task, proc_link));
}

static void sample_add(struct cpu_sample *sum, const struct cpu_sample *more)
{
	sum->total += more->total;
	sum->ticks_user += more->ticks_user;
	sum->ticks += more->ticks;
}

/* The exact total, divided as the ticks fell. */
static struct cpu_times split(const struct cpu_sample *s)
{
	uint64_t user = s->total;

	if (s->ticks)
		user = (uint64_t)((unsigned __int128)s->total * s->ticks_user / s->ticks);
	return (struct cpu_times){ user, s->total - user };
}

/* Neither part goes back, though the proportion may; proc->lock is held. */
static void show(struct process *p, const struct cpu_times *now)
{
	struct cpu_times *shown = &p->used.shown;
	uint64_t sum = cpu_times_sum(now);

	if (sum <= cpu_times_sum(shown))
		return;
	if (now->system > shown->system)
		shown->system = now->system;
	if (sum - shown->system > shown->user)
		shown->user = sum - shown->system;
	else
		shown->system = sum - shown->user;
}

void process_usage_get(struct process *p, struct usage *out)
{
	struct tracee *tracee = first_tracee(p);
	struct cpu_sample now = { 0 };
	struct cpu_times times;

	if (tracee && tracee_cpu_sample(tracee, &now) < 0)
		now = (struct cpu_sample){ 0 };
	if (tracee) /* none: the first program could not be run */
		tracee_put(tracee);
	lock_take(&p->lock);
	sample_add(&now, &p->used.before);
	times = split(&now);
	times.system += atomic_load(&p->used.sentry_ns);
	show(p, &times);
	out->cpu = p->used.shown;
	lock_drop(&p->lock);
	out->waits = atomic_load(&p->used.waits);
	out->max_rss_kb = atomic_load(&p->used.max_rss_kb);
}

void task_usage_get(struct task *t, struct usage *out)
{
	uint64_t sentry_ns = atomic_load(&t->sentry_ns), total = task_cpu_ns(t);

	process_usage_get(t->proc, out);
	/* The process's proportion is the best guess at the thread's. */
	if (t->proc->live_tasks > 1 || total < cpu_times_sum(&out->cpu)) {
		uint64_t host = total > sentry_ns ? total - sentry_ns : 0;

		out->cpu = (struct cpu_times){ host, sentry_ns };
	}
	out->waits = atomic_load(&t->waits);
}

void usage_add(struct usage *sum, const struct usage *more)
{
	sum->cpu.user += more->cpu.user;
	sum->cpu.system += more->cpu.system;
	sum->waits += more->waits;
	if (more->max_rss_kb > sum->max_rss_kb)
		sum->max_rss_kb = more->max_rss_kb;
}

void process_usage_exec(struct process *p, struct tracee *old)
{
	struct cpu_sample last;

	if (tracee_cpu_sample(old, &last) < 0)
		return;
	LOCK_GUARD(&p->lock);
	sample_add(&p->used.before, &last);
}

void process_usage_memory(struct task *t)
{
	uint64_t now = t->mm ? t->mm->charged_bytes / 1024 : 0, seen = atomic_load(&t->proc->used.max_rss_kb);

	while (now > seen && !atomic_compare_exchange_weak(&t->proc->used.max_rss_kb, &seen, now))
		;
}

void usage_look(struct task *t)
{
	struct timespec ts;
	uint64_t now, used;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) < 0)
		return;
	now = (uint64_t)ts.tv_sec * LX_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
	used = usage_seen_ns ? now - usage_seen_ns : 0;
	usage_seen_ns = now;
	atomic_fetch_add_explicit(&t->sentry_ns, used, memory_order_relaxed);
	atomic_fetch_add_explicit(&t->proc->used.sentry_ns, used, memory_order_relaxed);
}
