/* Stops: their delivery to the sentry, and how a tracee goes on afterwards. On the tracer thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "platform/fast/fast.h"

void stop_fetch(struct tracee *t)
{
	if (t->fetched)
		return;
	arch_fetch(t->tid, &t->regs); /* fails only for the dying, whose registers nobody will see */
	t->fetched = true;
	t->dirty = fast_roll(t);
}

struct arch_regs *stop_regs(struct tracee *t)
{
	stop_fetch(t);
	t->dirty = true;
	return &t->regs;
}

/* A failure to resume means that the tracee was killed meanwhile: its death is reported next. */
static void go_on(struct tracee *t, int request)
{
	t->where = AT_RUN;
	t->fetched = t->dirty = t->completing = false;
	host_ptrace(request, t->tid, 0, 0);
}

static void put_back(struct tracee *t)
{
	if (t->where == AT_ENTRY)
		stop_regs(t);
	if (t->dirty) {
		arch_leave_call(&t->regs);
		arch_store(t->tid, &t->regs);
	}
}

void stop_resume_run(struct tracee *t)
{
	put_back(t);
	t->skipping = false;
	go_on(t, t->platform->ops->resume);
}

/* Where a call is left out on the way, the host takes its exit for the step: that one is not told, and followed by another. */
void stop_resume_step(struct tracee *t)
{
	put_back(t);
	t->skipping = t->where == AT_ENTRY;
	go_on(t, t->platform->ops->step);
}

/*
 * The host makes the call that is in the registers. At an entry whose number the filter stops at, nothing more is
 * needed, as the filter looks again and lets pass what it has stopped before. Everything else is made from the stub.
 */
static bool resume_call(struct tracee *t)
{
	struct call_info c;

	stop_fetch(t);
	arch_call(&t->regs, &c);
	if (t->where == AT_ENTRY && platform_stops_at(t->platform, c.nr)) {
		if (t->dirty)
			arch_store(t->tid, &t->regs);
		t->remaking = true;
		go_on(t, PTRACE_CONT);
		return true;
	}
	int64_t ret = inject_call(t, c.nr, c.arg, NULL);

	arch_set_result(&t->regs, ret);
	return false;
}

static enum resume call_handler(struct tracee *t, enum stop_kind kind)
{
	t->stop.kind = kind;
	balance_stop_begins(t);
	enum resume how = t->platform->handler->stop(t, t->cookie, &t->stop);

	balance_stop_ends();
	return how;
}

void stop_settle(struct tracee *t, enum resume how)
{
	for (;;) {
		if (t->dead) {
			tracee_finish(t);
			return;
		}
		if (t->leaving)
			return;
		if (how == RESUME_HOLD) {
			t->held = true;
			balance_set_busy(t, false);
			return;
		}
		if (how == RESUME_CALL) {
			/*
			 * A kick that was used up while the tracee was stopped is repeated, to stop it after the call.
			 */
			if (t->kicked)
				platform_kick(t);
			t->kicked = false;
			if (resume_call(t))
				return;
			how = RESUME_RUN;
			continue;
		}
		if (!t->kicked) {
			if (how == RESUME_STEP)
				stop_resume_step(t);
			else
				stop_resume_run(t);
			return;
		}
		t->kicked = false;
		t->stop = (struct stop){ .after_call = t->completing };
		t->completing = false;
		how = call_handler(t, STOP_KICK);
	}
}

void stop_deliver(struct tracee *t, enum stop_kind kind)
{
	stop_settle(t, call_handler(t, kind));
}

/*
 * The kick has arrived. A call that the signal met before a worker had received it has a restart code for its result:
 * it was not made, and will be when the tracee goes on. If it was one that the host was to make with the sentry's
 * arguments, then it begins again from the guest's.
 */
static void stop_kick(struct tracee *t)
{
	stop_fetch(t);
	t->stop = (struct stop){ .after_call = arch_in_call(&t->regs) };
	t->dirty |= t->stop.after_call; /* the call is over when it goes on: the next kick may come before any guest code */
	if (arch_wants_restart(&t->regs)) {
		struct call_info c;

		arch_call(&t->regs, &c);
		if (t->remaking && platform_stops_at(t->platform, c.nr))
			t->regs = t->before;
		arch_rewind_call(&t->regs);
		t->dirty = true;
		t->stop.after_call = false;
	}
	t->remaking = false;
	fast_at_stop(t);
	stop_deliver(t, STOP_KICK);
}

/* The host's report of a step over a call, where it means something else: true when it has been dealt with. */
static bool stop_false_step(struct tracee *t)
{
	bool again = t->skipping;

	t->skipping = false;
	if (again) {
		stop_resume_step(t);
		return true;
	}
	/* The call was not made, for the kick that stopped it: that follows at once, and sees to the call. */
	stop_fetch(t);
	if (arch_wants_restart(&t->regs)) {
		go_on(t, PTRACE_CONT);
		return true;
	}
	return false;
}

static void stop_fault(struct tracee *t, int sig)
{
	siginfo_t info;

	if (host_ptrace(PTRACE_GETSIGINFO, t->tid, 0, (uintptr_t)&info) < 0 || info.si_code <= 0) {
		stop_resume_run(t); /* sent by somebody outside, or the tracee is dying */
		return;
	}
	if (sig == SIGTRAP && info.si_code == TRAP_BRKPT && stop_false_step(t))
		return;
	if (fast_fault(t, sig)) {
		stop_resume_run(t);
		return;
	}
	t->stop = (struct stop){ .fault = { .signo = sig, .code = info.si_code, .addr = (uintptr_t)info.si_addr } };
	if (sig == SIGSEGV && info.si_code == SEGV_PKUERR)
		t->stop.fault.pkey = info.si_pkey;
	arch_fault_details(&t->stop.fault);
	stop_deliver(t, STOP_FAULT);
}

void stop_signal(struct tracee *t, int sig)
{
	switch (sig) {
	case PLATFORM_SIGNAL:
		stop_kick(t);
		return;
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
		stop_fault(t, sig);
		return;
	default:
		stop_resume_run(t);
	}
}
