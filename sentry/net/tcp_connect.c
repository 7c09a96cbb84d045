/* TCP: connect, and its undoing. See tcp.h. */
#include <errno.h>
#include <stddef.h>

#include "abi/poll.h"
#include "sentry/fs/landlock.h"
#include "sentry/kernel/task.h"
#include "sentry/net/tcp.h"

/* --- starting --------------------------------------------------------------------------------------------------------------------- */

/* Where to, and a pair of ends of our own. */
static int choose_names(struct tcp_sock *t, const struct sock_addr *a)
{
	struct inet_end to = { 0 };
	struct inet_addr source;
	int ret = inet_dest(&t->in, a, &to);

	if (ret < 0)
		return ret;
	if (inet_route(&to.addr) != ROUTE_LOCAL)
		return -ENETUNREACH;
	LOCK_GUARD(&t->in.ns->lock);
	source = inet_source(&t->in, &to.addr);
	return inet_port_connect(&t->in, &source, &to);
}

/* The names that bind(2) did not give go again. */
static void forget_names(struct tcp_sock *t)
{
	struct inet_sock *i = &t->in;

	LOCK_GUARD(&i->ns->lock);
	i->remote = (struct inet_end){ .addr = i->s.domain == LX_AF_INET ? inet_any4 : inet_any6 };
	if (!i->addr_bound)
		i->local.addr = i->remote.addr;
	if (!i->port_bound) {
		inet_port_leave(i);
		i->local.port = 0;
	}
}

static int64_t start(struct tcp_sock *t, const struct sock_addr *a)
{
	int ret = choose_names(t, a);

	if (ret == 0) {
		atomic_fetch_add(&t->in.ns->tcp_active_opens, 1);
		ret = tcp_knock(t);
	}
	if (ret == -ECONNREFUSED) { /* is found out later, as by a packet's way */
		LOCK_GUARD(&t->in.s.lock);
		atomic_fetch_add(&t->in.ns->tcp_attempt_fails, 1);
		tcp_done(t, ECONNREFUSED);
		return 0;
	}
	if (ret == 0 || ret == -EAGAIN)
		return 0;
	forget_names(t);
	LOCK_GUARD(&t->in.s.lock);
	atomic_store(&t->state, LX_TCP_CLOSE);
	t->ss = SS_UNCONNECTED;
	return ret;
}

/* --- connect(2) ------------------------------------------------------------------------------------------------------------------- */

/* May a connection be begun? Then it is this caller's: 0. -EALREADY: one is under way. -EISCONN, -EINVAL. */
static int claim(struct tcp_sock *t)
{
	LOCK_GUARD(&t->in.s.lock);
	switch (t->ss) {
	case SS_UNCONNECTED:
		if (tcp_state(t) != LX_TCP_CLOSE)
			return -EISCONN;
		t->ss = SS_CONNECTING;
		atomic_store(&t->state, LX_TCP_SYN_SENT);
		atomic_store(&t->in.s.shut, 0);
		return 0;
	case SS_CONNECTING:
		return -EALREADY;
	case SS_CONNECTED:
		return -EISCONN;
	default:
		return -EINVAL;
	}
}

/* A connection that was begun, in this call or before: how far is it? `pending`: the answer when it takes longer than the caller waits. */
static int64_t outcome(struct tcp_sock *t, struct task *task, bool nonblock, int pending)
{
	struct socket *s = &t->in.s;
	int64_t ret;

	if (tcp_state(t) == LX_TCP_SYN_SENT) {
		if (nonblock)
			return pending;
		ret = sock_wait(task, s->file, LX_POLLOUT, s->opt.snd_timeout);
		return ret == -EAGAIN ? pending : ret;
	}
	if (tcp_state(t) == LX_TCP_CLOSE) {
		ret = socket_take_error(s);
		tcp_disconnect(t);
		return ret ? ret : -ECONNABORTED;
	}
	lock_take(&s->lock);
	t->ss = SS_CONNECTED;
	lock_drop(&s->lock);
	return 0;
}

int64_t tcp_connect(struct socket *s, struct task *task, const struct sock_addr *a, bool nonblock)
{
	struct tcp_sock *t = tcp_of(s);
	int64_t ret;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == LX_AF_UNSPEC) {
		tcp_disconnect(t);
		return 0;
	}
	/* The port is in one place in both families' addresses. */
	ret = landlock_may_port(task->cred, __builtin_bswap16(a->in.sin_port), LX_LANDLOCK_NET_CONNECT_TCP);
	if (ret < 0)
		return ret;
	ret = claim(t);
	if (ret == -EALREADY)
		return outcome(t, task, nonblock, task->blk.rerun ? -EINPROGRESS : -EALREADY);
	if (ret == 0)
		ret = start(t, a);
	if (ret < 0)
		return ret;
	return nonblock ? -EINPROGRESS : outcome(t, task, false, -EINPROGRESS);
}

/* Leaves a connection with a reset. True when there was one to reset. */
static bool drop_conn(struct tcp_sock *t)
{
	struct tcp_conn *c;
	bool reset = false;
	int side;

	lock_take(&t->in.s.lock);
	c = t->conn;
	side = t->side;
	t->conn = NULL;
	lock_drop(&t->in.s.lock);
	if (!c)
		return false;
	lock_take(&c->lock);
	if (tcp_state(t) != LX_TCP_CLOSE) {
		tcp_send_reset(c, side);
		reset = true;
	}
	tcp_flow_drop(tcp_rx(c, side));
	c->end[side] = NULL;
	lock_drop(&c->lock);
	tcp_conn_put(c);
	return reset;
}

void tcp_disconnect(struct tcp_sock *t)
{
	bool broken = false;

	if (tcp_state(t) == LX_TCP_LISTEN)
		tcp_listen_stop(t);
	if (tcp_state(t) == LX_TCP_SYN_SENT) {
		tcp_unknock(t);
		broken = true;
	}
	broken |= drop_conn(t);
	forget_names(t);
	LOCK_GUARD(&t->in.s.lock);
	atomic_store(&t->state, LX_TCP_CLOSE);
	atomic_store(&t->in.s.shut, 0);
	t->ss = SS_UNCONNECTED;
	if (broken)
		atomic_store(&t->in.s.err, ECONNRESET);
	waitq_wake(&t->in.s.queue, SOCK_CHANGED);
}
