/* Datagrams and sequenced packets. See unix.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/poll.h"
#include "base/host.h"
#include "sentry/fs/file.h"
#include "sentry/net/sockfilter.h"
#include "sentry/net/unix.h"

#define MAX_MESSAGE_OVERHEAD 32u

/* --- sending ------------------------------------------------------------------------------------------------------------ */

/* A receiver's queue is bounded by messages, except for what its own peer sends, which is bounded by that one's buffer. */
static bool queue_full(const struct unix_sock *u, const struct unix_sock *to)
{
	return u != to && atomic_load(&to->peer) != u && to->queued > to->backlog;
}

/* Where the message goes: referenced. */
static int destination(struct unix_sock *u, struct task *t, struct sock_msg *m, struct unix_sock **out)
{
	int ret;

	if (!m->addr.len) {
		*out = unix_peer(u);
		return *out ? 0 : -ENOTCONN;
	}
	ret = unix_check_addr(&m->addr);
	return ret < 0 ? ret : unix_find(t, &m->addr, u->s.type, out);
}

/* May it be queued now? Receiver's lock held. */
static int may_queue(struct unix_sock *u, struct unix_sock *to)
{
	struct unix_sock *theirs = atomic_load(&to->peer);

	if (to->dead)
		return unix_has_connections(u) ? -EPIPE : -ECONNREFUSED;
	if (theirs && theirs != u)
		return -EPERM;
	if (atomic_load(&to->s.shut) & SOCK_SHUT_RD)
		return -EPIPE;
	return queue_full(u, to) ? -EAGAIN : 0;
}

/* 0; 1: the receiver's filter drops it; or why it cannot be queued. */
static int push(struct unix_sock *u, struct unix_sock *to, struct packet *p)
{
	int ret;

	LOCK_GUARD(&to->s.lock);
	ret = may_queue(u, to);
	if (ret == 0 && to->s.filter && !socket_filter_run(&to->s, p->data, p->len))
		return 1;
	if (ret == 0) {
		p->sender = unix_get(u);
		if (socket_opt(&to->s, LX_SO_TIMESTAMP) || socket_opt(&to->s, LX_SO_TIMESTAMPNS))
			p->stamp = host_realtime_ns();
		packet_queue(u, to, p);
	}
	return ret;
}

static int64_t send_packet(struct unix_sock *u, struct unix_sock *to, struct sock_msg *m)
{
	uint64_t len = m->uio->left;
	struct packet *p = packet_new(u, (uint32_t)len);
	int ret = p ? packet_fill(p, m, (uint32_t)len) : -ENOMEM;

	if (ret == 0) {
		p->scm.files = m->scm.files;
		m->scm.files = NULL;
		unix_rights_queued(p->scm.files, to);
		ret = push(u, to, p);
		if (ret > 0) {
			unix_rights_taken(p->scm.files);
			packet_unsent(u, p);
			return (int64_t)len;
		}
		if (ret < 0) { /* the caller may try again with the same message */
			unix_rights_taken(p->scm.files);
			m->scm.files = p->scm.files;
			p->scm.files = NULL;
			uio_rewind(m->uio, len);
		}
	}
	if (ret < 0) {
		packet_unsent(u, p);
		return ret;
	}
	waitq_wake(&to->s.queue, SOCK_READABLE);
	return (int64_t)len;
}

int64_t unix_dgram_send(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s), *to;
	int64_t ret;

	if (m->flags & LX_MSG_OOB)
		return -EOPNOTSUPP;
	ret = destination(u, t, m, &to);
	if (ret < 0)
		return ret;
	if (socket_opt(s, LX_SO_PASSCRED))
		ret = unix_autobind(u);
	if (ret == 0 && m->uio->left > s->opt.sndbuf - MAX_MESSAGE_OVERHEAD)
		ret = -EMSGSIZE;
	if (ret == 0)
		ret = socket_take_error(s);
	if (ret == 0 && atomic_load(&s->shut) & SOCK_SHUT_WR)
		ret = -EPIPE;
	if (ret == 0 && !unix_has_buffer(u))
		ret = -EAGAIN;
	else if (ret == 0) {
		ret = send_packet(u, to, m);
		if (ret == -EAGAIN)
			m->wait_for = &unix_get(to)->s;
		if (ret == -ECONNREFUSED && !m->addr.len)
			unix_disconnect(u, to);
	}
	unix_put(to);
	return ret;
}

int64_t unix_seq_send(struct socket *s, struct task *t, struct sock_msg *m)
{
	int ret = socket_take_error(s);

	if (ret < 0)
		return ret;
	if (atomic_load(&unix_of(s)->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	m->addr.len = 0;
	return unix_dgram_send(s, t, m);
}

/* --- receiving ----------------------------------------------------------------------------------------------------------- */

/* Room has come: who found the queue full is told. Lock held; was_full before the message left. */
static void tell_senders(struct unix_sock *u)
{
	struct unix_sock *client;

	list_for_each(client, &u->clients, client_link)
		if (atomic_exchange(&client->want_room, false))
			waitq_wake(&client->s.queue, SOCK_WRITABLE);
}

/* The first message: taken off, or left there for a peek. Lock held by the caller. */
static int64_t copy_message(struct unix_sock *u, struct sock_msg *m, struct packet *p)
{
	uint64_t want = m->uio->left < p->len ? m->uio->left : p->len;
	int64_t n = want ? uio_put(m->uio, p->data, want) : 0;

	if (n < (int64_t)want)
		return -EFAULT;
	if (want < p->len)
		m->out_flags |= LX_MSG_TRUNC;
	m->scm.cred = p->scm.cred;
	if (p->stamp)
		scm_extra_stamp(&m->scm, &u->s, p->stamp);
	unix_show_name(p->sender, &m->addr);
	if (m->addr.len == LX_SUN_PATH_OFFSET)
		m->addr.len = 0;
	return m->flags & LX_MSG_TRUNC ? (int64_t)p->len : n;
}

static int64_t peek(struct unix_sock *u, struct sock_msg *m)
{
	struct packet *p;
	int64_t ret;

	LOCK_GUARD(&u->s.lock);
	if (list_empty(&u->queue))
		return -EAGAIN;
	p = list_first(&u->queue, struct packet, link);
	ret = copy_message(u, m, p);
	if (ret >= 0 && p->scm.files) {
		m->scm.files = scm_files_dup(p->scm.files);
		if (!m->scm.files)
			return -ENOMEM;
	}
	return ret;
}

static struct packet *take(struct unix_sock *u)
{
	struct packet *p;

	LOCK_GUARD(&u->s.lock);
	if (list_empty(&u->queue))
		return NULL;
	p = list_first(&u->queue, struct packet, link);
	packet_take(u, p);
	tell_senders(u);
	return p;
}

static int64_t receive(struct unix_sock *u, struct sock_msg *m)
{
	struct packet *p = take(u);
	int64_t ret;

	if (!p)
		return -EAGAIN;
	waitq_wake(&u->s.space, SOCK_WRITABLE);
	ret = copy_message(u, m, p);
	if (ret >= 0 && p->scm.files) {
		unix_rights_taken(p->scm.files);
		m->scm.files = p->scm.files;
		p->scm.files = NULL;
	}
	packet_free(u, p);
	return ret;
}

/* Nothing is there: the end, or later. A non-blocking datagram socket does not see its own shutdown. */
static int64_t nothing(struct unix_sock *u, const struct sock_msg *m)
{
	bool end = atomic_load(&u->s.shut) & SOCK_SHUT_RD;

	if (end && (unix_has_connections(u) || !(m->flags & LX_MSG_DONTWAIT)))
		return 0;
	return -EAGAIN;
}

int64_t unix_dgram_recv(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);
	int64_t ret;

	(void)t;
	if (s->type == LX_SOCK_SEQPACKET && atomic_load(&u->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	if (m->flags & LX_MSG_OOB)
		return -EOPNOTSUPP;
	ret = socket_take_error(s);
	if (ret < 0)
		return ret;
	m->whole = true;
	ret = m->flags & LX_MSG_PEEK ? peek(u, m) : receive(u, m);
	if (ret == -EAGAIN && nothing(u, m) == 0) {
		/* A message and then the end may have come since. */
		ret = m->flags & LX_MSG_PEEK ? peek(u, m) : receive(u, m);
		if (ret == -EAGAIN)
			ret = 0;
	}
	return ret;
}

/* --- poll ------------------------------------------------------------------------------------------------------------------ */

/* Is there room at the peer? If not, the peer will tell. */
static bool peer_has_room(struct unix_sock *u)
{
	struct unix_sock *peer = unix_peer(u);
	bool room = true;

	if (!peer)
		return true;
	lock_take(&peer->s.lock);
	if (!peer->dead && queue_full(u, peer)) {
		atomic_store(&u->want_room, true);
		room = false;
	}
	lock_drop(&peer->s.lock);
	unix_put(peer);
	return room;
}

uint32_t unix_dgram_poll(struct socket *s, struct poll_table *table)
{
	struct unix_sock *u = unix_of(s);
	uint32_t shut = atomic_load(&s->shut), events = 0;
	bool writable;

	if (table && table->add(table, &s->queue, table->events) < 0)
		return LX_POLLERR;
	lock_take(&s->lock);
	if (atomic_load(&s->err))
		events |= LX_POLLERR;
	if (shut == SOCK_SHUT_BOTH)
		events |= LX_POLLHUP;
	if (shut & SOCK_SHUT_RD)
		events |= LX_POLLRDHUP | SOCK_READABLE;
	if (!list_empty(&u->queue) || !list_empty(&u->pending))
		events |= SOCK_READABLE;
	if (s->type == LX_SOCK_SEQPACKET && atomic_load(&u->state) == UNIX_CLOSED)
		events |= LX_POLLHUP;
	writable = unix_writable(u);
	lock_drop(&s->lock);
	if (writable && (s->type == LX_SOCK_SEQPACKET || peer_has_room(u)))
		events |= SOCK_WRITABLE;
	return events;
}
