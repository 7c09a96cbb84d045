/* Pidfds: readable when the process has exited. pidfd_open(2). The calls are in syscalls/sys_pidfd.c. */
#include "sentry/kernel/pidfd.h"

#include <stdio.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/task.h"

static const struct file_ops pidfd_ops;

int pidfd_file(struct task *t, struct process *p, uint32_t flags, struct file **out)
{
	int err;

	process_get(p);
	err = anon_file(t, &pidfd_ops, p, LX_O_RDWR | (flags & LX_PIDFD_NONBLOCK), out);
	if (err)
		process_put(p);
	return err;
}

struct process *pidfd_process(struct file *f)
{
	return f->ops == &pidfd_ops ? process_get(f->priv) : NULL;
}

static uint32_t pidfd_poll(struct file *f, struct poll_table *table)
{
	struct process *p = f->priv;

	if (table && table->add(table, &p->exit_wait, LX_POLLIN | LX_POLLRDNORM) < 0)
		return LX_POLLERR;
	return p->state >= PROC_ZOMBIE ? LX_POLLIN | LX_POLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
	process_put(f->priv);
}

static void pidfd_show(struct file *f, char *buf, size_t len)
{
	const struct process *p = f->priv;
	int pid = p->state == PROC_REAPED ? -1 : p->pid;

	snprintf(buf, len, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_show,
	.name = "[pidfd]",
};
