/* Calls: runs a trapped system call's handler on the worker that received it, and answers, blocks or passes it. */
#include "sentry/kernel/dispatch.h"

#include <errno.h>
#include <stddef.h>

#include "base/log.h"
#include "platform/platform.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/quick.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/exec.h"
#include "sentry/syscalls/table.h"
#include "sentry/trace/trace.h"

bool is_restart_code(int64_t ret)
{
	return ret == -ERESTARTSYS || ret == -ERESTARTNOINTR || ret == -ERESTARTNOHAND || ret == -ERESTART_BLOCK;
}

void task_call_begin(struct task *t, const struct call_info *info)
{
	struct sysargs *a = &t->call;

	for (int i = 0; i < 6; i++)
		a->v[i] = info->arg[i];
	a->nr = (int32_t)info->nr;
	a->ip = info->ip;
	a->sp = info->sp;
	t->in_call = true;
	t->entry.passed = !atomic_load_explicit(&t->entry.work, memory_order_relaxed);
	atomic_fetch_add_explicit(&t->call_count, 1, memory_order_relaxed);
	block_begin(t);
	kernel_count_call(t->k, a->nr);
	if (__builtin_expect(atomic_load_explicit(&t->work, memory_order_relaxed) & WORK_TRACE_CALLS, 0))
		ptrace_call_begins(t);
	if (__builtin_expect(t->k->trace != NULL, 0))
		trace_call_begin(t);
}

int64_t task_call_run(struct task *t)
{
	const struct syscall_row *row = syscall_row(t->call.nr);
	int64_t ret;

	if (__builtin_expect(!t->entry.passed, 0) && !entry_pass(t, &ret))
		return ret;
	if (row->handler)
		return row->handler(t, &t->call);
	kernel_count_refused(t->k, t->call.nr);
	return -(int64_t)row->err;
}

void task_call_end(struct task *t, int64_t ret)
{
	block_end(t);
	usage_call(t);
	if (__builtin_expect(t->k->trace != NULL, 0))
		trace_call_end(t, ret);
}

/*
 * Publishes "in guest code" before it looks for work: a notifier sets its bit first and reads the state after, so that one
 * of the two sees the other. A kick too many is harmless.
 */
static void answer_raw(struct task *t, int64_t ret)
{
	struct tracee *tracee = t->tracee;

	atomic_store(&t->run, RUN_GUEST);
	if (__builtin_expect(atomic_load(&t->work) != 0, 0)) {
		platform_answer_stop(tracee, ret);
		task_end_lost(t);
	} else {
		platform_answer(tracee, ret);
	}
}

static void answer(struct task *t, int64_t ret)
{
	t->ret = ret;
	if (is_restart_code(ret)) {
		/* Restart codes are ours: to the platform they mean a call that was never made. signal_deliver() settles it. */
		ret = -EINTR;
		atomic_fetch_or(&t->work, WORK_SIGNAL);
	}
	answer_raw(t, ret);
}

static void pass(struct task *t)
{
	struct tracee *tracee = tracee_get(t->tracee);

	/* A thread that has exited here lets the host's exit(2) follow. */
	if (atomic_load(&t->run) != RUN_DEAD)
		atomic_store(&t->run, RUN_GUEST);
	if (__builtin_expect(atomic_load(&t->work) & WORK_TRACE_CALLS, 0))
		platform_kick(tracee); /* before: the call's end is not to be passed by */
	platform_pass(tracee);
	if (atomic_load(&t->work)) {
		platform_kick(tracee);
		task_end_lost(t);
	}
	tracee_put(tracee);
}

static void finish(struct task *t, int64_t ret)
{
	task_call_end(t, ret == SYS_RAW ? t->raw_result : ret);
	switch (ret) {
	case SYS_RAW:
		t->ret = 0;
		answer_raw(t, t->raw_result);
		break;
	case SYS_GONE:
		if (t->exec)
			exec_launch(t);
		break;
	case SYS_PASS:
		pass(t);
		break;
	case SYS_AT_STOP:
		atomic_fetch_or(&t->work, WORK_AT_STOP);
		answer(t, 0);
		break;
	default:
		answer(t, ret);
	}
}

/* BLOCKED is published; true when nobody has woken the task meanwhile and it is no longer ours. */
static bool park(struct task *t)
{
	int blocked = RUN_BLOCKED;

	atomic_fetch_add_explicit(&t->waits, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&t->proc->used.waits, 1, memory_order_relaxed);
	atomic_store(&t->run, RUN_BLOCKED);
	if (!atomic_load(&t->woken))
		return true;
	/* A waker that saw BLOCKED may have taken it already. */
	if (!atomic_compare_exchange_strong(&t->run, &blocked, RUN_HANDLER))
		return true;
	atomic_store(&t->woken, false);
	return false;
}

static void run(struct task *t)
{
	for (;;) {
		int64_t ret;

		if (__builtin_expect(atomic_load(&t->work) & WORK_EXIT, 0)) {
			ret = ptrace_exit_first(t, t->exit_status);
			task_call_end(t, ret ? ret : -EINTR);
			if (ret)
				answer(t, ret);
			else
				task_exit(t, t->exit_status);
			return;
		}
		ret = task_call_run(t);
		if (ret == SYS_BLOCKED) {
			if (__builtin_expect(t->k->trace != NULL, 0))
				trace_call_blocked(t);
			if (park(t))
				return;
		} else if (ret != SYS_AGAIN) {
			finish(t, ret);
			return;
		}
		block_rerun(t);
	}
}

void dispatch_rerun(struct task *t)
{
	atomic_store(&t->woken, false);
	block_rerun(t);
	run(t);
}

static void on_call(struct tracee *tracee, void *cookie, const struct call_info *info)
{
	struct task *t = cookie;

	int guest = RUN_GUEST;

	/* An image that exec has left behind is being killed: it gets no answer. */
	if (t->tracee != tracee || !atomic_compare_exchange_strong(&t->run, &guest, RUN_HANDLER))
		return;
	/* The guest's call may end its task: this reference keeps it until the worker is done. */
	task_get(t);
	atomic_store(&t->woken, false);
	if (__builtin_expect(atomic_load(&t->work) & WORK_TRACE_CALLS, 0) && ptrace_call_enters(t, info)) {
		answer(t, -ERESTARTNOINTR);
	} else {
		task_call_begin(t, info);
		run(t);
	}
	sched_drain();
	task_put(t);
}

const struct platform_handler sentry_platform_handler = {
	.call = on_call,
	.quick = quick_call,
	.quick_end = quick_end,
	.reserve = quick_reserve,
	.is_code = quick_is_code,
	.stop = stop_dispatch,
	.gone = gone_dispatch,
	.broken = kernel_platform_broken,
};
