/* The levels SOL_IP and SOL_IPV6 of getsockopt and setsockopt: ip(7), ipv6(7). See inet.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/inet.h"
#include "sentry/net/inet_group.h"

enum { TYPE_BOOL, TYPE_INT };
enum {
	NOT_STREAM = 1,  /* EINVAL on streams */
	RAW_ONLY = 2,    /* ENOPROTOOPT elsewhere */
	NEEDS_ADMIN = 4, /* CAP_NET_ADMIN or CAP_NET_RAW to turn on */
	DEFAULT_TTL = 8, /* -1 shows as the namespace's */
	DEFAULT_0 = 16,  /* -1 shows as 0 */
	DEFAULT_1 = 32,  /* -1 means 1 */
};

/* Options of one number that are checked, kept and shown. */
static const struct number {
	int16_t level, name;
	uint8_t type, rules;
	int32_t min, max;
	size_t offset;
} numbers[] = {
#define INT(level, name, field, min, max, rules) { level, name, TYPE_INT, rules, min, max, offsetof(struct inet_options, field) }
#define BOOL(level, name, field, rules) { level, name, TYPE_BOOL, rules, INT32_MIN, INT32_MAX, offsetof(struct inet_options, field) }
	INT(LX_SOL_IP, LX_IP_TTL, ttl, -1, 255, DEFAULT_TTL),
	INT(LX_SOL_IP, LX_IP_TOS, tos, INT32_MIN, INT32_MAX, 0),
	INT(LX_SOL_IP, LX_IP_MTU_DISCOVER, mtu_discover, 0, 5, 0),
	INT(LX_SOL_IP, LX_IP_MINTTL, min_ttl, 0, 255, 0),
	INT(LX_SOL_IP, LX_IP_MULTICAST_TTL, mcast_ttl, -1, 255, NOT_STREAM | DEFAULT_1),
	BOOL(LX_SOL_IP, LX_IP_MULTICAST_LOOP, mcast_loop, 0),
	BOOL(LX_SOL_IP, LX_IP_MULTICAST_ALL, mcast_all, 0),
	BOOL(LX_SOL_IP, LX_IP_HDRINCL, hdrincl, RAW_ONLY),
	BOOL(LX_SOL_IP, LX_IP_NODEFRAG, nodefrag, RAW_ONLY),
	BOOL(LX_SOL_IP, LX_IP_RECVERR, recverr, 0),
	BOOL(LX_SOL_IP, LX_IP_RECVTTL, recvttl, 0),
	BOOL(LX_SOL_IP, LX_IP_RECVTOS, recvtos, 0),
	BOOL(LX_SOL_IP, LX_IP_PKTINFO, pktinfo, 0),
	BOOL(LX_SOL_IP, LX_IP_RECVOPTS, recvopts, 0),
	BOOL(LX_SOL_IP, LX_IP_RETOPTS, retopts, 0),
	BOOL(LX_SOL_IP, LX_IP_RECVORIGDSTADDR, origdst, 0),
	BOOL(LX_SOL_IP, LX_IP_FREEBIND, freebind, 0),
	BOOL(LX_SOL_IP, LX_IP_TRANSPARENT, transparent, NEEDS_ADMIN),
	BOOL(LX_SOL_IP, LX_IP_BIND_ADDRESS_NO_PORT, bind_no_port, 0),
	INT(LX_SOL_IPV6, LX_IPV6_UNICAST_HOPS, hops, -1, 255, DEFAULT_TTL),
	INT(LX_SOL_IPV6, LX_IPV6_MULTICAST_HOPS, mcast_hops, -1, 255, NOT_STREAM | DEFAULT_1),
	INT(LX_SOL_IPV6, LX_IPV6_TCLASS, tclass, -1, 255, DEFAULT_0),
	INT(LX_SOL_IPV6, LX_IPV6_MTU_DISCOVER, mtu_discover6, 0, 5, 0),
	BOOL(LX_SOL_IPV6, LX_IPV6_MULTICAST_LOOP, mcast_loop6, 0),
	BOOL(LX_SOL_IPV6, LX_IPV6_RECVPKTINFO, recvpktinfo6, 0),
	BOOL(LX_SOL_IPV6, LX_IPV6_RECVHOPLIMIT, recvhoplimit, 0),
	BOOL(LX_SOL_IPV6, LX_IPV6_RECVTCLASS, recvtclass, 0),
	BOOL(LX_SOL_IPV6, LX_IPV6_RECVERR, recverr6, 0),
	BOOL(LX_SOL_IPV6, LX_IPV6_DONTFRAG, dontfrag, 0),
	BOOL(LX_SOL_IPV6, LX_IPV6_FREEBIND, freebind, 0),
};

static const struct number *find(int level, int name)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].level == level && numbers[i].name == name)
			return &numbers[i];
	return NULL;
}

int inet_opt_int(const void *buf, uint32_t len, int32_t *out)
{
	*out = 0;
	if (len >= sizeof(*out))
		memcpy(out, buf, sizeof(*out));
	else if (len)
		*out = *(const uint8_t *)buf;
	return 0;
}

int inet_put_int(void *buf, uint32_t *len, int32_t v)
{
	*len = *len < sizeof(v) ? *len : (uint32_t)sizeof(v);
	memcpy(buf, &v, *len);
	return 0;
}

/* --- setting ---------------------------------------------------------------------------------------------------------------------- */

static int check(const struct inet_sock *i, struct task *t, const struct number *n, int32_t v)
{
	if (n->rules & NOT_STREAM && i->s.type == LX_SOCK_STREAM)
		return n->level == LX_SOL_IP ? -EINVAL : -ENOPROTOOPT;
	if (n->rules & RAW_ONLY && i->s.type != LX_SOCK_RAW)
		return -ENOPROTOOPT;
	if (n->rules & NEEDS_ADMIN && v && !cred_capable(t->cred, LX_CAP_NET_ADMIN) && !cred_capable(t->cred, LX_CAP_NET_RAW))
		return -EPERM;
	if (v < n->min || v > n->max || (n->name == LX_IP_TTL && n->level == LX_SOL_IP && v == 0))
		return -EINVAL;
	return 0;
}

static int set_number(struct inet_sock *i, struct task *t, const struct number *n, int32_t v)
{
	char *field = (char *)&i->ip + n->offset;
	int ret = check(i, t, n, v);

	if (ret < 0)
		return ret;
	if (n->rules & DEFAULT_1 && v == -1)
		v = 1;
	if (n->level == LX_SOL_IP && n->name == LX_IP_TOS)
		v = i->s.type == LX_SOCK_STREAM ? v & 0xfc : v & 0xff; /* the ECN bits are TCP's own */
	LOCK_GUARD(&i->s.lock);
	if (n->type == TYPE_BOOL)
		*(bool *)field = v != 0;
	else
		memcpy(field, &v, sizeof(v));
	return 0;
}

/* Which interface multicast goes out by: an index, or its address. */
static int set_mcast_if(struct inet_sock *i, const void *buf, uint32_t len)
{
	struct lx_ip_mreqn m = { 0 };

	if (i->s.type == LX_SOCK_STREAM || len < sizeof(uint32_t))
		return -EINVAL;
	if (len >= sizeof(struct lx_ip_mreqn))
		memcpy(&m, buf, sizeof(m));
	else if (len >= sizeof(struct lx_ip_mreq))
		memcpy(&m, buf, sizeof(struct lx_ip_mreq));
	else
		memcpy(&m.imr_address, buf, sizeof(m.imr_address));
	if (m.imr_ifindex && m.imr_ifindex != LO_IFINDEX)
		return -EADDRNOTAVAIL;
	if (!m.imr_ifindex && m.imr_address) {
		struct inet_addr a = inet_from_v4(m.imr_address);

		if (inet_route(&a) != ROUTE_LOCAL)
			return -EADDRNOTAVAIL;
		m.imr_ifindex = LO_IFINDEX;
	}
	LOCK_GUARD(&i->s.lock);
	i->ip.mcast_if = m.imr_ifindex;
	return 0;
}

static int set_v6only(struct inet_sock *i, int32_t v)
{
	LOCK_GUARD(&i->ns->lock);
	if (i->local.port)
		return -EINVAL;
	i->ip.v6only = v != 0;
	return 0;
}

static int set_port_range(struct inet_sock *i, const void *buf, uint32_t len)
{
	uint32_t v;
	uint16_t low, high;

	if (len != sizeof(v))
		return -EINVAL;
	memcpy(&v, buf, sizeof(v));
	low = (uint16_t)v;
	high = (uint16_t)(v >> 16);
	if (low && high && low > high)
		return -EINVAL;
	i->ip.port_low = low;
	i->ip.port_high = high;
	return 0;
}

static int set_ip(struct inet_sock *i, struct task *t, int name, const void *buf, uint32_t len)
{
	const struct number *n = find(LX_SOL_IP, name);
	int32_t v;

	inet_opt_int(buf, len, &v);
	if (n)
		return set_number(i, t, n, v);
	switch (name) {
	case LX_IP_MULTICAST_IF:
		return set_mcast_if(i, buf, len);
	case LX_IP_ADD_MEMBERSHIP:
	case LX_IP_DROP_MEMBERSHIP:
		return inet_group_change4(i, name == LX_IP_ADD_MEMBERSHIP, buf, len);
	case LX_MCAST_JOIN_GROUP:
	case LX_MCAST_LEAVE_GROUP:
		return inet_group_change_any(i, name == LX_MCAST_JOIN_GROUP, buf, len);
	case LX_IP_LOCAL_PORT_RANGE:
		return set_port_range(i, buf, len);
	case LX_IP_OPTIONS:
		return len ? -EINVAL : 0; /* none can be set: nothing here would look at them */
	case LX_IP_UNICAST_IF:
		if (len != sizeof(v))
			return -EINVAL;
		v = (int32_t)__builtin_bswap32((uint32_t)v);
		if (v && v != LO_IFINDEX)
			return -EADDRNOTAVAIL;
		i->ip.unicast_if = v;
		return 0;
	case LX_IP_RECVERR_RFC4884:
		return v == 0 || v == 1 ? 0 : -EINVAL;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_ipv6(struct inet_sock *i, struct task *t, int name, const void *buf, uint32_t len)
{
	const struct number *n = find(LX_SOL_IPV6, name);
	int32_t v = 0;

	if (len >= sizeof(v))
		memcpy(&v, buf, sizeof(v));
	if ((n || name == LX_IPV6_V6ONLY || name == LX_IPV6_MULTICAST_IF) && len < sizeof(v))
		return -EINVAL;
	if (n && name == LX_IPV6_MULTICAST_LOOP && (v < 0 || v > 1))
		return -EINVAL;
	if (n)
		return set_number(i, t, n, v);
	switch (name) {
	case LX_IPV6_V6ONLY:
		return set_v6only(i, v);
	case LX_IPV6_MULTICAST_IF:
		if (i->s.type == LX_SOCK_STREAM)
			return -ENOPROTOOPT;
		if (v && v != LO_IFINDEX)
			return -ENODEV;
		i->ip.mcast_if6 = v;
		return 0;
	case LX_IPV6_ADD_MEMBERSHIP:
	case LX_IPV6_DROP_MEMBERSHIP:
		return inet_group_change6(i, name == LX_IPV6_ADD_MEMBERSHIP, buf, len);
	case LX_MCAST_JOIN_GROUP:
	case LX_MCAST_LEAVE_GROUP:
		return inet_group_change_any(i, name == LX_MCAST_JOIN_GROUP, buf, len);
	default:
		return -ENOPROTOOPT;
	}
}

int inet_setsockopt(struct socket *s, struct task *t, int level, int name, const void *buf, uint32_t len)
{
	struct inet_sock *i = inet_of(s);

	if (level == LX_SOL_IP && (s->domain == LX_AF_INET || s->type != LX_SOCK_RAW))
		return set_ip(i, t, name, buf, len);
	if (level == LX_SOL_IPV6 && s->domain == LX_AF_INET6)
		return set_ipv6(i, t, name, buf, len);
	return -ENOPROTOOPT;
}

/* --- getting ---------------------------------------------------------------------------------------------------------------------- */

static int32_t show_number(struct inet_sock *i, const struct number *n)
{
	const char *field = (const char *)&i->ip + n->offset;
	int32_t v;

	if (n->type == TYPE_BOOL)
		return *(const bool *)field;
	memcpy(&v, field, sizeof(v));
	if (v == -1 && n->rules & DEFAULT_TTL)
		return atomic_load(&i->ns->default_ttl);
	return v == -1 && n->rules & DEFAULT_0 ? 0 : v;
}

static int put_some(void *buf, uint32_t *len, const void *value, uint32_t size)
{
	*len = *len < size ? *len : size;
	memcpy(buf, value, *len);
	return 0;
}

static int get_other(struct inet_sock *i, int level, int name, void *buf, uint32_t *len)
{
	uint32_t range = i->ip.port_low | (uint32_t)i->ip.port_high << 16, none = 0;

	if (level == LX_SOL_IPV6) {
		switch (name) {
		case LX_IPV6_V6ONLY:
			return inet_put_int(buf, len, i->ip.v6only);
		case LX_IPV6_MULTICAST_IF:
			return inet_put_int(buf, len, i->ip.mcast_if6);
		case LX_IPV6_MTU:
			return i->remote.port ? inet_put_int(buf, len, LO_MTU) : -ENOTCONN;
		default:
			return -ENOPROTOOPT;
		}
	}
	switch (name) {
	case LX_IP_MTU:
		return i->remote.port ? inet_put_int(buf, len, LO_MTU - 1) : -ENOTCONN;
	case LX_IP_MULTICAST_IF:
		return put_some(buf, len, &none, sizeof(none));
	case LX_IP_LOCAL_PORT_RANGE:
		return put_some(buf, len, &range, sizeof(range));
	case LX_IP_UNICAST_IF:
		return inet_put_int(buf, len, (int32_t)__builtin_bswap32((uint32_t)i->ip.unicast_if));
	case LX_IP_RECVERR_RFC4884:
		return inet_put_int(buf, len, 0);
	case LX_IP_OPTIONS:
		*len = 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int inet_getsockopt(struct socket *s, struct task *t, int level, int name, void *buf, uint32_t *len)
{
	struct inet_sock *i = inet_of(s);
	const struct number *n = find(level, name);
	int32_t v;

	(void)t;
	if ((level != LX_SOL_IP && level != LX_SOL_IPV6) || (level == LX_SOL_IPV6 && s->domain != LX_AF_INET6))
		return -ENOPROTOOPT;
	if (!n)
		return get_other(i, level, name, buf, len);
	if (n->rules & RAW_ONLY && s->type != LX_SOCK_RAW)
		return -ENOPROTOOPT;
	v = show_number(i, n);
	if (level == LX_SOL_IP && *len < sizeof(v) && *len > 0 && v >= 0 && v <= 255) {
		*(uint8_t *)buf = (uint8_t)v;
		*len = 1;
		return 0;
	}
	return inet_put_int(buf, len, v);
}
