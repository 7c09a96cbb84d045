/* TCP sockets: life, shutdown, close, poll, names, the table of operations. See tcp.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/ioctl.h"
#include "abi/poll.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/net/tcp.h"
#include "sentry/net/zerocopy.h"

#define DEFAULT_SNDBUF 16384u  /* net.ipv4.tcp_wmem */
#define DEFAULT_RCVBUF 131072u /* net.ipv4.tcp_rmem */

static const struct socket_ops tcp_ops;

bool tcp_is_listening(const struct inet_sock *i)
{
	return atomic_load(&container_of(i, const struct tcp_sock, in)->state) == LX_TCP_LISTEN;
}

bool tcp_is_connected(const struct inet_sock *i)
{
	return atomic_load(&container_of(i, const struct tcp_sock, in)->state) != LX_TCP_CLOSE;
}

struct tcp_sock *tcp_get(struct tcp_sock *t)
{
	socket_get(&t->in.s);
	return t;
}

void tcp_put(struct tcp_sock *t)
{
	if (t)
		socket_put(&t->in.s);
}

/* Knocked for too long, or deferred for so long that it is accepted without data. On the reactor; gives the timer's reference back. */
static void timed_out(struct work *w)
{
	struct tcp_sock *t = container_of(w, struct tcp_sock, timed_out);

	if (atomic_load(&t->is_deferred)) {
		tcp_undefer(tcp_get(t));
	} else if (tcp_state(t) == LX_TCP_SYN_SENT) {
		tcp_unknock(t);
		lock_take(&t->in.s.lock);
		if (tcp_state(t) == LX_TCP_SYN_SENT)
			tcp_done(t, ETIMEDOUT);
		lock_drop(&t->in.s.lock);
	}
	tcp_put(t);
}

static void timer_fired(struct ktimer *timer)
{
	struct tcp_sock *t = container_of(timer, struct tcp_sock, timer);

	t->timed_out.fn = timed_out;
	sched_defer(&t->timed_out);
}

void tcp_timer_arm(struct tcp_sock *t, int64_t ns)
{
	tcp_get(t);
	if (ktimer_arm(&t->timer, host_monotonic_ns() + ns) < 0)
		tcp_put(t);
}

void tcp_timer_cancel(struct tcp_sock *t)
{
	if (ktimer_cancel(&t->timer))
		tcp_put(t);
}

struct tcp_sock *tcp_new(struct netns *ns, int domain, uint32_t uid)
{
	struct tcp_sock *t = net_object_new(sizeof(*t));

	if (!t)
		return NULL;
	atomic_init(&t->state, LX_TCP_CLOSE);
	list_init(&t->pending);
	list_init(&t->deferred);
	list_init(&t->knocking);
	list_init(&t->queue_link);
	ktimer_init(&t->timer, timer_fired);
	tcp_options_init(&t->o);
	inet_init(&t->in, ns, NETNS_TCP, &tcp_ops, domain, LX_SOCK_STREAM, LX_IPPROTO_TCP, uid);
	t->in.s.opt.sndbuf = DEFAULT_SNDBUF;
	t->in.s.opt.rcvbuf = DEFAULT_RCVBUF;
	return t;
}

int tcp_create(struct task *task, int domain, int protocol, struct socket **out)
{
	struct tcp_sock *t = tcp_new(task_netns(task), domain, task->cred->fsuid);

	(void)protocol;
	if (!t)
		return -ENOMEM;
	*out = &t->in.s;
	return 0;
}

static void tcp_free(struct socket *s)
{
	struct tcp_sock *t = tcp_of(s);

	inet_fini(&t->in);
	tcp_conn_put(t->conn);
	tcp_put(t->listener);
	net_object_free(t, sizeof(*t));
}

/* --- close ------------------------------------------------------------------------------------------------------------------------ */

/* The socket leaves its connection: with a reset when bytes are lost or lingering is forbidden, else with a FIN. */
static void leave(struct tcp_sock *t, struct tcp_conn *c, int side)
{
	struct lx_linger linger = t->in.s.opt.linger;
	struct tcp_sock *deferred;
	bool lost, active;

	lock_take(&c->lock);
	lost = tcp_queued(tcp_rx(c, side)) > 0;
	if (tcp_state(t) != LX_TCP_CLOSE) {
		if (lost || (linger.l_onoff && !linger.l_linger))
			tcp_send_reset(c, side);
		else
			tcp_send_fin(c, side);
	}
	tcp_flow_drop(tcp_rx(c, side));
	c->end[side] = NULL;
	active = c->first_fin == side;
	deferred = tcp_deferred(c, side);
	lock_drop(&c->lock);
	tcp_undefer(deferred);
	lock_take(&t->in.ns->lock);
	if (active && t->in.local.port)
		inet_tw_add(t->in.ns, &t->in);
	lock_drop(&t->in.ns->lock);
}

static void tcp_release(struct socket *s)
{
	struct tcp_sock *t = tcp_of(s);
	struct tcp_conn *c;
	int side;

	if (tcp_state(t) == LX_TCP_LISTEN)
		tcp_listen_stop(t);
	if (tcp_state(t) == LX_TCP_SYN_SENT)
		tcp_unknock(t);
	tcp_timer_cancel(t);
	c = tcp_conn_of(t, &side);
	if (c)
		leave(t, c, side);
	tcp_conn_put(c);
	lock_take(&t->in.ns->lock);
	inet_port_leave(&t->in);
	lock_drop(&t->in.ns->lock);
	atomic_store(&t->state, LX_TCP_CLOSE);
}

/* --- shutdown --------------------------------------------------------------------------------------------------------------------- */

static void shut_writing(struct tcp_sock *t)
{
	int side;
	struct tcp_conn *c = tcp_conn_of(t, &side);
	struct tcp_sock *deferred;

	if (!c)
		return;
	lock_take(&c->lock);
	if (tcp_state(t) != LX_TCP_CLOSE)
		tcp_send_fin(c, side);
	deferred = tcp_deferred(c, side);
	lock_drop(&c->lock);
	tcp_undefer(deferred);
	tcp_conn_put(c);
}

static int tcp_shutdown(struct socket *s, uint32_t bits)
{
	struct tcp_sock *t = tcp_of(s);
	int ret = 0;

	switch (tcp_state(t)) {
	case LX_TCP_LISTEN:
		if (bits & SOCK_SHUT_RD)
			tcp_disconnect(t);
		break;
	case LX_TCP_SYN_SENT:
		tcp_disconnect(t);
		break;
	case LX_TCP_CLOSE:
		ret = -ENOTCONN;
		/* As in Linux those who poll are told all the same. */
		/* fallthrough */
	default:
		atomic_fetch_or(&s->shut, bits);
		if (bits & SOCK_SHUT_WR)
			shut_writing(t);
	}
	waitq_wake(&s->queue, SOCK_CHANGED);
	return ret;
}

/* --- what can be asked ------------------------------------------------------------------------------------------------------------ */

static int tcp_name(struct socket *s, int of_peer, struct sock_addr *out)
{
	struct tcp_sock *t = tcp_of(s);

	LOCK_GUARD(&t->in.ns->lock);
	if (of_peer && (!t->in.remote.port || (of_peer == 1 && (tcp_state(t) == LX_TCP_CLOSE || tcp_state(t) == LX_TCP_SYN_SENT))))
		return -ENOTCONN;
	inet_show(&t->in, of_peer ? &t->in.remote : &t->in.local, out);
	return 0;
}

static int64_t tcp_pending(struct socket *s, bool out)
{
	struct tcp_sock *t = tcp_of(s);
	struct tcp_conn *c;
	int64_t n;
	int side;

	if (tcp_state(t) == LX_TCP_LISTEN)
		return -EINVAL;
	c = tcp_conn_of(t, &side);
	if (!c)
		return 0;
	lock_take(&c->lock);
	n = (int64_t)(out ? tcp_unsent(c, side) : tcp_readable(c, side));
	lock_drop(&c->lock);
	tcp_conn_put(c);
	return n;
}

static int64_t tcp_ioctl(struct socket *s, struct task *task, uint32_t cmd, uint64_t arg)
{
	struct tcp_sock *t = tcp_of(s);
	struct tcp_conn *c;
	int32_t at_mark = 0;
	int side;

	if (cmd != LX_SIOCATMARK)
		return inet_ioctl(s, task, cmd, arg);
	c = tcp_conn_of(t, &side);
	if (c) {
		const struct tcp_flow *f = tcp_rx(c, side);

		lock_take(&c->lock);
		at_mark = f->urgent != URGENT_NONE && f->urgent_at == f->read;
		lock_drop(&c->lock);
		tcp_conn_put(c);
	}
	return copy_out(task, uaddr(arg), &at_mark, sizeof(at_mark));
}

/* --- poll ------------------------------------------------------------------------------------------------------------------------- */

/* What a connection adds: enough to read, room, urgent data. */
static uint32_t poll_conn(struct tcp_sock *t, struct tcp_conn *c, int side, uint32_t shut)
{
	const struct tcp_flow *f = tcp_rx(c, side);
	uint64_t low = (uint64_t)t->in.s.opt.rcvlowat;
	uint32_t events = 0;

	lock_take(&c->lock);
	if (f->urgent != URGENT_NONE && f->urgent_at == f->read && !socket_opt(&t->in.s, LX_SO_OOBINLINE))
		low++;
	if (tcp_queued(f) >= low)
		events |= SOCK_READABLE;
	if (shut & SOCK_SHUT_WR || tcp_writable(c, side))
		events |= LX_POLLOUT | LX_POLLWRNORM;
	if (f->urgent == URGENT_VALID)
		events |= LX_POLLPRI;
	lock_drop(&c->lock);
	return events;
}

static uint32_t tcp_poll(struct socket *s, struct poll_table *table)
{
	struct tcp_sock *t = tcp_of(s);
	struct tcp_conn *c;
	uint32_t shut, events = 0;
	int side, state;

	if (table && table->add(table, &s->queue, table->events) < 0)
		return LX_POLLERR;
	state = tcp_state(t);
	if (state == LX_TCP_LISTEN) {
		LOCK_GUARD(&s->lock);
		return list_empty(&t->pending) ? 0 : SOCK_READABLE;
	}
	shut = atomic_load(&s->shut);
	if (shut == SOCK_SHUT_BOTH || state == LX_TCP_CLOSE)
		events |= LX_POLLHUP;
	if (shut & SOCK_SHUT_RD)
		events |= SOCK_READABLE | LX_POLLRDHUP;
	c = tcp_conn_of(t, &side);
	if (c)
		events |= poll_conn(t, c, side, shut);
	else if (state != LX_TCP_SYN_SENT)
		events |= LX_POLLOUT | LX_POLLWRNORM;
	tcp_conn_put(c);
	if (atomic_load(&s->err) || zerocopy_waits(s))
		events |= LX_POLLERR;
	return events;
}

static const struct socket_ops tcp_ops = {
	.bind = inet_bind,
	.connect = tcp_connect,
	.listen = tcp_listen,
	.accept = tcp_accept,
	.name = tcp_name,
	.shutdown = tcp_shutdown,
	.send = tcp_send,
	.recv = tcp_recv,
	.poll = tcp_poll,
	.pending = tcp_pending,
	.ioctl = tcp_ioctl,
	.getsockopt = tcp_getsockopt,
	.setsockopt = tcp_setsockopt,
	.release = tcp_release,
	.free = tcp_free,
};
