/* Terminals by number, their life, and their nodes in devpts. */
#include <stddef.h>

#include "base/mem.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/tty/impl.h"
#include "sentry/kernel/kernel.h"

#define TTY_MAX 4096     /* kernel.pty.max */
#define TTY_GROUP 5      /* group tty of Debian and most others */
#define TTY_NODE_MODE 0620u

/* Numbers to terminals; each referenced. A sentry has one kernel, and so one table. */
static struct tty *ttys[TTY_MAX];                                 /* protected by ttys_lock */
static struct lock ttys_lock = LOCK_INIT(RANK_SOCKET, "ttys");    /* before a tty's own lock */

const struct lx_termios2 tty_default_modes = {
	.t = {
		.c_iflag = LX_ICRNL | LX_IXON,
		.c_oflag = LX_OPOST | LX_ONLCR,
		.c_cflag = LX_B38400 | LX_CS8 | LX_CREAD,
		.c_lflag = LX_ISIG | LX_ICANON | LX_ECHO | LX_ECHOE | LX_ECHOK | LX_ECHOCTL | LX_ECHOKE | LX_IEXTEN,
		.c_cc = { [LX_VINTR] = 3, [LX_VQUIT] = 034, [LX_VERASE] = 0177, [LX_VKILL] = 025, [LX_VEOF] = 4, [LX_VMIN] = 1,
			  [LX_VSTART] = 021, [LX_VSTOP] = 023, [LX_VSUSP] = 032, [LX_VREPRINT] = 022, [LX_VDISCARD] = 017,
			  [LX_VWERASE] = 027, [LX_VLNEXT] = 026 },
	},
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

static bool list_tty(struct tty *tty)
{
	LOCK_GUARD(&ttys_lock);
	for (int i = 0; i < TTY_MAX; i++) {
		if (ttys[i])
			continue;
		tty->index = i;
		ttys[i] = tty_get(tty);
		return true;
	}
	return false;
}

static void tty_free(struct tty *tty)
{
	mem_free(tty->in);
	mem_free(tty->out);
	mem_free(tty);
}

struct tty *tty_new(struct task *t, bool host)
{
	struct tty *tty = mem_zalloc(sizeof(*tty));

	if (!tty)
		return NULL;
	ref_init(&tty->ref);
	lock_init(&tty->lock, RANK_PIPE, "tty");
	waitq_init(&tty->slave_queue);
	waitq_init(&tty->master_queue);
	tty->k = t->k;
	tty->host = host;
	tty->uid = t->cred->fsuid;
	tty->gid = TTY_GROUP;
	tty->in_fd = tty->out_fd = -1;
	tty->modes = tty_default_modes;
	if (!host) {
		tty->in = mem_zalloc(sizeof(*tty->in));
		tty->out = mem_zalloc(sizeof(*tty->out));
	}
	if ((!host && (!tty->in || !tty->out)) || !list_tty(tty)) {
		tty_free(tty);
		return NULL;
	}
	return tty;
}

struct tty *tty_get(struct tty *tty)
{
	ref_get(&tty->ref);
	return tty;
}

/* The host's terminal is never freed: its watch is the reactor's for good, and the table keeps its reference. */
void tty_put(struct tty *tty)
{
	if (tty && ref_put(&tty->ref))
		tty_free(tty);
}

void tty_unlist(struct tty *tty)
{
	struct inode *node;

	lock_take(&ttys_lock);
	ttys[tty->index] = NULL;
	lock_drop(&ttys_lock);
	lock_take(&tty->lock);
	node = tty->node;
	tty->node = NULL;
	lock_drop(&tty->lock);
	inode_put(node);
	tty_put(tty);
}

struct tty *tty_find(struct kernel *k, int index)
{
	(void)k;
	LOCK_GUARD(&ttys_lock);
	return index >= 0 && index < TTY_MAX && ttys[index] ? tty_get(ttys[index]) : NULL;
}

struct tty *tty_find_host(struct kernel *k, uint64_t dev, uint64_t ino)
{
	(void)k;
	LOCK_GUARD(&ttys_lock);
	for (int i = 0; i < TTY_MAX; i++) {
		if (ttys[i] && ttys[i]->host && ttys[i]->host_dev == dev && ttys[i]->host_ino == ino)
			return tty_get(ttys[i]);
	}
	return NULL;
}

int tty_next(struct kernel *k, int from)
{
	(void)k;
	LOCK_GUARD(&ttys_lock);
	for (int i = from; i < TTY_MAX; i++) {
		if (ttys[i])
			return i;
	}
	return -1;
}

uint64_t tty_device(const struct tty *tty)
{
	return dev_make(TTY_MAJOR_PTS, (uint32_t)tty->index);
}

void tty_owner(const struct tty *tty, uint32_t *uid, uint32_t *gid, uint32_t *mode)
{
	*uid = tty->uid;
	*gid = tty->gid;
	*mode = TTY_NODE_MODE;
}

struct inode *tty_node(struct tty *tty)
{
	LOCK_GUARD(&tty->lock);
	return tty->node ? inode_get(tty->node) : NULL;
}

struct inode *tty_set_node(struct tty *tty, struct inode *node)
{
	LOCK_GUARD(&tty->lock);
	if (!tty->node && !tty->master_closed)
		tty->node = inode_get(node);
	return tty->node;
}
