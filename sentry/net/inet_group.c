/* Multicast memberships: see inet_group.h. */
#include "sentry/net/inet_group.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define GROUPS_MAX 20u /* net.ipv4.igmp_max_memberships */

static struct inet_group *find(const struct inet_sock *i, const struct inet_addr *a)
{
	struct inet_group *g;

	list_for_each(g, &i->groups, link)
		if (inet_equal(&g->addr, a))
			return g;
	return NULL;
}

static int join(struct inet_sock *i, const struct inet_addr *a)
{
	struct inet_group *g = mem_zalloc(sizeof(*g));

	if (!g)
		return -ENOBUFS;
	g->addr = *a;
	g->ifindex = LO_IFINDEX;
	LOCK_GUARD(&i->ns->lock);
	if (find(i, a) || i->group_count >= GROUPS_MAX) {
		mem_free(g);
		return i->group_count >= GROUPS_MAX ? -ENOBUFS : -EADDRINUSE;
	}
	list_push_back(&i->groups, &g->link);
	i->group_count++;
	return 0;
}

static int leave(struct inet_sock *i, const struct inet_addr *a)
{
	struct inet_group *g;

	lock_take(&i->ns->lock);
	g = find(i, a);
	if (g) {
		list_remove(&g->link);
		i->group_count--;
	}
	lock_drop(&i->ns->lock);
	mem_free(g);
	return g ? 0 : -EADDRNOTAVAIL;
}

static int change(struct inet_sock *i, bool joins, const struct inet_addr *a)
{
	if (!inet_is_multicast(a))
		return -EINVAL;
	if (i->s.type == LX_SOCK_STREAM)
		return -EPROTO;
	return joins ? join(i, a) : leave(i, a);
}

int inet_group_change4(struct inet_sock *i, bool joins, const void *buf, uint32_t len)
{
	struct lx_ip_mreqn m = { 0 };
	struct inet_addr group, by;

	if (i->s.type == LX_SOCK_STREAM)
		return -EPROTO;
	if (len < sizeof(struct lx_ip_mreq))
		return -EINVAL;
	memcpy(&m, buf, len >= sizeof(m) ? sizeof(m) : sizeof(struct lx_ip_mreq));
	group = inet_from_v4(m.imr_multiaddr);
	by = inet_from_v4(m.imr_address);
	if (!inet_is_multicast(&group))
		return -EINVAL;
	/* Without an interface named, routing decides: there is no route for it. */
	if (m.imr_ifindex ? m.imr_ifindex != LO_IFINDEX : inet_route(&by) != ROUTE_LOCAL)
		return -ENODEV;
	return change(i, joins, &group);
}

int inet_group_change6(struct inet_sock *i, bool joins, const void *buf, uint32_t len)
{
	struct lx_ipv6_mreq m;
	struct inet_addr group;

	if (i->s.type == LX_SOCK_STREAM)
		return -EPROTO;
	if (len < sizeof(m))
		return -EINVAL;
	memcpy(&m, buf, sizeof(m));
	memcpy(group.b, m.ipv6mr_multiaddr, sizeof(group.b));
	if (!inet_is_multicast(&group) || inet_is_v4(&group))
		return -EINVAL;
	if (m.ipv6mr_ifindex && m.ipv6mr_ifindex != LO_IFINDEX)
		return -ENODEV;
	return change(i, joins, &group);
}

int inet_group_change_any(struct inet_sock *i, bool joins, const void *buf, uint32_t len)
{
	struct {
		uint32_t gr_interface, pad;
		struct sock_addr a;
	} req = { 0 };
	struct inet_addr group;

	/* struct group_req: the interface, then an address in 128 bytes at offset 8. */
	if (len < 8 + LX_SOCKADDR_MAX)
		return -EINVAL;
	memcpy(&req.gr_interface, buf, sizeof(req.gr_interface));
	memcpy(req.a.raw, (const char *)buf + 8, LX_SOCKADDR_MAX);
	if (req.a.family == LX_AF_INET)
		group = inet_from_v4(req.a.in.sin_addr);
	else if (req.a.family == LX_AF_INET6)
		memcpy(group.b, req.a.in6.sin6_addr, sizeof(group.b));
	else
		return -EINVAL;
	if (req.gr_interface != LO_IFINDEX)
		return -ENODEV;
	return change(i, joins, &group);
}

bool inet_group_has(const struct inet_sock *i, const struct inet_addr *a)
{
	return find(i, a) != NULL;
}
