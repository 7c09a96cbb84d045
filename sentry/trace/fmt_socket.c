/* Formatters: socket addresses, options, messages and their control data. */
#include <inttypes.h>
#include <string.h>

#include "abi/socket.h"
#include "abi/un.h"
#include "sentry/trace/formatters.h"

static uint16_t port(uint16_t big_endian)
{
	return __builtin_bswap16(big_endian);
}

static void put_unix(struct trace_buf *b, const struct lx_sockaddr_un *un, size_t len)
{
	size_t n = len - LX_SUN_PATH_OFFSET;

	trace_put(b, "{sa_family=AF_UNIX");
	if (n && !un->sun_path[0]) {
		trace_put(b, ", sun_path=@");
		trace_put_quoted(b, un->sun_path + 1, n - 1, false);
	} else if (n) {
		trace_put(b, ", sun_path=");
		trace_put_quoted(b, un->sun_path, strnlen(un->sun_path, n), false);
	}
	trace_put(b, "}");
}

static void put_inet6(struct trace_buf *b, const struct lx_sockaddr_in6 *in6)
{
	trace_putf(b, "{sa_family=AF_INET6, sin6_port=htons(%u), sin6_addr=", port(in6->sin6_port));
	for (int i = 0; i < 16; i += 2)
		trace_putf(b, "%s%x", i ? ":" : "", (unsigned)in6->sin6_addr[i] << 8 | in6->sin6_addr[i + 1]);
	trace_put(b, "}");
}

void trace_put_sockaddr(struct trace_ctx *c, uint64_t addr, uint64_t len)
{
	union {
		uint16_t family;
		struct lx_sockaddr_un un;
		struct lx_sockaddr_in in;
		struct lx_sockaddr_in6 in6;
		struct lx_sockaddr_nl nl;
		uint8_t bytes[LX_SOCKADDR_MAX];
	} sa = { 0 };
	const uint8_t *ip = (const uint8_t *)&sa.in.sin_addr;

	if (len > sizeof(sa))
		len = sizeof(sa);
	if (len < sizeof(sa.family) || !trace_peek(c, &sa, addr, len)) {
		trace_put_addr(c->b, addr);
		return;
	}
	if (sa.family == LX_AF_UNIX)
		put_unix(c->b, &sa.un, len < sizeof(sa.un) ? len : sizeof(sa.un));
	else if (sa.family == LX_AF_INET && len >= sizeof(sa.in))
		trace_putf(c->b, "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=inet_addr(\"%u.%u.%u.%u\")}",
			   port(sa.in.sin_port), ip[0], ip[1], ip[2], ip[3]);
	else if (sa.family == LX_AF_INET6 && len >= sizeof(sa.in6))
		put_inet6(c->b, &sa.in6);
	else if (sa.family == LX_AF_NETLINK && len >= sizeof(sa.nl))
		trace_putf(c->b, "{sa_family=AF_NETLINK, nl_pid=%u, nl_groups=%#x}", sa.nl.nl_pid, sa.nl.nl_groups);
	else {
		trace_put(c->b, "{sa_family=");
		trace_put_flags(c->b, &names_sock_domain, sa.family);
		trace_put(c->b, ", ...}");
	}
}

void trace_fmt_sockaddr_in(struct trace_ctx *c, uint64_t v)
{
	trace_put_sockaddr(c, v, (uint32_t)c->aux);
}

void trace_fmt_sockaddr_out(struct trace_ctx *c, uint64_t v)
{
	uint32_t len;

	if (trace_peek(c, &len, c->aux, sizeof(len)))
		trace_put_sockaddr(c, v, len);
	else
		trace_put_addr(c->b, v);
}

void trace_fmt_sockopt(struct trace_ctx *c, uint64_t v)
{
	switch ((int32_t)c->aux) {
	case LX_SOL_SOCKET:
		c->names = &names_so_option;
		break;
	case LX_SOL_TCP:
		c->names = &names_tcp_option;
		break;
	case LX_SOL_IP:
		c->names = &names_ip_option;
		break;
	case LX_SOL_IPV6:
		c->names = &names_ipv6_option;
		break;
	case LX_SOL_UDP:
		c->names = &names_udp_option;
		break;
	}
	trace_fmt_enum(c, v);
}

static void put_optval(struct trace_ctx *c, uint64_t v, uint32_t len)
{
	if (len == sizeof(int32_t))
		trace_fmt_int_mem(c, v);
	else
		trace_put_bytes_at(c, v, len);
}

void trace_fmt_sockopt_in(struct trace_ctx *c, uint64_t v)
{
	put_optval(c, v, (uint32_t)c->aux);
}

void trace_fmt_sockopt_out(struct trace_ctx *c, uint64_t v)
{
	uint32_t len;

	if (trace_peek(c, &len, c->aux, sizeof(len)))
		put_optval(c, v, len);
	else
		trace_put_addr(c->b, v);
}

static void put_control_data(struct trace_ctx *c, const struct lx_cmsghdr *h, uint64_t data, uint64_t len)
{
	struct lx_ucred cred;
	int32_t fd;

	if (h->cmsg_level != LX_SOL_SOCKET) {
		trace_put_bytes_at(c, data, len);
	} else if (h->cmsg_type == LX_SCM_CREDENTIALS && len == sizeof(cred) &&
		   trace_peek(c, &cred, data, sizeof(cred))) {
		trace_putf(c->b, "{pid=%d, uid=%u, gid=%u}", cred.pid, cred.uid, cred.gid);
	} else if (h->cmsg_type == LX_SCM_RIGHTS) {
		trace_put(c->b, "[");
		for (uint64_t i = 0; i < len / sizeof(fd) && i < TRACE_ARRAY_MAX; i++)
			if (trace_peek(c, &fd, data + i * sizeof(fd), sizeof(fd)))
				trace_putf(c->b, "%s%d", i ? ", " : "", fd);
		trace_put(c->b, "]");
	} else {
		trace_put_bytes_at(c, data, len);
	}
}

static void put_control(struct trace_ctx *c, uint64_t addr, uint64_t len)
{
	struct lx_cmsghdr h;
	unsigned n = 0;

	trace_put(c->b, "[");
	for (uint64_t at = 0; at + sizeof(h) <= len && n < TRACE_ARRAY_MAX; at += LX_CMSG_ALIGN(h.cmsg_len), n++) {
		if (!trace_peek(c, &h, addr + at, sizeof(h)) || h.cmsg_len < sizeof(h) || h.cmsg_len > len - at)
			break;
		trace_putf(c->b, "%s{cmsg_len=%" PRIu64 ", cmsg_level=", n ? ", " : "", h.cmsg_len);
		trace_put_flags(c->b, &names_sol_level, (uint32_t)h.cmsg_level);
		trace_put(c->b, ", cmsg_type=");
		trace_put_flags(c->b, h.cmsg_level == LX_SOL_SOCKET ? &names_scm_type : &names_none,
				(uint32_t)h.cmsg_type);
		trace_put(c->b, ", cmsg_data=");
		put_control_data(c, &h, addr + at + sizeof(h), h.cmsg_len - sizeof(h));
		trace_put(c->b, "}");
	}
	trace_put(c->b, "]");
}

/* At most `limit` bytes of the parts are shown: what was received. */
static void put_msghdr(struct trace_ctx *c, uint64_t v, uint64_t limit)
{
	struct lx_msghdr m;

	if (!trace_fetch(c, &m, v, sizeof(m)))
		return;
	trace_put(c->b, "{msg_name=");
	trace_put_sockaddr(c, m.msg_name, (uint32_t)m.msg_namelen);
	trace_putf(c->b, ", msg_namelen=%d, msg_iov=", m.msg_namelen);
	trace_put_iovec(c, m.msg_iov, m.msg_iovlen, limit);
	trace_putf(c->b, ", msg_iovlen=%" PRIu64, m.msg_iovlen);
	if (m.msg_control && m.msg_controllen) {
		trace_put(c->b, ", msg_control=");
		put_control(c, m.msg_control, m.msg_controllen);
	}
	trace_putf(c->b, ", msg_controllen=%" PRIu64 ", msg_flags=", m.msg_controllen);
	trace_put_flags(c->b, &names_msg_flags, m.msg_flags);
	trace_put(c->b, "}");
}

void trace_fmt_msghdr_in(struct trace_ctx *c, uint64_t v)
{
	put_msghdr(c, v, UINT64_MAX);
}

void trace_fmt_msghdr_out(struct trace_ctx *c, uint64_t v)
{
	put_msghdr(c, v, (uint64_t)c->ret);
}

static void put_mmsghdrs(struct trace_ctx *c, uint64_t v, uint64_t count, bool received)
{
	struct lx_mmsghdr m;

	trace_put(c->b, "[");
	for (uint64_t i = 0; i < count && i < TRACE_ARRAY_MAX; i++) {
		uint64_t at = v + i * sizeof(m);

		trace_put(c->b, i ? ", " : "");
		if (!trace_fetch(c, &m, at, sizeof(m)))
			break;
		trace_put(c->b, "{msg_hdr=");
		put_msghdr(c, at, received ? m.msg_len : UINT64_MAX);
		if (received)
			trace_putf(c->b, ", msg_len=%u", m.msg_len);
		trace_put(c->b, "}");
	}
	trace_put(c->b, count > TRACE_ARRAY_MAX ? ", ...]" : "]");
}

void trace_fmt_mmsghdr_in(struct trace_ctx *c, uint64_t v)
{
	put_mmsghdrs(c, v, (uint32_t)c->aux, false);
}

void trace_fmt_mmsghdr_out(struct trace_ctx *c, uint64_t v)
{
	put_mmsghdrs(c, v, (uint64_t)c->ret, true);
}
