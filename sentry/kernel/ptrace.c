/* Who traces whom, and the tracer's side of ptrace(2): see ptrace.h. Linux: kernel/ptrace.c. */
#include "sentry/kernel/ptrace.h"

#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/sched.h"
#include "abi/wait.h"
#include "base/mem.h"
#include "sentry/fs/landlock.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/reparent.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/sigqueue.h"

/* --- access -------------------------------------------------------------------------------------------------------------- */

static struct cred *cred_of(struct task *t)
{
	LOCK_GUARD(&t->proc->lock);
	return cred_get(t->cred);
}

int ptrace_may_access(const struct task *t, struct task *other)
{
	const struct cred *a = t->cred;
	struct cred *b;
	bool same, less;

	if (t->proc == other->proc)
		return 0;
	b = cred_of(other);
	if (!landlock_may_trace(a, b)) {
		cred_put(b);
		return -EPERM;
	}
	if (cred_capable(a, LX_CAP_SYS_PTRACE)) {
		cred_put(b);
		return 0;
	}
	same = a->uid == b->uid && a->uid == b->euid && a->uid == b->suid && a->gid == b->gid && a->gid == b->egid && a->gid == b->sgid;
	less = !(b->cap_permitted & ~a->cap_permitted);
	cred_put(b);
	return same && less && other->proc->dumpable == 1 ? 0 : -EPERM;
}

/* --- links ----------------------------------------------------------------------------------------------------------------- */

static struct ptrace *state_of(struct task *t)
{
	struct ptrace *pt = t->pt;

	if (pt)
		return pt;
	pt = mem_zalloc(sizeof(*pt));
	if (!pt)
		return NULL;
	pt->task = t;
	list_init(&pt->link);
	LOCK_GUARD(&t->proc->sig_lock);
	t->pt = pt;
	return pt;
}

/* k->lock held. */
static int link_tracee(struct task *tracer, struct task *t, bool seized, uint32_t options)
{
	struct ptrace *pt;

	lock_assert_held(&t->k->lock);
	if (atomic_load(&t->run) == RUN_DEAD || t->proc->state >= PROC_ZOMBIE || (t->pt && t->pt->tracer))
		return -EPERM;
	pt = state_of(t);
	if (!pt)
		return -ENOMEM;
	pt->tracer = tracer;
	list_push_back(&tracer->proc->tracees, &pt->link);
	task_get(t);
	LOCK_GUARD(&t->proc->sig_lock);
	pt->seized = seized;
	pt->options = options;
	pt->message = 0;
	pt->mode = 0;
	atomic_store(&pt->traced, true);
	return 0;
}

/* sig_lock held. A process that is stopped as a whole has this thread back among the stopped. */
static void rejoin_stop(struct task *t)
{
	struct process *p = t->proc;

	if (p->state != PROC_STOPPED || p->group_exiting)
		return;
	t->stopped = true;
	atomic_fetch_or(&t->work, WORK_STOP);
}

/* k->lock held; the caller puts the list's reference. */
static void unlink_tracee(struct task *t)
{
	struct ptrace *pt = t->pt;

	lock_assert_held(&t->k->lock);
	list_remove(&pt->link);
	list_init(&pt->link);
	pt->tracer = NULL;
	LOCK_GUARD(&t->proc->sig_lock);
	atomic_store(&pt->traced, false);
	pt->options = 0;
	if (pt->stopped)
		ptrace_resume(t, 0, 0);
	pt->mode = 0;
	if (pt->dead)
		return;
	rejoin_stop(t);
	atomic_fetch_or(&t->work, WORK_PTRACE | WORK_SIGNAL);
	task_notify(t);
}

/* --- attaching ------------------------------------------------------------------------------------------------------------- */

static void stop_for_attach(struct task *t, bool seize)
{
	struct lx_siginfo info;

	if (!seize) {
		siginfo_init_kill(&info, LX_SIGSTOP, NULL);
		signal_send_task(t, &info);
	}
	LOCK_GUARD(&t->proc->sig_lock);
	/* One that is stopped already becomes a tracee that is. */
	if (!t->stopped)
		return;
	t->pt->trap = true;
	atomic_fetch_or(&t->work, WORK_PTRACE);
	task_notify(t);
}

int ptrace_attach(struct task *tracer, struct task *t, bool seize, uint32_t options)
{
	int err = t->proc == tracer->proc ? -EPERM : ptrace_may_access(tracer, t);

	if (err)
		return err;
	lock_take(&t->k->lock);
	err = link_tracee(tracer, t, seize, options);
	lock_drop(&t->k->lock);
	if (!err)
		stop_for_attach(t, seize);
	return err;
}

/* The thread that forked it, or another of that process. k->lock held. */
static struct task *parent_task(struct task *t)
{
	struct process *parent = t->proc->parent;
	const struct pid_entry *e = parent ? pid_entry(t->k, t->proc->forker) : NULL;

	if (!parent)
		return NULL;
	if (e && e->task && e->task->proc == parent)
		return e->task;
	LOCK_GUARD(&parent->lock);
	return list_empty(&parent->tasks) ? NULL : list_first(&parent->tasks, struct task, proc_link);
}

int ptrace_traceme(struct task *t)
{
	struct task *tracer;

	LOCK_GUARD(&t->k->lock);
	tracer = parent_task(t);
	return tracer && landlock_may_trace(tracer->cred, t->cred) ? link_tracee(tracer, t, false, 0) : -EPERM;
}

static int clone_event(uint64_t flags, int exit_signal)
{
	if (flags & LX_CLONE_UNTRACED)
		return 0;
	if (flags & LX_CLONE_VFORK)
		return LX_PTRACE_EVENT_VFORK;
	return exit_signal != LX_SIGCHLD ? LX_PTRACE_EVENT_CLONE : LX_PTRACE_EVENT_FORK;
}

static int attach_child(struct task *t, struct task *child)
{
	const struct ptrace *pt = t->pt;
	struct lx_siginfo info;
	int err = 0;

	lock_take(&t->k->lock);
	if (pt->tracer)
		err = link_tracee(pt->tracer, child, pt->seized, pt->options);
	lock_drop(&t->k->lock);
	if (err || !child->pt)
		return err;
	if (pt->seized) {
		child->pt->trap = true;
		atomic_fetch_or(&child->work, WORK_PTRACE);
		return 0;
	}
	siginfo_init_kill(&info, LX_SIGSTOP, NULL);
	return signal_send_task(child, &info);
}

int ptrace_clone(struct task *t, struct task *child, uint64_t flags, int exit_signal)
{
	int event = clone_event(flags, exit_signal);
	bool told;
	int err = 0;

	if (!ptrace_is_traced(t))
		return 0;
	told = event && ptrace_event(t, event, (uint64_t)child->tid);
	if (told || (flags & LX_CLONE_PTRACE))
		err = attach_child(t, child);
	if ((flags & LX_CLONE_VFORK) && (t->pt->options & LX_PTRACE_O_TRACEVFORKDONE))
		t->pt->vfork_child = (uint64_t)child->tid;
	return err;
}

/* --- the tracer's hand -------------------------------------------------------------------------------------------------------- */

int ptrace_hold(struct task *tracer, struct task *t, bool any_state)
{
	bool mine;

	lock_take(&t->k->lock);
	mine = t->pt && t->pt->tracer == tracer;
	lock_drop(&t->k->lock);
	if (!mine)
		return -ESRCH;
	lock_take(&t->proc->sig_lock);
	if (any_state || (t->pt->stopped && !t->pt->listening))
		return 0;
	lock_drop(&t->proc->sig_lock);
	return -ESRCH;
}

void ptrace_drop(struct task *t)
{
	lock_drop(&t->proc->sig_lock);
}

void ptrace_resume(struct task *t, int mode, int signo)
{
	struct ptrace *pt = t->pt;

	lock_assert_held(&t->proc->sig_lock);
	pt->mode = mode;
	pt->signo = signo;
	pt->listening = false;
	/* An entry stop's call comes again, and must be known then; so must the one after a call that a filter has shown. */
	if (mode || pt->kind == PTRACE_ENTRY || pt->seccomp_seen)
		atomic_fetch_or(&t->work, WORK_TRACE_CALLS);
	else
		atomic_fetch_and(&t->work, ~(uint32_t)WORK_TRACE_CALLS);
	if (pt->kind == PTRACE_GROUP || pt->kind == PTRACE_TRAP) { /* it leaves a group stop, whatever its process does */
		atomic_fetch_and(&t->work, ~(uint32_t)WORK_STOP);
		t->stopped = false;
	}
	atomic_fetch_or(&t->work, WORK_PTRACE);
	pt->resumed = true;
	pt->stopped = false;
	task_notify(t);
}

static void trap(struct task *t)
{
	t->pt->trap = true;
	atomic_fetch_or(&t->work, WORK_PTRACE);
	if (t->pt->listening) { /* it shows its stop anew */
		t->pt->listening = false;
		t->pt->resumed = true;
		t->pt->stopped = false;
	}
	task_notify(t);
}

int ptrace_interrupt(struct task *t)
{
	if (!t->pt->seized)
		return -EIO;
	if (!t->pt->stopped || t->pt->listening)
		trap(t);
	else
		t->pt->trap = true;
	return 0;
}

int ptrace_listen(struct task *t)
{
	struct ptrace *pt = t->pt;

	if (!pt->seized || pt->kind != PTRACE_TRAP)
		return -EIO;
	pt->listening = true;
	if (pt->trap) /* something came meanwhile */
		trap(t);
	return 0;
}

void ptrace_continued(struct task *t)
{
	if (ptrace_is_traced(t) && t->pt->seized)
		trap(t);
}

int ptrace_detach(struct task *tracer, struct task *t, int signo)
{
	lock_take(&t->k->lock);
	if (t->pt->tracer != tracer) {
		lock_drop(&t->k->lock);
		return -ESRCH;
	}
	lock_take(&t->proc->sig_lock);
	if (t->pt->stopped)
		ptrace_resume(t, 0, signo);
	lock_drop(&t->proc->sig_lock);
	unlink_tracee(t);
	lock_drop(&t->k->lock);
	task_put(t);
	return 0;
}

/* --- life and death ------------------------------------------------------------------------------------------------------------ */

void ptrace_killed(struct task *t)
{
	struct ptrace *pt = t->pt;

	lock_assert_held(&t->proc->sig_lock);
	if (!pt || !pt->stopped)
		return;
	ptrace_resume(t, 0, 0);
}

static void tell_death(struct process *to, struct task *t, int status)
{
	bool killed = LX_WTERMSIG(status) != 0;
	struct lx_siginfo info = { .si_signo = LX_SIGCHLD, .si_code = killed ? LX_CLD_KILLED : LX_CLD_EXITED };

	info.u.chld.pid = t->tid;
	info.u.chld.uid = t->proc->counted_uid;
	info.u.chld.status = killed ? LX_WTERMSIG(status) : LX_WEXITSTATUS(status);
	signal_send_process(to, &info);
	waitq_wake(&to->child_wait, ~0u);
}

void ptrace_task_ends(struct task *t, int status)
{
	struct ptrace *pt = t->pt;
	struct process *p = t->proc;

	if (!pt || !pt->tracer)
		return;
	pt->dead = true;
	pt->status = status;
	if (t->tid == p->pid) {
		p->traced_leader = t;
		return; /* told with its process's end */
	}
	pid_entry(t->k, t->tid)->zombie = t;
	tell_death(pt->tracer->proc, t, status);
}

void ptrace_reap(struct task *t)
{
	struct kernel *k = t->k;
	struct pid_entry *e = pid_entry(k, t->tid);

	unlink_tracee(t);
	if (e && e->zombie == t) {
		e->zombie = NULL;
		pid_release(k, t->tid);
	}
	if (t->proc->traced_leader == t)
		t->proc->traced_leader = NULL;
	task_put(t);
}

void ptrace_forget_leader(struct process *p)
{
	if (p->traced_leader)
		ptrace_reap(p->traced_leader);
}

bool ptrace_by_parent(const struct process *p)
{
	struct ptrace *pt;

	if (!p->parent)
		return false;
	list_for_each(pt, &p->parent->tracees, link)
		if (pt->task->proc == p)
			return true;
	return false;
}

bool ptrace_withholds(const struct process *p)
{
	return p->traced_leader && p->parent && p->traced_leader->pt->tracer->proc != p->parent;
}

void ptrace_tell_zombie(struct process *p)
{
	struct task *leader = p->traced_leader;

	tell_death(leader->pt->tracer->proc, leader, p->exit_status);
}

/* k->lock held. A tracee whose tracer ends; a zombie that it has not waited for goes to whom it belongs. */
static struct process *abandon(struct task *t, bool *kill)
{
	struct process *p = t->proc, *reaped = NULL;

	*kill = t->pt->options & LX_PTRACE_O_EXITKILL && !t->pt->dead;
	if (!t->pt->dead) {
		unlink_tracee(t);
		return NULL;
	}
	bool tell = t->proc->traced_leader == t && p->state == PROC_ZOMBIE && ptrace_withholds(p);

	task_get(t);
	ptrace_reap(t);
	if (tell && exit_tell_parent(p)) {
		process_reap(p);
		reaped = p;
	}
	return reaped;
}

/* One at a time, as what a tracee's end means is done without the lock. False when none is left. */
static bool let_one_go(struct task *tracer)
{
	struct process *reaped = NULL;
	struct task *t = NULL;
	struct ptrace *pt;
	bool kill = false;

	lock_take(&tracer->k->lock);
	list_for_each(pt, &tracer->proc->tracees, link) {
		if (pt->tracer != tracer)
			continue;
		t = pt->task;
		reaped = abandon(t, &kill);
		break;
	}
	lock_drop(&tracer->k->lock);
	if (!t)
		return false;
	if (kill)
		process_exit(t->proc, LX_WSTATUS_SIGNALED(LX_SIGKILL));
	process_put(reaped);
	task_put(t);
	return true;
}

void ptrace_tracer_ends(struct task *tracer)
{
	while (let_one_go(tracer))
		;
}

int ptrace_tracer_pid(struct task *t, bool *stopped)
{
	struct ptrace *pt = t->pt;

	LOCK_GUARD(&t->k->lock);
	*stopped = pt && pt->stopped;
	return pt && pt->tracer ? task_pid(pt->tracer) : 0;
}

bool ptrace_call_of(struct task *t, struct call_info *out)
{
	LOCK_GUARD(&t->proc->sig_lock);
	if (!t->pt || !t->pt->stopped)
		return false;
	arch_call(&t->pt->regs, out);
	return true;
}

void ptrace_free(struct task *t)
{
	mem_free(t->pt);
}
