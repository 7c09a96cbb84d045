/* The ends of tasks and processes. Linux: kernel/exit.c. */
#include <errno.h>
#include <string.h>

#include "abi/wait.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/tty.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/cpu_limit.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/futex.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ns.h"
#include "sentry/kernel/keys.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/posix_timer.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/reparent.h"
#include "sentry/kernel/session.h"
#include "sentry/kernel/sysv.h"
#include "sentry/kernel/sigqueue.h"
#include "sentry/mm/mm.h"

void task_drop_resources(struct task *t)
{
	struct fdtable *files;
	struct ns_set *ns;
	struct fsctx *fs;
	struct mm *mm;

	lock_take(&t->proc->lock);
	files = t->files;
	fs = t->fs;
	ns = t->ns;
	mm = t->mm;
	t->files = NULL;
	t->fs = NULL;
	t->ns = NULL;
	t->mm = NULL;
	lock_drop(&t->proc->lock);
	if (files)
		fdtable_put(files, t);
	if (fs)
		fsctx_put(fs);
	ns_set_put(ns);
	if (mm) {
		mm_leave(mm);
		mm_put(mm);
	}
}

bool task_unlist(struct task *t)
{
	struct process *p = t->proc;

	LOCK_GUARD(&p->lock);
	LOCK_GUARD(&p->sig_lock);
	sigqueue_flush(p, &t->pending, ~0ull);
	list_remove(&t->proc_link);
	return --p->live_tasks == 0;
}

/* A task that dies on its way to a group stop is not waited for. */
static void leave_stop(struct task *t)
{
	struct process *p = t->proc;

	LOCK_GUARD(&p->sig_lock);
	if ((atomic_load(&t->work) & WORK_STOP) && !t->stopped && p->stop_count > 0)
		p->stop_count--;
	atomic_fetch_and(&t->work, ~(uint32_t)WORK_STOP);
}

static int final_status(struct process *p, int status)
{
	LOCK_GUARD(&p->sig_lock);
	return p->group_exiting ? p->group_exit_status : status;
}

/* A terminal is told before the session's leader is a zombie, so that whoever waits for it finds the terminal free. */
static void leave_session(struct process *p)
{
	struct session *s = NULL;

	lock_take(&p->k->lock);
	if (p->session && p->session->leader == p->pid) {
		s = session_get(p->session);
		s->leader = 0;
	}
	lock_drop(&p->k->lock);
	if (s)
		tty_session_leader_exit(s);
	session_put(s);
}

static void become_zombie(struct process *p, int status, const struct usage *used)
{
	p->exit_status = status;
	p->usage_at_exit = *used;
	LOCK_GUARD(&p->sig_lock);
	if (p->state == PROC_STOPPED)
		atomic_fetch_sub(pid_stopped_count(p->k), 1);
	sigqueue_flush(p, &p->shared_pending, ~0ull);
	p->state = PROC_ZOMBIE;
}

void process_reap(struct process *p)
{
	struct kernel *k = p->k;

	lock_assert_held(&k->lock);
	ptrace_forget_leader(p);
	list_remove(&p->sibling);
	process_leave_pgrp(p);
	lock_take(&p->sig_lock);
	p->state = PROC_REAPED;
	lock_drop(&p->sig_lock);
	pid_entry(k, p->pid)->proc = NULL;
	pid_release(k, p->pid);
	k->process_count--;
	tasks_uncharge(k);
}

/* Nobody can wait for it: the runtime hears of its own, the rest go without a trace. True when it is to be reaped. */
static bool end_without_parent(struct process *p)
{
	if (p == p->k->init) {
		kernel_init_exited(p->k, p->exit_status);
		return false;
	}
	if (p->root)
		kernel_process_exited(p->k, p->pid, p->exit_status, &p->usage_at_exit.cpu);
	return true;
}

/* The last task is gone: a zombie, with everything that this means for its family. */
static void process_end(struct process *p, int status, const struct usage *used)
{
	struct kernel *k = p->k;
	struct reparented moved;
	bool reap = false, parentless;

	posix_timers_exit(p);
	cpu_limit_end(p);
	sem_process_exit(p);
	keys_process_end(p);
	if (p->exe)
		file_put(p->exe);
	p->exe = NULL;
	leave_session(p);
	kernel_count_cpu(k, &used->cpu, atomic_load(&p->used.sentry_ns));

	lock_take(&k->lock);
	reparent_children(p, &moved);
	become_zombie(p, status, used);
	parentless = !p->parent;
	if (ptrace_withholds(p))
		ptrace_tell_zombie(p);
	else
		reap = !parentless && exit_tell_parent(p);
	if (reap)
		process_reap(p);
	lock_drop(&k->lock);

	if (parentless && end_without_parent(p)) {
		lock_take(&k->lock);
		process_reap(p);
		lock_drop(&k->lock);
		reap = true;
	}
	reparented_reap(&moved);
	waitq_wake(&p->exit_wait, ~0u);
	process_release_vfork_parent(p);
	if (reap)
		process_put(p);
}

bool task_end(struct task *t, int status)
{
	struct process *p = t->proc;
	struct kernel *k = t->k;
	struct usage used = { 0 };
	bool last;

	if (atomic_exchange(&t->run, RUN_DEAD) == RUN_DEAD)
		return false;
	t->exit_status = status;
	leave_stop(t);
	seccomp_abandon(t);
	stop_jobs_cancel(t);
	ptrace_tracer_ends(t);
	if (t->mm)
		futex_mm_release(t);
	process_usage_memory(t);
	task_drop_resources(t);
	if (p->live_tasks == 1) /* the last, or two at once, and then either may see too little */
		process_usage_get(p, &used);

	process_get(p);
	lock_take(&k->lock);
	ptrace_task_ends(t, final_status(p, status));
	task_unpublish(t);
	last = task_unlist(t);
	if (last)
		memcpy(p->comm, t->comm, sizeof(p->comm));
	lock_drop(&k->lock);
	seccomp_leave(t);
	keys_task_end(t);
	if (last) {
		if (t->tracee)
			platform_kill(t->tracee);
		process_end(p, final_status(p, status), &used);
	} else {
		tasks_uncharge(k);
		waitq_wake(&p->exit_wait, ~0u);
	}
	task_put(t); /* the list's */
	process_put(p);
	return last;
}

void task_exit(struct task *t, int status)
{
	task_end(t, status);
}

void process_release_vfork_parent(struct process *p)
{
	struct task *parent;

	lock_take(&p->lock);
	parent = p->vfork_parent;
	p->vfork_parent = NULL;
	lock_drop(&p->lock);
	if (!parent)
		return;
	atomic_store(&parent->vfork_wait, false);
	task_notify(parent);
	task_put(parent);
}

/* --- exec: one task remains ------------------------------------------------------------------------------------------- */

static void end_others(struct task *t)
{
	struct process *p = t->proc;
	struct task *other;

	LOCK_GUARD(&p->sig_lock);
	list_for_each(other, &p->tasks, proc_link) {
		if (other == t || (atomic_fetch_or(&other->work, WORK_EXIT) & WORK_EXIT))
			continue;
		other->exit_status = 0;
		ptrace_killed(other);
		task_notify(other);
	}
}

/* The number of the dead leader, by which everybody knows the process. */
static void take_leaders_tid(struct task *t)
{
	struct kernel *k = t->k;
	int old = t->tid;

	LOCK_GUARD(&k->lock);
	if (old == t->proc->pid)
		return;
	ptrace_forget_leader(t->proc);
	pid_entry(k, t->proc->pid)->task = t;
	t->tid = t->proc->pid;
	pid_entry(k, old)->task = NULL;
	pid_release(k, old);
}

int64_t process_become_single(struct task *t)
{
	struct process *p = t->proc;

	if (p->live_tasks > 1) {
		int err = task_wait_on(t, &p->exit_wait, ~0u);

		if (err)
			return err;
		end_others(t);
		if (atomic_load(&t->work) & WORK_EXIT)
			return -ERESTARTNOINTR; /* a group exit, or another thread's exec, was first */
		/* Not by task_block(): only death interrupts this wait, and that runs us again by itself. */
		if (p->live_tasks > 1)
			return SYS_BLOCKED;
	}
	take_leaders_tid(t);
	return 0;
}
