/* A TCP connection: bytes in it, its ends' states, FIN and RST. See tcp.h. */
#include <errno.h>
#include <stddef.h>

#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/kernel/kernel.h"
#include "sentry/net/tcp.h"

#define SEND_BUFFER 393216u /* what a sender that set no size may queue beyond the window */

/* --- chunks ----------------------------------------------------------------------------------------------------------------------- */

struct tcp_chunk *tcp_chunk_new(uint32_t n)
{
	int64_t size = (int64_t)sizeof(struct tcp_chunk) + n;
	struct tcp_chunk *c;

	if (memory_charge(the_kernel, size) < 0)
		return NULL;
	c = mem_alloc((size_t)size);
	if (!c) {
		memory_charge(the_kernel, -size);
		return NULL;
	}
	list_init(&c->link);
	c->room = n;
	c->at = c->len = 0;
	return c;
}

void tcp_chunk_free(struct tcp_chunk *c)
{
	if (!c)
		return;
	memory_charge(the_kernel, -((int64_t)sizeof(*c) + c->room));
	mem_free(c);
}

/* Drops what was not read. A chunk that somebody fills stays, empty. */
void tcp_flow_drop(struct tcp_flow *f)
{
	struct tcp_chunk *c, *next;

	list_for_each_safe(c, next, &f->chunks, link) {
		if (f->filling && c->link.next == &f->chunks) {
			c->at += c->len;
			c->len = 0;
			break;
		}
		list_remove(&c->link);
		tcp_chunk_free(c);
	}
	f->read = f->written;
	f->urgent = URGENT_NONE;
}

/* --- life ------------------------------------------------------------------------------------------------------------------------- */

struct tcp_conn *tcp_conn_new(bool self)
{
	struct tcp_conn *c = net_object_new(sizeof(*c));

	if (!c)
		return NULL;
	ref_init(&c->ref);
	c->self = self;
	c->first_fin = -1;
	lock_init(&c->lock, RANK_CONNECTION, "tcp.conn");
	for (int i = 0; i < 2; i++) {
		lock_init(&c->flow[i].reading, RANK_SOCKET_DATA, "tcp.reading");
		lock_init(&c->flow[i].writing, RANK_SOCKET_DATA, "tcp.writing");
		list_init(&c->flow[i].chunks);
	}
	return c;
}

void tcp_conn_put(struct tcp_conn *c)
{
	if (!c || !ref_put(&c->ref))
		return;
	for (int i = 0; i < 2; i++)
		tcp_flow_drop(&c->flow[i]);
	net_object_free(c, sizeof(*c));
}

void tcp_conn_attach(struct tcp_conn *c, struct tcp_sock *t, int side)
{
	ref_get(&c->ref);
	t->conn = c;
	t->side = side;
	c->end[side] = t;
	/* As Linux's buffers grow once the route is known: what is shown, not what is used. */
	if (!t->in.ip.sndbuf_set)
		t->in.s.opt.sndbuf = 2626560;
	atomic_store(&t->state, LX_TCP_ESTABLISHED);
}

struct tcp_conn *tcp_conn_of(struct tcp_sock *t, int *side)
{
	struct tcp_conn *c;

	LOCK_GUARD(&t->in.s.lock);
	c = t->conn;
	*side = t->side;
	if (c)
		ref_get(&c->ref);
	return c;
}

/* --- room ------------------------------------------------------------------------------------------------------------------------- */

static uint64_t window(struct tcp_conn *c, int side)
{
	const struct tcp_sock *to = tcp_other(c, side);

	return to ? __atomic_load_n(&to->in.s.opt.rcvbuf, __ATOMIC_RELAXED) / 2 : 0;
}

static uint64_t send_buffer(struct tcp_conn *c, int side)
{
	const struct tcp_sock *t = c->end[side];

	if (!t)
		return 0;
	return t->in.ip.sndbuf_set ? __atomic_load_n(&t->in.s.opt.sndbuf, __ATOMIC_RELAXED) : SEND_BUFFER;
}

uint64_t tcp_unsent(struct tcp_conn *c, int side)
{
	uint64_t queued = tcp_queued(tcp_tx(c, side)), win = window(c, side);

	return queued > win ? queued - win : 0;
}

uint64_t tcp_room(struct tcp_conn *c, int side)
{
	uint64_t queued = tcp_queued(tcp_tx(c, side)), most = window(c, side) + send_buffer(c, side);

	return queued < most ? most - queued : 0;
}

bool tcp_writable(struct tcp_conn *c, int side)
{
	uint64_t unsent = tcp_unsent(c, side), most = send_buffer(c, side);

	return unsent < most && most - unsent >= unsent / 2;
}

/* --- ends ------------------------------------------------------------------------------------------------------------------------- */

void tcp_done(struct tcp_sock *t, int err)
{
	if (err)
		atomic_store(&t->in.s.err, err);
	atomic_store(&t->state, LX_TCP_CLOSE);
	atomic_store(&t->in.s.shut, SOCK_SHUT_BOTH);
	waitq_wake(&t->in.s.queue, SOCK_CHANGED | LX_POLLPRI);
}

/* The other side has said that nothing follows. */
static void receive_fin(struct tcp_sock *t)
{
	switch (tcp_state(t)) {
	case LX_TCP_FIN_WAIT2:
		tcp_done(t, 0);
		return;
	case LX_TCP_ESTABLISHED:
		atomic_store(&t->state, LX_TCP_CLOSE_WAIT);
		break;
	default:
		break;
	}
	atomic_fetch_or(&t->in.s.shut, SOCK_SHUT_RD);
	waitq_wake(&t->in.s.queue, SOCK_CHANGED);
}

void tcp_send_fin(struct tcp_conn *c, int side)
{
	struct tcp_sock *me = c->end[side], *other = tcp_other(c, side);

	lock_assert_held(&c->lock);
	if (c->flow[side].fin)
		return;
	c->flow[side].fin = true;
	if (c->first_fin < 0)
		c->first_fin = side;
	if (me && tcp_state(me) == LX_TCP_ESTABLISHED)
		atomic_store(&me->state, LX_TCP_FIN_WAIT2);
	else if (me && tcp_state(me) == LX_TCP_CLOSE_WAIT)
		tcp_done(me, 0);
	if (other)
		receive_fin(other);
}

void tcp_send_reset(struct tcp_conn *c, int side)
{
	struct tcp_sock *me = c->end[side], *other = tcp_other(c, side);

	lock_assert_held(&c->lock);
	c->flow[0].fin = c->flow[1].fin = true;
	c->first_fin = -1;
	if (other && other != me && tcp_state(other) != LX_TCP_CLOSE)
		tcp_done(other, tcp_state(other) == LX_TCP_CLOSE_WAIT ? EPIPE : ECONNRESET);
	if (me)
		tcp_done(me, 0);
	if (me)
		atomic_fetch_add(&me->in.ns->tcp_out_resets, 1);
}

struct tcp_sock *tcp_deferred(struct tcp_conn *c, int side)
{
	struct tcp_sock *other = tcp_other(c, side);

	return other && atomic_load_explicit(&other->is_deferred, memory_order_relaxed) ? tcp_get(other) : NULL;
}
