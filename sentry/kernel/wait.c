/* Waiting for children: see wait.h. Linux: kernel/exit.c, do_wait(). */
#include "sentry/kernel/wait.h"

#include <errno.h>
#include <string.h>

#include "abi/signal.h"
#include "abi/wait.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/reparent.h"

/* Does the query ask for this child? */
static bool eligible(const struct process *child, const struct wait_query *q)
{
	bool clone_child = child->exit_signal != LX_SIGCHLD;

	if (q->type == LX_P_PID && child->pid != q->id)
		return false;
	if (q->type == LX_P_PGID && (!child->pgrp || child->pgrp->id != q->id))
		return false;
	/* Children that do not report by SIGCHLD are for __WCLONE, the others for plain waits. */
	return (q->options & LX_WALL) || clone_child == !!(q->options & LX_WCLONE);
}

static void describe(const struct process *child, int code, int status, struct wait_result *r)
{
	r->pid = child->pid;
	r->uid = child->counted_uid;
	r->code = code;
	r->status = status;
}

static void take_zombie(struct process *child, const struct wait_query *q, struct wait_result *r, struct process **reaped)
{
	bool killed = LX_WTERMSIG(child->exit_status) != 0;

	describe(child, killed ? LX_CLD_KILLED : LX_CLD_EXITED, child->exit_status, r);
	r->usage = child->usage_at_exit;
	usage_add(&r->usage, &child->child_usage);
	if (q->options & LX_WNOWAIT)
		return;
	usage_add(&child->parent->child_usage, &r->usage);
	process_reap(child);
	*reaped = child;
}

/* Stopped or continued since it was last looked at? */
static bool take_jobctl(struct process *child, const struct wait_query *q, struct wait_result *r)
{
	bool keep = q->options & LX_WNOWAIT, traced = ptrace_by_parent(child);

	LOCK_GUARD(&child->sig_lock);
	if ((q->options & LX_WSTOPPED) && !traced && child->state == PROC_STOPPED && !child->stop_reported) {
		describe(child, LX_CLD_STOPPED, LX_WSTATUS_STOPPED(child->stop_signal), r);
		child->stop_reported = !keep;
		return true;
	}
	if ((q->options & LX_WCONTINUED) && child->continued_pending) {
		describe(child, LX_CLD_CONTINUED, LX_WSTATUS_CONTINUED, r);
		child->continued_pending = keep;
		return true;
	}
	return false;
}

static bool take(struct process *child, const struct wait_query *q, struct wait_result *r, struct process **reaped)
{
	if (child->state != PROC_ZOMBIE)
		return (q->options & (LX_WSTOPPED | LX_WCONTINUED)) && take_jobctl(child, q, r);
	if (!(q->options & LX_WEXITED) || ptrace_withholds(child))
		return false;
	take_zombie(child, q, r, reaped);
	return true;
}

/* --- tracees ---------------------------------------------------------------------------------------------------------- */

/* A tracee can be waited for by its thread's number, and whatever it sends at its end. */
static bool tracee_eligible(const struct task *t, const struct ptrace *pt, const struct wait_query *q)
{
	if ((q->options & LX_WNOTHREAD) && pt->tracer != t)
		return false;
	if (q->type == LX_P_PID)
		return pt->task->tid == q->id;
	return q->type != LX_P_PGID || (pt->task->proc->pgrp && pt->task->proc->pgrp->id == q->id);
}

static bool take_tracee_stop(struct ptrace *pt, const struct wait_query *q, struct wait_result *r)
{
	struct task *t = pt->task;

	LOCK_GUARD(&t->proc->sig_lock);
	if (!pt->stopped || pt->reported || pt->listening)
		return false;
	pt->reported = !(q->options & LX_WNOWAIT);
	*r = (struct wait_result){ .pid = t->tid, .uid = t->proc->counted_uid, .code = LX_CLD_TRAPPED, .status = 0x7f | pt->code << 8 };
	return true;
}

/* Dead threads, and zombies of others' children: those then go to their parents. */
static bool take_dead_tracee(struct ptrace *pt, const struct wait_query *q, struct wait_result *r, struct process **reaped)
{
	struct task *t = pt->task;
	struct process *p = t->proc;
	bool leader = p->traced_leader == t;
	int status = leader ? p->exit_status : pt->status;

	if (!(q->options & LX_WEXITED) || (leader && (p->state != PROC_ZOMBIE || !ptrace_withholds(p))))
		return false;
	*r = (struct wait_result){ .pid = t->tid, .uid = p->counted_uid, .status = status,
				   .code = LX_WTERMSIG(status) ? LX_CLD_KILLED : LX_CLD_EXITED };
	if (q->options & LX_WNOWAIT)
		return true;
	process_get(p);
	ptrace_reap(t);
	if (leader && exit_tell_parent(p)) {
		process_reap(p);
		*reaped = p;
	}
	process_put(p);
	return true;
}

/* True when one of the asked-for tracees had something to tell; *any: there is one. k->lock held. */
static bool look_at_tracees(struct task *t, const struct wait_query *q, struct wait_result *r, struct process **reaped, bool *any)
{
	struct ptrace *pt;

	list_for_each(pt, &t->proc->tracees, link) {
		if (!tracee_eligible(t, pt, q))
			continue;
		*any = true;
		if (pt->dead ? take_dead_tracee(pt, q, r, reaped) : take_tracee_stop(pt, q, r))
			return true;
	}
	return false;
}

/* --- waiting ------------------------------------------------------------------------------------------------------------- */

static bool look_at_child(struct process *p, const struct wait_query *q, struct wait_result *r, struct process **reaped, bool *any)
{
	struct pid_entry *e = pid_entry(p->k, q->id);
	struct process *child = e ? e->proc : NULL;

	if (!child || child->parent != p || !eligible(child, q))
		return false;
	*any = true;
	return take(child, q, r, reaped);
}

static bool look_at_children(struct process *p, const struct wait_query *q, struct wait_result *r, struct process **reaped, bool *any)
{
	struct process *child;

	if (q->type == LX_P_PID)
		return look_at_child(p, q, r, reaped, any);
	list_for_each(child, &p->children, sibling) {
		if (!eligible(child, q))
			continue;
		*any = true;
		if (take(child, q, r, reaped))
			return true;
	}
	return false;
}

/* One look at the children and tracees: 0 with a result or none yet, or -ECHILD. */
static int look(struct task *t, const struct wait_query *q, struct wait_result *r, struct process **reaped)
{
	struct process *p = t->proc;
	bool any = false;

	LOCK_GUARD(&p->k->lock);
	if (look_at_children(p, q, r, reaped, &any))
		return 0;
	if (!list_empty(&p->tracees) && look_at_tracees(t, q, r, reaped, &any))
		return 0;
	return any ? 0 : -ECHILD;
}

int64_t process_wait(struct task *t, const struct wait_query *q, struct wait_result *r)
{
	for (int attempt = 0;; attempt++) {
		struct process *reaped = NULL;
		int64_t ret;

		memset(r, 0, sizeof(*r));
		ret = look(t, q, r, &reaped);
		process_put(reaped);
		if (ret || r->pid || (q->options & LX_WNOHANG))
			return ret;
		if (attempt)
			return task_block(t);
		ret = task_wait_on(t, &t->proc->child_wait, ~0u);
		if (ret)
			return ret;
	}
}
