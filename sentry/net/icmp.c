/* ICMP: the kernel's answers to echo requests, ping sockets. icmp(7). See dgram.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/dgram.h"
#include "sentry/net/udp.h"

#define QUOTED 8u /* bytes of the datagram that an error quotes beyond its IP header */

uint16_t inet_checksum(const void *p, uint32_t len, uint32_t sum)
{
	const uint8_t *b = p;

	for (; len > 1; len -= 2, b += 2)
		sum += (uint32_t)b[0] << 8 | b[1];
	if (len)
		sum += (uint32_t)b[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return __builtin_bswap16((uint16_t)~sum);
}

/* The pseudo-header that ICMPv6 sums up, too. */
static uint32_t pseudo6(const struct dgram *d)
{
	uint32_t sum = d->len + LX_IPPROTO_ICMPV6;

	for (int i = 0; i < 16; i += 2)
		sum += ((uint32_t)d->from.addr.b[i] << 8 | d->from.addr.b[i + 1]) + ((uint32_t)d->to.addr.b[i] << 8 | d->to.addr.b[i + 1]);
	return sum;
}

void icmp_set_checksum(struct dgram *d)
{
	struct lx_icmphdr *h = (struct lx_icmphdr *)(void *)d->data;

	h->checksum = 0;
	h->checksum = inet_checksum(d->data, d->len, inet_is_v4(&d->to.addr) ? 0 : pseudo6(d));
}

/* --- delivery --------------------------------------------------------------------------------------------------------------------------- */

/* A reply, for the ping socket whose number it bears. */
static void to_ping_socket(struct netns *ns, const struct dgram *d, uint16_t id)
{
	enum netns_proto proto = inet_is_v4(&d->to.addr) ? NETNS_ICMP : NETNS_ICMP6;
	struct dgram *copy;
	struct dgram_sock *u;

	LOCK_GUARD(&ns->lock);
	list_for_each(u, &ns->sockets[proto], in.all_link) {
		if (u->in.local.port != id || !inet_takes(&u->in, &d->to.addr))
			continue;
		if (u->connected && !inet_equal(&u->in.remote.addr, &d->from.addr))
			continue;
		copy = dgram_copy(d);
		if (copy)
			copy->from.port = 0;
		if (copy)
			dgram_queue(u, copy, copy->data, copy->len);
		return;
	}
}

static void answer_echo(struct netns *ns, const struct dgram *d, uint8_t reply)
{
	struct dgram *r = dgram_copy(d);
	struct inet_end from;

	if (!r)
		return;
	from = r->from;
	r->from = r->to;
	r->to = from;
	if (inet_is_multicast(&r->from.addr))
		r->from.addr = inet_is_v4(&from.addr) ? inet_loop4 : inet_loop6;
	r->ttl = atomic_load(&ns->default_ttl);
	((struct lx_icmphdr *)(void *)r->data)->type = reply;
	icmp_set_checksum(r);
	icmp_deliver(ns, r);
	dgram_destroy(r);
}

void icmp_deliver(struct netns *ns, const struct dgram *d)
{
	bool v4 = inet_is_v4(&d->to.addr);
	struct lx_icmphdr h;

	raw_deliver(ns, d, v4 ? LX_IPPROTO_ICMP : LX_IPPROTO_ICMPV6);
	if (d->len < sizeof(h) || inet_checksum(d->data, d->len, v4 ? 0 : pseudo6(d)) != 0)
		return;
	memcpy(&h, d->data, sizeof(h));
	if (h.type == (v4 ? LX_ICMP_ECHO : LX_ICMPV6_ECHO_REQUEST))
		answer_echo(ns, d, v4 ? LX_ICMP_ECHOREPLY : LX_ICMPV6_ECHO_REPLY);
	else if (h.type == (v4 ? LX_ICMP_ECHOREPLY : LX_ICMPV6_ECHO_REPLY))
		to_ping_socket(ns, d, __builtin_bswap16(h.id));
}

void icmp_port_unreachable(struct netns *ns, const struct dgram *d)
{
	bool v4 = inet_is_v4(&d->to.addr);
	struct lx_icmphdr h = { .type = v4 ? LX_ICMP_DEST_UNREACH : LX_ICMPV6_DEST_UNREACH,
				.code = v4 ? LX_ICMP_PORT_UNREACH : LX_ICMPV6_PORT_UNREACH };
	struct lx_iphdr ip = { .version_ihl = 0x45, .tot_len = __builtin_bswap16((uint16_t)(d->len + 28)), .ttl = (uint8_t)d->ttl,
			       .protocol = LX_IPPROTO_UDP, .saddr = inet_to_v4(&d->from.addr), .daddr = inet_to_v4(&d->to.addr) };
	struct lx_udphdr udp = { __builtin_bswap16(d->from.port), __builtin_bswap16(d->to.port), __builtin_bswap16((uint16_t)(d->len + 8)), 0 };
	struct dgram *e;

	if (!v4 || !ns->count[NETNS_RAW]) /* nobody would see it */
		return;
	e = dgram_alloc(sizeof(h) + sizeof(ip) + QUOTED);
	if (!e)
		return;
	ip.check = inet_checksum(&ip, sizeof(ip), 0);
	memcpy(e->data, &h, sizeof(h));
	memcpy(e->data + sizeof(h), &ip, sizeof(ip));
	memcpy(e->data + sizeof(h) + sizeof(ip), &udp, sizeof(udp));
	e->from = d->to;
	e->to = d->from;
	e->ttl = 64;
	e->tos = 0xc0;
	e->stamp = host_realtime_ns();
	icmp_set_checksum(e);
	icmp_deliver(ns, e);
	dgram_destroy(e);
}

/* --- ping sockets ------------------------------------------------------------------------------------------------------------------------- */

/* The request's number is the socket's port; its sum is the kernel's business. */
static int64_t ping_send(struct socket *s, struct task *t, struct sock_msg *m)
{
	struct dgram_sock *u = dgram_of(s);
	bool v4 = s->domain == LX_AF_INET;
	uint64_t len = m->uio->left;
	struct dgram_route r = { 0 };
	struct lx_icmphdr *h;
	struct dgram *d;
	int64_t ret;

	(void)t;
	if (len > UINT16_MAX)
		return -EMSGSIZE;
	if (len < sizeof(*h))
		return -EINVAL;
	if (m->flags & LX_MSG_OOB)
		return -EOPNOTSUPP;
	ret = dgram_route(u, m, false, &r);
	if (ret == 0 && inet_is_v4(&r.to.addr) != v4)
		ret = -EINVAL;
	d = ret == 0 ? dgram_fill(m, (uint32_t)len, &ret) : NULL;
	if (!d)
		return ret;
	h = (struct lx_icmphdr *)(void *)d->data;
	if (h->type != (v4 ? LX_ICMP_ECHO : LX_ICMPV6_ECHO_REQUEST) || h->code) {
		dgram_destroy(d);
		return -EINVAL;
	}
	d->from = r.from;
	d->to = r.to;
	d->ttl = r.ttl;
	d->tos = r.tos;
	h->id = __builtin_bswap16(r.from.port);
	icmp_set_checksum(d);
	icmp_deliver(u->in.ns, d);
	dgram_destroy(d);
	return (int64_t)len;
}

static const struct socket_ops ping_ops = {
	.bind = inet_bind,
	.connect = dgram_connect,
	.name = dgram_name,
	.shutdown = dgram_shutdown,
	.send = ping_send,
	.recv = dgram_recv,
	.poll = dgram_poll,
	.pending = dgram_pending,
	.ioctl = dgram_ioctl,
	.cmsg = inet_cmsg,
	.getsockopt = inet_getsockopt,
	.setsockopt = inet_setsockopt,
	.release = dgram_release,
	.free = dgram_free,
};

/* One of the task's groups is in net.ipv4.ping_group_range. */
static bool may_ping(const struct task *t, const struct netns *ns)
{
	uint32_t low = atomic_load(&ns->ping_low), high = atomic_load(&ns->ping_high);

	if (t->cred->egid >= low && t->cred->egid <= high)
		return true;
	for (uint32_t i = 0; i < t->cred->group_count; i++)
		if (t->cred->groups[i] >= low && t->cred->groups[i] <= high)
			return true;
	return false;
}

int ping_create(struct task *t, int domain, int protocol, struct socket **out)
{
	enum netns_proto proto = domain == LX_AF_INET ? NETNS_ICMP : NETNS_ICMP6;
	struct dgram_sock *u;

	if (!may_ping(t, task_netns(t)))
		return -EACCES;
	u = dgram_new(t, proto, &ping_ops, domain, LX_SOCK_DGRAM, protocol);
	if (!u)
		return -ENOMEM;
	*out = &u->in.s;
	return 0;
}
