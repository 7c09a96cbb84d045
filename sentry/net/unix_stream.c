/* Streams: data of connected unix sockets. See unix.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/poll.h"
#include "sentry/fs/file.h"
#include "sentry/net/unix.h"

#define CHUNK_MAX 32768u

/* --- sending ------------------------------------------------------------------------------------------------------------ */

static uint32_t chunk_size(const struct unix_sock *u, uint64_t left)
{
	uint32_t max = u->s.opt.sndbuf / 2 - 64;

	if (max > CHUNK_MAX)
		max = CHUNK_MAX;
	return left < max ? (uint32_t)left : max;
}

static bool push(struct unix_sock *u, struct unix_sock *peer, struct packet *p)
{
	LOCK_GUARD(&peer->s.lock);
	if (peer->dead || atomic_load(&peer->s.shut) & SOCK_SHUT_RD)
		return false;
	packet_queue(u, peer, p);
	return true;
}

/* One piece of the message. Its bytes, or negative errno with nothing sent. */
static int64_t send_chunk(struct unix_sock *u, struct unix_sock *peer, struct sock_msg *m)
{
	uint32_t n = chunk_size(u, m->uio->left);
	struct packet *p;
	int ret = socket_take_error(&u->s);

	if (ret < 0)
		return ret;
	if (atomic_load(&u->s.shut) & SOCK_SHUT_WR)
		return -EPIPE;
	if (!unix_has_buffer(u))
		return -EAGAIN;
	p = packet_new(u, n);
	if (!p)
		return -ENOMEM;
	ret = packet_fill(p, m, n);
	if (ret == 0 && m->scm.files) {
		p->scm.files = m->scm.files;
		m->scm.files = NULL;
		unix_rights_queued(p->scm.files, peer);
	}
	if (ret == 0 && !push(u, peer, p)) {
		unix_rights_taken(p->scm.files);
		ret = -EPIPE;
	}
	if (ret < 0) {
		packet_unsent(u, p);
		return ret;
	}
	waitq_wake(&peer->s.queue, SOCK_READABLE);
	return n;
}

int64_t unix_stream_send(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s), *peer = atomic_load(&u->peer);
	int64_t done = 0;

	(void)t;
	if (m->flags & LX_MSG_OOB)
		return -EOPNOTSUPP;
	if (m->addr.len)
		return atomic_load(&u->state) == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (!peer)
		return -ENOTCONN;
	if (atomic_load(&s->shut) & SOCK_SHUT_WR)
		return -EPIPE;
	while (m->uio->left) {
		int64_t n = send_chunk(u, peer, m);

		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

/* --- receiving ----------------------------------------------------------------------------------------------------------- */

/* What one call has taken so far. */
struct taking {
	struct sock_msg *m;
	bool peek, has_cred, only_one_writer;
	int64_t done;
	struct list finished; /* packets that are read to their end */
};

/* Takes a packet's files and credentials. False when it may not be joined to what was read before it. */
static bool take_scm(struct taking *k, struct packet *p)
{
	struct scm *scm = &k->m->scm;

	if (!k->has_cred) {
		scm->cred = p->scm.cred;
		k->has_cred = true;
	} else if (k->only_one_writer && memcmp(&scm->cred, &p->scm.cred, sizeof(scm->cred)) != 0) {
		return false;
	}
	return true;
}

static int take_files(struct taking *k, struct packet *p)
{
	if (!p->scm.files)
		return 0;
	if (k->peek) {
		k->m->scm.files = scm_files_dup(p->scm.files);
		return k->m->scm.files ? 0 : -ENOMEM;
	}
	k->m->scm.files = p->scm.files;
	p->scm.files = NULL;
	return 0;
}

/* Reads from one packet; receiver's lock held. True when the next may follow. */
static bool take_from(struct unix_sock *u, struct taking *k, struct packet *p, int64_t *err)
{
	uint32_t want = k->m->uio->left < p->len ? (uint32_t)k->m->uio->left : p->len;
	int64_t n = want ? uio_put(k->m->uio, p->data + p->at, want) : 0;

	if (n >= 0 && (want == 0 || n > 0))
		*err = take_files(k, p);
	else
		*err = n ? n : -EFAULT;
	if (*err < 0)
		return false;
	k->done += n;
	if (!k->peek) {
		p->at += (uint32_t)n;
		p->len -= (uint32_t)n;
		u->bytes -= (uint64_t)n;
		if (!p->len) {
			packet_take(u, p);
			list_push_back(&k->finished, &p->link);
		}
	}
	return (uint32_t)n == want && k->m->uio->left && !k->m->scm.files;
}

static int64_t take(struct unix_sock *u, struct taking *k)
{
	struct packet *p, *next;
	int64_t err = -EAGAIN;

	LOCK_GUARD(&u->s.lock);
	list_for_each_safe(p, next, &u->queue, link) {
		err = 0;
		if (!take_scm(k, p)) {
			k->m->whole = true;
			break;
		}
		if (!take_from(u, k, p, &err))
			break;
	}
	return err;
}

/* Nothing is there: an error, the end, or later. */
static int64_t nothing(struct socket *s)
{
	int ret = socket_take_error(s);

	if (ret < 0)
		return ret;
	return atomic_load(&s->shut) & SOCK_SHUT_RD ? 0 : -EAGAIN;
}

int64_t unix_stream_recv(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s), *peer = atomic_load(&u->peer);
	struct taking k = { .m = m, .peek = m->flags & LX_MSG_PEEK, .only_one_writer = socket_opt(s, LX_SO_PASSCRED) };
	int64_t err;

	(void)t;
	if (atomic_load(&u->state) != UNIX_CONNECTED || m->flags & LX_MSG_OOB)
		return -EINVAL;
	list_init(&k.finished);
	err = take(u, &k);
	if (err == -EAGAIN) {
		err = nothing(s);
		m->whole = err == 0;
		/* Data and then the end may have come between the two looks. */
		if (err == 0)
			err = take(u, &k);
		if (err == -EAGAIN)
			err = m->whole ? 0 : -EAGAIN;
	}
	if (m->scm.files) {
		m->whole = true;
		if (!k.peek)
			unix_rights_taken(m->scm.files);
	}
	packets_free(u, &k.finished);
	if (peer && k.done)
		unix_show_name(peer, &m->addr);
	if (m->addr.len == LX_SUN_PATH_OFFSET)
		m->addr.len = 0;
	return k.done ? k.done : err;
}

/* --- poll ------------------------------------------------------------------------------------------------------------------ */

uint32_t unix_stream_poll(struct socket *s, struct poll_table *table)
{
	struct unix_sock *u = unix_of(s);
	uint32_t shut, events = 0;
	int state;

	if (table && table->add(table, &s->queue, table->events) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&s->lock);
	shut = atomic_load(&s->shut);
	state = atomic_load(&u->state);
	if (atomic_load(&s->err))
		events |= LX_POLLERR;
	if (shut == SOCK_SHUT_BOTH)
		events |= LX_POLLHUP;
	if (shut & SOCK_SHUT_RD)
		events |= LX_POLLRDHUP | SOCK_READABLE;
	if (!list_empty(&u->queue) || !list_empty(&u->pending))
		events |= SOCK_READABLE;
	if (state == UNIX_CLOSED)
		events |= LX_POLLHUP;
	if (unix_writable(u))
		events |= SOCK_WRITABLE;
	return events;
}
