/*
 * Donated host fds as guest files: read and write are the host's, without ever blocking a worker; readiness is watched by the reactor.
 *
 * The fd's open file description is shared with who donated it, so that its O_NONBLOCK cannot be set: a read or write is made only when poll says that it
 * will not block, and a write to a pipe or terminal is cut to what fits at once.
 */
#include "sentry/fs/hostfd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/poll.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/vfs.h"
#include "sentry/io/io.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/usermem.h"

/* The inode and what it is about are one: what is opened again (/dev/stdout) leads to the same fd. */
struct hostfd {
	struct inode inode;
	struct io_watch watch;
	struct io *io;
	int fd, flags; /* LX_O_ACCMODE and LX_O_APPEND as donated */
	bool pollable; /* regular files are always ready, and have positions */
};

static bool ready(struct hostfd *h, uint32_t events)
{
	return !h->pollable || io_watch_ready(&h->watch, events);
}

static int64_t hostfd_read(struct file *f, struct task *t, struct uio *uio, int64_t *pos)
{
	struct hostfd *h = f->priv;
	int64_t ret;

	(void)t;
	if (!uio->left)
		return 0;
	if (!ready(h, POLLIN))
		return -EAGAIN;
	ret = uio_put_host(uio, h->fd, h->pollable ? -1 : *pos, uio->left);
	if (ret > 0 && !h->pollable)
		*pos += ret;
	return ret;
}

static int64_t hostfd_write(struct file *f, struct task *t, struct uio *uio, int64_t *pos)
{
	struct hostfd *h = f->priv;
	int64_t ret;

	(void)pos;
	if (!uio->left)
		return 0;
	if (!ready(h, POLLOUT))
		return -EAGAIN;
	/* A pipe that polls writable takes PIPE_BUF bytes without blocking; a regular file appends where its shared position is. */
	ret = uio_get_host(uio, h->fd, -1, h->pollable && uio->left > PIPE_BUF ? PIPE_BUF : uio->left);
	if (ret == -EPIPE)
		signal_send_sigpipe(t);
	return ret;
}

static uint32_t hostfd_poll(struct file *f, struct poll_table *table)
{
	struct hostfd *h = f->priv;
	uint32_t wanted = table ? table->events : POLLIN | POLLOUT, events;

	events = io_watch_ready(&h->watch, wanted);
	if (table && !(events & wanted)) {
		if (table->add(table, &h->watch.queue, wanted) < 0)
			return POLLERR;
		io_watch_arm(h->io, &h->watch, wanted & (POLLIN | POLLOUT | POLLPRI));
	}
	return events;
}

static int64_t hostfd_seek(struct file *f, int64_t offset, int whence)
{
	struct hostfd *h = f->priv;

	return host_ret(lseek(h->fd, offset, whence));
}

static int64_t hostfd_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	struct hostfd *h = f->priv;
	int n = 0;

	if (cmd != LX_FIONREAD)
		return -ENOTTY;
	if (host_ret(ioctl(h->fd, FIONREAD, &n)) < 0)
		return -ENOTTY;
	return copy_out(t, uaddr(arg), &n, sizeof(n));
}

static int hostfd_fsync(struct file *f, struct task *t, bool data_only)
{
	struct hostfd *h = f->priv;

	return (int)io_submit(t, data_only ? IO_OP_FDATASYNC : IO_OP_FSYNC, h->fd, NULL, 0, 0);
}

static void hostfd_destroy(struct inode *i)
{
	struct hostfd *h = container_of(i, struct hostfd, inode);

	/* The host may still be watching the fd for us: the descriptor stays, the sandbox has three of them. */
	if (h->pollable)
		return;
	close(h->fd);
	mem_free(h);
}

/* Pipes, sockets, character devices: no positions. */
static const struct file_ops stream_ops = {
	.read = hostfd_read,
	.write = hostfd_write,
	.poll = hostfd_poll,
	.ioctl = hostfd_ioctl,
	.name = "hostfd stream",
};

static const struct file_ops regular_ops = {
	.read = hostfd_read,
	.write = hostfd_write,
	.seek = hostfd_seek,
	.ioctl = hostfd_ioctl,
	.fsync = hostfd_fsync,
	.name = "hostfd",
};

static const struct file_ops *ops_of(const struct hostfd *h)
{
	return h->pollable ? &stream_ops : &regular_ops;
}

static int hostfd_reopen(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct hostfd *h = container_of(i, struct hostfd, inode);
	int have = h->flags & LX_O_ACCMODE, want = (int)(flags & LX_O_ACCMODE);

	if (have != LX_O_RDWR && want != have)
		return -EACCES;
	*out = file_new(ops_of(h), i, p, flags, t->cred, h);
	return *out ? 0 : -ENOMEM;
}

/* A stream that was handed in is not the guest's to cut or to give away: O_TRUNC of /dev/stdout is taken for nothing. */
static int hostfd_setattr(struct inode *i, const struct setattr *s)
{
	(void)i;
	return s->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static const struct inode_ops inode_ops = { .open = hostfd_reopen, .setattr = hostfd_setattr, .destroy = hostfd_destroy };

int hostfd_open(struct task *t, int fd, struct file **out)
{
	struct hostfd *h = mem_zalloc(sizeof(*h));
	struct stat st;
	int ret = -ENOMEM, flags = fcntl(fd, F_GETFL);

	if (!h)
		goto fail;
	ret = host_fstat(fd, &st);
	if (ret < 0 || flags < 0)
		goto fail;
	h->fd = fd;
	h->io = t->k->io;
	h->flags = flags & (LX_O_ACCMODE | LX_O_APPEND);
	h->pollable = !S_ISREG(st.st_mode);
	inode_init(&h->inode, &inode_ops, anon_mount()->super, st.st_mode, t->cred->fsuid, t->cred->fsgid);
	h->inode.attr.size = st.st_size;
	h->inode.attr.rdev = st.st_rdev;
	ret = anon_file_on(t, &h->inode, ops_of(h), h, (uint32_t)h->flags, out);
	if (ret < 0)
		goto fail;
	if (h->pollable)
		io_watch_add(h->io, &h->watch, fd);
	else
		(*out)->pos = lseek(fd, 0, SEEK_CUR);
	inode_put(&h->inode);
	return 0;
fail:
	mem_free(h);
	close(fd);
	return ret;
}
