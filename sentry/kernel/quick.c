/* Quick calls: see quick.h. What the platform puts into an address space for them: mm/window.h. */
#include "sentry/kernel/quick.h"

#include <errno.h>
#include <stddef.h>

#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/window.h"
#include "sentry/syscalls/table.h"
#include "sentry/trace/trace.h"

/* Not a result for the guest: the call blocks, wants a stop, or a signal is in its way. */
static bool is_code_of_ours(int64_t ret)
{
	return (ret <= SYS_BLOCKED && ret >= SYS_LAST) || is_restart_code(ret);
}

static void forget(struct task *t)
{
	block_end(t);
	t->at_stop = NULL;
	t->in_call = false;
	atomic_fetch_sub_explicit(&t->call_count, 1, memory_order_relaxed);
	kernel_uncount_call(t->k, t->call.nr);
	trace_call_drop(t);
}

/* As long as no other runner can have it. */
static enum quick make(struct task *t, const struct call_info *info, int64_t *ret)
{
	atomic_store(&t->woken, false);
	task_call_begin(t, info);
	t->quick = true;
	*ret = task_call_run(t);
	t->quick = false;
	if (is_code_of_ours(*ret)) {
		forget(t);
		return QUICK_REFUSED;
	}
	task_call_end(t, *ret);
	t->in_call = false;
	return QUICK_DONE;
}

enum quick quick_call(struct tracee *tracee, void *cookie, const struct call_info *info, int64_t *ret)
{
	struct task *t = cookie;
	int guest = RUN_GUEST;
	enum quick how;

	task_get(t); /* until quick_end() */
	if (!(syscall_row(info->nr)->flags & SYSCALL_QUICK) || atomic_load(&t->work) || t->tracee != tracee)
		return QUICK_REFUSED;
	/* Seccomp and user dispatch judge a call by where it was made, may wait, and count: once. */
	if (atomic_load(&t->entry.work))
		return QUICK_REFUSED;
	if (!atomic_compare_exchange_strong(&t->run, &guest, RUN_HANDLER))
		return QUICK_REFUSED;
	/* Looked at again: an exec may have come in between, of a guest that forged this request. */
	how = t->tracee == tracee ? make(t, info, ret) : QUICK_REFUSED;
	/* As in answer(): published before the look, so that a notifier sees the one or we the other. */
	atomic_store(&t->run, RUN_GUEST);
	return how == QUICK_DONE && atomic_load(&t->work) ? QUICK_STOP : how;
}

void quick_end(struct tracee *tracee, void *cookie)
{
	(void)tracee;
	sched_drain();
	task_put(cookie);
}

bool quick_reserve(struct tracee *tracee, void *cookie, uint64_t addr, uint64_t len)
{
	struct task *t = cookie;

	return t->tracee == tracee && t->mm && !ptrace_is_traced(t) && window_reserve(t->mm, addr, len);
}

bool quick_is_code(struct tracee *tracee, void *cookie, uint64_t addr, uint64_t len)
{
	struct task *t = cookie;

	return t->tracee == tracee && t->mm && !ptrace_is_traced(t) && window_alter_code(t->mm, addr, len);
}
