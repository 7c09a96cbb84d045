/* Pidfds: readable when the process, or the one thread, has exited. pidfd_open(2). The calls are in syscalls/sys_pidfd.c. */
#include "sentry/kernel/pidfd.h"

#include <errno.h>
#include <stdio.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/task.h"

/* Immutable; both referenced. */
struct pidfd {
	struct process *proc;
	struct task *thread; /* NULL: the process as a whole */
};

static const struct file_ops pidfd_ops;

static void pidfd_free(struct pidfd *pf)
{
	task_put(pf->thread);
	process_put(pf->proc);
	mem_free(pf);
}

static int make(struct task *t, struct process *p, struct task *thread, uint32_t flags, struct file **out)
{
	struct pidfd *pf = mem_zalloc(sizeof(*pf));
	int err;

	if (!pf)
		return -ENOMEM;
	pf->proc = process_get(p);
	pf->thread = thread ? task_get(thread) : NULL;
	err = anon_file(t, &pidfd_ops, pf, LX_O_RDWR | (flags & LX_PIDFD_NONBLOCK), out);
	if (err)
		pidfd_free(pf);
	else if (flags & LX_PIDFD_THREAD)
		atomic_fetch_or(&(*out)->flags, LX_PIDFD_THREAD); /* O_EXCL elsewhere, which files do not keep */
	return err;
}

int pidfd_file(struct task *t, struct process *p, uint32_t flags, struct file **out)
{
	return make(t, p, NULL, flags, out);
}

int pidfd_thread_file(struct task *t, struct task *thread, uint32_t flags, struct file **out)
{
	return make(t, thread->proc, thread, flags | LX_PIDFD_THREAD, out);
}

static struct pidfd *pidfd_of(struct file *f)
{
	return f->ops == &pidfd_ops ? f->priv : NULL;
}

struct process *pidfd_process(struct file *f)
{
	struct pidfd *pf = pidfd_of(f);

	return pf ? process_get(pf->proc) : NULL;
}

struct task *pidfd_thread(struct file *f)
{
	struct pidfd *pf = pidfd_of(f);

	return pf ? pf->thread : NULL;
}

static bool leads(const struct pidfd *pf)
{
	return !pf->thread || pf->thread->tid == pf->proc->pid;
}

/* A thread that leads nothing has nobody who waits for it: it is gone as soon as it has exited. */
static uint32_t pidfd_poll(struct file *f, struct poll_table *table)
{
	const struct pidfd *pf = f->priv;
	bool exited, gone;

	if (table && table->add(table, &pf->proc->exit_wait, LX_POLLIN | LX_POLLRDNORM | LX_POLLHUP) < 0)
		return LX_POLLERR;
	gone = pf->proc->state == PROC_REAPED;
	exited = pf->proc->state >= PROC_ZOMBIE;
	if (pf->thread && atomic_load(&pf->thread->run) == RUN_DEAD) {
		exited = true;
		gone |= !leads(pf);
	}
	return (exited ? LX_POLLIN | LX_POLLRDNORM : 0) | (gone ? LX_POLLHUP : 0);
}

static void pidfd_release(struct file *f)
{
	pidfd_free(f->priv);
}

static void pidfd_show(struct file *f, char *buf, size_t len)
{
	const struct pidfd *pf = f->priv;
	int pid = leads(pf) ? pf->proc->pid : pf->thread->tid;

	if (pf->proc->state == PROC_REAPED || (!leads(pf) && atomic_load(&pf->thread->run) == RUN_DEAD))
		pid = -1;
	snprintf(buf, len, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_show,
	.name = "[pidfd]",
};
