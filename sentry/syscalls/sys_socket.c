/* socket, socketpair, bind, listen, accept, accept4, connect, getsockname, getpeername, shutdown. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/task.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/sockets.h"

#define TYPE_FLAGS (LX_SOCK_NONBLOCK | LX_SOCK_CLOEXEC)

/* --- shared ------------------------------------------------------------------------------------------------------------- */

int call_socket(struct task *t, int fd, struct file **f, struct socket **s)
{
	const struct sock_call *call = t->blk.data;

	*f = call ? file_get(call->file) : fd_get_io(t, fd);
	if (!*f)
		return -EBADF;
	*s = file_socket(*f);
	return *s ? 0 : -ENOTSOCK;
}

int sockaddr_in(struct task *t, uaddr_t at, int32_t len, struct sock_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (len < 0 || len > LX_SOCKADDR_MAX)
		return -EINVAL;
	a->len = (uint32_t)len;
	return len ? copy_in(t, a->raw, at, (size_t)len) : 0;
}

int sockaddr_out(struct task *t, const struct sock_addr *a, uaddr_t at, uaddr_t len_at)
{
	int32_t room, len = (int32_t)a->len;

	if (copy_in(t, &room, len_at, sizeof(room)) < 0)
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (room > len)
		room = len;
	if (room && copy_out(t, at, a->raw, (size_t)room) < 0)
		return -EFAULT;
	return copy_out(t, len_at, &len, sizeof(len));
}

/* --- making --------------------------------------------------------------------------------------------------------------- */

static int make(struct task *t, int domain, uint32_t type, int protocol, struct socket **s)
{
	return socket_create(t, domain, (int)(type & LX_SOCK_TYPE_MASK), protocol, s);
}

int64_t sys_socket(struct task *t, const struct sysargs *a)
{
	uint32_t type = arg_u32(a, 1);
	struct socket *s = NULL;
	struct file *f = NULL;
	int ret;

	if (type & ~(uint32_t)(LX_SOCK_TYPE_MASK | TYPE_FLAGS))
		return -EINVAL;
	ret = make(t, arg_int(a, 0), type, arg_int(a, 2), &s);
	if (ret == 0)
		ret = socket_file(t, s, type & LX_SOCK_NONBLOCK, &f);
	return ret < 0 ? ret : fd_add(t, f, type & LX_SOCK_CLOEXEC);
}

/* Two connected sockets as files. */
static int make_pair(struct task *t, const struct sysargs *a, struct file *ends[2])
{
	uint32_t type = arg_u32(a, 1);
	struct socket *s[2];
	int ret = make(t, arg_int(a, 0), type, arg_int(a, 2), &s[0]);

	if (ret < 0)
		return ret;
	ret = s[0]->ops->pair ? make(t, arg_int(a, 0), type, arg_int(a, 2), &s[1]) : -EOPNOTSUPP;
	if (ret < 0) {
		socket_discard(s[0]);
		return ret;
	}
	ret = s[0]->ops->pair(s[0], s[1], t);
	if (ret == 0)
		ret = socket_file(t, s[0], type & LX_SOCK_NONBLOCK, &ends[0]);
	else
		socket_discard(s[0]);
	if (ret < 0) {
		socket_discard(s[1]);
		return ret;
	}
	ret = socket_file(t, s[1], type & LX_SOCK_NONBLOCK, &ends[1]);
	if (ret < 0)
		file_put(ends[0]);
	return ret;
}

/* Two numbers, reserved and told to the guest. */
static int reserve_pair(struct task *t, uaddr_t out, int32_t fds[2])
{
	int ret = fds[0] = fd_reserve(t, 0);

	if (ret < 0)
		return ret;
	ret = fds[1] = fd_reserve(t, 0);
	if (ret >= 0) {
		ret = copy_out(t, out, fds, 2 * sizeof(fds[0]));
		if (ret < 0)
			fd_unreserve(t, fds[1]);
	}
	if (ret < 0)
		fd_unreserve(t, fds[0]);
	return ret < 0 ? ret : 0;
}

int64_t sys_socketpair(struct task *t, const struct sysargs *a)
{
	uint32_t type = arg_u32(a, 1);
	struct file *ends[2];
	int32_t fds[2];
	int ret;

	if (type & ~(uint32_t)(LX_SOCK_TYPE_MASK | TYPE_FLAGS))
		return -EINVAL;
	ret = reserve_pair(t, arg_addr(a, 3), fds);
	if (ret < 0)
		return ret;
	ret = make_pair(t, a, ends);
	for (int i = 0; i < 2; i++) {
		if (ret < 0)
			fd_unreserve(t, fds[i]);
		else
			fd_install(t, fds[i], ends[i], type & LX_SOCK_CLOEXEC);
	}
	return ret;
}

/* --- names ------------------------------------------------------------------------------------------------------------------- */

int64_t sys_bind(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	struct sock_addr addr;
	struct socket *s;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	if (ret == 0)
		ret = sockaddr_in(t, arg_addr(a, 1), arg_int(a, 2), &addr);
	return ret < 0 ? ret : s->ops->bind(s, t, &addr);
}

static int64_t show_name(struct task *t, const struct sysargs *a, bool peer)
{
	AUTO_FILE struct file *f = NULL;
	struct sock_addr addr;
	struct socket *s;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	if (ret == 0)
		ret = s->ops->name(s, peer, &addr);
	return ret < 0 ? ret : sockaddr_out(t, &addr, arg_addr(a, 1), arg_addr(a, 2));
}

int64_t sys_getsockname(struct task *t, const struct sysargs *a)
{
	return show_name(t, a, false);
}

int64_t sys_getpeername(struct task *t, const struct sysargs *a)
{
	return show_name(t, a, true);
}

/* --- connections --------------------------------------------------------------------------------------------------------------- */

/* A negative backlog is a huge one: it is unsigned, as in Linux. */
int64_t sys_listen(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	uint32_t backlog = arg_u32(a, 1);
	struct socket *s;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	if (ret < 0)
		return ret;
	if (!s->ops->listen)
		return -EOPNOTSUPP;
	return s->ops->listen(s, t, backlog < LX_SOMAXCONN ? backlog : LX_SOMAXCONN);
}

int64_t sys_connect(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	struct sock_addr addr;
	struct socket *s;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	if (ret == 0)
		ret = sockaddr_in(t, arg_addr(a, 1), arg_int(a, 2), &addr);
	return ret < 0 ? ret : s->ops->connect(s, t, &addr, file_nonblock(f));
}

/* A connection as a file. -EAGAIN, or what waiting for one gives. */
static int64_t accept_file(struct task *t, struct file *listener, struct socket *s, uint32_t flags, struct file **out)
{
	struct socket *made;
	int64_t ret = s->ops->accept(s, &made);

	if (ret == -EAGAIN && !file_nonblock(listener))
		return sock_wait(t, listener, LX_POLLIN, s->opt.rcv_timeout);
	return ret < 0 ? ret : socket_file(t, made, flags & LX_SOCK_NONBLOCK, out);
}

static int accepted_name(struct task *t, struct file *f, uaddr_t at, uaddr_t len_at)
{
	struct socket *s = file_socket(f);
	struct sock_addr addr;
	int ret;

	if (uaddr_null(at))
		return 0;
	ret = s->ops->name(s, 2, &addr);
	return ret < 0 ? -ECONNABORTED : sockaddr_out(t, &addr, at, len_at);
}

static int64_t do_accept(struct task *t, const struct sysargs *a, uint32_t flags)
{
	AUTO_FILE struct file *f = NULL;
	struct file *made = NULL;
	struct socket *s;
	int64_t ret;
	int fd;

	if (flags & ~(uint32_t)TYPE_FLAGS)
		return -EINVAL;
	ret = call_socket(t, arg_fd(a, 0), &f, &s);
	if (ret < 0)
		return ret;
	if (!s->ops->accept)
		return -EOPNOTSUPP;
	fd = fd_reserve(t, 0);
	if (fd < 0)
		return fd;
	ret = accept_file(t, f, s, flags, &made);
	if (ret == 0)
		ret = accepted_name(t, made, arg_addr(a, 1), arg_addr(a, 2));
	if (ret < 0) {
		fd_unreserve(t, fd);
		file_put(made);
		return ret;
	}
	fd_install(t, fd, made, flags & LX_SOCK_CLOEXEC);
	return fd;
}

int64_t sys_accept(struct task *t, const struct sysargs *a)
{
	return do_accept(t, a, 0);
}

int64_t sys_accept4(struct task *t, const struct sysargs *a)
{
	return do_accept(t, a, arg_u32(a, 3));
}

int64_t sys_shutdown(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	uint32_t how = arg_u32(a, 1);
	struct socket *s;
	int ret = call_socket(t, arg_fd(a, 0), &f, &s);

	if (ret < 0)
		return ret;
	/* RD, WR and RDWR are one less than their bits. */
	return how > LX_SHUT_RDWR ? -EINVAL : s->ops->shutdown(s, how + 1);
}
