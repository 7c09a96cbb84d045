/*
 * signalfd: takes pending signals of the reader. Linux looks, in poll, at the signals of whoever polls; here at those of the process that made
 * the file, which differs for a file that a fork has handed down and nobody has read since.
 */
#include "sentry/kernel/signalfd.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/sigqueue.h"

struct signalfd {
	_Atomic uint64_t mask;
	struct process *proc; /* referenced */
};

static const struct file_ops signalfd_ops;

static void fill(const struct lx_siginfo *info, struct lx_signalfd_siginfo *out)
{
	memset(out, 0, sizeof(*out));
	out->ssi_signo = (uint32_t)info->si_signo;
	out->ssi_errno = info->si_errno;
	out->ssi_code = info->si_code;
	if (info->si_code == LX_SI_TIMER) {
		out->ssi_tid = (uint32_t)info->u.timer.tid;
		out->ssi_overrun = (uint32_t)info->u.timer.overrun;
		out->ssi_ptr = info->u.timer.value;
		out->ssi_int = (int32_t)info->u.timer.value;
	} else if (info->si_signo == LX_SIGCHLD && info->si_code > 0) {
		out->ssi_pid = (uint32_t)info->u.chld.pid;
		out->ssi_uid = info->u.chld.uid;
		out->ssi_status = info->u.chld.status;
		out->ssi_utime = (uint64_t)info->u.chld.utime;
		out->ssi_stime = (uint64_t)info->u.chld.stime;
	} else if ((SIGBIT(info->si_signo) & SIGNALS_SYNCHRONOUS) && info->si_code > 0) {
		out->ssi_addr = info->u.fault.addr;
	} else if (info->si_signo == LX_SIGIO && info->si_code > 0) {
		out->ssi_band = (uint32_t)info->u.poll.band;
		out->ssi_fd = info->u.poll.fd;
	} else {
		out->ssi_pid = (uint32_t)info->u.rt.pid;
		out->ssi_uid = info->u.rt.uid;
		out->ssi_ptr = info->u.rt.value;
		out->ssi_int = (int32_t)info->u.rt.value;
	}
}

static int64_t signalfd_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct signalfd *sf = f->priv;
	struct lx_signalfd_siginfo out;
	struct lx_siginfo info;
	int64_t done = 0;

	(void)pos;
	if (u->left < sizeof(out))
		return -EINVAL;
	while (u->left >= sizeof(out) && signal_dequeue(t, atomic_load(&sf->mask), &info)) {
		fill(&info, &out);
		if (uio_put(u, &out, sizeof(out)) != sizeof(out))
			return done ? done : -EFAULT;
		done += (int64_t)sizeof(out);
	}
	return done ? done : -EAGAIN;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *table)
{
	struct signalfd *sf = f->priv;
	struct process *p = sf->proc;
	uint64_t set;
	struct task *t;

	if (table && table->add(table, &p->signal_wait, LX_POLLIN) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&p->sig_lock);
	set = p->shared_pending.set;
	list_for_each(t, &p->tasks, proc_link)
		set |= t->pending.set;
	return set & atomic_load(&sf->mask) ? LX_POLLIN | LX_POLLRDNORM : 0;
}

static void signalfd_release(struct file *f)
{
	struct signalfd *sf = f->priv;

	process_put(sf->proc);
	mem_free(sf);
}

static void signalfd_show(struct file *f, char *buf, size_t len)
{
	struct signalfd *sf = f->priv;

	snprintf(buf, len, "sigmask:\t%016llx\n", (unsigned long long)atomic_load(&sf->mask));
}

int signalfd_set_mask(struct file *f, uint64_t mask)
{
	struct signalfd *sf = f->priv;

	if (f->ops != &signalfd_ops)
		return -EINVAL;
	atomic_store(&sf->mask, mask & ~LX_SIG_UNMASKABLE);
	waitq_wake(&sf->proc->signal_wait, LX_POLLIN);
	return 0;
}

int signalfd_file(struct task *t, uint64_t mask, uint32_t flags, struct file **out)
{
	struct signalfd *sf = mem_zalloc(sizeof(*sf));
	int err;

	if (!sf)
		return -ENOMEM;
	atomic_store(&sf->mask, mask & ~LX_SIG_UNMASKABLE);
	sf->proc = process_get(t->proc);
	err = anon_file(t, &signalfd_ops, sf, LX_O_RDWR | flags, out);
	if (err) {
		process_put(sf->proc);
		mem_free(sf);
	}
	return err;
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show_fdinfo = signalfd_show,
	.name = "[signalfd]",
};
