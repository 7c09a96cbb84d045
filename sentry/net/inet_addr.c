/* Internet addresses: in, out, compared, and where they lead. See inet.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sentry/net/inet.h"

#define SIN6_LEN_RFC2133 24u /* without sin6_scope_id */

const struct inet_addr inet_any4 = { { [10] = 0xff, 0xff } };
const struct inet_addr inet_any6 = { { 0 } };
const struct inet_addr inet_loop4 = { { [10] = 0xff, 0xff, 127, 0, 0, 1 } };
const struct inet_addr inet_loop6 = { { [15] = 1 } };

bool inet_equal(const struct inet_addr *a, const struct inet_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool inet_is_v4(const struct inet_addr *a)
{
	return memcmp(a->b, inet_any4.b, 12) == 0;
}

bool inet_is_any(const struct inet_addr *a)
{
	return inet_equal(a, &inet_any4) || inet_equal(a, &inet_any6);
}

bool inet_is_multicast(const struct inet_addr *a)
{
	return inet_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

struct inet_addr inet_from_v4(uint32_t be)
{
	struct inet_addr a = inet_any4;

	memcpy(a.b + 12, &be, sizeof(be));
	return a;
}

uint32_t inet_to_v4(const struct inet_addr *a)
{
	uint32_t be;

	memcpy(&be, a->b + 12, sizeof(be));
	return be;
}

enum inet_route inet_route(const struct inet_addr *a)
{
	if (inet_is_multicast(a))
		return ROUTE_MULTICAST;
	if (!inet_is_v4(a))
		return inet_equal(a, &inet_loop6) ? ROUTE_LOCAL : ROUTE_NONE;
	if (inet_to_v4(a) == UINT32_MAX)
		return ROUTE_BROADCAST;
	if (a->b[12] != 127)
		return ROUTE_NONE;
	return a->b[13] == 255 && a->b[14] == 255 && a->b[15] == 255 ? ROUTE_BROADCAST : ROUTE_LOCAL;
}

static int dest4(const struct sock_addr *a, struct inet_end *out)
{
	if (a->len < sizeof(a->in))
		return -EINVAL;
	if (a->family != LX_AF_INET)
		return -EAFNOSUPPORT;
	out->addr = a->in.sin_addr ? inet_from_v4(a->in.sin_addr) : inet_loop4;
	out->port = __builtin_bswap16(a->in.sin_port);
	return 0;
}

int inet_dest(const struct inet_sock *i, const struct sock_addr *a, struct inet_end *out)
{
	bool only6 = i->ip.v6only || (i->local.port && !inet_is_v4(&i->local.addr) && !inet_is_any(&i->local.addr));

	if (i->s.domain == LX_AF_INET || (a->len >= sizeof(a->family) && a->family == LX_AF_INET && i->s.type == LX_SOCK_DGRAM && !only6))
		return dest4(a, out);
	if (a->len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (a->family != LX_AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(out->addr.b, a->in6.sin6_addr, sizeof(out->addr.b));
	out->port = __builtin_bswap16(a->in6.sin6_port);
	if (inet_equal(&out->addr, &inet_any6))
		out->addr = inet_is_v4(&i->local.addr) && i->local.port ? inet_loop4 : inet_loop6;
	else if (inet_equal(&out->addr, &inet_any4))
		out->addr = inet_loop4;
	if (inet_is_v4(&out->addr) && only6)
		return -ENETUNREACH;
	if (!inet_is_v4(&out->addr) && inet_is_v4(&i->local.addr) && !inet_equal(&i->local.addr, &inet_any4))
		return -EINVAL;
	return 0;
}

struct inet_addr inet_source(const struct inet_sock *i, const struct inet_addr *to)
{
	if (!inet_is_any(&i->local.addr) && !inet_is_multicast(&i->local.addr))
		return i->local.addr;
	return inet_is_v4(to) ? inet_loop4 : inet_loop6;
}

void inet_show(const struct inet_sock *i, const struct inet_end *e, struct sock_addr *out)
{
	inet_show_as(i->s.domain, e, out);
}

void inet_show_as(int domain, const struct inet_end *e, struct sock_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (domain == LX_AF_INET) {
		out->len = sizeof(out->in);
		out->in.sin_family = LX_AF_INET;
		out->in.sin_port = __builtin_bswap16(e->port);
		out->in.sin_addr = inet_to_v4(&e->addr);
		return;
	}
	out->len = sizeof(out->in6);
	out->in6.sin6_family = LX_AF_INET6;
	out->in6.sin6_port = __builtin_bswap16(e->port);
	memcpy(out->in6.sin6_addr, e->addr.b, sizeof(e->addr.b));
}
