/* Internet sockets as tables show them: /proc/net/tcp and its like, sock_diag(7). See inet.h. */
#include <stddef.h>

#include "sentry/net/dgram.h"
#include "sentry/net/tcp.h"

static void tcp_row(struct inet_sock *i, struct inet_row *row)
{
	struct tcp_sock *t = container_of(i, struct tcp_sock, in);
	struct tcp_conn *c;
	int side;

	row->state = tcp_state(t);
	if (row->state == LX_TCP_LISTEN) {
		lock_take(&i->s.lock);
		row->rqueue = t->pending_count;
		row->backlog = t->backlog;
		lock_drop(&i->s.lock);
		return;
	}
	c = tcp_conn_of(t, &side);
	if (!c)
		return;
	lock_take(&c->lock);
	row->rqueue = tcp_queued(tcp_rx(c, side));
	row->wqueue = tcp_unsent(c, side);
	lock_drop(&c->lock);
	tcp_conn_put(c);
}

static void dgram_row(struct inet_sock *i, struct inet_row *row)
{
	struct dgram_sock *d = container_of(i, struct dgram_sock, in);

	LOCK_GUARD(&i->s.lock);
	row->state = d->connected ? LX_TCP_ESTABLISHED : LX_TCP_CLOSE;
	row->rqueue = d->queued_bytes;
	row->drops = d->drops;
}

void inet_rows(struct netns *ns, enum netns_proto proto, int domain, void (*show)(const struct inet_row *, void *), void *arg)
{
	struct inet_sock *i;

	LOCK_GUARD(&ns->lock);
	list_for_each(i, &ns->sockets[proto], all_link) {
		struct inet_row row = { .sock = i, .local = i->local, .remote = i->remote, .uid = i->uid, .ino = i->s.ino };

		if (i->s.domain != domain)
			continue;
		if (proto == NETNS_TCP)
			tcp_row(i, &row);
		else
			dgram_row(i, &row);
		if (proto == NETNS_RAW)
			row.local.port = (uint16_t)i->s.protocol;
		/* What has no place in the tables by port is not seen there on Linux either. */
		if (proto == NETNS_TCP ? row.state != LX_TCP_CLOSE : row.local.port != 0)
			show(&row, arg);
	}
}
