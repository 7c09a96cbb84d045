/* Parents and children at a process's end: see reparent.h. Linux: forget_original_parent(), kill_orphaned_pgrp(), do_notify_parent(). */
#include "sentry/kernel/reparent.h"

#include <stddef.h>

#include "abi/wait.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/session.h"
#include "sentry/kernel/sigqueue.h"

#define NS_PER_TICK (LX_NSEC_PER_SEC / LX_CLOCK_TICKS)

static void send_plain(struct process *to, int signo)
{
	struct lx_siginfo info;

	siginfo_init_kill(&info, signo, NULL);
	signal_send_process(to, &info);
}

static struct process *find_reaper(const struct process *dying)
{
	struct process *init = dying->k->init;

	for (struct process *p = dying->parent; p; p = p->parent)
		if (p->subreaper && p->state < PROC_ZOMBIE && p->live_tasks > 0)
			return p;
	return init && init != dying && init->state < PROC_ZOMBIE ? init : NULL;
}

/* A stopped job that nobody of its session can continue any more is told that its terminal is lost, and goes on. */
static void rescue_pgrp(struct pgrp *g, const struct process *without)
{
	struct lx_siginfo info;

	if (!pgrp_is_orphaned(g, without) || !pgrp_has_stopped(g))
		return;
	siginfo_init_kill(&info, LX_SIGHUP, NULL);
	signal_send_pgrp(g, &info);
	siginfo_init_kill(&info, LX_SIGCONT, NULL);
	signal_send_pgrp(g, &info);
}

static bool tied(const struct process *child, const struct process *parent)
{
	return parent && parent->pgrp != child->pgrp && parent->session == child->session;
}

bool exit_tell_parent(struct process *p)
{
	struct process *parent = p->parent;
	struct lx_siginfo info = { .si_signo = p->exit_signal };
	const struct lx_sigaction action = signal_action(parent, LX_SIGCHLD);
	bool by_signal = LX_WTERMSIG(p->exit_status) != 0, ignored, unwanted;

	ignored = action.handler == LX_SIG_IGN;
	unwanted = p->exit_signal == LX_SIGCHLD && !p->traced_leader && (ignored || (action.flags & LX_SA_NOCLDWAIT));
	info.si_code = by_signal ? LX_CLD_KILLED : LX_CLD_EXITED;
	info.u.chld.pid = p->pid;
	info.u.chld.uid = p->counted_uid;
	info.u.chld.status = by_signal ? LX_WTERMSIG(p->exit_status) : LX_WEXITSTATUS(p->exit_status);
	info.u.chld.utime = (int64_t)(p->usage_at_exit.cpu.user / NS_PER_TICK);
	info.u.chld.stime = (int64_t)(p->usage_at_exit.cpu.system / NS_PER_TICK);
	if (p->exit_signal && !(unwanted && ignored))
		signal_send_process(parent, &info);
	/* Zombies stand first: a wait for any child finds one at once. */
	list_remove(&p->sibling);
	list_push_front(&parent->children, &p->sibling);
	waitq_wake(&parent->child_wait, ~0u);
	return unwanted;
}

static void adopt(struct process *child, struct process *parent, struct reparented *out)
{
	list_remove(&child->sibling);
	child->parent = parent;
	if (parent)
		list_push_back(&parent->children, &child->sibling);
	if (child->pdeath_signal && child->state < PROC_ZOMBIE)
		send_plain(child, child->pdeath_signal);
	child->exit_signal = LX_SIGCHLD;
	if (child->state != PROC_ZOMBIE || ptrace_withholds(child))
		return;
	if (!parent || exit_tell_parent(child)) {
		process_reap(child);
		list_push_back(&out->reaped, &child->sibling);
	}
}

void reparent_children(struct process *dying, struct reparented *out)
{
	struct process *reaper = NULL, *child, *next;
	bool stopped = atomic_load(pid_stopped_count(dying->k)) > 0;

	lock_assert_held(&dying->k->lock);
	list_init(&out->reaped);
	if (stopped && dying->pgrp && tied(dying, dying->parent))
		rescue_pgrp(dying->pgrp, dying);
	if (!list_empty(&dying->children))
		reaper = find_reaper(dying);
	list_for_each_safe(child, next, &dying->children, sibling) {
		bool was_tied = stopped && tied(child, dying);
		struct pgrp *g = was_tied && child->pgrp ? pgrp_get(child->pgrp) : NULL;

		adopt(child, reaper, out);
		if (g)
			rescue_pgrp(g, NULL);
		pgrp_put(g);
	}
}

void reparented_reap(struct reparented *r)
{
	while (!list_empty(&r->reaped)) {
		struct process *p = list_first(&r->reaped, struct process, sibling);

		list_remove(&p->sibling);
		process_put(p);
	}
}
