/* Sending signals: what happens at once, which thread is to have it, and the short way for what kills. Linux: kernel/signal.c. */
#include "sentry/kernel/signal.h"

#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/wait.h"
#include "sentry/fs/landlock.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/sigqueue.h"

void process_exit_locked(struct process *p, int status)
{
	struct task *t;

	lock_assert_held(&p->sig_lock);
	if (p->group_exiting)
		return;
	p->group_exiting = true;
	p->group_exit_status = status;
	list_for_each(t, &p->tasks, proc_link) {
		t->exit_status = status;
		atomic_fetch_or(&t->work, WORK_EXIT);
		ptrace_killed(t);
		task_notify(t);
	}
}

/* It is ending already, and a tracer looks at its end: SIGKILL leaves it no time for that. */
static void end_at_once(struct process *p)
{
	struct task *t;

	list_for_each(t, &p->tasks, proc_link)
		ptrace_killed(t);
}

void process_exit(struct process *p, int status)
{
	LOCK_GUARD(&p->sig_lock);
	process_exit_locked(p, status);
}

/* Ignored signals are not even queued, unless they are blocked: the action may be another when they are unblocked. */
static bool wanted(const struct process *p, const struct task *t, int signo)
{
	if (!t && !list_empty(&p->tasks))
		t = list_entry(p->tasks.next, struct task, proc_link);
	if (t && ((t->blocked & SIGBIT(signo)) || ptrace_is_traced(t)))
		return true;
	return !signal_is_ignored(p, signo);
}

/* Stop signals and SIGCONT cancel each other, whether or not they are blocked or ignored. */
static void side_effects(struct process *p, int signo)
{
	if (SIGBIT(signo) & SIGNALS_STOP) {
		sigqueue_flush_all(p, SIGBIT(LX_SIGCONT));
	} else if (signo == LX_SIGCONT) {
		sigqueue_flush_all(p, SIGNALS_STOP);
		process_continue_locked(p);
	}
}

static bool can_take(const struct task *t, int signo)
{
	if (signo == LX_SIGKILL)
		return true;
	return !(t->blocked & SIGBIT(signo)) && !t->stopped;
}

/* The leader if it can take it, as it mostly is alone; else one with nothing to do yet; else any. */
static struct task *choose(const struct process *p, int signo)
{
	struct task *t, *any = NULL;

	list_for_each(t, &p->tasks, proc_link) {
		if (!can_take(t, signo))
			continue;
		if (!(atomic_load(&t->work) & WORK_SIGNAL))
			return t;
		if (!any)
			any = t;
	}
	return any;
}

static bool kills(const struct process *p, const struct task *t, int signo)
{
	if (signo == LX_SIGKILL)
		return true;
	if (ptrace_is_traced(t) || p->actions[signo - 1].handler != LX_SIG_DFL || (t->blocked & SIGBIT(signo)))
		return false;
	return !(SIGBIT(signo) & (SIGNALS_STOP | SIGNALS_DEFAULT_IGNORE));
}

/* It is pending: whoever is to take it hears of it; a signal that kills does so now. */
static void complete(struct process *p, struct task *t, int signo)
{
	if (t && !can_take(t, signo))
		return;
	if (!t)
		t = choose(p, signo);
	if (!t)
		return;
	if (kills(p, t, signo)) {
		process_exit_locked(p, LX_WSTATUS_SIGNALED(signo));
		return;
	}
	atomic_fetch_or(&t->work, WORK_SIGNAL);
	task_notify(t);
}

static int send_locked(struct process *p, struct task *t, const struct lx_siginfo *info)
{
	struct sigpending *q = t ? &t->pending : &p->shared_pending;
	int signo = info->si_signo, err;

	if (p->group_exiting) {
		if (signo == LX_SIGKILL)
			end_at_once(p);
		return 0;
	}
	side_effects(p, signo);
	if (!wanted(p, t, signo))
		return 0;
	if (signo < LX_SIGRTMIN && (q->set & SIGBIT(signo)))
		return 0;
	err = sigqueue_add(p, q, info);
	if (!err)
		complete(p, t, signo);
	return err;
}

static int send(struct process *p, struct task *t, const struct lx_siginfo *info)
{
	int err;

	lock_take(&p->sig_lock);
	err = send_locked(p, t, info);
	lock_drop(&p->sig_lock);
	waitq_wake(&p->signal_wait, ~0u);
	return err;
}

int signal_send_task(struct task *t, const struct lx_siginfo *info)
{
	if (atomic_load(&t->run) == RUN_DEAD)
		return -ESRCH;
	return send(t->proc, t, info);
}

int signal_send_process(struct process *p, const struct lx_siginfo *info)
{
	return send(p, NULL, info);
}

int signal_send_pgrp(struct pgrp *g, const struct lx_siginfo *info)
{
	struct process *p;
	int err = -ESRCH;

	list_for_each(p, &g->members, pgrp_link) {
		int one = p->state < PROC_ZOMBIE ? send(p, NULL, info) : 0;

		if (err)
			err = one;
	}
	return err;
}

bool signal_send_timer(struct process *p, struct task *t, struct sigqueue_entry *e)
{
	struct sigpending *q = t ? &t->pending : &p->shared_pending;
	bool queued = false;

	lock_take(&p->sig_lock);
	if (list_empty(&e->link)) {
		queued = true;
		if (!p->group_exiting && !(t && atomic_load(&t->run) == RUN_DEAD) && wanted(p, t, e->info.si_signo)) {
			sigqueue_add_entry(q, e);
			complete(p, t, e->info.si_signo);
		}
	}
	lock_drop(&p->sig_lock);
	waitq_wake(&p->signal_wait, ~0u);
	return queued;
}

void siginfo_init_kill(struct lx_siginfo *info, int signo, const struct task *from)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = from ? LX_SI_USER : LX_SI_KERNEL;
	if (from) {
		info->u.rt.pid = task_pid(from);
		info->u.rt.uid = from->cred->uid;
	}
}

static struct cred *process_cred(struct process *p)
{
	LOCK_GUARD(&p->lock);
	return list_empty(&p->tasks) ? NULL : cred_get(list_entry(p->tasks.next, struct task, proc_link)->cred);
}

static bool landlocked(const struct cred *mine, struct process *to)
{
	struct cred *theirs = process_cred(to);
	bool scoped = theirs && landlock_scoped(mine->landlock, theirs->landlock, LX_LANDLOCK_SCOPE_SIGNAL);

	cred_put(theirs);
	return scoped;
}

bool signal_ids_may_send(uint32_t uid, uint32_t euid, struct process *to)
{
	struct cred *theirs = process_cred(to);
	bool same;

	if (!theirs)
		return to->counted_uid == uid;
	same = euid == theirs->suid || euid == theirs->uid || uid == theirs->suid || uid == theirs->uid;
	cred_put(theirs);
	return same;
}

bool signal_has_codes(int signo)
{
	return SIGBIT(signo) & (SIGNALS_SYNCHRONOUS | SIGBIT(LX_SIGCHLD) | SIGBIT(LX_SIGIO));
}

int signal_may_send(const struct task *from, struct process *to, int signo)
{
	const struct cred *mine = from->cred;

	if (from->proc == to)
		return 0;
	if (mine->landlock && landlocked(mine, to))
		return -EPERM;
	if (cred_capable(mine, LX_CAP_KILL))
		return 0;
	if (signo == LX_SIGCONT && from->proc->session == to->session)
		return 0;
	return signal_ids_may_send(mine->uid, mine->euid, to) ? 0 : -EPERM;
}

void signal_force(struct task *t, const struct lx_siginfo *info)
{
	struct process *p = t->proc;
	int signo = info->si_signo;

	LOCK_GUARD(&p->sig_lock);
	if ((t->blocked & SIGBIT(signo)) || p->actions[signo - 1].handler == LX_SIG_IGN) {
		p->actions[signo - 1].handler = LX_SIG_DFL;
		t->blocked &= ~SIGBIT(signo);
	}
	send_locked(p, t, info);
}

void signal_fault(struct task *t, const struct fault_info *fault)
{
	struct lx_siginfo info = { .si_signo = fault->signo, .si_code = fault->code, .u.fault.addr = fault->addr };

	if (fault->pkey) /* in si_lower's place: struct siginfo's _pkey */
		info.u.fault.lower = fault->pkey;
	t->fault = *fault;
	signal_force(t, &info);
}

int signal_exec(struct task *t)
{
	struct process *p = t->proc;
	struct sighand *own = NULL, *old = NULL;

	if (atomic_load(&p->sighand->ref.count) > 1) {
		own = sighand_copy(p->sighand);
		if (!own)
			return -ENOMEM;
	}
	lock_take(&p->sig_lock);
	if (own) {
		old = p->sighand;
		p->sighand = own;
		p->actions = own->actions;
	}
	for (int i = 0; i < LX_NSIG; i++) {
		struct lx_sigaction *a = &p->actions[i];

		*a = (struct lx_sigaction){ .handler = a->handler == LX_SIG_IGN ? LX_SIG_IGN : LX_SIG_DFL };
	}
	t->altstack.base = t->altstack.size = 0;
	t->altstack.flags = LX_SS_DISABLE;
	lock_drop(&p->sig_lock);
	sighand_put(old);
	return 0;
}

struct lx_sigaction signal_action(struct process *p, int signo)
{
	LOCK_GUARD(&p->sig_lock);
	return p->actions[signo - 1];
}

void signal_action_sets(struct process *p, uint64_t *ignored, uint64_t *caught)
{
	*ignored = *caught = 0;
	LOCK_GUARD(&p->sig_lock);
	for (int i = 0; i < LX_NSIG; i++) {
		uint64_t handler = p->actions[i].handler;

		if (handler == LX_SIG_IGN)
			*ignored |= 1ull << i;
		else if (handler != LX_SIG_DFL)
			*caught |= 1ull << i;
	}
}

void signal_send_sigpipe(struct task *t)
{
	struct lx_siginfo info;

	siginfo_init_kill(&info, LX_SIGPIPE, t);
	signal_send_task(t, &info);
}
