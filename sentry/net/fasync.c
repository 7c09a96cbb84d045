/* Signals of files to their owners: see fasync.h. */
#include "sentry/net/fasync.h"

#include "abi/fcntl.h"
#include "sentry/fs/async.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/session.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"

void fasync_prepare(struct fasync *a, const struct file *f)
{
	if (!f)
		return;
	async_noted_owner(f, &a->type, &a->pid);
}

static void signal_group(int pgid, const struct lx_siginfo *info)
{
	struct pgrp *g = pgrp_find(the_kernel, pgid);

	if (!g)
		return;
	lock_take(&the_kernel->lock);
	signal_send_pgrp(g, info);
	lock_drop(&the_kernel->lock);
	pgrp_put(g);
}

void fasync_signal(const struct fasync *a, int signo)
{
	struct lx_siginfo info;

	if (!a->pid)
		return;
	siginfo_init_kill(&info, signo, NULL);
	if (a->type == LX_F_OWNER_PGRP) {
		signal_group(a->pid, &info);
	} else if (a->type == LX_F_OWNER_TID) {
		struct task *t = task_find(the_kernel, a->pid);

		if (t)
			signal_send_task(t, &info);
		task_put(t);
	} else {
		struct process *p = process_find(the_kernel, a->pid);

		if (p)
			signal_send_process(p, &info);
		process_put(p);
	}
}
