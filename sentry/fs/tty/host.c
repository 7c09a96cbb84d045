/*
 * The host's terminal as the guest's: its line discipline does the editing and the echo, what is typed for signals comes from the runtime. Reads and
 * writes are made when poll says that they will not block, as for other donated fds (hostfd.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/signal.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/tty/impl.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/uio.h"

bool host_fd_is_tty(int fd)
{
	struct lx_termios modes;

	return ioctl(fd, TCGETS, &modes) == 0;
}

static int some_fd(const struct tty *tty)
{
	return tty->in_fd >= 0 ? tty->in_fd : tty->out_fd;
}

/* As last seen: writes look at them without asking. */
static void keep_modes(struct tty *tty, const struct lx_termios2 *modes)
{
	LOCK_GUARD(&tty->lock);
	tty->modes = *modes;
}

int host_get_modes(struct tty *tty, struct lx_termios2 *out)
{
	int ret = (int)host_ret(ioctl(some_fd(tty), TCGETS, &out->t));

	out->c_ispeed = out->c_ospeed = 38400;
	if (ret == 0)
		keep_modes(tty, out);
	return ret;
}

int host_set_modes(struct tty *tty, uint32_t cmd, const struct lx_termios2 *modes)
{
	unsigned long host = cmd == LX_TCSETS ? TCSETS : cmd == LX_TCSETSW ? TCSETSW : TCSETSF;
	struct lx_termios copy = modes->t;
	int ret = (int)HOST_RETRY(ioctl(some_fd(tty), host, &copy));

	if (ret == 0)
		keep_modes(tty, modes);
	return ret;
}

int host_get_size(struct tty *tty, struct lx_winsize *out)
{
	return (int)host_ret(ioctl(some_fd(tty), TIOCGWINSZ, out));
}

int host_flush(struct tty *tty, int which)
{
	return (int)host_ret(ioctl(some_fd(tty), TCFLSH, which));
}

int host_waiting(struct tty *tty)
{
	int n = 0;

	return host_ret(ioctl(some_fd(tty), FIONREAD, &n)) < 0 ? 0 : n;
}

/* --- the file ----------------------------------------------------------------------------------------------------------- */

static int64_t host_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct tty *tty = f->priv;
	struct lx_termios2 modes;
	int ret = tty_job_check(t, tty, LX_SIGTTIN);

	(void)pos;
	if (ret < 0 || !u->left)
		return ret;
	if (tty->in_fd < 0)
		return -EIO;
	if (io_watch_ready(&tty->watch, POLLIN))
		return uio_put_host(u, tty->in_fd, -1, u->left);
	ret = host_get_modes(tty, &modes);
	return ret < 0 ? ret : tty_read_nothing(t, &modes, file_nonblock(f));
}

static int64_t host_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct tty *tty = f->priv;
	int ret = tty->modes.t.c_lflag & LX_TOSTOP ? tty_job_check(t, tty, LX_SIGTTOU) : 0;

	(void)pos;
	if (ret < 0 || !u->left)
		return ret;
	if (tty->out_fd < 0)
		return -EIO;
	if (!io_watch_ready(&tty->watch, POLLOUT))
		return -EAGAIN;
	return uio_get_host(u, tty->out_fd, -1, u->left > PIPE_BUF ? PIPE_BUF : u->left);
}

static uint32_t host_poll(struct file *f, struct poll_table *table)
{
	struct tty *tty = f->priv;
	uint32_t wanted = table ? table->events : POLLIN | POLLOUT, events = io_watch_ready(&tty->watch, wanted);

	if (table && !(events & wanted)) {
		if (table->add(table, &tty->watch.queue, wanted) < 0)
			return POLLERR;
		io_watch_arm(tty->k->io, &tty->watch, wanted & (POLLIN | POLLOUT | POLLPRI));
	}
	return events;
}

static int64_t host_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	return tty_ioctl(f, t, f->priv, false, cmd, arg);
}

static void host_release(struct file *f)
{
	tty_put(f->priv);
}

static const struct file_ops host_ops = {
	.fasync = true,
	.read = host_read,
	.write = host_write,
	.poll = host_poll,
	.ioctl = host_ioctl,
	.release = host_release,
	.name = "tty",
};

int host_tty_file(struct tty *tty, struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	*out = file_new(&host_ops, i, p, flags, t->cred, tty_get(tty));
	if (!*out)
		tty_put(tty);
	return *out ? 0 : -ENOMEM;
}

/* --- donation ------------------------------------------------------------------------------------------------------------- */

/* Keeps the fd for what it can do and the terminal could not yet; else it is not needed. */
static void keep_fd(struct tty *tty, int fd, int flags)
{
	bool keep = false;

	lock_take(&tty->lock);
	if ((flags & O_ACCMODE) != O_WRONLY && tty->in_fd < 0) {
		tty->in_fd = fd;
		keep = true;
	}
	if ((flags & O_ACCMODE) != O_RDONLY && tty->out_fd < 0) {
		tty->out_fd = fd;
		keep = true;
	}
	lock_drop(&tty->lock);
	if (!keep)
		close(fd);
}

static struct tty *host_tty_get(struct task *t, int fd, int flags)
{
	struct tty *tty;
	struct stat st;

	if (host_fstat(fd, &st) < 0) {
		close(fd);
		return NULL;
	}
	tty = tty_find_host(t->k, st.st_dev, st.st_ino);
	if (!tty) {
		tty = tty_new(t, true);
		if (!tty) {
			close(fd);
			return NULL;
		}
		tty->host_dev = st.st_dev;
		tty->host_ino = st.st_ino;
		io_watch_add(t->k->io, &tty->watch, fd);
	}
	keep_fd(tty, fd, flags);
	return tty;
}

/* By its name in devpts where that is mounted, so that ttyname(3) finds it; else as a file without a name. */
static int open_named(struct task *t, struct tty *tty, uint32_t flags, struct file **out)
{
	AUTO_PATH struct path p = { 0 };
	static const struct path nowhere;
	struct inode *i;
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "/dev/pts/%d", tty->index);
	if (vfs_walk(t, LX_AT_FDCWD, name, 0, &p) == 0 && path_inode(&p)->attr.rdev == tty_device(tty))
		return host_tty_file(tty, path_inode(&p), &p, flags, t, out);
	i = anon_inode_new(t, LX_S_IFCHR | 0620);
	if (!i)
		return -ENOMEM;
	i->attr.rdev = tty_device(tty);
	ret = host_tty_file(tty, i, &nowhere, flags, t, out);
	inode_put(i);
	return ret;
}

int host_tty_open(struct task *t, int fd, bool controlling, struct file **out)
{
	int flags = fcntl(fd, F_GETFL), ret;
	struct lx_termios2 modes;
	struct tty *tty;

	if (flags < 0)
		flags = O_RDWR;
	tty = host_tty_get(t, fd, flags);
	if (!tty)
		return -ENOMEM;
	host_get_modes(tty, &modes);
	ret = open_named(t, tty, (uint32_t)(flags & LX_O_ACCMODE), out);
	if (ret == 0 && controlling)
		tty_acquire(t, tty);
	tty_put(tty);
	return ret;
}
