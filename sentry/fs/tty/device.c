/* Which terminal a device number means: /dev/tty, /dev/console, /dev/ptmx, /dev/pts/N. */
#include <errno.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/tty/impl.h"
#include "sentry/kernel/task.h"

enum { AUX_TTY, AUX_CONSOLE, AUX_PTMX };

static int open_own(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct tty *tty = tty_of_task(t);
	int ret = tty ? tty_open(tty, i, p, flags | LX_O_NOCTTY, t, out) : -ENXIO;

	tty_put(tty);
	return ret;
}

static int open_number(int index, struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct tty *tty = tty_find(t->k, index);
	int ret = tty ? tty_open(tty, i, p, flags, t, out) : -EIO;

	tty_put(tty);
	return ret;
}

/* The first terminal that the sandbox was given, if it was given one. */
static int open_console(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct tty *tty = NULL;
	int ret = -EIO;

	for (int n = tty_next(t->k, 0); n >= 0; n = tty_next(t->k, n + 1)) {
		tty = tty_find(t->k, n);
		if (tty && tty->host)
			break;
		tty_put(tty);
		tty = NULL;
	}
	if (tty)
		ret = tty_open(tty, i, p, flags | LX_O_NOCTTY, t, out);
	tty_put(tty);
	return ret;
}

int tty_device_open(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	uint32_t major = dev_major(i->attr.rdev), minor = dev_minor(i->attr.rdev);

	if (major == TTY_MAJOR_PTS)
		return open_number((int)minor, i, p, flags, t, out);
	if (major != TTY_MAJOR_AUX)
		return -ENXIO;
	switch (minor) {
	case AUX_TTY:
		return open_own(i, p, flags, t, out);
	case AUX_CONSOLE:
		return open_console(i, p, flags, t, out);
	case AUX_PTMX:
		return pty_open_master(i, p, flags, t, out);
	default:
		return -ENXIO;
	}
}
