/* UDP: sending, corking, who receives. See dgram.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/poll.h"
#include "base/hash.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/net/dgram.h"
#include "sentry/net/inet_group.h"
#include "sentry/net/udp.h"

#define PAYLOAD_MAX4 65507u
#define PAYLOAD_MAX6 65527u
#define SEGMENTS_MAX 128u

/* --- who receives --------------------------------------------------------------------------------------------------------------------- */

static bool is_for(const struct dgram_sock *u, const struct dgram *d)
{
	if (u->in.local.port != d->to.port)
		return false;
	return !u->connected || (u->in.remote.port == d->from.port && inet_equal(&u->in.remote.addr, &d->from.addr));
}

static int score(const struct dgram_sock *u, const struct dgram *d)
{
	if (!is_for(u, d) || !inet_takes(&u->in, &d->to.addr))
		return 0;
	return 1 + (inet_is_any(&u->in.local.addr) ? 0 : 8) + (u->connected ? 4 : 0) + (u->in.s.bound_dev ? 2 : 0) + (u->in.s.domain == LX_AF_INET);
}

/* Filters see the packet from the UDP header on. */
static void hand_over(struct dgram_sock *u, const struct dgram *d)
{
	struct dgram *copy = dgram_copy(d);
	struct lx_udphdr h = { __builtin_bswap16(d->from.port), __builtin_bswap16(d->to.port),
			       __builtin_bswap16((uint16_t)(d->len + sizeof(h))), 0 };

	if (!copy) {
		atomic_fetch_add(&u->in.ns->udp_drops, 1);
		return;
	}
	memcpy(copy->head + sizeof(copy->head) - sizeof(h), &h, sizeof(h));
	atomic_fetch_add_explicit(&u->in.ns->udp_in, 1, memory_order_relaxed);
	dgram_queue(u, copy, copy->data - sizeof(h), copy->len + (uint32_t)sizeof(h));
}

static struct dgram_sock *member(struct list *bucket, const struct dgram *d, int best, uint32_t n)
{
	struct dgram_sock *u;

	list_for_each(u, bucket, in.bind_link)
		if (score(u, d) == best && socket_opt(&u->in.s, LX_SO_REUSEPORT) && n-- == 0)
			return u;
	return NULL;
}

static struct dgram_sock *receiver(struct list *bucket, const struct dgram *d)
{
	struct dgram_sock *u, *found = NULL;
	uint32_t members = 0;
	int best = 0;

	list_for_each(u, bucket, in.bind_link) {
		int n = score(u, d);

		if (n > best) {
			best = n;
			found = u;
			members = 0;
		}
		if (n && n == best && socket_opt(&u->in.s, LX_SO_REUSEPORT))
			members++;
	}
	if (members > 1)
		return member(bucket, d, best, (uint32_t)(hash_u64(d->from.port, d->to.port) >> 32) % members);
	return found;
}

/* Has anybody joined the group on lo? Otherwise the interface does not take it. */
static bool group_is_joined(struct netns *ns, enum netns_proto proto, const struct inet_addr *group)
{
	const struct dgram_sock *u;

	list_for_each(u, &ns->sockets[proto], in.all_link)
		if (inet_group_has(&u->in, group))
			return true;
	return false;
}

static void to_many(struct netns *ns, enum netns_proto proto, struct list *bucket, const struct dgram *d, bool multicast)
{
	struct dgram_sock *u;

	if (multicast && !group_is_joined(ns, proto, &d->to.addr))
		return;
	list_for_each(u, bucket, in.bind_link)
		if (is_for(u, d) && (inet_is_any(&u->in.local.addr) || inet_equal(&u->in.local.addr, &d->to.addr)) &&
		    inet_takes(&u->in, &d->to.addr) && (!multicast || u->in.ip.mcast_all || inet_group_has(&u->in, &d->to.addr)))
			hand_over(u, d);
}

bool udp_deliver(struct netns *ns, enum netns_proto proto, const struct dgram *d, enum inet_route kind)
{
	struct list *bucket;
	struct dgram_sock *u;

	LOCK_GUARD(&ns->lock);
	bucket = inet_bucket(ns, proto, d->to.port);
	if (kind != ROUTE_LOCAL) {
		if (bucket)
			to_many(ns, proto, bucket, d, kind == ROUTE_MULTICAST);
		return true;
	}
	u = bucket ? receiver(bucket, d) : NULL;
	if (u)
		hand_over(u, d);
	return u != NULL;
}

/* --- sending -------------------------------------------------------------------------------------------------------------------------- */

static void send_one(struct dgram_sock *u, struct dgram *d, enum inet_route kind)
{
	struct netns *ns = u->in.ns;

	atomic_fetch_add_explicit(&ns->udp_out, 1, memory_order_relaxed);
	if (udp_deliver(ns, u->in.proto, d, kind))
		return;
	atomic_fetch_add(&ns->udp_no_port, 1);
	icmp_port_unreachable(ns, d);
	if (inet_is_v4(&d->to.addr))
		dgram_refused(u, d, ECONNREFUSED, LX_ICMP_DEST_UNREACH, LX_ICMP_PORT_UNREACH);
	else
		dgram_refused(u, d, ECONNREFUSED, LX_ICMPV6_DEST_UNREACH, LX_ICMPV6_PORT_UNREACH);
}

/* UDP_SEGMENT: one buffer, many datagrams. */
static int send_segments(struct dgram_sock *u, const struct dgram *all, uint32_t size, enum inet_route kind)
{
	if ((all->len + size - 1) / size > SEGMENTS_MAX)
		return -EINVAL;
	for (uint32_t at = 0; at < all->len; at += size) {
		struct dgram *d = dgram_alloc(all->len - at < size ? all->len - at : size);

		if (!d)
			return -ENOBUFS;
		d->from = all->from;
		d->to = all->to;
		d->ttl = all->ttl;
		d->tos = all->tos;
		d->stamp = all->stamp;
		memcpy(d->data, all->data + at, d->len);
		send_one(u, d, kind);
		dgram_destroy(d);
	}
	return 0;
}

/* What is complete goes. Takes the datagram over. */
static int64_t push(struct dgram_sock *u, struct dgram *d, uint32_t segment, enum inet_route kind)
{
	int ret = 0;

	if (segment && d->len > segment)
		ret = send_segments(u, d, segment, kind);
	else
		send_one(u, d, kind);
	dgram_destroy(d);
	return ret;
}

/* Appends to what is being put together. The bytes stay the caller's in failure. */
static int cork_append(struct dgram_sock *u, const struct dgram *more)
{
	uint32_t have = u->cork ? u->cork->len : 0;
	struct dgram *d;

	if (have + more->len > PAYLOAD_MAX4)
		return -EMSGSIZE;
	d = dgram_alloc(have + more->len);
	if (!d)
		return -ENOBUFS;
	d->from = u->cork ? u->cork->from : more->from;
	d->to = u->cork ? u->cork->to : more->to;
	d->ttl = more->ttl;
	d->tos = more->tos;
	d->stamp = more->stamp;
	if (have)
		memcpy(d->data, u->cork->data, have);
	memcpy(d->data + have, more->data, more->len);
	dgram_destroy(u->cork);
	u->cork = d;
	return 0;
}

int udp_uncork(struct dgram_sock *u)
{
	struct dgram *d;

	lock_take(&u->in.s.lock);
	d = u->cork;
	u->cork = NULL;
	lock_drop(&u->in.s.lock);
	return d ? (int)push(u, d, (uint32_t)u->segment, inet_route(&d->to.addr)) : 0;
}

/* With a cork in, or more to come: what is sent is kept. *d is taken over when it returns 0. */
static int64_t maybe_cork(struct dgram_sock *u, struct sock_msg *m, struct dgram *d, bool *kept)
{
	bool more = u->corked || m->flags & LX_MSG_MORE;
	int ret;

	*kept = false;
	if (!more && !u->cork)
		return 0;
	lock_take(&u->in.s.lock);
	ret = cork_append(u, d);
	lock_drop(&u->in.s.lock);
	dgram_destroy(d);
	*kept = true;
	if (ret == 0 && !more)
		ret = udp_uncork(u);
	return ret;
}

static int64_t udp_send(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct dgram_sock *u = dgram_of(s);
	uint64_t len = m->uio->left;
	uint32_t segment = m->scm.ip.segment ? m->scm.ip.segment : (uint32_t)u->segment;
	struct dgram_route r = { 0 };
	struct dgram *d;
	bool kept;
	int64_t ret;

	(void)t;
	if (len > UINT16_MAX)
		return -EMSGSIZE;
	if (m->flags & LX_MSG_OOB)
		return -EOPNOTSUPP;
	ret = dgram_route(u, m, true, &r);
	if (ret == 0 && len > (inet_is_v4(&r.to.addr) ? PAYLOAD_MAX4 : PAYLOAD_MAX6))
		ret = -EMSGSIZE;
	d = ret == 0 ? dgram_fill(m, (uint32_t)len, &ret) : NULL;
	if (!d)
		return ret;
	d->from = r.from;
	d->to = r.to;
	d->ttl = r.ttl;
	d->tos = r.tos;
	ret = maybe_cork(u, m, d, &kept);
	if (!kept)
		ret = push(u, d, segment, r.kind);
	return ret < 0 ? ret : (int64_t)len;
}

/* --- options, life ---------------------------------------------------------------------------------------------------------------------- */

static int udp_setsockopt(struct socket *s, struct task *t, int level, int name, const void *buf, uint32_t len)
{
	struct dgram_sock *u = dgram_of(s);
	int32_t v;

	if (level != LX_SOL_UDP && (level != LX_SOL_UDPLITE || s->protocol != LX_IPPROTO_UDPLITE))
		return inet_setsockopt(s, t, level, name, buf, len);
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, buf, sizeof(v));
	switch (name) {
	case LX_UDP_CORK:
		u->corked = v != 0;
		return v ? 0 : udp_uncork(u);
	case LX_UDP_SEGMENT:
		if (v < 0 || v > UINT16_MAX)
			return -EINVAL;
		u->segment = v;
		return 0;
	case LX_UDP_GRO:
		u->gro = v != 0;
		return 0;
	case LX_UDP_NO_CHECK6_TX:
		u->no_check_tx = v != 0;
		return 0;
	case LX_UDP_NO_CHECK6_RX:
		u->no_check_rx = v != 0;
		return 0;
	case LX_UDPLITE_SEND_CSCOV:
	case LX_UDPLITE_RECV_CSCOV:
		if (s->protocol != LX_IPPROTO_UDPLITE)
			return -ENOPROTOOPT;
		v = v && v < 8 ? 8 : v > UINT16_MAX ? UINT16_MAX : v;
		u->coverage[name == LX_UDPLITE_RECV_CSCOV] = v;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int udp_getsockopt(struct socket *s, struct task *t, int level, int name, void *buf, uint32_t *len)
{
	const struct dgram_sock *u = dgram_of(s);

	if (level != LX_SOL_UDP && (level != LX_SOL_UDPLITE || s->protocol != LX_IPPROTO_UDPLITE))
		return inet_getsockopt(s, t, level, name, buf, len);
	switch (name) {
	case LX_UDP_CORK:
		return inet_put_int(buf, len, u->corked);
	case LX_UDP_SEGMENT:
		return inet_put_int(buf, len, u->segment);
	case LX_UDP_GRO:
		return inet_put_int(buf, len, u->gro);
	case LX_UDP_NO_CHECK6_TX:
		return inet_put_int(buf, len, u->no_check_tx);
	case LX_UDP_NO_CHECK6_RX:
		return inet_put_int(buf, len, u->no_check_rx);
	case LX_UDPLITE_SEND_CSCOV:
	case LX_UDPLITE_RECV_CSCOV:
		if (s->protocol != LX_IPPROTO_UDPLITE)
			return -ENOPROTOOPT;
		return inet_put_int(buf, len, u->coverage[name == LX_UDPLITE_RECV_CSCOV]);
	default:
		return -ENOPROTOOPT;
	}
}

static const struct socket_ops udp_ops = {
	.bind = inet_bind,
	.connect = dgram_connect,
	.name = dgram_name,
	.shutdown = dgram_shutdown,
	.send = udp_send,
	.recv = dgram_recv,
	.poll = dgram_poll,
	.pending = dgram_pending,
	.ioctl = dgram_ioctl,
	.cmsg = inet_cmsg,
	.getsockopt = udp_getsockopt,
	.setsockopt = udp_setsockopt,
	.release = dgram_release,
	.free = dgram_free,
};

int udp_create(struct task *t, int domain, int protocol, struct socket **out)
{
	struct dgram_sock *u = dgram_new(t, protocol == LX_IPPROTO_UDP ? NETNS_UDP : NETNS_UDPLITE, &udp_ops, domain, LX_SOCK_DGRAM, protocol);

	if (!u)
		return -ENOMEM;
	*out = &u->in.s;
	return 0;
}
