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

int64_t sys_pidfd_open(struct task *t, const struct sysargs *a)
{
	int pid = arg_pid(a, 0), err;
	uint32_t flags = arg_u32(a, 1);
	struct process *p;
	struct file *f;

	if ((flags & ~(uint32_t)LX_PIDFD_NONBLOCK) || pid <= 0)
		return -EINVAL;
	p = process_find(t->k, pid);
	if (!p) {
		/* A thread that leads no process has no pidfd of this kind. */
		struct task *thread = task_find(t->k, pid);

		task_put(thread);
		return thread ? -EINVAL : -ESRCH;
	}
	err = pidfd_file(t, p, flags, &f);
	process_put(p);
	return err ? err : fd_add(t, f, true);
}

static int send(struct task *t, struct process *p, int signo, uaddr_t info_addr)
{
	struct lx_siginfo info;
	int err;

	siginfo_init_kill(&info, signo, t);
	if (!uaddr_null(info_addr)) {
		if (copy_in(t, &info, info_addr, sizeof(info)) < 0)
			return -EFAULT;
		if (info.si_signo != signo)
			return -EINVAL;
		if ((info.si_code >= 0 || info.si_code == LX_SI_TKILL) && p != t->proc)
			return -EPERM;
	}
	if (signo < 0 || signo > LX_NSIG)
		return -EINVAL;
	err = signal_may_send(t, p, signo);
	if (err || !signo)
		return err;
	return p->state == PROC_REAPED ? -ESRCH : signal_send_process(p, &info);
}

int64_t sys_pidfd_send_signal(struct task *t, const struct sysargs *a)
{
	struct file *f AUTO_FILE = NULL;
	struct process *p;
	int err;

	/* Of the scopes that flags can name, the process is what our pidfds are for. */
	if (arg_u32(a, 3) & ~(uint32_t)LX_PIDFD_SIGNAL_THREAD_GROUP)
		return -EINVAL;
	f = fd_get(t, arg_fd(a, 0));
	if (!f)
		return -EBADF;
	/* An open /proc/PID stands for the process too: that is what programs had before there were pidfds. */
	p = pidfd_process(f);
	if (!p)
		p = proc_dir_process(f->inode);
	if (!p)
		return -EBADF;
	err = p->state == PROC_REAPED ? -ESRCH : send(t, p, arg_int(a, 1), arg_addr(a, 2));
	process_put(p);
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
