/* TCP: listeners, what waits to be accepted, and who waits for a place there. See tcp.h. */
#include <errno.h>
#include <stddef.h>

#include "base/hash.h"
#include "sentry/kernel/task.h"
#include "sentry/net/tcp.h"

#define CONNECT_NS 127000000000ll /* net.ipv4.tcp_syn_retries = 6 */

/* --- listen(2) -------------------------------------------------------------------------------------------------------------------- */

/* A listener needs a port that no other listener has. */
static int take_port(struct tcp_sock *t)
{
	struct inet_sock *i = &t->in;

	LOCK_GUARD(&i->ns->lock);
	if (!i->local.port)
		return inet_port_take(i, 0);
	return inet_port_conflict(i) ? -EADDRINUSE : 0;
}

int tcp_listen(struct socket *s, struct task *task, uint32_t backlog)
{
	struct tcp_sock *t = tcp_of(s);
	int ret;

	(void)task;
	lock_take(&s->lock);
	if (t->ss != SS_UNCONNECTED || (tcp_state(t) != LX_TCP_CLOSE && tcp_state(t) != LX_TCP_LISTEN)) {
		lock_drop(&s->lock);
		return -EINVAL;
	}
	t->backlog = backlog;
	lock_drop(&s->lock);
	if (tcp_state(t) == LX_TCP_LISTEN)
		return 0;
	ret = take_port(t);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&s->lock);
	atomic_store(&t->state, LX_TCP_LISTEN);
	return 0;
}

/* --- finding a listener ------------------------------------------------------------------------------------------------------------- */

static int score(const struct tcp_sock *l, const struct inet_end *to)
{
	if (l->in.local.port != to->port || tcp_state(l) != LX_TCP_LISTEN || !inet_takes(&l->in, &to->addr))
		return 0;
	return 1 + (inet_is_any(&l->in.local.addr) ? 0 : 4) + (l->in.s.bound_dev ? 2 : 0) + (l->in.s.domain == LX_AF_INET);
}

/* Which member of a group of listeners with SO_REUSEPORT: the n'th of those with the best score. */
static struct tcp_sock *member(struct list *bucket, const struct inet_end *to, int best, uint32_t n)
{
	struct tcp_sock *l;

	list_for_each(l, bucket, in.bind_link)
		if (score(l, to) == best && socket_opt(&l->in.s, LX_SO_REUSEPORT) && n-- == 0)
			return l;
	return NULL;
}

/* Who listens there: referenced, or NULL. ns->lock held. */
static struct tcp_sock *find_listener(struct netns *ns, const struct inet_end *to, const struct inet_end *from)
{
	struct list *bucket = inet_bucket(ns, NETNS_TCP, to->port);
	struct tcp_sock *l, *found = NULL;
	uint32_t members = 0;
	int best = 0;

	if (!bucket)
		return NULL;
	list_for_each(l, bucket, in.bind_link) {
		int n = score(l, to);

		if (n > best) {
			best = n;
			found = l;
			members = 0;
		}
		if (n && n == best && socket_opt(&l->in.s, LX_SO_REUSEPORT))
			members++;
	}
	if (members > 1)
		found = member(bucket, to, best, (uint32_t)(hash_u64(from->port, to->port) >> 32) % members);
	return found ? tcp_get(found) : NULL;
}

/* --- knocking --------------------------------------------------------------------------------------------------------------------- */

/* The server's end of a connection to be, named and with its listener's options; found by nobody but walks. */
static struct tcp_sock *make_embryo(struct tcp_sock *l, struct tcp_sock *client)
{
	struct tcp_sock *e = tcp_new(l->in.ns, l->in.s.domain, l->in.uid);

	if (!e)
		return NULL;
	lock_take(&l->in.s.lock);
	e->in.s.opt = l->in.s.opt;
	e->in.ip = l->in.ip;
	e->o = l->o;
	lock_drop(&l->in.s.lock);
	e->in.s.bound_dev = l->in.s.bound_dev;
	e->ss = SS_CONNECTED;
	lock_take(&l->in.ns->lock);
	e->in.local = client->in.remote;
	e->in.remote = client->in.local;
	inet_port_share(&e->in);
	lock_drop(&l->in.ns->lock);
	return e;
}

static bool full(const struct tcp_sock *l)
{
	return l->pending_count > l->backlog;
}

/* Both sockets' locks held: the connection is there, and the listener has one more to accept. */
static void establish(struct tcp_sock *t, struct tcp_sock *l, struct tcp_sock *e, struct tcp_conn *c)
{
	tcp_conn_attach(c, t, 0);
	tcp_conn_attach(c, e, 1);
	e->listener = tcp_get(l);
	l->pending_count++;
	if (l->o.defer_accept) {
		atomic_store(&e->is_deferred, true);
		list_push_back(&l->deferred, &e->queue_link);
		tcp_timer_arm(e, l->o.defer_accept * 1000000000ll);
	} else {
		list_push_back(&l->pending, &e->queue_link);
	}
	atomic_fetch_add(&l->in.ns->tcp_passive_opens, 1);
}

/* One try at this listener, with everything made that it needs. */
static int try_knock(struct tcp_sock *t, struct tcp_sock *l, struct tcp_sock *e, struct tcp_conn *c)
{
	int ret = 0;

	lock_two(&t->in.s.lock, &l->in.s.lock);
	if (tcp_state(l) != LX_TCP_LISTEN) {
		ret = -ECONNREFUSED;
	} else if (tcp_state(t) != LX_TCP_SYN_SENT) {
		ret = -EINVAL; /* closed or disconnected meanwhile */
	} else if (full(l)) {
		t->listener = tcp_get(l);
		list_push_back(&l->knocking, &tcp_get(t)->queue_link);
		tcp_timer_arm(t, CONNECT_NS);
		ret = -EAGAIN;
	} else {
		establish(t, l, e, c);
	}
	unlock_two(&t->in.s.lock, &l->in.s.lock);
	return ret;
}

static int knock_at(struct tcp_sock *t, struct tcp_sock *l)
{
	struct tcp_conn *c = tcp_conn_new(false);
	struct tcp_sock *e = c ? make_embryo(l, t) : NULL;
	int ret = e ? try_knock(t, l, e, c) : -ENOMEM;

	tcp_conn_put(c);
	if (ret < 0) {
		tcp_put(e);
		return ret;
	}
	waitq_wake(&l->in.s.queue, SOCK_READABLE);
	waitq_wake(&t->in.s.queue, SOCK_CHANGED);
	return 0;
}

/* It has called its own number. */
static int knock_self(struct tcp_sock *t)
{
	struct tcp_conn *c = tcp_conn_new(true);

	if (!c)
		return -ENOMEM;
	lock_take(&t->in.s.lock);
	tcp_conn_attach(c, t, 0);
	lock_drop(&t->in.s.lock);
	tcp_conn_put(c);
	waitq_wake(&t->in.s.queue, SOCK_CHANGED);
	return 0;
}

int tcp_knock(struct tcp_sock *t)
{
	const struct inet_end *to = &t->in.remote, *from = &t->in.local;
	struct tcp_sock *l;
	int ret;

	lock_take(&t->in.ns->lock);
	l = find_listener(t->in.ns, to, from);
	lock_drop(&t->in.ns->lock);
	if (!l)
		return to->port == from->port && inet_equal(&to->addr, &from->addr) ? knock_self(t) : -ECONNREFUSED;
	ret = knock_at(t, l);
	tcp_put(l);
	return ret;
}

void tcp_unknock(struct tcp_sock *t)
{
	struct tcp_sock *l;
	bool was = false;

	lock_take(&t->in.s.lock);
	l = t->listener;
	if (l)
		tcp_get(l);
	lock_drop(&t->in.s.lock);
	if (!l)
		return;
	lock_two(&t->in.s.lock, &l->in.s.lock);
	if (t->listener == l && !list_empty(&t->queue_link)) {
		list_remove(&t->queue_link);
		t->listener = NULL;
		was = true;
	}
	unlock_two(&t->in.s.lock, &l->in.s.lock);
	if (was) {
		tcp_timer_cancel(t);
		tcp_put(l);
		tcp_put(t);
	}
	tcp_put(l);
}

/* A place is free: the first who waits for one takes it, or finds out why not. Takes over the reference. */
static void let_in(struct tcp_sock *k)
{
	int ret;

	if (!k)
		return;
	tcp_timer_cancel(k);
	ret = tcp_knock(k);
	if (ret < 0 && ret != -EAGAIN) {
		LOCK_GUARD(&k->in.s.lock);
		if (tcp_state(k) == LX_TCP_SYN_SENT)
			tcp_done(k, -ret);
	}
	tcp_put(k);
}

/* The first of those who knock, off the list, with its reference; NULL: nobody. No locks held. */
static struct tcp_sock *next_knocking(struct tcp_sock *l)
{
	struct tcp_sock *k;

	for (;;) {
		lock_take(&l->in.s.lock);
		k = list_empty(&l->knocking) ? NULL : tcp_get(list_first(&l->knocking, struct tcp_sock, queue_link));
		lock_drop(&l->in.s.lock);
		if (!k)
			return NULL;
		lock_two(&k->in.s.lock, &l->in.s.lock);
		if (k->listener == l) {
			list_remove(&k->queue_link);
			k->listener = NULL;
			unlock_two(&k->in.s.lock, &l->in.s.lock);
			tcp_put(l); /* the caller has one */
			tcp_put(k);
			return k;
		}
		unlock_two(&k->in.s.lock, &l->in.s.lock);
		tcp_put(k);
	}
}

/* --- accept(2) -------------------------------------------------------------------------------------------------------------------- */

int tcp_accept(struct socket *s, struct socket **out)
{
	struct tcp_sock *l = tcp_of(s), *e;

	lock_take(&s->lock);
	if (tcp_state(l) != LX_TCP_LISTEN || list_empty(&l->pending)) {
		int ret = tcp_state(l) != LX_TCP_LISTEN ? -EINVAL : -EAGAIN;

		lock_drop(&s->lock);
		return ret;
	}
	e = list_first(&l->pending, struct tcp_sock, queue_link);
	list_remove(&e->queue_link);
	l->pending_count--;
	lock_drop(&s->lock);
	let_in(next_knocking(l));
	*out = &e->in.s;
	return 0;
}

void tcp_undefer(struct tcp_sock *e)
{
	struct tcp_sock *l;
	bool was;

	if (!e)
		return;
	l = e->listener;
	lock_take(&l->in.s.lock);
	was = atomic_exchange(&e->is_deferred, false);
	if (was) {
		list_remove(&e->queue_link);
		list_push_back(&l->pending, &e->queue_link);
	}
	lock_drop(&l->in.s.lock);
	if (was)
		waitq_wake(&l->in.s.queue, SOCK_READABLE);
	tcp_timer_cancel(e);
	tcp_put(e);
}

/* A connection that nobody will accept. Takes over the queue's reference. */
static void refuse(struct tcp_sock *e)
{
	e->in.s.opt.linger = (struct lx_linger){ 1, 0 };
	socket_discard(&e->in.s);
}

void tcp_listen_stop(struct tcp_sock *l)
{
	struct tcp_sock *e, *next, *k;
	struct list embryos;

	list_init(&embryos);
	lock_take(&l->in.s.lock);
	atomic_store(&l->state, LX_TCP_CLOSE);
	list_splice(&embryos, &l->pending);
	list_splice(&embryos, &l->deferred);
	l->pending_count = 0;
	list_for_each(e, &embryos, queue_link)
		atomic_store(&e->is_deferred, false);
	lock_drop(&l->in.s.lock);
	list_for_each_safe(e, next, &embryos, queue_link) {
		list_remove(&e->queue_link);
		refuse(e);
	}
	for (k = next_knocking(l); k; k = next_knocking(l))
		let_in(k);
	waitq_wake(&l->in.s.queue, SOCK_CHANGED);
}
