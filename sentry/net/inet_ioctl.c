/* The interface lo as ioctls on sockets show it: netdevice(7). */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/ioctl.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/net/inet.h"

#define LO_QUEUE 1000

static void put_in(struct lx_ifreq *r, uint32_t host_order)
{
	struct lx_sockaddr_in in = { .sin_family = LX_AF_INET, .sin_addr = __builtin_bswap32(host_order) };

	memcpy(r->ifr_addr, &in, sizeof(in));
}

static int64_t get_conf(struct task *t, uaddr_t arg)
{
	struct lx_ifreq lo = { .ifr_name = "lo" };
	struct lx_ifconf c;

	if (copy_in(t, &c, arg, sizeof(c)) < 0)
		return -EFAULT;
	put_in(&lo, 0x7f000001);
	if (!c.ifc_buf) {
		c.ifc_len = sizeof(lo);
	} else if (c.ifc_len >= (int32_t)sizeof(lo)) {
		if (copy_out(t, uaddr(c.ifc_buf), &lo, sizeof(lo)) < 0)
			return -EFAULT;
		c.ifc_len = sizeof(lo);
	} else {
		c.ifc_len = 0;
	}
	return copy_out(t, arg, &c, sizeof(c));
}

/* One question about the interface: fills the request's second half. */
static int answer(uint32_t cmd, struct lx_ifreq *r)
{
	memset(r->raw, 0, sizeof(r->raw));
	switch (cmd) {
	case LX_SIOCGIFFLAGS:
		r->ifr_flags = LX_IFF_UP | LX_IFF_LOOPBACK | LX_IFF_RUNNING;
		return 0;
	case LX_SIOCGIFADDR:
	case LX_SIOCGIFDSTADDR:
		put_in(r, 0x7f000001);
		return 0;
	case LX_SIOCGIFBRDADDR:
		put_in(r, 0);
		return 0;
	case LX_SIOCGIFNETMASK:
		put_in(r, 0xff000000);
		return 0;
	case LX_SIOCGIFMTU:
		r->ifr_int = LO_MTU;
		return 0;
	case LX_SIOCGIFINDEX:
		r->ifr_int = LO_IFINDEX;
		return 0;
	case LX_SIOCGIFTXQLEN:
		r->ifr_int = LO_QUEUE;
		return 0;
	case LX_SIOCGIFHWADDR: {
		uint16_t family = LX_ARPHRD_LOOPBACK;

		memcpy(r->ifr_addr, &family, sizeof(family));
		return 0;
	}
	case LX_SIOCGIFMETRIC:
	case LX_SIOCGIFMAP:
		return 0;
	default:
		return -ENOTTY;
	}
}

static int64_t get_name(struct task *t, uaddr_t arg)
{
	struct lx_ifreq r;

	if (copy_in(t, &r, arg, sizeof(r)) < 0)
		return -EFAULT;
	if (r.ifr_int != LO_IFINDEX)
		return -ENODEV;
	memset(r.ifr_name, 0, sizeof(r.ifr_name));
	memcpy(r.ifr_name, "lo", 2);
	return copy_out(t, arg, &r, sizeof(r));
}

static bool by_address(uint32_t cmd)
{
	return cmd == LX_SIOCGIFADDR || cmd == LX_SIOCGIFDSTADDR || cmd == LX_SIOCGIFBRDADDR || cmd == LX_SIOCGIFNETMASK;
}

static bool is_lo(struct lx_ifreq *r)
{
	r->ifr_name[LX_IFNAMSIZ - 1] = 0;
	return strcmp(r->ifr_name, "lo") == 0;
}

int64_t inet_ioctl(struct socket *s, struct task *t, uint32_t cmd, uint64_t arg)
{
	struct lx_ifreq r, probe = { .ifr_name = "" };
	int ret;

	if (cmd == LX_SIOCGIFCONF)
		return get_conf(t, uaddr(arg));
	if (cmd == LX_SIOCGIFNAME)
		return get_name(t, uaddr(arg));
	if (cmd == LX_SIOCSIFFLAGS) /* lo is up, and stays so */
		return cred_capable(t->cred, LX_CAP_NET_ADMIN) ? 0 : -EPERM;
	if (answer(cmd, &probe) == -ENOTTY)
		return -ENOTTY;
	if (copy_in(t, &r, uaddr(arg), sizeof(r)) < 0)
		return -EFAULT;
	if (!is_lo(&r))
		return -ENODEV;
	/* IPv6 sockets have other calls for addresses. */
	if (by_address(cmd) && s->domain != LX_AF_INET)
		return -ENOTTY;
	ret = answer(cmd, &r);
	return ret < 0 ? ret : copy_out(t, uaddr(arg), &r, sizeof(r));
}
