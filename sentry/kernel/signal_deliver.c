/*
 * Delivery: what a task does about its signals at a control stop, last thing before guest code. Linux: arch/x86/kernel/signal.c and
 * get_signal(); signal(7) for which calls are restarted.
 */
#include <errno.h>
#include <string.h>

#include "abi/arch.h"
#include "abi/wait.h"
#include "platform/arch.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/session.h"
#include "sentry/kernel/sigqueue.h"

struct chosen {
	int signo;
	uint32_t conts; /* how many SIGCONTs had been sent when it was taken */
	struct lx_siginfo info;
	struct lx_sigaction action;
};

/* The action is looked up last, and one that is to be reset by its delivery is. */
static void find_action(struct task *t, struct chosen *c)
{
	struct process *p = t->proc;

	LOCK_GUARD(&p->sig_lock);
	c->conts = p->cont_count;
	c->action = p->actions[c->signo - 1];
	if (c->action.handler > LX_SIG_IGN && (c->action.flags & LX_SA_RESETHAND))
		p->actions[c->signo - 1].handler = LX_SIG_DFL;
}

/* What a tracer wants delivered: blocked, it waits for its time like any other. */
static bool choose_injected(struct task *t, struct chosen *c)
{
	c->signo = ptrace_take_injected(t, &c->info);
	if (!c->signo)
		return false;
	if (!(t->blocked & SIGBIT(c->signo)))
		return true;
	signal_send_task(t, &c->info);
	return false;
}

enum choice { CHOSE_NONE, CHOSE_SIGNAL, CHOSE_STOP };

/* Takes the next signal; a tracer sees it first. */
static enum choice choose(struct task *t, struct chosen *c)
{
	if (choose_injected(t, c))
		return CHOSE_SIGNAL;
	lock_take(&t->proc->sig_lock);
	c->signo = signal_dequeue_locked(t, ~t->blocked, &c->info);
	lock_drop(&t->proc->sig_lock);
	if (!c->signo)
		return CHOSE_NONE;
	return ptrace_signal_stop(t, &c->info) ? CHOSE_STOP : CHOSE_SIGNAL;
}

static bool interrupted(const struct task *t)
{
	return t->in_call && is_restart_code(t->ret);
}

/* A handler is going to run: the call gives EINTR, or is made again after it. */
static void settle_call_for_handler(struct task *t, const struct lx_sigaction *action)
{
	struct arch_regs *regs = stop_regs(t->tracee);

	if (t->ret == -ERESTARTNOINTR || (t->ret == -ERESTARTSYS && (action->flags & LX_SA_RESTART)))
		arch_restart_call(regs, t->call.nr);
	else
		arch_set_result(regs, -EINTR);
	t->ret = 0;
}

/* No handler ran: the call is made again as if nothing had been. */
static void settle_call(struct task *t)
{
	struct arch_regs *regs = stop_regs(t->tracee);

	arch_restart_call(regs, t->ret == -ERESTART_BLOCK ? LX_NR_restart_syscall : t->call.nr);
	t->ret = 0;
}

static bool on_alt_stack(const struct task *t, uint64_t sp)
{
	/* With SS_AUTODISARM the stack is not ours while a handler runs on it. */
	if ((uint32_t)t->altstack.flags & LX_SS_AUTODISARM)
		return false;
	return sp > t->altstack.base && sp - t->altstack.base <= t->altstack.size;
}

static void frame_init(struct task *t, const struct chosen *c, struct sigframe *f)
{
	uint64_t sp = arch_sp(stop_regs(t->tracee));
	bool on_alt, usable;

	memset(f, 0, sizeof(*f));
	f->signo = c->signo;
	f->handler = c->action.handler;
	f->restorer = c->action.flags & LX_SA_RESTORER ? c->action.restorer : 0;
	memcpy(f->siginfo, &c->info, sizeof(f->siginfo));
	if (t->fault.signo == c->signo && c->info.si_code > 0) {
		f->fault = t->fault;
		arch_fault_access(t->tracee, &f->fault);
	}
	t->fault.signo = 0;

	LOCK_GUARD(&t->proc->sig_lock);
	on_alt = on_alt_stack(t, sp);
	usable = t->altstack.size != 0;
	f->mask = t->restore_mask ? t->saved_mask : t->blocked;
	f->alt_base = t->altstack.base;
	f->alt_size = t->altstack.size;
	f->alt_flags = (int32_t)((!usable ? LX_SS_DISABLE : on_alt ? LX_SS_ONSTACK : 0u) |
				 ((uint32_t)t->altstack.flags & LX_SS_AUTODISARM));
	f->on_alt = usable && !on_alt && (c->action.flags & LX_SA_ONSTACK);
}

/* The handler is entered: its mask, and the alternate stack's disarming. */
static void entered(struct task *t, const struct chosen *c)
{
	uint64_t mask = c->action.mask;

	if (!(c->action.flags & LX_SA_NODEFER))
		mask |= SIGBIT(c->signo);
	LOCK_GUARD(&t->proc->sig_lock);
	t->restore_mask = false;
	t->blocked = (t->blocked | mask) & ~LX_SIG_UNMASKABLE;
	if ((uint32_t)t->altstack.flags & LX_SS_AUTODISARM) {
		t->altstack.base = t->altstack.size = 0;
		t->altstack.flags = LX_SS_DISABLE;
	}
}

static void run_handler(struct task *t, const struct chosen *c)
{
	struct sigframe frame;
	struct lx_siginfo info;

	if (interrupted(t))
		settle_call_for_handler(t, &c->action);
	frame_init(t, c, &frame);
	if (arch_push_frame(t->tracee, &frame) == 0) {
		entered(t, c);
		ptrace_handler_entered(t);
		return;
	}
	/* No room for the frame. When it was SIGSEGV's own there is no handler left to try. */
	siginfo_init_kill(&info, LX_SIGSEGV, NULL);
	if (c->signo == LX_SIGSEGV)
		process_exit(t->proc, LX_WSTATUS_SIGNALED(LX_SIGSEGV));
	else
		signal_force(t, &info);
}

static bool orphaned(struct task *t)
{
	LOCK_GUARD(&t->k->lock);
	return t->proc->pgrp && pgrp_is_orphaned(t->proc->pgrp, NULL);
}

static void default_action(struct task *t, const struct chosen *c)
{
	if (SIGBIT(c->signo) & SIGNALS_DEFAULT_IGNORE)
		return;
	if (!(SIGBIT(c->signo) & SIGNALS_STOP))
		process_exit(t->proc, LX_WSTATUS_SIGNALED(c->signo));
	else if (c->signo == LX_SIGSTOP || !orphaned(t))
		process_stop(t->proc, c->signo, c->conts);
	ptrace_stop_again(t, c->signo);
}

/* Nothing is left to deliver. False when restoring the mask has brought something up. */
static bool settle(struct task *t)
{
	if (interrupted(t))
		settle_call(t);
	signal_restore_mask(t);
	LOCK_GUARD(&t->proc->sig_lock);
	return !signal_recalc(t);
}

enum resume signal_deliver(struct task *t)
{
	enum choice choice;
	struct chosen c;

	process_report_continued(t->proc);
	for (;;) {
		uint32_t work = atomic_load(&t->work);

		if (work & WORK_EXIT)
			return RESUME_HOLD;
		if (work & WORK_STOP) {
			task_stop_here(t);
			if (atomic_load(&t->work) & (WORK_STOP | WORK_EXIT)) {
				ptrace_group_stop(t);
				return RESUME_HOLD;
			}
			continue;
		}
		choice = choose(t, &c);
		if (choice == CHOSE_STOP)
			return RESUME_HOLD;
		if (choice == CHOSE_NONE) {
			if (settle(t))
				return RESUME_RUN;
			continue;
		}
		find_action(t, &c);
		if (c.action.handler == LX_SIG_DFL)
			default_action(t, &c);
		else if (c.action.handler != LX_SIG_IGN)
			run_handler(t, &c);
	}
}
