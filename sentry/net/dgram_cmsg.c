/* Control messages of internet sockets: what a receiver is told, what a sender may say. See dgram.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/ioctl.h"
#include "abi/time.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/net/dgram.h"

/* --- receiving ---------------------------------------------------------------------------------------------------------------------- */

static void tell4(const struct inet_options *o, const struct dgram *d, struct scm *scm)
{
	if (o->pktinfo) {
		struct lx_in_pktinfo info = { LO_IFINDEX, inet_to_v4(&d->to.addr), inet_to_v4(&d->to.addr) };

		scm_extra_add(scm, LX_SOL_IP, LX_IP_PKTINFO, &info, sizeof(info));
	}
	if (o->recvttl)
		scm_extra_add(scm, LX_SOL_IP, LX_IP_TTL, &d->ttl, sizeof(d->ttl));
	if (o->recvtos) {
		uint8_t tos = (uint8_t)d->tos;

		scm_extra_add(scm, LX_SOL_IP, LX_IP_TOS, &tos, sizeof(tos));
	}
	if (o->origdst) {
		struct lx_sockaddr_in in = { .sin_family = LX_AF_INET, .sin_port = __builtin_bswap16(d->to.port),
					     .sin_addr = inet_to_v4(&d->to.addr) };

		scm_extra_add(scm, LX_SOL_IP, LX_IP_RECVORIGDSTADDR, &in, sizeof(in));
	}
}

static void tell6(const struct inet_options *o, const struct dgram *d, struct scm *scm)
{
	if (o->recvpktinfo6) {
		struct lx_in6_pktinfo info = { .ipi6_ifindex = LO_IFINDEX };

		memcpy(info.ipi6_addr, d->to.addr.b, sizeof(info.ipi6_addr));
		scm_extra_add(scm, LX_SOL_IPV6, LX_IPV6_PKTINFO, &info, sizeof(info));
	}
	if (o->recvhoplimit && !inet_is_v4(&d->to.addr))
		scm_extra_add(scm, LX_SOL_IPV6, LX_IPV6_HOPLIMIT, &d->ttl, sizeof(d->ttl));
	if (o->recvtclass && !inet_is_v4(&d->to.addr))
		scm_extra_add(scm, LX_SOL_IPV6, LX_IPV6_TCLASS, &d->tos, sizeof(d->tos));
}

void dgram_tell(struct dgram_sock *u, const struct dgram *d, struct scm *scm)
{
	const struct inet_options *o = &u->in.ip;

	scm_extra_stamp(scm, &u->in.s, d->stamp);
	if (socket_opt(&u->in.s, LX_SO_RXQ_OVFL) && u->drops)
		scm_extra_add(scm, LX_SOL_SOCKET, LX_SO_RXQ_OVFL, &u->drops, sizeof(u->drops));
	if (u->in.s.domain == LX_AF_INET6)
		tell6(o, d, scm);
	if (inet_is_v4(&d->to.addr))
		tell4(o, d, scm);
}

int64_t dgram_ioctl(struct socket *s, struct task *t, uint32_t cmd, uint64_t arg)
{
	struct dgram_sock *u = dgram_of(s);
	int64_t ns = u->last_stamp;
	struct lx_timeval tv = { ns / 1000000000, ns % 1000000000 / 1000 };

	if (cmd != LX_SIOCGSTAMP && cmd != LX_SIOCGSTAMPNS)
		return inet_ioctl(s, t, cmd, arg);
	u->stamping = true;
	if (!ns)
		return -ENOENT;
	if (cmd == LX_SIOCGSTAMPNS)
		tv.tv_usec = ns % 1000000000;
	return copy_out(t, uaddr(arg), &tv, sizeof(tv));
}

/* --- sending ------------------------------------------------------------------------------------------------------------------------ */

/* A number of four bytes, or of one where that is allowed, within bounds. */
static int number(const void *data, uint64_t len, bool byte_too, int32_t min, int32_t max, int32_t *out)
{
	if (len == sizeof(*out))
		memcpy(out, data, sizeof(*out));
	else if (byte_too && len == 1)
		*out = *(const uint8_t *)data;
	else
		return -EINVAL;
	return *out < min || *out > max ? -EINVAL : 0;
}

static int source4(const void *data, uint64_t len, struct scm_ip *ip)
{
	struct lx_in_pktinfo info;
	struct inet_addr a;

	if (len != sizeof(info))
		return -EINVAL;
	memcpy(&info, data, sizeof(info));
	if (info.ipi_ifindex && info.ipi_ifindex != LO_IFINDEX)
		return -ENODEV;
	a = inet_from_v4(info.ipi_spec_dst);
	ip->has_source = true;
	ip->ifindex = info.ipi_ifindex;
	memcpy(ip->source, a.b, sizeof(ip->source));
	return 0;
}

static int source6(const void *data, uint64_t len, struct scm_ip *ip)
{
	struct lx_in6_pktinfo info;

	if (len < sizeof(info))
		return -EINVAL;
	memcpy(&info, data, sizeof(info));
	if (info.ipi6_ifindex && info.ipi6_ifindex != LO_IFINDEX)
		return -ENODEV;
	ip->has_source = true;
	ip->ifindex = info.ipi6_ifindex;
	memcpy(ip->source, info.ipi6_addr, sizeof(ip->source));
	return 0;
}

static int say4(int type, const void *data, uint64_t len, struct scm_ip *ip)
{
	switch (type) {
	case LX_IP_PKTINFO:
		return source4(data, len, ip);
	case LX_IP_TTL:
		ip->has_ttl = true;
		return number(data, len, false, 1, 255, &ip->ttl);
	case LX_IP_TOS:
		ip->has_tos = true;
		return number(data, len, true, 0, 255, &ip->tos);
	default:
		return -EINVAL;
	}
}

static int say6(int type, const void *data, uint64_t len, struct scm_ip *ip)
{
	int32_t ignored;

	switch (type) {
	case LX_IPV6_PKTINFO:
		return source6(data, len, ip);
	case LX_IPV6_HOPLIMIT:
		ip->has_ttl = true;
		return number(data, len, false, -1, 255, &ip->ttl);
	case LX_IPV6_TCLASS:
		ip->has_tos = true;
		return number(data, len, false, -1, 255, &ip->tos);
	case LX_IPV6_DONTFRAG:
		return number(data, len, false, 0, 1, &ignored);
	default:
		return -EINVAL;
	}
}

int inet_cmsg(struct socket *s, int level, int type, const void *data, uint64_t len, struct scm *scm)
{
	uint16_t segment;

	if (s->type == LX_SOCK_STREAM)
		return 0;
	if (level == LX_SOL_IP && (s->domain == LX_AF_INET || type == LX_IP_PKTINFO))
		return say4(type, data, len, &scm->ip);
	if (level == LX_SOL_IPV6 && s->domain == LX_AF_INET6)
		return say6(type, data, len, &scm->ip);
	if (level == LX_SOL_UDP && type == LX_UDP_SEGMENT && s->protocol == LX_IPPROTO_UDP) {
		if (len != sizeof(segment))
			return -EINVAL;
		memcpy(&segment, data, sizeof(segment));
		scm->ip.segment = segment;
	}
	return 0;
}
