/* Pseudo-terminals: the master's file and the slave's. pty(7). */
#include <errno.h>
#include <string.h>
#include <poll.h>
#include <stddef.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/signal.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/tty/impl.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/uio.h"

#define CHUNK 4096u

void pty_wake(struct tty *tty, uint32_t who)
{
	if (who & TTY_WAKE_SLAVE)
		waitq_wake(&tty->slave_queue, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLERR);
	if (who & TTY_WAKE_MASTER)
		waitq_wake(&tty->master_queue, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLPRI);
}

static uint32_t chunk(const struct uio *u)
{
	return u->left < CHUNK ? (uint32_t)u->left : CHUNK;
}

int64_t tty_read_nothing(struct task *t, const struct lx_termios2 *modes, bool nonblock)
{
	bool polls = !(modes->t.c_lflag & LX_ICANON) && modes->t.c_cc[LX_VMIN] == 0;
	int64_t wait = modes->t.c_cc[LX_VTIME] * 100000000ll;

	if (!polls)
		return -EAGAIN;
	if (wait == 0)
		return 0;
	if (nonblock)
		return -EAGAIN;
	if (t->blk.timed_out || (t->blk.has_deadline && host_monotonic_ns() >= t->blk.deadline))
		return 0;
	task_set_deadline(t, host_monotonic_ns() + wait);
	return -EAGAIN;
}

/* --- the slave's side ----------------------------------------------------------------------------------------------------- */

static int64_t slave_take(struct tty *tty, char *buf, uint32_t n, struct lx_termios2 *modes, bool *gone)
{
	LOCK_GUARD(&tty->lock);
	*modes = tty->modes;
	*gone = tty->master_closed;
	return tty->master_closed ? 0 : ldisc_read(tty, buf, n);
}

static int64_t slave_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct tty *tty = f->priv;
	struct lx_termios2 modes;
	char buf[CHUNK];
	bool gone;
	int64_t n = tty_job_check(t, tty, LX_SIGTTIN), put;

	(void)pos;
	if (n < 0 || !u->left)
		return n;
	n = slave_take(tty, buf, chunk(u), &modes, &gone);
	if (n == -EAGAIN)
		return tty_read_nothing(t, &modes, file_nonblock(f));
	if (n <= 0)
		return n;
	put = uio_put(u, buf, (uint64_t)n);
	pty_wake(tty, TTY_WAKE_MASTER);
	return put;
}

static int64_t slave_give(struct tty *tty, const char *buf, uint32_t n)
{
	LOCK_GUARD(&tty->lock);
	if (tty->master_closed)
		return -EIO;
	return ldisc_output(tty, buf, n);
}

static int64_t slave_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct tty *tty = f->priv;
	int64_t total = tty->modes.t.c_lflag & LX_TOSTOP ? tty_job_check(t, tty, LX_SIGTTOU) : 0;
	char buf[CHUNK];

	(void)pos;
	if (total < 0)
		return total;
	while (u->left) {
		int64_t got = uio_get(u, buf, chunk(u)), took;

		if (got < 0)
			return total ? total : got;
		took = slave_give(tty, buf, (uint32_t)got);
		if (took < got)
			uio_rewind(u, (uint64_t)(got - (took < 0 ? 0 : took)));
		if (took <= 0) {
			total = total ? total : took < 0 ? took : -EAGAIN;
			break;
		}
		total += took;
	}
	pty_wake(tty, TTY_WAKE_MASTER);
	return total;
}

static uint32_t slave_poll(struct file *f, struct poll_table *table)
{
	struct tty *tty = f->priv;
	uint32_t events = 0;

	if (table && table->add(table, &tty->slave_queue, table->events) < 0)
		return POLLERR;
	LOCK_GUARD(&tty->lock);
	if (tty->master_closed)
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
	if (ldisc_readable(tty, UINT32_MAX))
		events |= POLLIN | POLLRDNORM;
	if (!tty->stopped && tty_out_used(tty) + 256 <= TTY_OUT_ROOM)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static int64_t slave_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	return tty_ioctl(f, t, f->priv, false, cmd, arg);
}

static void slave_release(struct file *f)
{
	struct tty *tty = f->priv;
	bool last;

	lock_take(&tty->lock);
	last = --tty->slaves == 0;
	if (last)
		tty->exclusive = false;
	lock_drop(&tty->lock);
	if (last)
		pty_wake(tty, TTY_WAKE_MASTER);
	tty_put(tty);
}

static const struct file_ops slave_ops = {
	.fasync = true,
	.read = slave_read,
	.write = slave_write,
	.poll = slave_poll,
	.ioctl = slave_ioctl,
	.release = slave_release,
	.name = "tty",
};

static int may_open_slave(struct tty *tty, struct task *t)
{
	LOCK_GUARD(&tty->lock);
	if (tty->locked || tty->master_closed)
		return -EIO;
	if (tty->exclusive && !cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return -EBUSY;
	tty->slaves++;
	tty->slave_opened = true;
	return 0;
}

int pty_open_slave(struct tty *tty, struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	int ret = may_open_slave(tty, t);

	if (ret < 0)
		return ret;
	*out = file_new(&slave_ops, i, p, flags, t->cred, tty_get(tty));
	if (*out)
		return 0;
	lock_take(&tty->lock);
	tty->slaves--;
	lock_drop(&tty->lock);
	tty_put(tty);
	return -ENOMEM;
}

/* --- the master's side ------------------------------------------------------------------------------------------------------ */

/* Bytes for the master, with the packet mode's byte before them. */
static int64_t master_take(struct tty *tty, char *buf, uint32_t n)
{
	struct tty_output *o = tty->out;
	uint32_t done = 0;

	LOCK_GUARD(&tty->lock);
	if (tty->packet) {
		if (tty->packet_status || o->head != o->tail) {
			buf[done++] = (char)tty->packet_status;
			if (tty->packet_status) {
				tty->packet_status = 0;
				return done;
			}
		}
	}
	while (done < n && o->head != o->tail)
		buf[done++] = o->data[o->head++ % TTY_OUT_SIZE];
	if (!done)
		return tty->slave_opened && !tty->slaves ? -EIO : -EAGAIN;
	return done;
}

static int64_t master_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct tty *tty = f->priv;
	char buf[CHUNK];
	int64_t n;

	(void)t;
	(void)pos;
	if (!u->left)
		return 0;
	n = master_take(tty, buf, chunk(u));
	if (n <= 0)
		return n;
	n = uio_put(u, buf, (uint64_t)n);
	pty_wake(tty, TTY_WAKE_SLAVE);
	return n;
}

static uint32_t master_give(struct tty *tty, const char *buf, uint32_t n, int *signo)
{
	LOCK_GUARD(&tty->lock);
	return ldisc_input(tty, buf, n, signo);
}

/* As far as there is room; keys that mean signals take effect between the bytes before and after them. */
static int64_t type_bytes(struct tty *tty, const char *buf, uint32_t n)
{
	uint32_t done = 0, took;
	int signo;

	do {
		took = master_give(tty, buf + done, n - done, &signo);
		done += took;
		if (signo)
			tty_signal(tty, signo);
	} while (took && done < n);
	return done;
}

static int64_t master_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct tty *tty = f->priv;
	int64_t total = 0;
	char buf[CHUNK];

	(void)pos;
	while (u->left && !(total && signal_pending(t))) {
		int64_t got = uio_get(u, buf, chunk(u)), took;

		if (got < 0)
			return total ? total : got;
		took = type_bytes(tty, buf, (uint32_t)got);
		total += took;
		if (took < got) {
			uio_rewind(u, (uint64_t)(got - took));
			break;
		}
	}
	pty_wake(tty, TTY_WAKE_SLAVE | TTY_WAKE_MASTER);
	return total || !u->left ? total : -EAGAIN;
}

static uint32_t master_poll(struct file *f, struct poll_table *table)
{
	struct tty *tty = f->priv;
	uint32_t events = 0;

	if (table && table->add(table, &tty->master_queue, table->events) < 0)
		return POLLERR;
	LOCK_GUARD(&tty->lock);
	if (tty_out_used(tty))
		events |= POLLIN | POLLRDNORM;
	if (tty->packet && tty->packet_status)
		events |= POLLIN | POLLRDNORM | POLLPRI;
	if (ldisc_room(tty))
		events |= POLLOUT | POLLWRNORM;
	if (tty->slave_opened && !tty->slaves)
		events |= POLLHUP;
	return events;
}

static int64_t master_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	return tty_ioctl(f, t, f->priv, true, cmd, arg);
}

static void master_release(struct file *f)
{
	struct tty *tty = f->priv;

	lock_take(&tty->lock);
	tty->master_closed = true;
	lock_drop(&tty->lock);
	tty_unlist(tty);
	tty_hangup_session(tty);
	pty_wake(tty, TTY_WAKE_SLAVE);
	tty_put(tty);
}

static const struct file_ops master_ops = {
	.fasync = true,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
	.name = "ptmx",
};

int pty_open_master(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct tty *tty = tty_new(t, false);

	if (!tty)
		return -ENOSPC;
	tty->locked = true;
	if (!strcmp(i->super->fstype, "devpts") && i->super->priv)
		tty->instance = i->super->dev;
	*out = file_new(&master_ops, i, p, flags, t->cred, tty);
	if (*out)
		return 0;
	tty_unlist(tty);
	tty_put(tty);
	return -ENOMEM;
}

int tty_open(struct tty *tty, struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	int ret = tty->host ? host_tty_file(tty, i, p, flags, t, out) : pty_open_slave(tty, i, p, flags, t, out);

	if (ret == 0 && !(flags & LX_O_NOCTTY) && (*out)->readable)
		tty_acquire(t, tty);
	return ret;
}
