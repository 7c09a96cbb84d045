/* Which families there are: the dispatch of socket(2). A further family is a row here. */
#include <errno.h>
#include <stddef.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/inet.h"
#include "sentry/net/netlink.h"
#include "sentry/net/socket.h"
#include "sentry/net/unix.h"

/* Nobody without the capability learns whether there are packet sockets: there are none. */
static int packet_create(struct task *t, int type, int protocol, struct socket **out)
{
	(void)type;
	(void)protocol;
	(void)out;
	return cred_capable(t->cred, LX_CAP_NET_RAW) ? -EAFNOSUPPORT : -EPERM;
}

static const struct family {
	int domain;
	int (*create)(struct task *, int type, int protocol, struct socket **out);
} families[] = {
	{ LX_AF_UNIX, unix_create },
	{ LX_AF_INET, inet_create },
	{ LX_AF_INET6, inet6_create },
	{ LX_AF_PACKET, packet_create },
	{ LX_AF_NETLINK, netlink_create },
};

int socket_create(struct task *t, int domain, int type, int protocol, struct socket **out)
{
	if (domain < 0 || domain >= LX_AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type > LX_SOCK_PACKET)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (families[i].domain == domain)
			return families[i].create(t, type, protocol, out);
	return -EAFNOSUPPORT;
}
