/* TCP: sending. See tcp.h. */
#include <errno.h>
#include <stddef.h>

#include "abi/poll.h"
#include "base/host.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/task.h"
#include "sentry/net/fasync.h"
#include "sentry/net/tcp.h"

#define SMALL 4000u  /* what fits one page with malloc's and our headers */
#define LARGE 65000u

/* Who sends what on which connection. */
struct sending {
	struct tcp_sock *t;
	struct tcp_conn *c;
	int side;
	struct tcp_flow *f;
	struct sock_msg *m;
	int64_t done;
};

/* May bytes go now? conn.lock held. */
static int may_send(struct sending *k)
{
	struct socket *s = &k->t->in.s;

	if (atomic_load_explicit(&s->err, memory_order_relaxed))
		return socket_take_error(s);
	if (atomic_load_explicit(&s->shut, memory_order_relaxed) & SOCK_SHUT_WR)
		return -EPIPE;
	return 0;
}

/* Nobody reads what is sent: it is taken, and answered with a reset. conn.lock held. */
static void send_to_nobody(struct sending *k)
{
	int64_t n = (int64_t)k->m->uio->left;
	struct tcp_sock *other = tcp_other(k->c, k->side);

	uio_skip(k->m->uio, (uint64_t)n);
	k->done += n;
	k->c->first_fin = -1;
	if (other)
		tcp_done(other, ECONNRESET);
	tcp_done(k->t, EPIPE);
}

/* The other end has closed, or reads no more since it has shut both directions. */
static bool nobody_reads(const struct sending *k)
{
	const struct tcp_sock *other = tcp_other(k->c, k->side);

	return !other || (atomic_load(&other->in.s.shut) == SOCK_SHUT_BOTH && tcp_state(other) == LX_TCP_FIN_WAIT2);
}

/* Where the next bytes go: the last chunk's free end, or a new one. conn.lock held; dropped and taken while memory is found. */
static struct tcp_chunk *space(struct sending *k, uint64_t want)
{
	struct tcp_flow *f = k->f;
	struct tcp_chunk *last = list_empty(&f->chunks) ? NULL : list_entry(f->chunks.prev, struct tcp_chunk, link);
	uint32_t size = want > SMALL ? LARGE : SMALL;

	if (last && !last->len)
		last->at = 0;
	if (last && last->at + last->len < last->room)
		return last;
	lock_drop(&k->c->lock);
	last = tcp_chunk_new(size);
	if (!last && size > SMALL)
		last = tcp_chunk_new(SMALL);
	lock_take(&k->c->lock);
	if (last)
		list_push_back(&f->chunks, &last->link);
	return last;
}

static void publish(struct sending *k, struct tcp_chunk *ch, uint32_t n)
{
	struct tcp_flow *f = k->f;

	ch->len += n;
	f->written += n;
	f->segments++;
	k->done += n;
}

/* One chunk's worth. More than 0: go on; 0: all is sent; else why not. conn.lock held. */
static int64_t send_piece(struct sending *k)
{
	uint64_t want = k->m->uio->left, room;
	struct tcp_chunk *ch;
	uint32_t n;
	int64_t got;
	int ret = may_send(k);

	if (ret < 0 || !want)
		return ret;
	if (nobody_reads(k)) {
		send_to_nobody(k);
		return 0;
	}
	room = tcp_room(k->c, k->side);
	if (!room)
		return -EAGAIN;
	ch = space(k, want < room ? want : room);
	if (!ch) /* bytes that are read give memory back: worth waiting for where there are some */
		return tcp_queued(k->f) ? -EAGAIN : -ENOBUFS;
	n = ch->room - ch->at - ch->len;
	n = n < want ? n : (uint32_t)want;
	n = n < room ? n : (uint32_t)room;
	k->f->filling = true;
	lock_drop(&k->c->lock);
	got = uio_get(k->m->uio, ch->data + ch->at + ch->len, n);
	lock_take(&k->c->lock);
	k->f->filling = false;
	if (got <= 0)
		return -EFAULT;
	publish(k, ch, (uint32_t)got);
	return got;
}

/* The last byte of what was sent is urgent. conn.lock held. True: the other side is to be signalled. */
static void mark_urgent(struct sending *k)
{
	struct tcp_chunk *last = list_entry(k->f->chunks.prev, struct tcp_chunk, link);

	k->f->urgent = URGENT_VALID;
	k->f->urgent_at = k->f->written - 1;
	k->f->urgent_byte = (uint8_t)last->data[last->at + last->len - 1];
}

/* conn.lock held. Tells the reader, once for the whole call. */
static void tell(struct sending *k, struct fasync *urgent)
{
	struct tcp_sock *other = tcp_other(k->c, k->side);
	uint32_t events = SOCK_READABLE;

	k->f->last_ns = host_monotonic_ns();
	if (k->m->flags & LX_MSG_OOB && !k->m->uio->left && tcp_queued(k->f)) {
		mark_urgent(k);
		events |= LX_POLLPRI;
		if (other)
			fasync_prepare(urgent, other->in.s.file);
	}
	if (other)
		waitq_wake(&other->in.s.queue, events);
}

static int64_t send_all(struct sending *k)
{
	struct fasync urgent = { 0 };
	struct tcp_sock *deferred;
	int64_t ret;

	lock_take(&k->f->writing);
	lock_take(&k->c->lock);
	do
		ret = send_piece(k);
	while (ret > 0);
	if (k->done)
		tell(k, &urgent);
	deferred = k->done ? tcp_deferred(k->c, k->side) : NULL;
	lock_drop(&k->c->lock);
	lock_drop(&k->f->writing);
	tcp_undefer(deferred);
	fasync_signal(&urgent, LX_SIGURG);
	return k->done ? k->done : ret;
}

/* There is no connection, or not yet. */
static int64_t send_unconnected(struct tcp_sock *t)
{
	int ret = socket_take_error(&t->in.s);

	if (ret < 0)
		return ret;
	return tcp_state(t) == LX_TCP_SYN_SENT && !(atomic_load(&t->in.s.shut) & SOCK_SHUT_WR) ? -EAGAIN : -EPIPE;
}

/* MSG_FASTOPEN: connects first. 0 when it is done, or the call's result. */
static int64_t connect_first(struct socket *s, struct task *task, struct sock_msg *m)
{
	int64_t ret;

	if (tcp_state(tcp_of(s)) != LX_TCP_CLOSE && !(task->blk.rerun && tcp_state(tcp_of(s)) == LX_TCP_SYN_SENT))
		return 0;
	ret = tcp_connect(s, task, &m->addr, m->flags & LX_MSG_DONTWAIT);
	/* Here the connection is there at once: there is no reason to answer that it is under way. */
	return ret == -EINPROGRESS && tcp_state(tcp_of(s)) == LX_TCP_ESTABLISHED ? 0 : ret;
}

int64_t tcp_send(struct socket *s, struct task *task, struct sock_msg *m)
{
	struct sending k = { .t = tcp_of(s), .m = m };
	int64_t ret = m->flags & LX_MSG_FASTOPEN ? connect_first(s, task, m) : 0;

	if (ret < 0)
		return ret;
	k.c = tcp_conn_of(k.t, &k.side);
	if (!k.c)
		return send_unconnected(k.t);
	k.f = tcp_tx(k.c, k.side);
	ret = send_all(&k);
	tcp_conn_put(k.c);
	return ret;
}
