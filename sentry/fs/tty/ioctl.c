/* What a terminal can be asked and told. ioctl_tty(2). */
#include "abi/ioctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/signal.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/tty/impl.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"

struct tty_call {
	struct file *f;
	struct task *t;
	struct tty *tty;
	bool master;
	uint32_t cmd;
	uint64_t arg;
};

static int64_t give_int(const struct tty_call *c, int value)
{
	return value < 0 ? value : copy_out(c->t, uaddr(c->arg), &value, sizeof(value));
}

static int take_int(const struct tty_call *c, int *value)
{
	return copy_in(c->t, value, uaddr(c->arg), sizeof(*value));
}

/* --- modes ------------------------------------------------------------------------------------------------------------------ */

static int get_modes(struct tty *tty, struct lx_termios2 *out)
{
	if (tty->host)
		return host_get_modes(tty, out);
	LOCK_GUARD(&tty->lock);
	*out = tty->modes;
	return 0;
}

static int64_t do_get_modes(const struct tty_call *c)
{
	struct lx_termios2 modes;
	int ret = get_modes(c->tty, &modes);

	if (ret < 0)
		return ret;
	return copy_out(c->t, uaddr(c->arg), &modes, c->cmd == LX_TCGETS2 ? sizeof(modes) : sizeof(modes.t));
}

static void set_pair_modes(struct tty *tty, struct lx_termios2 *modes, bool flush)
{
	LOCK_GUARD(&tty->lock);
	termios_keep_locked(&modes->t, &tty->modes.t, &tty->mode_locks);
	if (flush)
		ldisc_flush_input(tty);
	ldisc_set_modes(tty, modes);
}

static int64_t do_get_old_modes(const struct tty_call *c)
{
	struct lx_termios2 modes;
	struct lx_termio old;
	int ret = get_modes(c->tty, &modes);

	if (ret < 0)
		return ret;
	termio_give(&modes.t, &old);
	return copy_out(c->t, uaddr(c->arg), &old, sizeof(old));
}

/* Changes `modes`, which holds those so far, to what the call asks for. *plain: the TCSETS, W or F that it amounts to. */
static int take_modes(const struct tty_call *c, struct lx_termios2 *modes, uint32_t *plain)
{
	struct lx_termio old;

	if (c->cmd >= LX_TCSETS2) {
		*plain = LX_TCSETS + (c->cmd - LX_TCSETS2);
		return copy_in(c->t, modes, uaddr(c->arg), sizeof(*modes));
	}
	if (c->cmd < LX_TCSETA) {
		*plain = c->cmd;
		return copy_in(c->t, &modes->t, uaddr(c->arg), sizeof(modes->t));
	}
	*plain = LX_TCSETS + (c->cmd - LX_TCSETA);
	if (copy_in(c->t, &old, uaddr(c->arg), sizeof(old)) < 0)
		return -EFAULT;
	termio_take(&old, &modes->t);
	return 0;
}

static int64_t do_set_modes(const struct tty_call *c)
{
	/* Drained at once (W), with the input thrown away (F): what is written is with the master already. */
	uint32_t plain;
	struct lx_termios2 modes;
	int ret = get_modes(c->tty, &modes);

	if (ret == 0 && !c->master)
		ret = tty_job_check(c->t, c->tty, LX_SIGTTOU);
	if (ret < 0)
		return ret;
	if (take_modes(c, &modes, &plain) < 0)
		return -EFAULT;
	if (c->tty->host)
		return host_set_modes(c->tty, plain, &modes);
	set_pair_modes(c->tty, &modes, plain == LX_TCSETSF);
	pty_wake(c->tty, TTY_WAKE_SLAVE | TTY_WAKE_MASTER);
	return 0;
}

static int64_t do_get_mode_locks(const struct tty_call *c)
{
	struct lx_termios locks;

	lock_take(&c->tty->lock);
	locks = c->tty->mode_locks;
	lock_drop(&c->tty->lock);
	return copy_out(c->t, uaddr(c->arg), &locks, sizeof(locks));
}

static int64_t do_set_mode_locks(const struct tty_call *c)
{
	struct lx_termios locks;

	if (c->tty->host || !cred_capable(c->t->cred, LX_CAP_SYS_ADMIN))
		return -EPERM; /* the user may do with their terminal what they want */
	if (copy_in(c->t, &locks, uaddr(c->arg), sizeof(locks)) < 0)
		return -EFAULT;
	LOCK_GUARD(&c->tty->lock);
	c->tty->mode_locks = locks;
	return 0;
}

static int64_t do_get_size(const struct tty_call *c)
{
	struct lx_winsize size;
	int ret = 0;

	if (c->tty->host) {
		ret = host_get_size(c->tty, &size);
	} else {
		LOCK_GUARD(&c->tty->lock);
		size = c->tty->size;
	}
	return ret < 0 ? ret : copy_out(c->t, uaddr(c->arg), &size, sizeof(size));
}

static int64_t do_set_size(const struct tty_call *c)
{
	struct lx_winsize size;
	bool changed;

	if (c->tty->host)
		return -EPERM; /* the window is the user's */
	if (copy_in(c->t, &size, uaddr(c->arg), sizeof(size)) < 0)
		return -EFAULT;
	lock_take(&c->tty->lock);
	changed = memcmp(&size, &c->tty->size, sizeof(size)) != 0;
	c->tty->size = size;
	lock_drop(&c->tty->lock);
	if (changed)
		tty_signal(c->tty, LX_SIGWINCH);
	return 0;
}

/* --- sessions and groups --------------------------------------------------------------------------------------------------------- */

static int64_t do_get_foreground(const struct tty_call *c)
{
	return give_int(c, tty_get_foreground(c->t, c->tty, c->master));
}

static int64_t do_set_foreground(const struct tty_call *c)
{
	int pgid;

	return take_int(c, &pgid) < 0 ? -EFAULT : tty_set_foreground(c->t, c->tty, pgid);
}

static int64_t do_get_sid(const struct tty_call *c)
{
	return give_int(c, tty_get_sid(c->t, c->tty, c->master));
}

static int64_t do_make_controlling(const struct tty_call *c)
{
	if (!c->f->readable && !cred_capable(c->t->cred, LX_CAP_SYS_ADMIN))
		return -EPERM;
	return tty_make_controlling(c->t, c->tty, c->arg == 1);
}

static int64_t do_disown(const struct tty_call *c)
{
	return tty_disown(c->t, c->tty);
}

/* --- queues ------------------------------------------------------------------------------------------------------------------------ */

static int64_t do_waiting(const struct tty_call *c)
{
	uint32_t n;

	if (c->tty->host)
		return give_int(c, host_waiting(c->tty));
	lock_take(&c->tty->lock);
	n = c->master ? tty_out_used(c->tty) : ldisc_waiting(c->tty);
	lock_drop(&c->tty->lock);
	return give_int(c, (int)n);
}

static int64_t do_unsent(const struct tty_call *c)
{
	return give_int(c, 0); /* what was written is with the other side */
}

static int64_t do_flush(const struct tty_call *c)
{
	int which = (int)c->arg, ret = c->master ? 0 : tty_job_check(c->t, c->tty, LX_SIGTTOU);

	if (ret < 0)
		return ret;
	if (c->arg > LX_TCIOFLUSH)
		return -EINVAL;
	if (c->tty->host)
		return host_flush(c->tty, which);
	lock_take(&c->tty->lock);
	/* The master's output is the slave's input. */
	if (which == LX_TCIOFLUSH || which == (c->master ? LX_TCOFLUSH : LX_TCIFLUSH))
		ldisc_flush_input(c->tty);
	if (which == LX_TCIOFLUSH || which == (c->master ? LX_TCIFLUSH : LX_TCOFLUSH))
		ldisc_flush_output(c->tty);
	lock_drop(&c->tty->lock);
	pty_wake(c->tty, TTY_WAKE_SLAVE | TTY_WAKE_MASTER);
	return 0;
}

static int64_t do_flow(const struct tty_call *c)
{
	int ret = c->master ? 0 : tty_job_check(c->t, c->tty, LX_SIGTTOU);

	if (ret < 0)
		return ret;
	if (c->arg > LX_TCION)
		return -EINVAL;
	if (c->tty->host)
		return 0; /* the user has keys for that */
	lock_take(&c->tty->lock);
	if (c->arg == LX_TCOOFF || c->arg == LX_TCOON)
		c->tty->stopped = c->arg == LX_TCOOFF;
	else
		ldisc_send(c->tty, (char)c->tty->modes.t.c_cc[c->arg == LX_TCIOFF ? LX_VSTOP : LX_VSTART]);
	lock_drop(&c->tty->lock);
	pty_wake(c->tty, TTY_WAKE_SLAVE | TTY_WAKE_MASTER);
	return 0;
}

static int64_t do_drain(const struct tty_call *c)
{
	return c->master ? 0 : tty_job_check(c->t, c->tty, LX_SIGTTOU);
}

/* --- the device ------------------------------------------------------------------------------------------------------------------------ */

static int64_t do_exclusive(const struct tty_call *c)
{
	LOCK_GUARD(&c->tty->lock);
	c->tty->exclusive = c->cmd == LX_TIOCEXCL;
	return 0;
}

static int64_t do_get_exclusive(const struct tty_call *c)
{
	return give_int(c, c->tty->exclusive);
}

static int64_t do_get_discipline(const struct tty_call *c)
{
	return give_int(c, 0); /* N_TTY */
}

static int64_t do_set_discipline(const struct tty_call *c)
{
	int number;

	if (take_int(c, &number) < 0)
		return -EFAULT;
	return number == 0 ? 0 : -EINVAL;
}

static int64_t do_get_device(const struct tty_call *c)
{
	return give_int(c, (int)tty_device(c->tty));
}

static int64_t do_type_for_another(const struct tty_call *c)
{
	(void)c;
	return -EIO; /* as with dev.tty.legacy_tiocsti off */
}

/* --- masters --------------------------------------------------------------------------------------------------------------------------- */

static int64_t do_get_number(const struct tty_call *c)
{
	return give_int(c, c->tty->index);
}

static int64_t do_set_lock(const struct tty_call *c)
{
	int on;

	if (take_int(c, &on) < 0)
		return -EFAULT;
	LOCK_GUARD(&c->tty->lock);
	c->tty->locked = on != 0;
	return 0;
}

static int64_t do_get_lock(const struct tty_call *c)
{
	return give_int(c, c->tty->locked);
}

static int64_t do_set_packet(const struct tty_call *c)
{
	int on;

	if (take_int(c, &on) < 0)
		return -EFAULT;
	LOCK_GUARD(&c->tty->lock);
	if (on && !c->tty->packet)
		c->tty->packet_status = 0;
	c->tty->packet = on != 0;
	return 0;
}

static int64_t do_get_packet(const struct tty_call *c)
{
	return give_int(c, c->tty->packet);
}

/* By its name where there is one; a sandbox without devpts gets a slave without name. */
static int64_t do_open_peer(const struct tty_call *c)
{
	uint32_t flags = (uint32_t)c->arg & (LX_O_ACCMODE | LX_O_NONBLOCK | LX_O_NOCTTY | LX_O_CLOEXEC);
	struct open_how how = { .flags = flags };
	struct file *peer = NULL;
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "/dev/pts/%d", c->tty->index);
	ret = vfs_open(c->t, LX_AT_FDCWD, name, &how, &peer);
	if (ret == -ENOENT || ret == -ENOTDIR) {
		static const struct path nowhere;
		struct inode *i = anon_inode_new(c->t, LX_S_IFCHR | 0620);

		if (!i)
			return -ENOMEM;
		i->attr.rdev = tty_device(c->tty);
		ret = tty_open(c->tty, i, &nowhere, flags, c->t, &peer);
		inode_put(i);
	}
	return ret < 0 ? ret : fd_add(c->t, peer, flags & LX_O_CLOEXEC);
}

/* --- the table ------------------------------------------------------------------------------------------------------------------------- */

enum { ANY_SIDE, MASTER_ONLY };
static const struct {
	uint32_t cmd;
	int side;
	int64_t (*fn)(const struct tty_call *);
} calls[] = {
	{ LX_TCGETS, ANY_SIDE, do_get_modes },
	{ LX_TIOCGWINSZ, ANY_SIDE, do_get_size },
	{ LX_TIOCGPGRP, ANY_SIDE, do_get_foreground },
	{ LX_TIOCSPGRP, ANY_SIDE, do_set_foreground },
	{ LX_TCSETS, ANY_SIDE, do_set_modes },
	{ LX_TCSETSW, ANY_SIDE, do_set_modes },
	{ LX_TCSETSF, ANY_SIDE, do_set_modes },
	{ LX_TCGETA, ANY_SIDE, do_get_old_modes },
	{ LX_TCSETA, ANY_SIDE, do_set_modes },
	{ LX_TCSETAW, ANY_SIDE, do_set_modes },
	{ LX_TCSETAF, ANY_SIDE, do_set_modes },
	{ LX_TIOCGLCKTRMIOS, ANY_SIDE, do_get_mode_locks },
	{ LX_TIOCSLCKTRMIOS, ANY_SIDE, do_set_mode_locks },
	{ LX_TCGETS2, ANY_SIDE, do_get_modes },
	{ LX_TCSETS2, ANY_SIDE, do_set_modes },
	{ LX_TCSETSW2, ANY_SIDE, do_set_modes },
	{ LX_TCSETSF2, ANY_SIDE, do_set_modes },
	{ LX_TIOCSWINSZ, ANY_SIDE, do_set_size },
	{ LX_FIONREAD, ANY_SIDE, do_waiting },
	{ LX_TIOCOUTQ, ANY_SIDE, do_unsent },
	{ LX_TIOCSCTTY, ANY_SIDE, do_make_controlling },
	{ LX_TIOCNOTTY, ANY_SIDE, do_disown },
	{ LX_TIOCGSID, ANY_SIDE, do_get_sid },
	{ LX_TCFLSH, ANY_SIDE, do_flush },
	{ LX_TCXONC, ANY_SIDE, do_flow },
	{ LX_TCSBRK, ANY_SIDE, do_drain },
	{ LX_TCSBRKP, ANY_SIDE, do_drain },
	{ LX_TIOCEXCL, ANY_SIDE, do_exclusive },
	{ LX_TIOCNXCL, ANY_SIDE, do_exclusive },
	{ LX_TIOCGEXCL, ANY_SIDE, do_get_exclusive },
	{ LX_TIOCGETD, ANY_SIDE, do_get_discipline },
	{ LX_TIOCSETD, ANY_SIDE, do_set_discipline },
	{ LX_TIOCGDEV, ANY_SIDE, do_get_device },
	{ LX_TIOCSTI, ANY_SIDE, do_type_for_another },
	{ LX_TIOCGPTN, MASTER_ONLY, do_get_number },
	{ LX_TIOCSPTLCK, MASTER_ONLY, do_set_lock },
	{ LX_TIOCGPTLCK, MASTER_ONLY, do_get_lock },
	{ LX_TIOCPKT, MASTER_ONLY, do_set_packet },
	{ LX_TIOCGPKT, MASTER_ONLY, do_get_packet },
	{ LX_TIOCGPTPEER, MASTER_ONLY, do_open_peer },
};

int64_t tty_ioctl(struct file *f, struct task *t, struct tty *tty, bool master, uint32_t cmd, uint64_t arg)
{
	struct tty_call c = { .f = f, .t = t, .tty = tty, .master = master, .cmd = cmd, .arg = arg };

	if (!master && tty->master_closed)
		return cmd == LX_TIOCSPGRP ? -ENOTTY : -EIO;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].cmd == cmd)
			return calls[i].side == MASTER_ONLY && !master ? -ENOTTY : calls[i].fn(&c);
	}
	return -ENOTTY;
}
