/*
 * Job control: stopping and continuing whole processes. Linux: do_signal_stop(), prepare_signal().
 *
 * A stop begins with WORK_STOP on every task, which interrupts what they wait for; each task arrives at its control stop, is marked `stopped` and
 * held there; the last one makes the process PROC_STOPPED and tells the parent. WORK_STOP stays set meanwhile, so that whatever stirs a
 * held task leads back here. SIGCONT takes all that away at the moment it is sent, and the tasks go on.
 */
#include "abi/wait.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/sigqueue.h"

void process_stop(struct process *p, int signo, uint32_t conts)
{
	struct task *t;

	LOCK_GUARD(&p->sig_lock);
	if (p->group_exiting || p->cont_count != conts || p->state == PROC_STOPPED)
		return;
	p->stop_signal = signo;
	p->stop_count = 0;
	list_for_each(t, &p->tasks, proc_link) {
		if (t->stopped)
			continue;
		p->stop_count++;
		if (!(atomic_fetch_or(&t->work, WORK_STOP) & WORK_STOP))
			task_notify(t);
	}
}

/* To the parent, if it wants to know, and to its waits. */
static void tell_parent(struct process *p, int code, int signo)
{
	struct kernel *k = p->k;
	struct lx_siginfo info = { .si_signo = LX_SIGCHLD, .si_code = code };
	struct process *parent;
	struct lx_sigaction action;

	LOCK_GUARD(&k->lock);
	parent = p->parent;
	/* A parent that traces hears of the threads' own stops. */
	if (!parent || p->state >= PROC_ZOMBIE || (code == LX_CLD_STOPPED && ptrace_by_parent(p)))
		return;
	info.u.chld.pid = p->pid;
	info.u.chld.uid = p->counted_uid;
	info.u.chld.status = signo;
	action = signal_action(parent, LX_SIGCHLD);
	if (action.handler != LX_SIG_IGN && !(action.flags & LX_SA_NOCLDSTOP))
		signal_send_process(parent, &info);
	waitq_wake(&parent->child_wait, ~0u);
}

void task_stop_here(struct task *t)
{
	struct process *p = t->proc;
	int signo = 0;

	lock_take(&p->sig_lock);
	if ((atomic_load(&t->work) & WORK_STOP) && !t->stopped) {
		t->stopped = true;
		if (--p->stop_count == 0) {
			p->state = PROC_STOPPED;
			p->stop_reported = false;
			signo = p->stop_signal;
			atomic_fetch_add(pid_stopped_count(p->k), 1);
		}
	}
	lock_drop(&p->sig_lock);
	if (signo)
		tell_parent(p, LX_CLD_STOPPED, signo);
}

void process_continue_locked(struct process *p)
{
	struct task *t;

	lock_assert_held(&p->sig_lock);
	p->cont_count++;
	if (p->state == PROC_STOPPED) {
		p->state = PROC_ALIVE;
		p->continued_pending = p->notify_continued = true;
		atomic_fetch_sub(pid_stopped_count(p->k), 1);
	}
	p->stop_count = 0;
	list_for_each(t, &p->tasks, proc_link) {
		ptrace_continued(t);
		if (!(atomic_fetch_and(&t->work, ~(uint32_t)WORK_STOP) & WORK_STOP))
			continue;
		t->stopped = false;
		atomic_fetch_or(&t->work, WORK_SIGNAL);
		task_notify(t);
	}
}

void process_report_continued(struct process *p)
{
	bool tell;

	if (!p->notify_continued)
		return;
	lock_take(&p->sig_lock);
	tell = p->notify_continued;
	p->notify_continued = false;
	lock_drop(&p->sig_lock);
	if (tell)
		tell_parent(p, LX_CLD_CONTINUED, LX_SIGCONT);
}
