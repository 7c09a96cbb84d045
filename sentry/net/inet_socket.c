/* Internet sockets: socket(2)'s dispatch, the life that all kinds share, bind(2). See inet.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/fs/landlock.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/dgram.h"
#include "sentry/net/inet.h"
#include "sentry/net/tcp.h"

#define PROTO_MAX 263 /* IPPROTO_MAX: up to MPTCP */
#define SIN6_LEN_RFC2133 24u

/* --- socket(2) -------------------------------------------------------------------------------------------------------------------- */

static const struct kind {
	int type, protocol; /* protocol 0: any but 0 */
	int domain;         /* 0: both */
	int (*create)(struct task *, int domain, int protocol, struct socket **out);
} kinds[] = {
	{ LX_SOCK_STREAM, LX_IPPROTO_TCP, 0, tcp_create },
	{ LX_SOCK_DGRAM, LX_IPPROTO_UDP, 0, udp_create },
	{ LX_SOCK_DGRAM, LX_IPPROTO_UDPLITE, 0, udp_create },
	{ LX_SOCK_DGRAM, LX_IPPROTO_ICMP, LX_AF_INET, ping_create },
	{ LX_SOCK_DGRAM, LX_IPPROTO_ICMPV6, LX_AF_INET6, ping_create },
	{ LX_SOCK_RAW, 0, 0, raw_create },
};

static int create(struct task *t, int domain, int type, int protocol, struct socket **out)
{
	int ret = -ESOCKTNOSUPPORT;

	if (protocol < 0 || protocol >= PROTO_MAX)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (k->type != type || (k->domain && k->domain != domain))
			continue;
		ret = -EPROTONOSUPPORT;
		if (protocol == k->protocol && protocol)
			return k->create(t, domain, protocol, out);
		if (!protocol && k->protocol)
			return k->create(t, domain, k->protocol, out);
		if (!k->protocol && protocol)
			return k->create(t, domain, protocol, out);
	}
	return ret;
}

int inet_create(struct task *t, int type, int protocol, struct socket **out)
{
	return create(t, LX_AF_INET, type, protocol, out);
}

int inet6_create(struct task *t, int type, int protocol, struct socket **out)
{
	return create(t, LX_AF_INET6, type, protocol, out);
}

/* --- life ------------------------------------------------------------------------------------------------------------------------- */

void inet_init(struct inet_sock *i, struct netns *ns, enum netns_proto proto, const struct socket_ops *ops, int domain, int type,
	       int protocol, uint32_t uid)
{
	socket_init(&i->s, ops, domain, type, protocol);
	i->ns = netns_get(ns);
	i->proto = proto;
	i->uid = uid;
	list_init(&i->all_link);
	list_init(&i->bind_link);
	list_init(&i->groups);
	i->local.addr = i->remote.addr = domain == LX_AF_INET ? inet_any4 : inet_any6;
	i->ip = (struct inet_options){ .ttl = -1, .hops = -1, .mcast_ttl = 1, .mcast_hops = 1, .mcast_loop = true, .mcast_loop6 = true,
				       .mcast_all = true, .mtu_discover = 1, .mtu_discover6 = 1, .checksum = -1 };
	i->ip.v6only = domain == LX_AF_INET6 && atomic_load(&ns->bindv6only);
	lock_take(&ns->lock);
	list_push_back(&ns->sockets[proto], &i->all_link);
	ns->count[proto]++;
	lock_drop(&ns->lock);
}

void inet_fini(struct inet_sock *i)
{
	struct netns *ns = i->ns;
	struct inet_group *g, *next;

	lock_take(&ns->lock);
	inet_port_leave(i);
	list_remove(&i->all_link);
	ns->count[i->proto]--;
	lock_drop(&ns->lock);
	list_for_each_safe(g, next, &i->groups, link)
		mem_free(g);
	list_init(&i->groups);
	netns_put(ns);
}

/* --- bind ------------------------------------------------------------------------------------------------------------------------- */

static int bind_addr4(const struct sock_addr *a, struct inet_end *out)
{
	if (a->len < sizeof(a->in))
		return -EINVAL;
	if (a->family != LX_AF_INET && (a->family != LX_AF_UNSPEC || a->in.sin_addr))
		return -EAFNOSUPPORT;
	out->addr = inet_from_v4(a->in.sin_addr);
	out->port = __builtin_bswap16(a->in.sin_port);
	return 0;
}

static int bind_addr6(const struct inet_sock *i, const struct sock_addr *a, struct inet_end *out)
{
	if (a->len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (a->family != LX_AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(out->addr.b, a->in6.sin6_addr, sizeof(out->addr.b));
	out->port = __builtin_bswap16(a->in6.sin6_port);
	if (inet_is_multicast(&out->addr) && !inet_is_v4(&out->addr) && i->s.type == LX_SOCK_STREAM)
		return -EINVAL;
	return inet_is_v4(&out->addr) && i->ip.v6only ? -EINVAL : 0;
}

static bool may_bind_addr(const struct inet_sock *i, const struct inet_addr *addr)
{
	return inet_is_any(addr) || inet_route(addr) != ROUTE_NONE || i->ip.freebind || i->ip.transparent ||
	       atomic_load(&i->ns->ip_nonlocal_bind);
}

static int enter_port(struct inet_sock *i, const struct inet_end *e)
{
	int ret = 0;

	LOCK_GUARD(&i->ns->lock);
	if (i->local.port || (i->proto == NETNS_TCP && tcp_is_connected(i)))
		return -EINVAL;
	i->local.addr = e->addr;
	if (e->port || !i->ip.bind_no_port)
		ret = inet_port_take(i, e->port);
	if (ret < 0) {
		i->local.addr = i->s.domain == LX_AF_INET ? inet_any4 : inet_any6;
		return ret;
	}
	i->addr_bound = !inet_is_any(&e->addr);
	i->port_bound = e->port != 0;
	return 0;
}

int inet_bind_addr(const struct inet_sock *i, const struct sock_addr *a, struct inet_end *e)
{
	int ret = i->s.domain == LX_AF_INET ? bind_addr4(a, e) : bind_addr6(i, a, e);

	if (ret < 0)
		return ret;
	return may_bind_addr(i, &e->addr) ? 0 : -EADDRNOTAVAIL;
}

int inet_bind(struct socket *s, struct task *t, const struct sock_addr *a)
{
	struct inet_sock *i = inet_of(s);
	struct inet_end e;
	int ret = inet_bind_addr(i, a, &e);

	if (ret == 0 && i->proto == NETNS_TCP)
		ret = landlock_may_port(t->cred, e.port, LX_LANDLOCK_NET_BIND_TCP);
	if (ret < 0)
		return ret;
	if (e.port && e.port < atomic_load(&i->ns->unprivileged_port) && !cred_capable(t->cred, LX_CAP_NET_BIND_SERVICE))
		return -EACCES;
	return enter_port(i, &e);
}
