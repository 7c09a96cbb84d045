/* pidfd_open, pidfd_send_signal, pidfd_getfd. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/signal.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/kill.h"

static int open_process(struct task *t, int pid, uint32_t flags, struct file **out)
{
	struct process *p = process_find(t->k, pid);
	struct task *thread;
	int err;

	if (!p) {
		/* A thread that leads no process has no pidfd of this kind. */
		thread = task_find(t->k, pid);
		task_put(thread);
		return thread ? -EINVAL : -ESRCH;
	}
	err = pidfd_file(t, p, flags, out);
	process_put(p);
	return err;
}

static int open_thread(struct task *t, int tid, uint32_t flags, struct file **out)
{
	struct task *thread = task_find(t->k, tid);
	int err;

	/* A dead leader is what its process is. */
	if (!thread)
		return open_process(t, tid, flags, out);
	err = pidfd_thread_file(t, thread, flags, out);
	task_put(thread);
	return err;
}

int64_t sys_pidfd_open(struct task *t, const struct sysargs *a)
{
	int pid = arg_pid(a, 0), err;
	uint32_t flags = arg_u32(a, 1);
	struct file *f;

	if ((flags & ~(uint32_t)(LX_PIDFD_NONBLOCK | LX_PIDFD_THREAD)) || pid <= 0)
		return -EINVAL;
	err = flags & LX_PIDFD_THREAD ? open_thread(t, pid, flags, &f) : open_process(t, pid, flags, &f);
	return err ? err : fd_add(t, f, true);
}

/* Whom a signal goes to: the process, one thread of it, or the group that bears its number. */
struct target {
	struct process *proc;
	struct task *thread; /* referenced, as proc */
	int group;           /* 0: none; nobody leads it where the pidfd is of a plain thread */
};

static int deliver(struct task *t, const struct target *to, const struct lx_siginfo *info)
{
	int err;

	if (to->group)
		return kill_pgrp(t, to->group, info);
	if (to->proc->state == PROC_REAPED || (to->thread && atomic_load(&to->thread->run) == RUN_DEAD))
		return -ESRCH;
	err = signal_may_send(t, to->proc, info->si_signo);
	if (err || !info->si_signo)
		return err;
	return to->thread ? signal_send_task(to->thread, info) : signal_send_process(to->proc, info);
}

static int send(struct task *t, const struct target *to, int signo, uaddr_t info_addr)
{
	struct lx_siginfo info;

	siginfo_init_kill(&info, signo, t);
	if (to->thread)
		info.si_code = LX_SI_TKILL;
	if (!uaddr_null(info_addr)) {
		if (copy_in(t, &info, info_addr, sizeof(info)) < 0)
			return -EFAULT;
		if (info.si_signo != signo)
			return -EINVAL;
		if ((info.si_code >= 0 || info.si_code == LX_SI_TKILL) && (to->proc != t->proc || to->group))
			return -EPERM;
	}
	return signo < 0 || signo > LX_NSIG ? -EINVAL : deliver(t, to, &info);
}

/* An open /proc/PID stands for the process too: that is what programs had before there were pidfds. */
static int find_target(struct task *t, struct file *f, uint32_t scope, struct target *to)
{
	struct task *thread = pidfd_thread(f);

	to->proc = pidfd_process(f);
	if (!to->proc)
		to->proc = proc_dir_process(f->inode);
	if (!to->proc)
		return -EBADF;
	if (scope == LX_PIDFD_SIGNAL_PROCESS_GROUP)
		to->group = thread ? thread->tid : to->proc->pid;
	else if (thread && (scope == 0 || scope == LX_PIDFD_SIGNAL_THREAD))
		to->thread = task_get(thread);
	else if (scope == LX_PIDFD_SIGNAL_THREAD)
		to->thread = task_find(t->k, to->proc->pid); /* a dead leader's signals are its process's */
	return 0;
}

int64_t sys_pidfd_send_signal(struct task *t, const struct sysargs *a)
{
	const uint32_t known = LX_PIDFD_SIGNAL_THREAD | LX_PIDFD_SIGNAL_THREAD_GROUP | LX_PIDFD_SIGNAL_PROCESS_GROUP;
	struct file *f AUTO_FILE = NULL;
	struct target to = { 0 };
	uint32_t scope = arg_u32(a, 3);
	int err;

	if ((scope & ~known) || (scope & (scope - 1)))
		return -EINVAL;
	f = fd_get(t, arg_fd(a, 0));
	if (!f)
		return -EBADF;
	err = find_target(t, f, scope, &to);
	if (!err)
		err = send(t, &to, arg_int(a, 1), arg_addr(a, 2));
	task_put(to.thread);
	process_put(to.proc);
	return err;
}

/* ptrace(2)'s rule for looking into another process, as far as it goes here. */
static bool may_look_into(struct task *t, struct task *of)
{
	const struct cred *mine = t->cred, *c = of->cred;

	if (of->proc == t->proc || cred_capable(mine, LX_CAP_SYS_PTRACE))
		return true;
	return of->proc->dumpable == 1 && mine->fsuid == c->uid && mine->fsuid == c->euid && mine->fsuid == c->suid &&
	       mine->fsgid == c->gid && mine->fsgid == c->egid && mine->fsgid == c->sgid;
}

/* The file of the process's first task; -EBADF, -EPERM, -ESRCH. */
static int file_of(struct task *t, struct process *p, int fd, struct file **out)
{
	struct fdtable *files = NULL;
	struct task *of;
	int err = -ESRCH;

	lock_take(&p->lock);
	if (!list_empty(&p->tasks)) {
		of = list_first(&p->tasks, struct task, proc_link);
		err = may_look_into(t, of) ? of->files ? 0 : -ESRCH : -EPERM;
		if (!err)
			files = fdtable_get(of->files);
	}
	lock_drop(&p->lock);
	if (err)
		return err;
	*out = fdtable_file(files, fd);
	fdtable_put(files, t);
	return *out ? 0 : -EBADF;
}

int64_t sys_pidfd_getfd(struct task *t, const struct sysargs *a)
{
	struct file *f AUTO_FILE = NULL;
	struct file *found;
	struct process *p;
	int err;

	if (arg_u32(a, 2))
		return -EINVAL;
	f = fd_get(t, arg_fd(a, 0));
	p = f ? pidfd_process(f) : NULL;
	if (!p)
		return -EBADF;
	err = file_of(t, p, arg_int(a, 1), &found);
	process_put(p);
	return err ? err : fd_add(t, found, true);
}
