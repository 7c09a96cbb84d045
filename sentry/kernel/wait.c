/* Waiting for children: see wait.h. Linux: kernel/exit.c, do_wait(). */
#include "sentry/kernel/wait.h"

#include <errno.h>
#include <string.h>

#include "abi/signal.h"
#include "abi/wait.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"

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
	r->cpu_ns = child->cpu_ns_at_exit + child->child_cpu_ns;
	if (q->options & LX_WNOWAIT)
		return;
	child->parent->child_cpu_ns += r->cpu_ns;
	process_reap(child);
	*reaped = child;
}

/* Stopped or continued since it was last looked at? */
static bool take_jobctl(struct process *child, const struct wait_query *q, struct wait_result *r)
{
	bool keep = q->options & LX_WNOWAIT;

	LOCK_GUARD(&child->sig_lock);
	if ((q->options & LX_WSTOPPED) && child->state == PROC_STOPPED && !child->stop_reported) {
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
	if (!(q->options & LX_WEXITED))
		return false;
	take_zombie(child, q, r, reaped);
	return true;
}

/* One look at the children: 0 with a result or none yet, or -ECHILD. */
static int look(struct process *p, const struct wait_query *q, struct wait_result *r, struct process **reaped)
{
	struct process *child;
	bool any = false;

	LOCK_GUARD(&p->k->lock);
	if (q->type == LX_P_PID) {
		struct pid_entry *e = pid_entry(p->k, q->id);

		child = e ? e->proc : NULL;
		if (!child || child->parent != p || !eligible(child, q))
			return -ECHILD;
		take(child, q, r, reaped);
		return 0;
	}
	list_for_each(child, &p->children, sibling) {
		if (!eligible(child, q))
			continue;
		any = true;
		if (take(child, q, r, reaped))
			return 0;
	}
	return any ? 0 : -ECHILD;
}

int64_t process_wait(struct task *t, const struct wait_query *q, struct wait_result *r)
{
	for (int attempt = 0;; attempt++) {
		struct process *reaped = NULL;
		int64_t ret;

		memset(r, 0, sizeof(*r));
		ret = look(t->proc, q, r, &reaped);
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
