/* Sockets as files, and what system calls on them wait with: see socket.h. */
#include "sentry/net/socket.h"

#include <errno.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/census.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/net/sockfilter.h"
#include "sentry/net/unix.h"

#define DEFAULT_BUFFER 212992 /* net.core.wmem_default, rmem_default */

_Static_assert(SOCK_READABLE == (LX_POLLIN | LX_POLLRDNORM), "POLL bits");
_Static_assert(SOCK_WRITABLE == (LX_POLLOUT | LX_POLLWRNORM | LX_POLLWRBAND), "POLL bits");
_Static_assert(SOCK_CHANGED == (SOCK_READABLE | SOCK_WRITABLE | LX_POLLRDHUP | LX_POLLHUP | LX_POLLERR), "POLL bits");

void socket_init(struct socket *s, const struct socket_ops *ops, int domain, int type, int protocol)
{
	ref_init(&s->ref);
	census_add(CENSUS_SOCKET);
	s->ops = ops;
	s->domain = domain;
	s->type = type;
	s->protocol = protocol;
	waitq_init(&s->queue);
	waitq_init(&s->space);
	lock_init(&s->lock, RANK_SOCKET, "socket");
	s->opt = (struct sock_options){ .sndbuf = DEFAULT_BUFFER, .rcvbuf = DEFAULT_BUFFER, .rcvlowat = 1, .peek_off = -1,
					.pacing = UINT64_MAX };
	sock_opt_init(&s->opt);
}

struct socket *socket_get(struct socket *s)
{
	ref_get(&s->ref);
	return s;
}

void socket_put(struct socket *s)
{
	if (!s || !ref_put(&s->ref))
		return;
	socket_filter_free(s->filter);
	census_drop(CENSUS_SOCKET);
	s->ops->free(s);
}

void socket_discard(struct socket *s)
{
	s->ops->release(s);
	socket_put(s);
}

int socket_take_error(struct socket *s)
{
	if (!atomic_load_explicit(&s->err, memory_order_relaxed))
		return 0;
	return -atomic_exchange(&s->err, 0);
}

/* --- the file ---------------------------------------------------------------------------------------------------------- */

static int64_t sockfile_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct socket *s = f->priv;
	struct sock_msg m = { .uio = u, .flags = file_nonblock(f) ? LX_MSG_DONTWAIT : 0 };
	int64_t ret;

	(void)pos;
	if (!u->left)
		return 0;
	ret = s->ops->recv(s, t, &m);
	scm_drop(&m.scm);
	if (ret == -EAGAIN && !m.flags && s->opt.rcv_timeout)
		task_set_deadline(t, host_monotonic_ns() + s->opt.rcv_timeout);
	return ret;
}

static int64_t sockfile_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct socket *s = f->priv;
	struct sock_msg m = { .uio = u, .flags = file_nonblock(f) ? LX_MSG_DONTWAIT : 0, .scm.cred = scm_own_cred(t) };
	int64_t ret = s->ops->send(s, t, &m);

	(void)pos;
	socket_put(m.wait_for); /* poll() tells of room at a connected peer, too */
	if (ret == -EAGAIN && !m.flags && s->opt.snd_timeout)
		task_set_deadline(t, host_monotonic_ns() + s->opt.snd_timeout);
	if (ret == -EPIPE && s->type == LX_SOCK_STREAM) {
		struct lx_siginfo info;

		siginfo_init_kill(&info, LX_SIGPIPE, t);
		signal_send_task(t, &info);
	}
	return ret;
}

static uint32_t sockfile_poll(struct file *f, struct poll_table *table)
{
	struct socket *s = f->priv;

	return s->ops->poll(s, table);
}

static int64_t sockfile_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	struct socket *s = f->priv;
	int64_t n;
	int32_t out;

	if ((cmd != LX_SIOCINQ && cmd != LX_SIOCOUTQ) || !s->ops->pending)
		return s->ops->ioctl ? s->ops->ioctl(s, t, cmd, arg) : -ENOTTY;
	n = s->ops->pending(s, cmd == LX_SIOCOUTQ);
	if (n < 0)
		return n;
	out = (int32_t)n;
	return copy_out(t, uaddr(arg), &out, sizeof(out));
}

static void sockfile_release(struct file *f)
{
	struct socket *s = f->priv;

	s->ops->release(s);
	socket_put(s);
}

static const struct file_ops socket_file_ops = {
	.fasync = true,
	.read = sockfile_read,
	.write = sockfile_write,
	.poll = sockfile_poll,
	.ioctl = sockfile_ioctl,
	.fd_closed = unix_rights_collect, /* it may have been the last that held a socket which messages hold, too */
	.release = sockfile_release,
	.name = "socket",
};

int socket_file(struct task *t, struct socket *s, uint32_t flags, struct file **out)
{
	struct inode *inode = anon_inode_new(t, LX_S_IFSOCK | 0777);
	int ret;

	if (inode)
		s->ino = inode->attr.ino;
	ret = inode ? anon_file_on(t, inode, &socket_file_ops, s, LX_O_RDWR | flags, out) : -ENOMEM;

	inode_put(inode);
	if (ret < 0)
		socket_discard(s);
	else
		s->file = *out;
	return ret;
}

struct socket *file_socket(const struct file *f)
{
	return f->ops == &socket_file_ops ? f->priv : NULL;
}

/* --- waiting ---------------------------------------------------------------------------------------------------------------- */

static void sock_call_free(void *data)
{
	struct sock_call *c = data;

	scm_drop(&c->scm);
	socket_put(c->hold);
	file_put(c->file);
	mem_free(c);
}

struct sock_call *sock_call(struct task *t, struct file *f)
{
	struct sock_call *c = t->blk.data;

	if (c)
		return c;
	c = mem_zalloc(sizeof(*c));
	if (!c)
		return NULL;
	c->file = file_get(f);
	t->blk.data = c;
	t->blk.data_free = sock_call_free;
	return c;
}

int sock_call_hold(struct task *t, struct file *f, struct socket *held)
{
	struct sock_call *c = sock_call(t, f);

	if (!c) {
		socket_put(held);
		return -ENOMEM;
	}
	/* What an earlier run waited for is no longer waited for: waiters go before a call runs again. */
	socket_put(c->hold);
	c->hold = held;
	return task_wait_on(t, &held->space, SOCK_CHANGED);
}

int64_t sock_block(struct task *t, int64_t timeout)
{
	int64_t ret;

	if (timeout)
		task_set_deadline(t, host_monotonic_ns() + timeout);
	ret = task_block(t);
	if (ret == -ETIMEDOUT)
		return -EAGAIN;
	return ret == -ERESTARTSYS && timeout ? -EINTR : ret;
}

int64_t sock_wait(struct task *t, struct file *f, uint32_t events, int64_t timeout)
{
	if (!sock_call(t, f))
		return -ENOMEM;
	if (timeout)
		task_set_deadline(t, host_monotonic_ns() + timeout);
	return task_wait_file(t, f, events);
}
