/* wait4, waitid. */
#include <errno.h>
#include <string.h>

#include "abi/resource.h"
#include "abi/signal.h"
#include "abi/wait.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/wait.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define WAIT_COMMON (LX_WNOHANG | LX_WNOTHREAD | LX_WCLONE | LX_WALL)

static int copy_out_rusage(struct task *t, uaddr_t to, const struct usage *used)
{
	struct lx_rusage ru = rusage_from(used);

	return uaddr_null(to) ? 0 : copy_out(t, to, &ru, sizeof(ru));
}

static int own_pgid(struct task *t)
{
	LOCK_GUARD(&t->k->lock);
	return t->proc->pgrp->id;
}

int64_t sys_wait4(struct task *t, const struct sysargs *a)
{
	int pid = arg_pid(a, 0);
	uaddr_t status = arg_addr(a, 1), usage = arg_addr(a, 3);
	struct wait_query q = { .options = arg_u32(a, 2) };
	struct wait_result r;
	int64_t ret;

	if (q.options & ~(WAIT_COMMON | LX_WUNTRACED | LX_WCONTINUED))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	q.options |= LX_WEXITED;
	q.type = pid == -1 ? LX_P_ALL : pid > 0 ? LX_P_PID : LX_P_PGID;
	q.id = pid > 0 ? pid : pid == 0 ? own_pgid(t) : -pid;
	ret = process_wait(t, &q, &r);
	if (ret || !r.pid)
		return ret;
	if (copy_out_rusage(t, usage, &r.usage) < 0)
		return -EFAULT;
	if (!uaddr_null(status) && copy_out(t, status, &r.status, sizeof(r.status)) < 0)
		return -EFAULT;
	return r.pid;
}

/* A pidfd's process becomes its number; a nonblocking pidfd makes the wait one. */
static int query_pidfd(struct task *t, struct wait_query *q, bool *nonblock)
{
	struct file *f AUTO_FILE = fd_get(t, q->id);
	struct process *p;

	if (!f)
		return -EBADF;
	p = pidfd_process(f);
	if (!p)
		return -EBADF;
	*nonblock = file_nonblock(f) && !(q->options & LX_WNOHANG);
	q->type = LX_P_PID;
	q->id = p->state == PROC_REAPED ? 0 : p->pid;
	/* A thread that leads nothing is nobody's child. */
	if (pidfd_thread(f) && pidfd_thread(f)->tid != p->pid)
		q->id = 0;
	process_put(p);
	if (*nonblock)
		q->options |= LX_WNOHANG;
	return q->id ? 0 : -ECHILD;
}

static int make_query(struct task *t, const struct sysargs *a, struct wait_query *q, bool *nonblock)
{
	*q = (struct wait_query){ .type = arg_int(a, 0), .id = arg_pid(a, 1), .options = arg_u32(a, 3) };
	if (q->options & ~(WAIT_COMMON | LX_WNOWAIT | LX_WEXITED | LX_WSTOPPED | LX_WCONTINUED))
		return -EINVAL;
	if (!(q->options & (LX_WEXITED | LX_WSTOPPED | LX_WCONTINUED)))
		return -EINVAL;
	switch (q->type) {
	case LX_P_ALL:
		return 0;
	case LX_P_PID:
		return q->id > 0 ? 0 : -EINVAL;
	case LX_P_PGID:
		if (q->id < 0)
			return -EINVAL;
		if (q->id == 0)
			q->id = own_pgid(t);
		return 0;
	case LX_P_PIDFD:
		return q->id < 0 ? -EINVAL : query_pidfd(t, q, nonblock);
	default:
		return -EINVAL;
	}
}

static void fill_info(struct lx_siginfo *info, const struct wait_result *r)
{
	memset(info, 0, sizeof(*info));
	if (!r->pid)
		return;
	info->si_signo = LX_SIGCHLD;
	info->si_code = r->code;
	info->u.chld.pid = r->pid;
	info->u.chld.uid = r->uid;
	switch (r->code) {
	case LX_CLD_EXITED:
	case LX_CLD_STOPPED:
		info->u.chld.status = LX_WEXITSTATUS(r->status);
		break;
	case LX_CLD_TRAPPED:
		info->u.chld.status = r->status >> 8; /* with the event */
		break;
	case LX_CLD_CONTINUED:
		info->u.chld.status = LX_SIGCONT;
		break;
	default:
		info->u.chld.status = LX_WTERMSIG(r->status);
	}
}

int64_t sys_waitid(struct task *t, const struct sysargs *a)
{
	uaddr_t info_addr = arg_addr(a, 2), usage = arg_addr(a, 4);
	struct lx_siginfo info;
	struct wait_query q;
	struct wait_result r;
	bool nonblock = false;
	int64_t ret;

	ret = make_query(t, a, &q, &nonblock);
	if (!ret)
		ret = process_wait(t, &q, &r);
	if (ret)
		return ret;
	if (nonblock && !r.pid)
		return -EAGAIN;
	if (r.pid && copy_out_rusage(t, usage, &r.usage) < 0)
		return -EFAULT;
	fill_info(&info, &r);
	/* Linux writes the fields that waits have, no more: 28 bytes would do; the rest of the caller's siginfo stays as it is. */
	if (!uaddr_null(info_addr) && copy_out(t, info_addr, &info, 28) < 0)
		return -EFAULT;
	return 0;
}
