/* NETLINK_ROUTE: the interface lo, its addresses, the rules of routing, queueing disciplines. rtnetlink(7). See netlink.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/inet.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/inet.h"
#include "sentry/net/netlink.h"

#define LO_FLAGS 0x10049u /* UP, LOOPBACK, RUNNING, LOWER_UP */
#define FOREVER UINT32_MAX

/* --- the interface -------------------------------------------------------------------------------------------------------------------- */

static const struct {
	uint16_t type;
	uint32_t value;
} lo_numbers[] = {
	{ LX_IFLA_TXQLEN, 1000 },	   { LX_IFLA_MTU, LO_MTU },	     { LX_IFLA_MIN_MTU, 0 },
	{ LX_IFLA_MAX_MTU, 0 },		   { LX_IFLA_GROUP, 0 },	     { LX_IFLA_PROMISCUITY, 0 },
	{ LX_IFLA_NUM_TX_QUEUES, 1 },	   { LX_IFLA_GSO_MAX_SEGS, 65535 },  { LX_IFLA_GSO_MAX_SIZE, 65536 },
	{ LX_IFLA_NUM_RX_QUEUES, 1 },	   { LX_IFLA_CARRIER_CHANGES, 0 },   { LX_IFLA_CARRIER_UP_COUNT, 0 },
	{ LX_IFLA_CARRIER_DOWN_COUNT, 0 },
};

static void put_stats(struct netlink_req *r)
{
	uint64_t packets = atomic_load(&r->from->ns->lo_packets), bytes = atomic_load(&r->from->ns->lo_bytes);
	uint64_t wide[25] = { packets, packets, bytes, bytes };
	uint32_t narrow[24] = { (uint32_t)packets, (uint32_t)packets, (uint32_t)bytes, (uint32_t)bytes };

	netlink_put(r, LX_IFLA_STATS64, wide, sizeof(wide));
	netlink_put(r, LX_IFLA_STATS, narrow, sizeof(narrow));
}

static void put_af_spec(struct netlink_req *r)
{
	size_t all = netlink_nest(r, LX_IFLA_AF_SPEC), six = netlink_nest(r, LX_AF_INET6);

	netlink_put_u32(r, 1, 0x80000000u); /* IFLA_INET6_FLAGS: IF_READY */
	netlink_put_u8(r, 8, 0);            /* IFLA_INET6_ADDR_GEN_MODE: EUI64 */
	netlink_nest_end(r, six);
	netlink_nest_end(r, all);
}

static void put_link(struct netlink_req *r, uint32_t ext_mask)
{
	struct lx_ifinfomsg lo = { .ifi_type = LX_ARPHRD_LOOPBACK, .ifi_index = LO_IFINDEX, .ifi_flags = LO_FLAGS };
	static const uint8_t nothing[32];
	size_t at = netlink_begin(r, LX_RTM_NEWLINK, &lo, sizeof(lo));

	netlink_put_text(r, LX_IFLA_IFNAME, "lo");
	netlink_put_u8(r, LX_IFLA_OPERSTATE, 0); /* unknown, as every lo */
	netlink_put_u8(r, LX_IFLA_LINKMODE, 0);
	netlink_put_u8(r, LX_IFLA_CARRIER, 1);
	netlink_put_u8(r, LX_IFLA_PROTO_DOWN, 0);
	for (size_t i = 0; i < ARRAY_LEN(lo_numbers); i++)
		netlink_put_u32(r, lo_numbers[i].type, lo_numbers[i].value);
	netlink_put(r, LX_IFLA_ADDRESS, nothing, 6);
	netlink_put(r, LX_IFLA_BROADCAST, nothing, 6);
	netlink_put(r, LX_IFLA_MAP, nothing, 32);
	netlink_put_text(r, LX_IFLA_QDISC, "noqueue");
	if (!(ext_mask & LX_RTEXT_FILTER_SKIP_STATS))
		put_stats(r);
	put_af_spec(r);
	netlink_end(r, at);
}

static uint32_t ext_mask(const struct netlink_req *r, uint32_t fixed)
{
	uint32_t len = 0, mask = 0;
	const void *p = netlink_attr(r, fixed, LX_IFLA_EXT_MASK, &len);

	if (p && len >= sizeof(mask))
		memcpy(&mask, p, sizeof(mask));
	return mask;
}

static int dump_links(struct netlink_req *r, int family)
{
	(void)family;
	put_link(r, ext_mask(r, r->len < sizeof(struct lx_ifinfomsg) ? 4 : sizeof(struct lx_ifinfomsg)));
	return 0;
}

/* The interface that a message names: by number, by name. -EINVAL: neither. -ENODEV. */
static int named_link(struct netlink_req *r, const struct lx_ifinfomsg *m)
{
	uint32_t len = 0;
	const char *name = netlink_attr(r, sizeof(*m), LX_IFLA_IFNAME, &len);

	if (m->ifi_index > 0)
		return m->ifi_index == LO_IFINDEX ? 0 : -ENODEV;
	if (!name)
		return -EINVAL;
	return strnlen(name, len) == 2 && memcmp(name, "lo", 2) == 0 ? 0 : -ENODEV;
}

static int get_link(struct netlink_req *r, int family)
{
	struct lx_ifinfomsg m;
	int ret;

	(void)family;
	if (!netlink_fixed(r, &m, sizeof(m)))
		return -EINVAL;
	ret = named_link(r, &m);
	if (ret < 0)
		return ret;
	put_link(r, ext_mask(r, sizeof(m)));
	return 0;
}

/* lo is up, and stays so: that alone can be asked for. */
static int set_link(struct netlink_req *r, int family)
{
	struct lx_ifinfomsg m;
	int ret;

	(void)family;
	if (!netlink_fixed(r, &m, sizeof(m)))
		return -EINVAL;
	ret = named_link(r, &m);
	if (ret < 0)
		return ret == -ENODEV && r->h.nlmsg_type == LX_RTM_NEWLINK ? -EOPNOTSUPP : ret;
	return m.ifi_flags & LX_IFF_UP && m.ifi_change == LX_IFF_UP ? 0 : -EOPNOTSUPP;
}

/* --- addresses ------------------------------------------------------------------------------------------------------------------------ */

static void put_addr(struct netlink_req *r, int family)
{
	bool six = family == LX_AF_INET6;
	struct lx_ifaddrmsg m = { .ifa_family = (uint8_t)family, .ifa_prefixlen = six ? 128 : 8, .ifa_flags = LX_IFA_F_PERMANENT,
				  .ifa_scope = LX_RT_SCOPE_HOST, .ifa_index = LO_IFINDEX };
	struct lx_ifa_cacheinfo cache = { .prefered = FOREVER, .valid = FOREVER };
	uint32_t v4 = inet_to_v4(&inet_loop4);
	size_t at = netlink_begin(r, LX_RTM_NEWADDR, &m, sizeof(m));

	if (six) {
		netlink_put(r, LX_IFA_ADDRESS, inet_loop6.b, 16);
	} else {
		netlink_put(r, LX_IFA_ADDRESS, &v4, sizeof(v4));
		netlink_put(r, LX_IFA_LOCAL, &v4, sizeof(v4));
		netlink_put_text(r, LX_IFA_LABEL, "lo");
	}
	netlink_put_u32(r, LX_IFA_FLAGS, LX_IFA_F_PERMANENT);
	netlink_put(r, LX_IFA_CACHEINFO, &cache, sizeof(cache));
	if (six)
		netlink_put_u8(r, LX_IFA_PROTO, 1); /* IFAPROT_KERNEL_LO */
	netlink_end(r, at);
}

static int dump_addrs(struct netlink_req *r, int family)
{
	struct lx_ifaddrmsg m;

	if (netlink_flag(r->from, NL_STRICT)) {
		if (!netlink_fixed(r, &m, sizeof(m)))
			return -EINVAL;
		if (m.ifa_index && m.ifa_index != LO_IFINDEX)
			return -ENODEV;
	}
	if (family != LX_AF_INET6)
		put_addr(r, LX_AF_INET);
	if (family != LX_AF_INET)
		put_addr(r, LX_AF_INET6);
	return 0;
}

static int get_addr6(struct netlink_req *r, int family)
{
	uint32_t len = 0;
	const void *p = netlink_attr(r, sizeof(struct lx_ifaddrmsg), LX_IFA_ADDRESS, &len);

	if (!p)
		p = netlink_attr(r, sizeof(struct lx_ifaddrmsg), LX_IFA_LOCAL, &len);
	if (!p || len < 16)
		return -EINVAL;
	if (memcmp(p, inet_loop6.b, 16) != 0)
		return -EADDRNOTAVAIL;
	put_addr(r, family);
	return 0;
}

/* --- rules and queues ------------------------------------------------------------------------------------------------------------------- */

static void put_rule(struct netlink_req *r, int family, uint8_t table, uint32_t priority)
{
	struct lx_rtmsg m = { .rtm_family = (uint8_t)family, .rtm_table = table, .rtm_type = LX_FR_ACT_TO_TBL };
	size_t at = netlink_begin(r, LX_RTM_NEWRULE, &m, sizeof(m));

	netlink_put_u32(r, LX_FRA_TABLE, table);
	netlink_put_u32(r, LX_FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	netlink_put_u8(r, LX_FRA_PROTOCOL, LX_RTPROT_KERNEL);
	if (priority)
		netlink_put_u32(r, LX_FRA_PRIORITY, priority);
	netlink_end(r, at);
}

static int dump_rules(struct netlink_req *r, int family)
{
	static const int families[] = { LX_AF_INET, LX_AF_INET6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (family && family != families[i])
			continue;
		put_rule(r, families[i], LX_RT_TABLE_LOCAL, 0);
		put_rule(r, families[i], LX_RT_TABLE_MAIN, 32766);
		if (families[i] == LX_AF_INET)
			put_rule(r, families[i], LX_RT_TABLE_DEFAULT, 32767);
	}
	return 0;
}

static int dump_qdiscs(struct netlink_req *r, int family)
{
	struct lx_tcmsg m = { .tcm_ifindex = LO_IFINDEX, .tcm_parent = UINT32_MAX, .tcm_info = 2 };
	static const uint8_t nothing[36];
	size_t at = netlink_begin(r, LX_RTM_NEWQDISC, &m, sizeof(m));

	(void)family;
	netlink_put_text(r, LX_TCA_KIND, "noqueue");
	netlink_put_u8(r, LX_TCA_HW_OFFLOAD, 0);
	netlink_put(r, LX_TCA_STATS, nothing, sizeof(nothing));
	netlink_end(r, at);
	return 0;
}

static int dump_nothing(struct netlink_req *r, int family)
{
	(void)r;
	(void)family;
	return 0;
}

/* --- which question -------------------------------------------------------------------------------------------------------------------- */

static const struct question {
	uint16_t type;
	int family; /* 0: any that has no row of its own */
	int (*get)(struct netlink_req *, int family);
	int (*dump)(struct netlink_req *, int family);
} questions[] = {
	{ LX_RTM_GETLINK, 0, get_link, dump_links },
	{ LX_RTM_NEWLINK, 0, set_link, NULL },
	{ LX_RTM_SETLINK, 0, set_link, NULL },
	{ LX_RTM_GETADDR, LX_AF_INET6, get_addr6, dump_addrs },
	{ LX_RTM_GETADDR, 0, NULL, dump_addrs },
	{ LX_RTM_GETROUTE, LX_AF_INET, netlink_route_get, netlink_route_dump },
	{ LX_RTM_GETROUTE, LX_AF_INET6, netlink_route_get, netlink_route_dump },
	{ LX_RTM_GETROUTE, 0, NULL, netlink_route_dump },
	{ LX_RTM_GETNEIGH, 0, NULL, dump_nothing },
	{ LX_RTM_GETRULE, 0, NULL, dump_rules },
	{ LX_RTM_GETQDISC, 0, NULL, dump_qdiscs },
	{ LX_RTM_GETTCLASS, 0, NULL, dump_nothing },
	{ LX_RTM_GETTFILTER, 0, NULL, dump_nothing },
	{ LX_RTM_GETADDRLABEL, LX_AF_INET6, NULL, dump_nothing },
	{ LX_RTM_GETNSID, 0, NULL, dump_nothing },
};

int netlink_route(struct netlink_req *r)
{
	bool get = (r->h.nlmsg_type & 3) == LX_RTNL_GET;
	int family;

	if (r->h.nlmsg_type > LX_RTM_MAX)
		return -EOPNOTSUPP;
	if (!r->len)
		return 0;
	family = (uint8_t)r->body[0];
	if (!get && !cred_capable(r->t->cred, LX_CAP_NET_ADMIN))
		return -EPERM;
	r->dump = get && r->h.nlmsg_flags & LX_NLM_F_DUMP;
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		const struct question *q = &questions[i];
		int (*act)(struct netlink_req *, int) = r->dump ? q->dump : q->get;

		if (q->type != r->h.nlmsg_type || (q->family && q->family != family))
			continue;
		if (act)
			return act(r, family);
	}
	r->dump = false;
	return -EOPNOTSUPP;
}
