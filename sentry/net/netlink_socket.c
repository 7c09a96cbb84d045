/* Netlink sockets: life, port numbers, names, options. See netlink.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task.h"
#include "sentry/net/inet.h"
#include "sentry/net/netlink.h"
#include "sentry/net/sockfilter.h"

#define AUTO_PORT_FIRST 0xfffff000u /* where the search begins when a second socket of a process wants a port */

/* --- ports ------------------------------------------------------------------------------------------------------------------------ */

/* ns->lock held. */
static struct netlink_sock *at_port(struct netns *ns, int protocol, uint32_t portid)
{
	struct netlink_sock *n;

	list_for_each(n, &ns->netlink, link)
		if (n->s.protocol == protocol && atomic_load(&n->portid) == portid)
			return n;
	return NULL;
}

struct netlink_sock *netlink_find(struct netns *ns, int protocol, uint32_t portid)
{
	struct netlink_sock *n;

	LOCK_GUARD(&ns->lock);
	n = at_port(ns, protocol, portid);
	if (n)
		socket_get(&n->s);
	return n;
}

int netlink_autobind(struct netlink_sock *n, struct task *t)
{
	uint32_t port = (uint32_t)task_pid(t), next = AUTO_PORT_FIRST;

	if (atomic_load(&n->portid))
		return 0;
	LOCK_GUARD(&n->ns->lock);
	while (at_port(n->ns, n->s.protocol, port))
		port = next--;
	if (!atomic_load(&n->portid))
		atomic_store(&n->portid, port);
	return 0;
}

/* What everybody may listen to: broadcasts of the kernel that tell nothing secret. */
static bool may_listen(const struct netlink_sock *n, struct task *t)
{
	return n->s.protocol != LX_NETLINK_USERSOCK || cred_capable(t->cred, LX_CAP_NET_ADMIN);
}

static int bind_port(struct netlink_sock *n, uint32_t port)
{
	LOCK_GUARD(&n->ns->lock);
	if (atomic_load(&n->portid))
		return atomic_load(&n->portid) == port ? 0 : -EINVAL;
	if (at_port(n->ns, n->s.protocol, port))
		return -EADDRINUSE;
	atomic_store(&n->portid, port);
	return 0;
}

static int netlink_bind(struct socket *s, struct task *t, const struct sock_addr *a)
{
	struct netlink_sock *n = netlink_of(s);
	int ret;

	if (a->len < sizeof(a->nl) || a->family != LX_AF_NETLINK)
		return -EINVAL;
	if (a->nl.nl_groups && !may_listen(n, t))
		return -EPERM;
	if (atomic_load(&n->portid) && a->nl.nl_pid != atomic_load(&n->portid))
		return -EINVAL;
	ret = a->nl.nl_pid ? bind_port(n, a->nl.nl_pid) : netlink_autobind(n, t);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&s->lock);
	n->groups = (n->groups & ~(uint64_t)UINT32_MAX) | a->nl.nl_groups;
	return 0;
}

static int64_t netlink_connect(struct socket *s, struct task *t, const struct sock_addr *a, bool nonblock)
{
	struct netlink_sock *n = netlink_of(s);

	(void)nonblock;
	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == LX_AF_UNSPEC) {
		LOCK_GUARD(&s->lock);
		n->peer = n->peer_group = 0;
		return 0;
	}
	if (a->family != LX_AF_NETLINK || a->len < sizeof(a->nl))
		return -EINVAL;
	if ((a->nl.nl_groups || a->nl.nl_pid) && s->protocol != LX_NETLINK_USERSOCK && !cred_capable(t->cred, LX_CAP_NET_ADMIN))
		return -EPERM;
	netlink_autobind(n, t);
	LOCK_GUARD(&s->lock);
	n->peer = a->nl.nl_pid;
	n->peer_group = a->nl.nl_groups ? (uint32_t)__builtin_ffs((int)a->nl.nl_groups) : 0;
	return 0;
}

static int netlink_name(struct socket *s, int of_peer, struct sock_addr *out)
{
	struct netlink_sock *n = netlink_of(s);

	LOCK_GUARD(&s->lock);
	out->nl = (struct lx_sockaddr_nl){ .nl_family = LX_AF_NETLINK, .nl_pid = of_peer ? n->peer : atomic_load(&n->portid) };
	if (of_peer)
		out->nl.nl_groups = n->peer_group && n->peer_group <= 32 ? 1u << (n->peer_group - 1) : 0;
	else
		out->nl.nl_groups = (uint32_t)n->groups;
	out->len = sizeof(out->nl);
	return 0;
}

static int netlink_shutdown(struct socket *s, uint32_t bits)
{
	(void)s;
	(void)bits;
	return -EOPNOTSUPP;
}

/* --- options ---------------------------------------------------------------------------------------------------------------------- */

static const int8_t flag_of[] = {
	[LX_NETLINK_PKTINFO] = NL_PKTINFO + 1,
	[LX_NETLINK_BROADCAST_ERROR] = NL_BROADCAST_ERROR + 1,
	[LX_NETLINK_NO_ENOBUFS] = NL_NO_ENOBUFS + 1,
	[LX_NETLINK_LISTEN_ALL_NSID] = NL_LISTEN_ALL + 1,
	[LX_NETLINK_CAP_ACK] = NL_CAP_ACK + 1,
	[LX_NETLINK_EXT_ACK] = NL_EXT_ACK + 1,
	[LX_NETLINK_GET_STRICT_CHK] = NL_STRICT + 1,
};

static int flag_by_name(int name)
{
	return name > 0 && (size_t)name < ARRAY_LEN(flag_of) ? flag_of[name] - 1 : -1;
}

static int change_membership(struct netlink_sock *n, struct task *t, uint32_t group, bool join)
{
	if (!may_listen(n, t))
		return -EPERM;
	if (!group || group > NETLINK_GROUPS)
		return -EINVAL;
	LOCK_GUARD(&n->s.lock);
	if (join)
		n->groups |= 1ull << (group - 1);
	else
		n->groups &= ~(1ull << (group - 1));
	return 0;
}

static int netlink_setsockopt(struct socket *s, struct task *t, int level, int name, const void *buf, uint32_t len)
{
	struct netlink_sock *n = netlink_of(s);
	int flag = flag_by_name(name);
	uint32_t value = 0;

	if (level != LX_SOL_NETLINK)
		return -ENOPROTOOPT;
	if (len >= sizeof(value))
		memcpy(&value, buf, sizeof(value)); /* less counts as 0 */
	if (name == LX_NETLINK_ADD_MEMBERSHIP || name == LX_NETLINK_DROP_MEMBERSHIP)
		return change_membership(n, t, value, name == LX_NETLINK_ADD_MEMBERSHIP);
	if (flag < 0)
		return -ENOPROTOOPT;
	if (flag == NL_LISTEN_ALL && !cred_capable(t->cred, LX_CAP_NET_BROADCAST))
		return -EPERM;
	LOCK_GUARD(&s->lock);
	n->flags = value ? n->flags | 1u << flag : n->flags & ~(1u << flag);
	return 0;
}

static int netlink_getsockopt(struct socket *s, struct task *t, int level, int name, void *buf, uint32_t *len)
{
	struct netlink_sock *n = netlink_of(s);
	int flag = flag_by_name(name);

	(void)t;
	if (level != LX_SOL_NETLINK)
		return -ENOPROTOOPT;
	if (name == LX_NETLINK_LIST_MEMBERSHIPS) {
		uint64_t groups = n->groups;

		memcpy(buf, &groups, *len < sizeof(groups) ? *len & ~3u : sizeof(groups));
		*len = sizeof(groups);
		return 0;
	}
	if (flag < 0)
		return -ENOPROTOOPT;
	if (*len < sizeof(int32_t))
		return -EINVAL;
	return inet_put_int(buf, len, netlink_flag(n, (enum netlink_flag)flag));
}

/* --- life ------------------------------------------------------------------------------------------------------------------------- */

static void netlink_release(struct socket *s)
{
	struct netlink_sock *n = netlink_of(s);

	lock_take(&n->ns->lock);
	list_remove(&n->link);
	list_init(&n->link);
	lock_drop(&n->ns->lock);
	netlink_empty(n);
}

static void netlink_free(struct socket *s)
{
	struct netlink_sock *n = netlink_of(s);

	netlink_release(s); /* something may have been queued between the release and the end */
	socket_filter_free(s->filter);
	netns_put(n->ns);
	mem_free(n);
}

static const struct socket_ops netlink_ops = {
	.bind = netlink_bind,
	.connect = netlink_connect,
	.name = netlink_name,
	.shutdown = netlink_shutdown,
	.send = netlink_send,
	.recv = netlink_recv,
	.poll = netlink_poll,
	.ioctl = inet_ioctl,
	.getsockopt = netlink_getsockopt,
	.setsockopt = netlink_setsockopt,
	.release = netlink_release,
	.free = netlink_free,
};

int netlink_create(struct task *t, int type, int protocol, struct socket **out)
{
	struct netlink_sock *n;

	if (type != LX_SOCK_RAW && type != LX_SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != LX_NETLINK_ROUTE && protocol != LX_NETLINK_USERSOCK && protocol != LX_NETLINK_SOCK_DIAG &&
	    protocol != LX_NETLINK_KOBJECT_UEVENT)
		return -EPROTONOSUPPORT;
	n = mem_zalloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	socket_init(&n->s, &netlink_ops, LX_AF_NETLINK, type, protocol);
	list_init(&n->queue);
	n->ns = netns_get(task_netns(t));
	lock_take(&n->ns->lock);
	list_push_back(&n->ns->netlink, &n->link);
	lock_drop(&n->ns->lock);
	*out = &n->s;
	return 0;
}
