/* Datagrams: where they go, connecting, names. See dgram.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sentry/kernel/task.h"
#include "sentry/net/dgram.h"

/* An interface was named for multicast, or for everything. */
static bool has_interface(const struct dgram_sock *u, const struct inet_addr *to, const struct scm_ip *say)
{
	return u->in.s.bound_dev || say->ifindex || (inet_is_v4(to) ? u->in.ip.mcast_if : u->in.ip.mcast_if6) ||
	       (inet_route(&u->in.local.addr) == ROUTE_LOCAL && inet_is_v4(to));
}

static int check_kind(const struct dgram_sock *u, const struct dgram_route *r, const struct scm_ip *say)
{
	switch (r->kind) {
	case ROUTE_LOCAL:
		return 0;
	case ROUTE_BROADCAST:
		if (inet_to_v4(&r->to.addr) == UINT32_MAX && !u->in.s.bound_dev)
			return -ENETUNREACH;
		return socket_opt(&u->in.s, LX_SO_BROADCAST) ? 0 : -EACCES;
	case ROUTE_MULTICAST:
		return has_interface(u, &r->to.addr, say) ? 0 : -ENETUNREACH;
	default:
		return -ENETUNREACH;
	}
}

static int32_t or_default(int32_t said, int32_t option, int32_t fallback)
{
	return said >= 0 ? said : option >= 0 ? option : fallback;
}

static void choose_hops(const struct dgram_sock *u, const struct scm_ip *say, struct dgram_route *r)
{
	const struct inet_options *o = &u->in.ip;
	bool v4 = inet_is_v4(&r->to.addr), unicast = r->kind == ROUTE_LOCAL;
	int32_t ttl = atomic_load(&u->in.ns->default_ttl);

	r->ttl = or_default(say->has_ttl ? say->ttl : -1, v4 ? (unicast ? o->ttl : o->mcast_ttl) : (unicast ? o->hops : o->mcast_hops), ttl);
	r->tos = or_default(say->has_tos ? say->tos : -1, v4 ? o->tos : o->tclass, 0);
}

static int destination(struct dgram_sock *u, struct sock_msg *m, bool with_ports, struct dgram_route *r)
{
	int ret;

	if (!m->addr.len) {
		if (!u->connected)
			return -EDESTADDRREQ;
		r->to = u->in.remote;
		return 0;
	}
	if (u->in.s.domain == LX_AF_INET && m->addr.len >= sizeof(m->addr.in) && m->addr.family == LX_AF_UNSPEC)
		m->addr.family = LX_AF_INET;
	ret = inet_dest(&u->in, &m->addr, &r->to);
	if (ret < 0)
		return ret;
	return with_ports && !r->to.port ? -EINVAL : 0;
}

/* A sender has a port, even if it fails. */
static int take_any_port(struct dgram_sock *u)
{
	if (u->in.local.port || u->in.proto == NETNS_RAW)
		return 0;
	LOCK_GUARD(&u->in.ns->lock);
	return u->in.local.port ? 0 : inet_port_take(&u->in, 0);
}

int dgram_route(struct dgram_sock *u, struct sock_msg *m, bool with_ports, struct dgram_route *r)
{
	const struct scm_ip *say = &m->scm.ip;
	int ret;

	memset(r, 0, sizeof(*r));
	ret = take_any_port(u);
	if (ret == 0)
		ret = destination(u, m, with_ports, r);
	if (ret < 0)
		return ret;
	r->kind = inet_route(&r->to.addr);
	ret = check_kind(u, r, say);
	if (ret == 0)
		ret = socket_take_error(&u->in.s);
	if (ret == 0 && atomic_load(&u->in.s.shut) & SOCK_SHUT_WR)
		ret = -EPIPE;
	if (ret < 0)
		return ret;
	choose_hops(u, say, r);
	LOCK_GUARD(&u->in.ns->lock);
	r->from.port = u->in.local.port;
	r->from.addr = inet_source(&u->in, &r->to.addr);
	if (say->has_source && !inet_is_any((const struct inet_addr *)say->source)) {
		memcpy(r->from.addr.b, say->source, sizeof(r->from.addr.b));
		if (inet_route(&r->from.addr) != ROUTE_LOCAL)
			return -EINVAL;
	}
	return ret;
}

/* --- connect, names ----------------------------------------------------------------------------------------------------------------- */

static void disconnect(struct dgram_sock *u)
{
	struct inet_sock *i = &u->in;

	LOCK_GUARD(&i->ns->lock);
	u->connected = false;
	i->remote = (struct inet_end){ .addr = i->s.domain == LX_AF_INET ? inet_any4 : inet_any6 };
	if (!i->addr_bound)
		i->local.addr = i->remote.addr;
	if (!i->port_bound) {
		inet_port_leave(i);
		i->local.port = 0;
	}
}

int64_t dgram_connect(struct socket *s, struct task *t, const struct sock_addr *a, bool nonblock)
{
	struct dgram_sock *u = dgram_of(s);
	struct scm_ip silent = { 0 };
	struct dgram_route r = { 0 };
	int ret;

	(void)t;
	(void)nonblock;
	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == LX_AF_UNSPEC) {
		disconnect(u);
		return 0;
	}
	ret = inet_dest(&u->in, a, &r.to);
	if (ret < 0)
		return ret;
	r.kind = inet_route(&r.to.addr);
	ret = check_kind(u, &r, &silent);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&u->in.ns->lock);
	if (!u->in.local.port && u->in.proto != NETNS_RAW)
		ret = inet_port_take(&u->in, 0);
	if (ret < 0)
		return ret;
	u->in.local.addr = inet_source(&u->in, &r.to.addr);
	u->in.remote = r.to;
	u->connected = true;
	return 0;
}

int dgram_name(struct socket *s, int of_peer, struct sock_addr *out)
{
	struct dgram_sock *u = dgram_of(s);

	LOCK_GUARD(&u->in.ns->lock);
	if (of_peer && (!u->connected || (!u->in.remote.port && u->in.proto <= NETNS_UDPLITE)))
		return -ENOTCONN;
	inet_show(&u->in, of_peer ? &u->in.remote : &u->in.local, out);
	return 0;
}
