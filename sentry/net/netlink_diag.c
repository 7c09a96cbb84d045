/* NETLINK_SOCK_DIAG: internet sockets, as ss asks for them. sock_diag(7). See netlink.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sentry/net/inet.h"
#include "sentry/net/netlink.h"

struct search {
	struct netlink_req *r;
	struct lx_inet_diag_req want;
};

static void put_end(const struct inet_end *e, int domain, uint32_t *addr, uint16_t *port)
{
	if (domain == LX_AF_INET)
		addr[0] = inet_to_v4(&e->addr);
	else
		memcpy(addr, e->addr.b, sizeof(e->addr.b));
	*port = __builtin_bswap16(e->port);
}

static void put_row(const struct inet_row *row, void *arg)
{
	struct search *s = arg;
	int domain = row->sock->s.domain;
	struct lx_inet_diag_msg m = { .family = (uint8_t)domain, .state = (uint8_t)row->state, .uid = row->uid, .inode = (uint32_t)row->ino,
				      .rqueue = (uint32_t)row->rqueue, .wqueue = row->backlog ? row->backlog : (uint32_t)row->wqueue };
	uint8_t shut = (uint8_t)atomic_load(&row->sock->s.shut);
	size_t at;

	put_end(&row->local, domain, m.id.src, &m.id.sport);
	put_end(&row->remote, domain, m.id.dst, &m.id.dport);
	m.id.cookie[0] = m.inode;
	if (!(s->want.states >> row->state & 1))
		return;
	if ((s->want.id.sport && s->want.id.sport != m.id.sport) || (s->want.id.dport && s->want.id.dport != m.id.dport))
		return;
	at = netlink_begin(s->r, LX_SOCK_DIAG_BY_FAMILY, &m, sizeof(m));
	netlink_put_u8(s->r, 8, shut); /* INET_DIAG_SHUTDOWN */
	if (domain == LX_AF_INET6)
		netlink_put_u8(s->r, 11, row->sock->ip.v6only); /* INET_DIAG_SKV6ONLY */
	netlink_end(s->r, at);
}

static const struct {
	uint8_t protocol;
	enum netns_proto proto;
} kinds[] = {
	{ LX_IPPROTO_TCP, NETNS_TCP },
	{ LX_IPPROTO_UDP, NETNS_UDP },
	{ 255 /* IPPROTO_RAW */, NETNS_RAW },
};

int netlink_diag(struct netlink_req *r)
{
	struct search s = { .r = r };

	if (r->h.nlmsg_type != LX_SOCK_DIAG_BY_FAMILY || r->len < 2)
		return -EINVAL;
	netlink_fixed(r, &s.want, sizeof(s.want));
	if (s.want.family >= LX_AF_MAX)
		return -EINVAL;
	/* Of other families ss reads the tables in /proc. */
	if (s.want.family != LX_AF_INET && s.want.family != LX_AF_INET6)
		return -ENOENT;
	if (r->len < sizeof(s.want))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].protocol != s.want.protocol)
			continue;
		r->dump = (r->h.nlmsg_flags & LX_NLM_F_DUMP) != 0;
		if (!r->dump)
			s.want.states = ~0u;
		inet_rows(r->from->ns, kinds[i].proto, s.want.family, put_row, &s);
		return r->dump || r->out.len ? 0 : -ENOENT;
	}
	return -ENOENT;
}
