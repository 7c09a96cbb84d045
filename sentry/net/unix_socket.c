/* Unix sockets: life, shutdown, names shown, the tables of operations. See unix.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/fdtable.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task.h"
#include "sentry/net/inet.h"
#include "sentry/net/unix.h"

#define DEFAULT_BACKLOG 10 /* net.unix.max_dgram_qlen, until listen(2) says otherwise */

static const struct socket_ops stream_ops, dgram_ops, seq_ops;

/* Every socket of the sandbox, for /proc/net/unix: it has one network namespace. */
static struct {
	struct lock lock; /* RANK_SOCKET_NAMES; never with another of that rank */
	struct list list;
} every = { LOCK_INIT(RANK_SOCKET_NAMES, "unix sockets"), { &every.list, &every.list } };

static const struct socket_ops *ops_of(int type)
{
	return type == LX_SOCK_STREAM ? &stream_ops : type == LX_SOCK_DGRAM ? &dgram_ops : &seq_ops;
}

struct unix_sock *unix_new(int type)
{
	struct unix_sock *u = mem_zalloc(sizeof(*u));

	if (!u)
		return NULL;
	socket_init(&u->s, ops_of(type), LX_AF_UNIX, type, 0);
	list_init(&u->queue);
	list_init(&u->pending);
	list_init(&u->accept_link);
	list_init(&u->clients);
	list_init(&u->client_link);
	list_init(&u->flying);
	u->backlog = DEFAULT_BACKLOG;
	lock_take(&every.lock);
	list_push_back(&every.list, &u->all_link);
	lock_drop(&every.lock);
	u->peer_cred = (struct lx_ucred){ .pid = 0, .uid = UINT32_MAX, .gid = UINT32_MAX };
	return u;
}

int unix_create(struct task *t, int type, int protocol, struct socket **out)
{
	struct unix_sock *u;

	if (protocol && protocol != LX_AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == LX_SOCK_RAW)
		type = LX_SOCK_DGRAM;
	if (type != LX_SOCK_STREAM && type != LX_SOCK_DGRAM && type != LX_SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	u = unix_new(type);
	if (!u)
		return -ENOMEM;
	u->landlock = t ? landlock_domain_get(t->cred->landlock) : NULL;
	*out = &u->s;
	return 0;
}

void unix_rows(void (*show)(const struct unix_sock *, void *), void *arg)
{
	struct unix_sock *u;

	LOCK_GUARD(&every.lock);
	list_for_each(u, &every.list, all_link)
		show(u, arg);
}

struct unix_sock *unix_get(struct unix_sock *u)
{
	socket_get(&u->s);
	return u;
}

void unix_put(struct unix_sock *u)
{
	if (u)
		socket_put(&u->s);
}

struct unix_sock *unix_peer(struct unix_sock *u)
{
	struct unix_sock *peer;

	LOCK_GUARD(&u->s.lock);
	peer = atomic_load(&u->peer);
	return peer ? unix_get(peer) : NULL;
}

/* --- the end ------------------------------------------------------------------------------------------------------------ */

/* The other end sees the end of file, or a reset where we leave something unread. */
static void leave_peer(struct unix_sock *u, struct unix_sock *peer, bool reset)
{
	lock_take(&peer->s.lock);
	atomic_fetch_or(&peer->s.shut, SOCK_SHUT_BOTH);
	if (reset)
		atomic_store(&peer->s.err, ECONNRESET);
	lock_drop(&peer->s.lock);
	waitq_wake(&peer->s.queue, SOCK_CHANGED);
	atomic_store(&u->peer, NULL);
	unix_put(peer);
}

static void wake_clients(struct unix_sock *u)
{
	struct unix_sock *client;

	list_for_each(client, &u->clients, client_link)
		waitq_wake(&client->s.queue, SOCK_CHANGED);
}

static void close_sock(struct unix_sock *, bool never_accepted);

/* Lets go of what was queued, and of connections that nobody has accepted. */
static void empty(struct unix_sock *u, struct list *packets, struct list *embryos)
{
	struct unix_sock *embryo, *next;

	packets_free(u, packets);
	list_for_each_safe(embryo, next, embryos, accept_link) {
		list_remove(&embryo->accept_link);
		unix_rights_accepted(embryo);
		close_sock(embryo, true);
		unix_put(embryo);
	}
}

/* Everything queued, onto the caller's lists. Lock held. */
static void take_all(struct unix_sock *u, struct list *packets, struct list *embryos)
{
	list_init(packets);
	list_init(embryos);
	list_splice(packets, &u->queue);
	list_splice(embryos, &u->pending);
	u->queued = 0;
	u->bytes = 0;
	u->pending_count = 0;
}

void unix_empty(struct unix_sock *u)
{
	struct list packets, embryos;

	lock_take(&u->s.lock);
	take_all(u, &packets, &embryos);
	lock_drop(&u->s.lock);
	empty(u, &packets, &embryos);
}

static void close_sock(struct unix_sock *u, bool never_accepted)
{
	struct list packets, embryos;
	struct unix_sock *peer;
	bool unread;

	unix_unname(u);
	lock_take(&u->s.lock);
	u->dead = true;
	atomic_store(&u->state, UNIX_CLOSED);
	atomic_store(&u->s.shut, SOCK_SHUT_BOTH);
	unread = !list_empty(&u->queue);
	take_all(u, &packets, &embryos);
	wake_clients(u);
	peer = atomic_load(&u->peer);
	lock_drop(&u->s.lock);
	waitq_wake(&u->s.space, SOCK_CHANGED);

	empty(u, &packets, &embryos);
	if (peer && unix_has_connections(u))
		leave_peer(u, peer, unread || never_accepted);
	else if (peer)
		unix_disconnect(u, peer);
}

static void unix_release(struct socket *s)
{
	close_sock(unix_of(s), false);
	unix_rights_collect();
}

static void unix_free(struct socket *s)
{
	struct unix_sock *u = unix_of(s);

	lock_take(&every.lock);
	list_remove(&u->all_link);
	lock_drop(&every.lock);
	packet_destroy(atomic_load(&u->spare));
	unix_name_free(atomic_load(&u->name));
	landlock_domain_put(u->landlock);
	mem_free(u);
}

/* Both directions of a connection end at both ends: what one side no longer reads the other may no longer send. */
static int unix_shutdown(struct socket *s, uint32_t bits)
{
	struct unix_sock *u = unix_of(s), *peer;
	uint32_t theirs = (bits & SOCK_SHUT_RD ? SOCK_SHUT_WR : 0u) | (bits & SOCK_SHUT_WR ? SOCK_SHUT_RD : 0u);

	lock_take(&s->lock);
	atomic_fetch_or(&s->shut, bits);
	lock_drop(&s->lock);
	peer = unix_has_connections(u) ? unix_peer(u) : NULL;
	if (peer) {
		lock_take(&peer->s.lock);
		atomic_fetch_or(&peer->s.shut, theirs);
		lock_drop(&peer->s.lock);
		waitq_wake(&peer->s.queue, SOCK_CHANGED);
		unix_put(peer);
	}
	waitq_wake(&s->queue, SOCK_CHANGED);
	waitq_wake(&s->space, SOCK_CHANGED);
	return 0;
}

/* --- what can be asked ----------------------------------------------------------------------------------------------------- */

static int unix_name(struct socket *s, int of_peer, struct sock_addr *out)
{
	struct unix_sock *u = unix_of(s), *peer;

	if (!of_peer) {
		unix_show_name(u, out);
		return 0;
	}
	peer = unix_peer(u);
	if (!peer)
		return -ENOTCONN;
	unix_show_name(peer, out);
	unix_put(peer);
	return 0;
}

static int64_t unix_pending(struct socket *s, bool out)
{
	struct unix_sock *u = unix_of(s);

	LOCK_GUARD(&s->lock);
	if (atomic_load(&u->state) == UNIX_LISTENING)
		return -EINVAL;
	if (out)
		return atomic_load(&u->in_flight_bytes);
	if (unix_has_connections(u))
		return (int64_t)u->bytes;
	return list_empty(&u->queue) ? 0 : list_first(&u->queue, struct packet, link)->len;
}

/* A pidfd of the process that SO_PEERCRED names. */
static int peer_pidfd(struct unix_sock *u, struct task *t, void *buf, uint32_t *len)
{
	struct process *p = u->peer_cred.pid ? process_find(t->k, u->peer_cred.pid) : NULL;
	struct file *f;
	int32_t fd;
	int ret;

	if (!p)
		return u->peer_cred.pid ? -ESRCH : -ENODATA;
	ret = pidfd_file(t, p, 0, &f);
	process_put(p);
	fd = ret < 0 ? ret : fd_add(t, f, true);
	if (fd < 0)
		return fd;
	*len = *len < sizeof(fd) ? *len : (uint32_t)sizeof(fd);
	memcpy(buf, &fd, *len);
	return 0;
}

static int unix_getsockopt(struct socket *s, struct task *t, int level, int name, void *buf, uint32_t *len)
{
	struct unix_sock *u = unix_of(s);
	int32_t listening = atomic_load(&u->state) == UNIX_LISTENING;

	if (level != LX_SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case LX_SO_PEERCRED:
		*len = *len < sizeof(u->peer_cred) ? *len : (uint32_t)sizeof(u->peer_cred);
		lock_take(&s->lock);
		memcpy(buf, &u->peer_cred, *len);
		lock_drop(&s->lock);
		return 0;
	case LX_SO_PEERPIDFD:
		return peer_pidfd(u, t, buf, len);
	case LX_SO_ACCEPTCONN:
		*len = *len < sizeof(listening) ? *len : (uint32_t)sizeof(listening);
		memcpy(buf, &listening, *len);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int unix_setsockopt(struct socket *s, struct task *t, int level, int name, const void *buf, uint32_t len)
{
	(void)t;
	(void)s;
	(void)name;
	(void)buf;
	(void)len;
	return level == LX_SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

#define COMMON_OPS                                                                                             \
	.bind = unix_bind, .pair = unix_pair, .name = unix_name, .shutdown = unix_shutdown,                    \
	.pending = unix_pending, .ioctl = inet_ioctl, .getsockopt = unix_getsockopt, .setsockopt = unix_setsockopt,                 \
	.release = unix_release, .free = unix_free

static const struct socket_ops stream_ops = {
	COMMON_OPS,
	.connect = unix_connect_stream,
	.listen = unix_listen,
	.accept = unix_accept,
	.send = unix_stream_send,
	.recv = unix_stream_recv,
	.poll = unix_stream_poll,
};

static const struct socket_ops dgram_ops = {
	COMMON_OPS,
	.connect = unix_connect_dgram,
	.send = unix_dgram_send,
	.recv = unix_dgram_recv,
	.poll = unix_dgram_poll,
};

static const struct socket_ops seq_ops = {
	COMMON_OPS,
	.connect = unix_connect_stream,
	.listen = unix_listen,
	.accept = unix_accept,
	.send = unix_seq_send,
	.recv = unix_dgram_recv,
	.poll = unix_dgram_poll,
};
