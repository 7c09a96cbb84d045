/* getpid, gettid, getppid, getpgid, getpgrp, setpgid, getsid, setsid, set_tid_address. */
#include <errno.h>

#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/session.h"
#include "sentry/syscalls/handlers.h"

int64_t sys_getpid(struct task *t, const struct sysargs *a)
{
	(void)a;
	return task_pid(t);
}

int64_t sys_gettid(struct task *t, const struct sysargs *a)
{
	(void)a;
	return t->tid;
}

int64_t sys_getppid(struct task *t, const struct sysargs *a)
{
	(void)a;
	LOCK_GUARD(&t->k->lock);
	return t->proc->parent ? t->proc->parent->pid : 0;
}

/* The process of a pid, with k->lock held; 0 is the caller's own. */
static struct process *by_pid(struct task *t, int pid)
{
	struct pid_entry *e;

	lock_assert_held(&t->k->lock);
	if (pid == 0)
		return t->proc;
	e = pid_entry(t->k, pid);
	return e ? e->proc : NULL;
}

int64_t sys_getpgid(struct task *t, const struct sysargs *a)
{
	struct process *p;

	LOCK_GUARD(&t->k->lock);
	p = by_pid(t, arg_pid(a, 0));
	return p && p->pgrp ? p->pgrp->id : -ESRCH;
}

int64_t sys_getpgrp(struct task *t, const struct sysargs *a)
{
	(void)a;
	LOCK_GUARD(&t->k->lock);
	return t->proc->pgrp->id;
}

int64_t sys_getsid(struct task *t, const struct sysargs *a)
{
	struct process *p;

	LOCK_GUARD(&t->k->lock);
	p = by_pid(t, arg_pid(a, 0));
	return p && p->session ? p->session->id : -ESRCH;
}

int64_t sys_setpgid(struct task *t, const struct sysargs *a)
{
	int pid = arg_pid(a, 0), pgid = arg_pid(a, 1);
	struct process *p;

	if (pgid < 0 || (pgid == 0 && pid < 0))
		return -EINVAL;
	LOCK_GUARD(&t->k->lock);
	p = by_pid(t, pid);
	if (!p || p->state >= PROC_ZOMBIE)
		return -ESRCH;
	return process_set_pgid(t->proc, p, pgid ? pgid : p->pid);
}

int64_t sys_setsid(struct task *t, const struct sysargs *a)
{
	struct process *p = t->proc;
	int err;

	(void)a;
	LOCK_GUARD(&t->k->lock);
	/* A number that names a group cannot name a new one too. */
	if (pid_entry(t->k, p->pid)->pgrp)
		return -EPERM;
	err = process_new_session(p);
	return err ? err : p->pid;
}

int64_t sys_set_tid_address(struct task *t, const struct sysargs *a)
{
	t->clear_child_tid = arg_addr(a, 0);
	return t->tid;
}
