/*
 * Control stops: what happens to a task on its lane's tracer thread, where its registers are at hand.
 *
 * A stop ends in one of three ways: into guest code (after signals have been delivered), into a host call that the handler has put into the
 * registers, or held. No fd of the sentry may be used here; a death found here is passed to the reactor.
 */
#include <errno.h>
#include <stddef.h>

#include "abi/arch.h"
#include "base/log.h"
#include "platform/arch.h"
#include "platform/platform.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/exec.h"

static void exit_deferred(struct work *w)
{
	struct task *t = container_of(w, struct task, exit_work);

	if (!task_end(t, t->exit_status))
		platform_release(t->tracee, RESUME_CALL);
	task_put(t);
}

/* The host's thread follows by exit(2), when the rest of the process lives on. */
static void queue_exit(struct task *t)
{
	static const uint64_t none[6];

	if (atomic_exchange(&t->exit_queued, true))
		return;
	arch_set_call(stop_regs(t->tracee), LX_NR_exit, none);
	task_get(t);
	t->exit_work.fn = exit_deferred;
	sched_defer(&t->exit_work);
}

/* Publishes HELD; true when it stands, false when a notification came meanwhile and the stop must be looked at again. */
static bool hold(struct task *t)
{
	atomic_store(&t->run, RUN_HELD);
	if (!atomic_exchange(&t->woken, false))
		return true;
	atomic_store(&t->run, RUN_HANDLER);
	return false;
}

/* Signals, stops and death, until the task may go on in guest code or has to stay. */
static enum resume leave(struct task *t)
{
	for (;;) {
		bool restart;
		uint32_t work;

		if ((t->pt || atomic_load(&t->work) & WORK_PTRACE) && ptrace_look(t)) {
			if (hold(t))
				return RESUME_HOLD;
			continue;
		}
		work = atomic_load(&t->work) & ~(uint32_t)WORK_TRACE_CALLS;
		restart = t->in_call && is_restart_code(t->ret);
		if (work & WORK_EXIT) {
			/* The reactor owns it from here on; HANDLER keeps everybody else away. */
			queue_exit(t);
			return RESUME_HOLD;
		}
		/* A vfork parent waits for its child, whatever else comes, as in Linux. */
		if (atomic_load(&t->vfork_wait)) {
			if (hold(t))
				return RESUME_HOLD;
			continue;
		}
		if ((work || restart) && !ptrace_holds_signals(t) && signal_deliver(t) == RESUME_HOLD) {
			if (atomic_load(&t->work) & (WORK_EXIT | WORK_PTRACE))
				continue;
			if (hold(t))
				return RESUME_HOLD;
			continue;
		}
		t->in_call = false;
		atomic_store(&t->run, RUN_GUEST);
		if (ptrace_holds_signals(t) || !(atomic_load(&t->work) & ~(uint32_t)WORK_TRACE_CALLS))
			return ptrace_resume_how(t);
		atomic_store(&t->run, RUN_HANDLER);
	}
}

static enum resume finish_call(struct task *t, int64_t ret)
{
	t->in_stop = false;
	if (ret == SYS_BLOCKED) { /* HANDLER stays: the reactor owns the task */
		sched_defer(&t->stop_work);
		return RESUME_HOLD;
	}
	task_call_end(t, ret == SYS_RAW ? t->raw_result : ret);
	switch (ret) {
	case SYS_HOST_CALL:
	case SYS_PASS:
		t->in_call = false;
		atomic_store(&t->run, RUN_GUEST);
		if (atomic_load(&t->work))
			platform_kick(t->tracee);
		return RESUME_CALL;
	case SYS_GONE:
		return RESUME_HOLD;
	case SYS_NO_RESULT:
		t->in_call = false;
		t->call.nr = -1; /* what a tracer sees of its end is of no call */
		return leave(t);
	case SYS_RAW:
		t->ret = 0;
		arch_set_result(stop_regs(t->tracee), t->raw_result);
		return leave(t);
	case SYS_AGAIN:
	case SYS_AT_STOP:
		panic("call %d cannot block at a stop", t->call.nr);
	default:
		t->ret = ret;
		arch_set_result(stop_regs(t->tracee), ret);
		return leave(t);
	}
}

static enum resume run_call(struct task *t)
{
	for (;;) {
		int64_t ret;

		t->in_stop = true;
		ret = task_call_run(t);
		if (ret != SYS_HOLD)
			return finish_call(t, ret);
		t->in_stop = false;
		t->call_held = true;
		if (hold(t))
			return RESUME_HOLD;
		t->call_held = false;
	}
}

static enum resume stop_call(struct task *t, const struct call_info *info)
{
	if (__builtin_expect(atomic_load(&t->work) & WORK_TRACE_CALLS, 0) && ptrace_call_enters(t, info))
		return leave(t);
	task_call_begin(t, info);
	return run_call(t);
}

static int64_t call_run_again(struct task *t)
{
	int64_t ret = task_call_run(t);

	if (ret == SYS_BLOCKED) { /* the reactor did not get what it was to get, a host fd most likely: it is not asked for ever */
		ret = -ENOMEM;
		task_put(t);
	}
	task_call_end(t, ret);
	return ret;
}

int64_t stop_on_reactor(struct task *t, void (*fn)(struct work *))
{
	task_get(t);
	t->stop_work.fn = fn;
	return SYS_BLOCKED; /* finish_call() queues the work when the call has been put aside */
}

void stop_call_again(struct task *t)
{
	t->at_stop = call_run_again;
	atomic_fetch_or(&t->work, WORK_AT_STOP);
	atomic_store(&t->run, RUN_HELD);
	lock_take(&t->tracee_lock);
	platform_rerun_held(t->tracee);
	lock_drop(&t->tracee_lock);
	task_end_lost(t);
	task_put(t);
}

static void run_at_stop(struct task *t)
{
	int64_t (*fn)(struct task *) = t->at_stop;

	atomic_fetch_and(&t->work, ~(uint32_t)WORK_AT_STOP);
	t->at_stop = NULL;
	t->in_stop = true;
	t->ret = fn(t);
	t->in_stop = false;
	if (t->ret != SYS_NO_RESULT)
		arch_set_result(stop_regs(t->tracee), t->ret);
}

static enum resume stop_new(struct task *t, struct tracee *tracee)
{
	struct tracee *old;

	if (t->exec) {
		if (exec_stop(t, tracee) != RESUME_RUN)
			return RESUME_HOLD;
		t->in_call = ptrace_is_traced(t); /* to its tracer the call is still to return */
		t->ret = 0;
		return leave(t);
	}
	lock_take(&t->tracee_lock);
	old = t->tracee;
	t->tracee = tracee;
	lock_drop(&t->tracee_lock);
	assert_that(old == NULL || old == tracee);
	t->in_call = false;
	if (t->at_stop) {
		t->in_stop = true;
		t->at_stop(t);
		t->at_stop = NULL;
		t->in_stop = false;
	}
	return leave(t);
}

enum resume stop_dispatch(struct tracee *tracee, void *cookie, const struct stop *stop)
{
	struct task *t = cookie;
	int before;

	sched_thread_is_tracer();
	if (stop->kind != STOP_NEW && t->tracee != tracee)
		return RESUME_HOLD; /* an image that exec has left behind; it is being killed */
	before = atomic_load(&t->run);
	if (before == RUN_DEAD)
		return RESUME_HOLD;
	atomic_store(&t->run, RUN_HANDLER);
	switch (stop->kind) {
	case STOP_NEW:
		return stop_new(t, tracee);
	case STOP_CALL:
		return stop_call(t, &stop->call);
	case STOP_FAULT:
		if (ptrace_is_step_over_call(t, &stop->fault))
			break;
		t->in_call = false;
		if (t->pt)
			t->pt->entry_done = t->pt->seccomp_done = false; /* what was to come again does not */
		signal_fault(t, &stop->fault);
		break;
	case STOP_KICK:
		if (t->call_held) {
			t->call_held = false;
			return run_call(t);
		}
		/* One that was held is still where it was; else a stop outside of a call has no result to restart. */
		if (!stop->after_call && before != RUN_HELD)
			t->in_call = false;
		if (atomic_load(&t->work) & WORK_AT_STOP)
			run_at_stop(t);
		break;
	}
	return leave(t);
}

void task_end_lost(struct task *t)
{
	int guest = RUN_GUEST, held = RUN_HELD;

	if (!atomic_load(&t->lost))
		return;
	if (!atomic_compare_exchange_strong(&t->run, &guest, RUN_HANDLER) && !atomic_compare_exchange_strong(&t->run, &held, RUN_HANDLER))
		return; /* whoever runs it, or is about to, sees WORK_EXIT or comes by here */
	block_end(t);
	task_exit(t, t->exit_status);
}

static void lost_process(struct work *w)
{
	struct task *t = container_of(w, struct task, exit_work);

	log_warning("a host process of guest pid %d is gone: killed from outside, or by the host's out-of-memory killer", task_pid(t));
	process_exit(t->proc, 9);
	atomic_fetch_or(&t->work, WORK_EXIT);
	atomic_store(&t->lost, true);
	task_end_lost(t);
	task_put(t);
}

void gone_dispatch(struct tracee *tracee, void *cookie, int wait_status)
{
	struct task *t = cookie;

	(void)wait_status;
	sched_thread_is_tracer();
	if (t->tracee == tracee && atomic_load(&t->run) != RUN_DEAD && !atomic_exchange(&t->exit_queued, true)) {
		task_get(t);
		t->exit_work.fn = lost_process;
		sched_defer(&t->exit_work);
	}
	task_put(t); /* the reference that the tracee's cookie was */
}
