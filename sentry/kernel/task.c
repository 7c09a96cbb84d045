/* Tasks and processes: making, numbering, finding, freeing. Their ends are in exit.c. */
#include <errno.h>
#include <string.h>

#include "abi/prctl.h"
#include "abi/wait.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/boot/control.h"
#include "sentry/kernel/census.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/session.h"

#define DEFAULT_STACK_LIMIT (8ull << 20)
#define DEFAULT_FILES_SOFT 1024
#define DEFAULT_FILES_HARD 1048576
#define DEFAULT_SIGPENDING 15000
#define DEFAULT_LOCKED (8ull << 20)
#define DEFAULT_QUEUE_BYTES 819200
#define DEFAULT_TIMER_SLACK_NS 50000

/* --- signal actions --------------------------------------------------------------------------------------------- */

struct sighand *sighand_new(void)
{
	struct sighand *h = mem_zalloc(sizeof(*h));

	if (h)
		ref_init(&h->ref);
	return h;
}

struct sighand *sighand_copy(const struct sighand *from)
{
	struct sighand *h = mem_alloc(sizeof(*h));

	if (!h)
		return NULL;
	ref_init(&h->ref);
	memcpy(h->actions, from->actions, sizeof(h->actions));
	return h;
}

struct sighand *sighand_get(struct sighand *h)
{
	ref_get(&h->ref);
	return h;
}

void sighand_put(struct sighand *h)
{
	if (h && ref_put(&h->ref))
		mem_free(h);
}

/* --- making ----------------------------------------------------------------------------------------------------- */

struct process *process_alloc(struct kernel *k, struct sighand *h)
{
	struct process *p = mem_zalloc(sizeof(*p));

	if (!p)
		return NULL;
	ref_init(&p->ref);
	census_add(CENSUS_PROCESS);
	p->k = k;
	list_init(&p->children);
	list_init(&p->tracees);
	list_init(&p->sibling);
	list_init(&p->pgrp_link);
	waitq_init(&p->child_wait);
	waitq_init(&p->exit_wait);
	waitq_init(&p->signal_wait);
	lock_init(&p->lock, RANK_PROCESS, "process");
	lock_init(&p->sig_lock, RANK_SIGNAL, "process.sig");
	list_init(&p->tasks);
	list_init(&p->shared_pending.queue);
	p->sighand = h;
	p->actions = h->actions;
	p->dumpable = 1;
	p->start_ns = host_monotonic_ns();
	return p;
}

struct task *task_alloc(struct process *proc, struct cred *cred)
{
	struct task *t = mem_zalloc(sizeof(*t));

	if (!t)
		return NULL;
	ref_init(&t->ref);
	census_add(CENSUS_TASK);
	t->k = proc->k;
	t->proc = process_get(proc);
	t->cred = cred_get(cred);
	list_init(&t->proc_link);
	list_init(&t->pending.queue);
	list_init(&t->jobs);
	lock_init(&t->tracee_lock, RANK_TRACEE, "task.tracee");
	t->altstack.flags = LX_SS_DISABLE;
	t->mce_kill = LX_PR_MCE_KILL_DEFAULT;
	t->timer_slack_ns = DEFAULT_TIMER_SLACK_NS;
	memset(t->affinity, 0xff, sizeof(t->affinity));
	t->start_ns = host_monotonic_ns();
	return t;
}

static void default_limits(struct process *p)
{
	for (int i = 0; i < LX_RLIM_NLIMITS; i++)
		p->limits[i] = (struct lx_rlimit){ LX_RLIM_INFINITY, LX_RLIM_INFINITY };
	p->limits[LX_RLIMIT_SIGPENDING] = (struct lx_rlimit){ DEFAULT_SIGPENDING, DEFAULT_SIGPENDING };
	p->limits[LX_RLIMIT_STACK].rlim_cur = DEFAULT_STACK_LIMIT;
	p->limits[LX_RLIMIT_MEMLOCK] = (struct lx_rlimit){ DEFAULT_LOCKED, DEFAULT_LOCKED };
	p->limits[LX_RLIMIT_MSGQUEUE] = (struct lx_rlimit){ DEFAULT_QUEUE_BYTES, DEFAULT_QUEUE_BYTES };
	p->limits[LX_RLIMIT_NICE] = p->limits[LX_RLIMIT_RTPRIO] = (struct lx_rlimit){ 0, 0 };
	p->limits[LX_RLIMIT_NOFILE] = (struct lx_rlimit){ DEFAULT_FILES_SOFT, DEFAULT_FILES_HARD };
}

static struct task *create_root(struct kernel *k, struct cred *cred, bool init)
{
	struct sighand *h = sighand_new();
	struct process *p = h ? process_alloc(k, h) : NULL;
	struct task *t = p ? task_alloc(p, cred) : NULL;
	int err;

	if (!t || tasks_charge(k) < 0)
		goto fail;
	default_limits(p);
	lock_take(&k->lock);
	err = task_publish(t, true);
	if (!err) {
		if (init)
			k->init = p;
		p->root = true;
		err = process_new_session(p);
	}
	lock_drop(&k->lock);
	if (!err) {
		process_put(p); /* the task's reference and its number's remain */
		return t;
	}
	tasks_uncharge(k);
fail:
	if (t)
		task_put(t);
	if (p)
		process_put(p);
	else
		sighand_put(h);
	return NULL;
}

struct task *task_create_init(struct kernel *k, struct cred *cred)
{
	return create_root(k, cred, true);
}

struct task *task_create_root(struct kernel *k, struct cred *cred)
{
	return create_root(k, cred, false);
}

/* --- references --------------------------------------------------------------------------------------------------- */

struct task *task_get(struct task *t)
{
	ref_get(&t->ref);
	return t;
}

void task_put(struct task *t)
{
	if (!t || !ref_put(&t->ref))
		return;
	if (t->tracee)
		tracee_put(t->tracee);
	ptrace_free(t);
	mem_free(t->futex_waiters);
	cred_put(t->cred);
	process_put(t->proc);
	census_drop(CENSUS_TASK);
	mem_free(t);
}

struct process *process_get(struct process *p)
{
	ref_get(&p->ref);
	return p;
}

void process_put(struct process *p)
{
	if (!p || !ref_put(&p->ref))
		return;
	sighand_put(p->sighand);
	census_drop(CENSUS_PROCESS);
	mem_free(p);
}

/* --- limits and numbers ----------------------------------------------------------------------------------------------- */

int tasks_charge(struct kernel *k)
{
	int used = atomic_fetch_add(&k->tasks_used, 1) + 1, peak = atomic_load(&k->tasks_peak);

	if (k->spec && k->spec->pid_limit && (uint64_t)used > k->spec->pid_limit) {
		atomic_fetch_sub(&k->tasks_used, 1);
		kernel_report_limit(k, CONTROL_LIMIT_PIDS, 0, k->spec->pid_limit);
		return -EAGAIN;
	}
	while (used > peak && !atomic_compare_exchange_weak(&k->tasks_peak, &peak, used))
		;
	return 0;
}

void tasks_uncharge(struct kernel *k)
{
	atomic_fetch_sub(&k->tasks_used, 1);
}

int task_publish(struct task *t, bool first)
{
	struct process *p = t->proc;
	struct kernel *k = t->k;
	struct pid_entry *e;
	int nr = pid_alloc(k);

	if (nr < 0)
		return nr;
	e = pid_entry(k, nr);
	t->tid = nr;
	e->task = t;
	k->task_count++;
	if (first) {
		p->pid = nr;
		p->counted_uid = t->cred->uid;
		e->proc = process_get(p);
		k->process_count++;
	}
	pid_uid_count(k, p->counted_uid, 1);
	LOCK_GUARD(&p->lock);
	LOCK_GUARD(&p->sig_lock);
	list_push_back(&p->tasks, &task_get(t)->proc_link);
	p->live_tasks++;
	if (p->group_exiting) {
		t->exit_status = p->group_exit_status;
		atomic_fetch_or(&t->work, WORK_EXIT);
	}
	if (p->stop_count > 0) {
		p->stop_count++;
		atomic_fetch_or(&t->work, WORK_STOP);
	}
	return 0;
}

void task_unpublish(struct task *t)
{
	struct kernel *k = t->k;
	struct pid_entry *e = pid_entry(k, t->tid);

	lock_assert_held(&k->lock);
	e->task = NULL;
	k->task_count--;
	pid_uid_count(k, t->proc->counted_uid, -1);
	pid_release(k, t->tid);
}

/* --- finding ---------------------------------------------------------------------------------------------------------- */

struct task *task_find(struct kernel *k, int tid)
{
	struct pid_entry *e;

	LOCK_GUARD(&k->lock);
	e = pid_entry(k, tid);
	return e && e->task ? task_get(e->task) : NULL;
}

struct process *process_find(struct kernel *k, int pid)
{
	struct pid_entry *e;

	LOCK_GUARD(&k->lock);
	e = pid_entry(k, pid);
	return e && e->proc ? process_get(e->proc) : NULL;
}

int process_next(struct kernel *k, int after)
{
	LOCK_GUARD(&k->lock);
	return pid_next(k, after + 1, 0);
}

/* --- time ------------------------------------------------------------------------------------------------------------- */

uint64_t task_cpu_ns(struct task *t)
{
	struct tracee *tracee;
	int64_t ns;

	lock_take(&t->tracee_lock);
	tracee = t->tracee ? tracee_get(t->tracee) : NULL;
	lock_drop(&t->tracee_lock);
	if (!tracee)
		return 0;
	ns = tracee_cpu_ns(tracee, false);
	tracee_put(tracee);
	return (ns < 0 ? 0 : (uint64_t)ns) + atomic_load(&t->sentry_ns);
}

uint64_t process_cpu_ns(struct process *p)
{
	struct tracee *tracee = NULL;
	int64_t ns = 0;

	lock_take(&p->lock);
	if (!list_empty(&p->tasks)) {
		struct task *t = list_first(&p->tasks, struct task, proc_link);

		lock_take(&t->tracee_lock);
		tracee = t->tracee ? tracee_get(t->tracee) : NULL;
		lock_drop(&t->tracee_lock);
	}
	lock_drop(&p->lock);
	if (tracee) {
		ns = tracee_cpu_ns(tracee, true);
		tracee_put(tracee);
	}
	return p->used.before.total + atomic_load(&p->used.sentry_ns) + (ns < 0 ? 0 : (uint64_t)ns);
}
