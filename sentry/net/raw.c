/* Raw sockets: raw(7). See dgram.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/dgram.h"
#include "sentry/net/udp.h"

/* --- receiving ---------------------------------------------------------------------------------------------------------------------------- */

/* ICMP_FILTER and ICMPV6_FILTER: a bit that is set keeps that type away. */
static bool filtered(const struct dgram_sock *u, const struct dgram *d, int protocol)
{
	uint8_t type = d->len ? (uint8_t)d->data[0] : 0;

	if (protocol == LX_IPPROTO_ICMP)
		return type < 32 && u->icmp_filter[0] >> type & 1;
	if (protocol == LX_IPPROTO_ICMPV6)
		return u->icmp_filter[type / 32] >> (type % 32) & 1;
	return false;
}

static bool is_for(const struct dgram_sock *u, const struct dgram *d, int protocol)
{
	bool v4 = inet_is_v4(&d->to.addr);

	if (u->in.s.protocol != protocol || (u->in.s.domain == LX_AF_INET) != v4)
		return false;
	if (!inet_is_any(&u->in.local.addr) && !inet_equal(&u->in.local.addr, &d->to.addr))
		return false;
	if (u->connected && !inet_equal(&u->in.remote.addr, &d->from.addr))
		return false;
	return !filtered(u, d, protocol);
}

/* What a raw IPv4 socket reads begins with the IP header. */
static struct dgram *with_header(const struct dgram *d, int protocol)
{
	struct lx_iphdr ip = { .version_ihl = 0x45, .tos = (uint8_t)d->tos, .tot_len = __builtin_bswap16((uint16_t)(d->len + sizeof(ip))),
			       .ttl = (uint8_t)d->ttl, .protocol = (uint8_t)protocol, .saddr = inet_to_v4(&d->from.addr),
			       .daddr = inet_to_v4(&d->to.addr) };
	struct dgram *copy = dgram_alloc(d->len + (uint32_t)sizeof(ip));

	if (!copy)
		return NULL;
	ip.check = inet_checksum(&ip, sizeof(ip), 0);
	memcpy(copy->data, &ip, sizeof(ip));
	memcpy(copy->data + sizeof(ip), d->data, d->len);
	copy->from = d->from;
	copy->to = d->to;
	copy->ttl = d->ttl;
	copy->tos = d->tos;
	copy->stamp = d->stamp;
	return copy;
}

void raw_deliver(struct netns *ns, const struct dgram *d, int protocol)
{
	struct dgram_sock *u;
	struct dgram *copy;

	LOCK_GUARD(&ns->lock);
	list_for_each(u, &ns->sockets[NETNS_RAW], in.all_link) {
		if (!is_for(u, d, protocol))
			continue;
		copy = u->in.s.domain == LX_AF_INET ? with_header(d, protocol) : dgram_copy(d);
		if (!copy)
			return;
		copy->from.port = copy->to.port = 0;
		dgram_queue(u, copy, copy->data, copy->len);
	}
}

/* --- sending ------------------------------------------------------------------------------------------------------------------------------ */

/* A packet of any protocol has come to this host: those who know what to do with it. */
static void deliver(struct netns *ns, struct dgram *d, int protocol, enum inet_route kind)
{
	struct lx_udphdr udp;

	if (protocol == LX_IPPROTO_ICMP || protocol == LX_IPPROTO_ICMPV6) {
		icmp_deliver(ns, d);
		return;
	}
	raw_deliver(ns, d, protocol);
	if (protocol != LX_IPPROTO_UDP || d->len < sizeof(udp))
		return;
	memcpy(&udp, d->data, sizeof(udp));
	d->from.port = __builtin_bswap16(udp.source);
	d->to.port = __builtin_bswap16(udp.dest);
	d->len -= (uint32_t)sizeof(udp);
	memmove(d->data, d->data + sizeof(udp), d->len);
	if (!udp_deliver(ns, NETNS_UDP, d, kind))
		icmp_port_unreachable(ns, d);
}

/* The caller's own IP header comes off: its addresses and numbers count. -EINVAL. */
static int take_header(struct dgram *d, int *protocol)
{
	struct lx_iphdr ip;
	uint32_t size;

	if (d->len < sizeof(ip))
		return -EINVAL;
	memcpy(&ip, d->data, sizeof(ip));
	size = (ip.version_ihl & 15u) * 4u;
	if (size < sizeof(ip) || size > d->len)
		return -EINVAL;
	if (ip.saddr)
		d->from.addr = inet_from_v4(ip.saddr);
	d->ttl = ip.ttl;
	d->tos = ip.tos;
	*protocol = ip.protocol;
	d->len -= size;
	memmove(d->data, d->data + size, d->len);
	return 0;
}

static int64_t raw_send(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct dgram_sock *u = dgram_of(s);
	bool own_header = s->domain == LX_AF_INET && u->in.ip.hdrincl;
	uint64_t len = m->uio->left;
	int protocol = s->protocol;
	struct dgram_route r = { 0 };
	struct dgram *d;
	int64_t ret;

	(void)t;
	if (len > UINT16_MAX)
		return -EMSGSIZE;
	if (m->flags & LX_MSG_OOB)
		return -EOPNOTSUPP;
	ret = dgram_route(u, m, false, &r);
	if (ret == 0 && !own_header && len > UINT16_MAX - sizeof(struct lx_iphdr))
		ret = -EMSGSIZE;
	d = ret == 0 ? dgram_fill(m, (uint32_t)len, &ret) : NULL;
	if (!d)
		return ret;
	d->from.addr = r.from.addr;
	d->to.addr = r.to.addr;
	d->ttl = r.ttl;
	d->tos = r.tos;
	ret = own_header ? take_header(d, &protocol) : 0;
	if (ret == 0 && protocol == LX_IPPROTO_ICMPV6 && len >= sizeof(struct lx_icmphdr))
		icmp_set_checksum(d);
	if (ret == 0)
		deliver(u->in.ns, d, protocol, r.kind);
	dgram_destroy(d);
	return ret < 0 ? ret : (int64_t)len;
}

/* --- names, options, life ------------------------------------------------------------------------------------------------------------------- */

/* Only the address counts; an address is the whole name. */
static int raw_bind(struct socket *s, struct task *t, const struct sock_addr *a)
{
	struct inet_sock *i = inet_of(s);
	struct inet_end e = { 0 };
	int ret = inet_bind_addr(i, a, &e);

	(void)t;
	if (ret < 0)
		return ret;
	LOCK_GUARD(&i->ns->lock);
	i->local.addr = e.addr;
	i->addr_bound = !inet_is_any(&e.addr);
	return 0;
}

static bool is_filter(const struct socket *s, int level, int name, uint32_t *size)
{
	*size = s->domain == LX_AF_INET ? sizeof(uint32_t) : 8 * sizeof(uint32_t);
	if (s->domain == LX_AF_INET)
		return level == LX_SOL_RAW && name == LX_ICMP_FILTER && s->protocol == LX_IPPROTO_ICMP;
	return level == LX_SOL_ICMPV6 && name == LX_ICMPV6_FILTER && s->protocol == LX_IPPROTO_ICMPV6;
}

static int raw_setsockopt(struct socket *s, struct task *t, int level, int name, const void *buf, uint32_t len)
{
	struct dgram_sock *u = dgram_of(s);
	uint32_t size;
	int32_t v;

	if (is_filter(s, level, name, &size)) {
		LOCK_GUARD(&s->lock);
		memcpy(u->icmp_filter, buf, len < size ? len : size);
		return 0;
	}
	if (s->domain == LX_AF_INET6 && name == LX_IPV6_CHECKSUM && (level == LX_SOL_IPV6 || level == LX_SOL_RAW)) {
		if (len < sizeof(v))
			return -EINVAL;
		memcpy(&v, buf, sizeof(v));
		if (s->protocol == LX_IPPROTO_ICMPV6 || (v > 0 && v & 1))
			return -EINVAL;
		u->in.ip.checksum = v < 0 ? -1 : v;
		return 0;
	}
	return inet_setsockopt(s, t, level, name, buf, len);
}

static int raw_getsockopt(struct socket *s, struct task *t, int level, int name, void *buf, uint32_t *len)
{
	const struct dgram_sock *u = dgram_of(s);
	uint32_t size;

	if (!is_filter(s, level, name, &size))
		return inet_getsockopt(s, t, level, name, buf, len);
	*len = *len < size ? *len : size;
	memcpy(buf, u->icmp_filter, *len);
	return 0;
}

static const struct socket_ops raw_ops = {
	.bind = raw_bind,
	.connect = dgram_connect,
	.name = dgram_name,
	.shutdown = dgram_shutdown,
	.send = raw_send,
	.recv = dgram_recv,
	.poll = dgram_poll,
	.pending = dgram_pending,
	.ioctl = dgram_ioctl,
	.cmsg = inet_cmsg,
	.getsockopt = raw_getsockopt,
	.setsockopt = raw_setsockopt,
	.release = dgram_release,
	.free = dgram_free,
};

int raw_create(struct task *t, int domain, int protocol, struct socket **out)
{
	struct dgram_sock *u;

	if (!cred_capable(t->cred, LX_CAP_NET_RAW))
		return -EPERM;
	u = dgram_new(t, NETNS_RAW, &raw_ops, domain, LX_SOCK_RAW, protocol);
	if (!u)
		return -ENOMEM;
	u->in.ip.hdrincl = protocol == LX_IPPROTO_RAW;
	*out = &u->in.s;
	return 0;
}
