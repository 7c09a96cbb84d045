/* kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo. */
#include <errno.h>

#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/kill.h"

static bool valid_or_null(int signo)
{
	return signo >= 0 && signo <= LX_NSIG;
}

/* Signal 0 asks whether one could be sent. */
static int send_process(struct task *t, struct process *p, const struct lx_siginfo *info)
{
	int err = signal_may_send(t, p, info->si_signo);

	if (err || info->si_signo == 0)
		return err;
	return signal_send_process(p, info);
}

static int kill_one(struct task *t, int pid, const struct lx_siginfo *info)
{
	struct process *p;
	struct task *other;
	int err = -ESRCH;

	/* As on Linux any thread's number does for its process. */
	p = process_find(t->k, pid);
	if (!p && (other = task_find(t->k, pid))) {
		p = process_get(other->proc);
		task_put(other);
	}
	if (p)
		err = send_process(t, p, info);
	process_put(p);
	return err;
}

int kill_pgrp(struct task *t, int id, const struct lx_siginfo *info)
{
	struct kernel *k = t->k;
	struct process *p;
	struct pgrp *g;
	int ret = -ESRCH;

	LOCK_GUARD(&k->lock);
	g = id ? NULL : t->proc->pgrp;
	if (id) {
		struct pid_entry *e = pid_entry(k, id);

		g = e ? e->pgrp : NULL;
	}
	if (!g)
		return -ESRCH;
	list_for_each(p, &g->members, pgrp_link) {
		/* signal_may_send() takes the process's lock, which k->lock comes before. */
		int err = send_process(t, p, info);

		if (ret)
			ret = err;
	}
	return ret;
}

static int kill_all(struct task *t, const struct lx_siginfo *info)
{
	int sent = 0, ret = 0;

	for (int pid = process_next(t->k, 1); pid; pid = process_next(t->k, pid)) {
		struct process *p = process_find(t->k, pid);
		int err;

		if (p && p != t->proc) {
			err = send_process(t, p, info);
			sent++;
			if (err != -EPERM)
				ret = err;
		}
		process_put(p);
	}
	return sent ? ret : -ESRCH;
}

int64_t sys_kill(struct task *t, const struct sysargs *a)
{
	int pid = arg_pid(a, 0), signo = arg_int(a, 1);
	struct lx_siginfo info;

	if (pid == INT32_MIN)
		return -ESRCH;
	siginfo_init_kill(&info, signo, t);
	if (!valid_or_null(signo))
		return -EINVAL;
	if (pid > 0)
		return kill_one(t, pid, &info);
	return pid == -1 ? kill_all(t, &info) : kill_pgrp(t, -pid, &info);
}

/* tgid 0: whatever the process. */
static int send_task(struct task *t, int tgid, int tid, const struct lx_siginfo *info)
{
	struct task *to = task_find(t->k, tid);
	int err = -ESRCH;

	if (to && (!tgid || task_pid(to) == tgid)) {
		err = signal_may_send(t, to->proc, info->si_signo);
		if (!err && info->si_signo)
			err = signal_send_task(to, info);
	}
	task_put(to);
	return err;
}

static int tkill(struct task *t, int tgid, int tid, int signo)
{
	struct lx_siginfo info;

	siginfo_init_kill(&info, signo, t);
	info.si_code = LX_SI_TKILL;
	if (!valid_or_null(signo))
		return -EINVAL;
	return send_task(t, tgid, tid, &info);
}

int64_t sys_tkill(struct task *t, const struct sysargs *a)
{
	int tid = arg_pid(a, 0);

	return tid <= 0 ? -EINVAL : tkill(t, 0, tid, arg_int(a, 1));
}

int64_t sys_tgkill(struct task *t, const struct sysargs *a)
{
	int tgid = arg_pid(a, 0), tid = arg_pid(a, 1);

	return tgid <= 0 || tid <= 0 ? -EINVAL : tkill(t, tgid, tid, arg_int(a, 2));
}

/* What a program says of itself it may say to itself; to others it may not pose as the kernel, nor as kill or tgkill. */
static int check_queued(const struct task *t, int pid, int signo, struct lx_siginfo *info)
{
	if ((info->si_code >= 0 || info->si_code == LX_SI_TKILL) && task_pid(t) != pid)
		return -EPERM;
	info->si_signo = signo;
	return valid_or_null(signo) ? 0 : -EINVAL;
}

int64_t sys_rt_sigqueueinfo(struct task *t, const struct sysargs *a)
{
	int pid = arg_pid(a, 0);
	struct lx_siginfo info;
	int err;

	if (copy_in(t, &info, arg_addr(a, 2), sizeof(info)) < 0)
		return -EFAULT;
	err = check_queued(t, pid, arg_int(a, 1), &info);
	return err ? err : kill_one(t, pid, &info);
}

int64_t sys_rt_tgsigqueueinfo(struct task *t, const struct sysargs *a)
{
	int tgid = arg_pid(a, 0), tid = arg_pid(a, 1);
	struct lx_siginfo info;
	int err;

	if (copy_in(t, &info, arg_addr(a, 3), sizeof(info)) < 0)
		return -EFAULT;
	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	err = check_queued(t, tgid, arg_int(a, 2), &info);
	return err ? err : send_task(t, tgid, tid, &info);
}
