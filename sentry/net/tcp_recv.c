/* TCP: receiving, urgent data. See tcp.h. */
#include <errno.h>
#include <stddef.h>

#include "abi/poll.h"
#include "sentry/fs/file.h"
#include "sentry/net/tcp.h"
#include "sentry/net/zerocopy.h"

/* One call's reading. */
struct taking {
	struct tcp_sock *t;
	struct tcp_conn *c;
	int side;
	struct tcp_flow *f;
	struct sock_msg *m;
	bool peek, discard, in_line;
	uint64_t at;   /* the number of the next byte to be looked at */
	int64_t done;
};

uint64_t tcp_readable(struct tcp_conn *c, int side)
{
	const struct tcp_flow *f = tcp_rx(c, side);
	const struct tcp_sock *t = c->end[side];

	if (f->urgent != URGENT_NONE && f->urgent_at >= f->read && t && !socket_opt(&t->in.s, LX_SO_OOBINLINE))
		return f->urgent_at - f->read;
	return tcp_queued(f);
}

/* --- the stream ------------------------------------------------------------------------------------------------------------------- */

/* Bytes [0, n) of the unread ones are done with: chunks go, except the last one, which is used again. conn.lock held. */
static void consume(struct tcp_flow *f, uint64_t n)
{
	f->read += n;
	while (n) {
		struct tcp_chunk *ch = list_first(&f->chunks, struct tcp_chunk, link);
		uint32_t part = n < ch->len ? (uint32_t)n : ch->len;

		ch->at += part;
		ch->len -= part;
		n -= part;
		if (ch->len)
			break;
		if (ch->link.next == &f->chunks && (f->filling || ch->room <= 4096))
			break; /* the only one: a writer goes on behind, or the next one begins here */
		list_remove(&ch->link);
		tcp_chunk_free(ch);
	}
	if (f->urgent != URGENT_NONE && f->read > f->urgent_at)
		f->urgent = URGENT_NONE;
}

/* The chunk in which byte number `at` is, and where; `at` is queued. conn.lock held. */
static struct tcp_chunk *locate(const struct tcp_flow *f, uint64_t at, uint32_t *offset)
{
	uint64_t skip = at - f->read;
	struct tcp_chunk *ch;

	list_for_each(ch, &f->chunks, link) {
		if (skip < ch->len)
			break;
		skip -= ch->len;
	}
	*offset = ch->at + (uint32_t)skip;
	return ch;
}

/* What comes next in one piece: bytes up to the urgent one, and past that where it is not inline. 0: stop here. conn.lock held. */
static uint64_t next_piece(struct taking *k)
{
	struct tcp_flow *f = k->f;
	uint64_t there = f->written - k->at;

	if (f->urgent == URGENT_NONE || f->urgent_at < k->at || f->urgent_at >= f->written)
		return there;
	if (f->urgent_at > k->at)
		return f->urgent_at - k->at;
	if (k->done) { /* a read stops at the mark */
		k->m->whole = true;
		return 0;
	}
	if (k->in_line)
		return there;
	k->at++;
	if (!k->peek)
		consume(f, 1);
	return there - 1;
}

/* Copies one piece out of one chunk. Bytes, 0 for no more, or negative errno. conn.lock held; dropped for the copy. */
static int64_t take_piece(struct taking *k)
{
	uint64_t want = next_piece(k);
	struct tcp_chunk *ch;
	uint32_t offset, n;
	int64_t got;

	if (!want || !k->m->uio->left)
		return 0;
	ch = locate(k->f, k->at, &offset);
	n = ch->at + ch->len - offset;
	n = n < want ? n : (uint32_t)want;
	n = n < k->m->uio->left ? n : (uint32_t)k->m->uio->left;
	if (k->discard) {
		uio_skip(k->m->uio, n);
		got = n;
	} else {
		lock_drop(&k->c->lock);
		got = uio_put(k->m->uio, ch->data + offset, n);
		lock_take(&k->c->lock);
	}
	if (got <= 0)
		return -EFAULT;
	k->at += (uint64_t)got;
	k->done += got;
	if (!k->peek)
		consume(k->f, (uint64_t)got);
	return got;
}

/* The sender may be waiting for the room that was made. conn.lock held. */
static void tell_sender(struct taking *k, bool was_writable)
{
	int other = k->c->self ? k->side : 1 - k->side;
	struct tcp_sock *sender = k->c->end[other];

	if (sender && !was_writable && tcp_writable(k->c, other))
		waitq_wake(&sender->in.s.queue, LX_POLLOUT | LX_POLLWRNORM);
}

/* Nothing is there: an error, the end, or later. conn.lock held, or there is no connection. */
static int64_t nothing(struct tcp_sock *t, bool fin)
{
	struct socket *s = &t->in.s;
	int ret;

	if (fin && !(atomic_load(&s->err) == ECONNRESET))
		return 0;
	ret = socket_take_error(s);
	if (ret < 0)
		return ret;
	if (atomic_load(&s->shut) & SOCK_SHUT_RD)
		return 0;
	return tcp_state(t) == LX_TCP_CLOSE ? -ENOTCONN : -EAGAIN;
}

/* SO_PEEK_OFF: forward by what was looked at, back by what was taken. */
static void move_peek_offset(struct taking *k)
{
	int32_t *off = &k->t->in.s.opt.peek_off;

	if (*off < 0)
		return;
	if (k->peek)
		*off += (int32_t)k->done;
	else
		*off = *off > k->done ? *off - (int32_t)k->done : 0;
}

static int64_t take(struct taking *k)
{
	struct tcp_flow *f = k->f;
	int sender = k->c->self ? k->side : 1 - k->side;
	bool was_writable;
	int64_t ret;

	LOCK_GUARD(&f->reading);
	LOCK_GUARD(&k->c->lock);
	was_writable = tcp_writable(k->c, sender);
	k->at = f->read + (k->peek && k->t->in.s.opt.peek_off > 0 ? (uint64_t)k->t->in.s.opt.peek_off : 0);
	if (k->at > f->written)
		k->at = f->written;
	do
		ret = take_piece(k);
	while (ret > 0);
	if (!k->peek)
		tell_sender(k, was_writable);
	/* What stops the stream is for the next call, not for this one's wait. */
	if (k->done && !tcp_queued(f) && (f->fin || atomic_load(&k->t->in.s.err) || atomic_load(&k->t->in.s.shut) & SOCK_SHUT_RD))
		k->m->whole = true;
	move_peek_offset(k);
	if (k->done)
		return k->done;
	if (ret < 0 || (!k->m->uio->left && k->at < f->written))
		return ret;
	return nothing(k->t, f->fin);
}

/* --- urgent data ------------------------------------------------------------------------------------------------------------------ */

static int64_t take_urgent(struct taking *k)
{
	struct tcp_flow *f = k->f;
	int64_t n = 0;

	LOCK_GUARD(&k->c->lock);
	if (k->in_line || f->urgent == URGENT_NONE || f->urgent == URGENT_READ)
		return -EINVAL;
	k->m->out_flags |= LX_MSG_OOB;
	if (!k->m->uio->left)
		k->m->out_flags |= LX_MSG_TRUNC;
	else if (!k->discard)
		n = uio_put(k->m->uio, &f->urgent_byte, 1);
	if (n < 0)
		return n;
	if (!k->peek)
		f->urgent = URGENT_READ;
	k->m->whole = true;
	return k->m->out_flags & LX_MSG_TRUNC ? 0 : 1;
}

/* --- recv ------------------------------------------------------------------------------------------------------------------------- */

int64_t tcp_recv(struct socket *s, struct task *task, struct sock_msg *m)
{
	struct taking k = { .t = tcp_of(s), .m = m, .peek = m->flags & LX_MSG_PEEK, .discard = m->flags & LX_MSG_TRUNC,
			    .in_line = socket_opt(s, LX_SO_OOBINLINE) };
	int64_t ret;

	(void)task;
	if (m->flags & (LX_MSG_ERRQUEUE | LX_MSG_OOB)) /* nobody waits for these */
		m->flags |= LX_MSG_DONTWAIT;
	if (m->flags & LX_MSG_ERRQUEUE)
		return zerocopy_tell(s, m) ? 0 : -EAGAIN;
	if (tcp_state(k.t) == LX_TCP_LISTEN)
		return -ENOTCONN;
	k.c = tcp_conn_of(k.t, &k.side);
	if (!k.c)
		return m->flags & LX_MSG_OOB ? -EINVAL : nothing(k.t, false);
	k.f = tcp_rx(k.c, k.side);
	ret = m->flags & LX_MSG_OOB ? take_urgent(&k) : take(&k);
	tcp_conn_put(k.c);
	return ret;
}
