/* NETLINK_ROUTE: routes. All lead to lo, and are the same in every namespace. See netlink.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/inet.h"
#include "sentry/net/netlink.h"

static const struct route {
	uint8_t family, len, scope, type;
	uint8_t dst[16];
} routes[] = {
	{ LX_AF_INET, 8, LX_RT_SCOPE_HOST, LX_RTN_LOCAL, { 127 } },
	{ LX_AF_INET, 32, LX_RT_SCOPE_HOST, LX_RTN_LOCAL, { 127, 0, 0, 1 } },
	{ LX_AF_INET, 32, LX_RT_SCOPE_LINK, LX_RTN_BROADCAST, { 127, 255, 255, 255 } },
	{ LX_AF_INET6, 128, 0, LX_RTN_LOCAL, { [15] = 1 } },
};

static const uint32_t no_cache[8];

static void put_route(struct netlink_req *r, const struct route *e)
{
	struct lx_rtmsg m = { .rtm_family = e->family, .rtm_dst_len = e->len, .rtm_table = LX_RT_TABLE_LOCAL,
			      .rtm_protocol = LX_RTPROT_KERNEL, .rtm_scope = e->scope, .rtm_type = e->type };
	uint32_t v4 = inet_to_v4(&inet_loop4);
	bool six = e->family == LX_AF_INET6;
	size_t at = netlink_begin(r, LX_RTM_NEWROUTE, &m, sizeof(m));

	netlink_put_u32(r, LX_RTA_TABLE, LX_RT_TABLE_LOCAL);
	netlink_put(r, LX_RTA_DST, e->dst, six ? 16 : 4);
	if (!six)
		netlink_put(r, LX_RTA_PREFSRC, &v4, sizeof(v4));
	else
		netlink_put_u32(r, LX_RTA_PRIORITY, 0);
	netlink_put_u32(r, LX_RTA_OIF, LO_IFINDEX);
	if (six) {
		netlink_put(r, LX_RTA_CACHEINFO, no_cache, sizeof(no_cache));
		netlink_put_u8(r, LX_RTA_PREF, 0);
	}
	netlink_end(r, at);
}

/* Strict askers get what they asked for; others filter by themselves. 0: all tables. */
static int wanted_table(const struct netlink_req *r, uint32_t *table)
{
	struct lx_rtmsg m;
	uint32_t len = 0;
	const void *p;

	*table = 0;
	if (!netlink_flag(r->from, NL_STRICT))
		return 0;
	if (!netlink_fixed(r, &m, sizeof(m)))
		return -EINVAL;
	*table = m.rtm_table;
	p = netlink_attr(r, sizeof(m), LX_RTA_TABLE, &len);
	if (p && len >= sizeof(*table))
		memcpy(table, p, sizeof(*table));
	return 0;
}

int netlink_route_dump(struct netlink_req *r, int family)
{
	struct lx_rtmsg m;
	uint32_t table;
	int ret = wanted_table(r, &table);

	if (ret < 0)
		return ret;
	netlink_fixed(r, &m, sizeof(m));
	if (r->len >= sizeof(m) && m.rtm_flags & LX_RTM_F_CLONED)
		return 0; /* the cache, which has been empty since Linux 3.6 */
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if ((family == LX_AF_INET || family == LX_AF_INET6) && routes[i].family != family)
			continue;
		if (!table || table == LX_RT_TABLE_LOCAL)
			put_route(r, &routes[i]);
	}
	return 0;
}

/* --- the route to one address --------------------------------------------------------------------------------------------------------- */

static void put_found4(struct netlink_req *r, const void *dst, enum inet_route kind)
{
	struct lx_rtmsg m = { .rtm_family = LX_AF_INET, .rtm_dst_len = 32, .rtm_table = LX_RT_TABLE_MAIN,
			      .rtm_type = kind == ROUTE_BROADCAST ? LX_RTN_BROADCAST : LX_RTN_LOCAL,
			      .rtm_flags = LX_RTM_F_CLONED | LX_RTCF_LOCAL | (kind == ROUTE_BROADCAST ? 0x10000000u : 0) };
	uint32_t v4 = inet_to_v4(&inet_loop4), cache[8] = { 2 };
	size_t at = netlink_begin(r, LX_RTM_NEWROUTE, &m, sizeof(m));

	netlink_put_u32(r, LX_RTA_TABLE, LX_RT_TABLE_MAIN);
	netlink_put(r, LX_RTA_DST, dst, 4);
	netlink_put_u32(r, LX_RTA_OIF, LO_IFINDEX);
	netlink_put(r, LX_RTA_PREFSRC, &v4, sizeof(v4));
	netlink_put_u32(r, LX_RTA_UID, r->t->cred->uid);
	netlink_put(r, LX_RTA_CACHEINFO, cache, sizeof(cache));
	netlink_end(r, at);
}

static void put_found6(struct netlink_req *r, const void *dst)
{
	struct lx_rtmsg m = { .rtm_family = LX_AF_INET6, .rtm_dst_len = 128, .rtm_table = LX_RT_TABLE_LOCAL,
			      .rtm_protocol = LX_RTPROT_KERNEL, .rtm_type = LX_RTN_LOCAL };
	uint32_t cache[8] = { 2 };
	size_t at = netlink_begin(r, LX_RTM_NEWROUTE, &m, sizeof(m));

	netlink_put_u32(r, LX_RTA_TABLE, LX_RT_TABLE_LOCAL);
	netlink_put(r, LX_RTA_DST, dst, 16);
	netlink_put(r, LX_RTA_PREFSRC, inet_loop6.b, 16);
	netlink_put_u32(r, LX_RTA_PRIORITY, 0);
	netlink_put_u32(r, LX_RTA_OIF, LO_IFINDEX);
	netlink_put(r, LX_RTA_CACHEINFO, cache, sizeof(cache));
	netlink_put_u8(r, LX_RTA_PREF, 0);
	netlink_end(r, at);
}

int netlink_route_get(struct netlink_req *r, int family)
{
	uint32_t len = 0, size = family == LX_AF_INET ? 4 : 16, v4 = 0;
	struct inet_addr to = inet_any6;
	enum inet_route kind;
	struct lx_rtmsg m;
	const void *dst;

	if (!netlink_fixed(r, &m, sizeof(m)))
		return -EINVAL;
	dst = netlink_attr(r, sizeof(m), LX_RTA_DST, &len);
	if (dst && len < size)
		return -EINVAL;
	if (dst && family == LX_AF_INET)
		memcpy(&v4, dst, sizeof(v4));
	else if (dst)
		memcpy(to.b, dst, sizeof(to.b));
	if (family == LX_AF_INET)
		to = inet_from_v4(v4);
	kind = inet_route(&to);
	if (inet_is_any(&to)) /* no address is this host's */
		kind = ROUTE_LOCAL;
	if (kind != ROUTE_LOCAL && kind != ROUTE_BROADCAST)
		return -ENETUNREACH;
	if (family == LX_AF_INET)
		put_found4(r, &v4, kind);
	else
		put_found6(r, to.b);
	return 0;
}
