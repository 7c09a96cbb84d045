/* /proc/net: sockets. tcp, tcp6, udp, udp6, raw, raw6, icmp, icmp6, unix, netlink, sockstat, sockstat6. proc_pid_net(5). */
#include <string.h>

#include "sentry/fs/proc/proc.h"
#include "sentry/net/inet.h"
#include "sentry/net/netlink.h"
#include "sentry/net/unix.h"

/* What Linux pads the lines of IPv4 to. */
#define TCP_WIDTH 149
#define UDP_WIDTH 127

#define HEAD4 "local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
#define HEAD6                                                                                              \
	"local_address                         remote_address                        st tx_queue rx_queue " \
	"tr tm->when retrnsmt   uid  timeout inode"

/* --- internet sockets ----------------------------------------------------------------------------------------------------------------- */

struct table {
	struct textbuf *b;
	enum netns_proto proto;
	int domain, count;
};

/* Words of an address as this machine reads them. */
static void put_end(struct table *t, const struct inet_end *e)
{
	uint32_t w[4];

	memcpy(w, e->addr.b, sizeof(w));
	if (t->domain == LX_AF_INET)
		text_printf(t->b, " %08X:%04X", inet_to_v4(&e->addr), e->port);
	else
		text_printf(t->b, " %08X%08X%08X%08X:%04X", w[0], w[1], w[2], w[3], e->port);
}

static bool is_raw4(const struct table *t)
{
	return t->proto == NETNS_RAW && t->domain == LX_AF_INET;
}

static void end_line(struct table *t, size_t start)
{
	if (t->domain == LX_AF_INET && t->proto != NETNS_RAW)
		text_pad(t->b, start, t->proto == NETNS_TCP ? TCP_WIDTH : UDP_WIDTH);
	text_puts(t->b, "\n");
}

static void put_row(const struct inet_row *row, void *arg)
{
	struct table *t = arg;
	bool stream = t->proto == NETNS_TCP;
	size_t start = t->b->len;

	text_printf(t->b, stream || is_raw4(t) ? "%4d:" : "%5d:", t->count++);
	put_end(t, &row->local);
	put_end(t, &row->remote);
	text_printf(t->b, " %02X %08X:%08X 00:00000000 00000000 %5u        0 %lu", row->state, (uint32_t)row->wqueue, (uint32_t)row->rqueue,
		    row->uid, row->ino);
	if (stream)
		text_printf(t->b, " 1 %016lx 100 0 0 10 0", row->ino);
	else
		text_printf(t->b, " 2 %016lx %u", row->ino, row->drops);
	end_line(t, start);
}

static void put_head(struct table *t)
{
	bool stream = t->proto == NETNS_TCP;
	size_t start = t->b->len;

	text_puts(t->b, stream || t->domain == LX_AF_INET6 || is_raw4(t) ? "  sl  " : "   sl  ");
	text_puts(t->b, t->domain == LX_AF_INET ? HEAD4 : HEAD6);
	if (!stream)
		text_puts(t->b, " ref pointer drops");
	end_line(t, start);
}

/* arg: the table, and 16 for IPv6. */
int proc_show_net_inet(const struct pseudo_req *r, struct textbuf *b)
{
	struct table t = { .b = b, .proto = (enum netns_proto)(r->entry->arg & 15),
			   .domain = r->entry->arg & PROC_NET_V6 ? LX_AF_INET6 : LX_AF_INET };

	put_head(&t);
	inet_rows(task_netns(r->t), t.proto, t.domain, put_row, &t);
	return 0;
}

/* --- others --------------------------------------------------------------------------------------------------------------------------- */

static void put_unix_path(const struct sock_addr *a, struct textbuf *b)
{
	uint32_t n = a->len > LX_SUN_PATH_OFFSET ? a->len - LX_SUN_PATH_OFFSET : 0;

	if (!n)
		return;
	text_puts(b, " ");
	if (a->un.sun_path[0])
		n = (uint32_t)strnlen(a->un.sun_path, n);
	for (uint32_t i = 0; i < n; i++)
		text_printf(b, "%c", a->un.sun_path[i] ? a->un.sun_path[i] : '@');
}

static void put_unix(const struct unix_sock *u, void *arg)
{
	struct textbuf *b = arg;
	int state = atomic_load(&u->state), shown = state == UNIX_CONNECTED ? 3 : 1; /* SS_CONNECTED, SS_UNCONNECTED */
	struct sock_addr a;

	if (!u->s.ino) /* waits to be accepted */
		return;
	unix_show_name(u, &a);
	text_printf(b, "%016lx: %08X %08X %08X %04X %02X %5lu", u->s.ino, 2, 0, state == UNIX_LISTENING ? 0x10000 : 0, u->s.type, shown,
		    u->s.ino);
	put_unix_path(&a, b);
	text_puts(b, "\n");
}

int proc_show_net_unix(const struct pseudo_req *r, struct textbuf *b)
{
	(void)r;
	text_puts(b, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	unix_rows(put_unix, b);
	return 0;
}

int proc_show_net_netlink(const struct pseudo_req *r, struct textbuf *b)
{
	struct netns *ns = task_netns(r->t);
	struct netlink_sock *n;

	text_puts(b, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	LOCK_GUARD(&ns->lock);
	list_for_each(n, &ns->netlink, link)
		text_printf(b, "%016lx %-3d %-10u %08x %-8u %-8d %-5d %-8d %-8d %-8lu\n", n->s.ino, n->s.protocol, atomic_load(&n->portid),
			    (uint32_t)n->groups, n->queued_bytes, 0, n->dumping, 2, 0, n->s.ino);
	return 0;
}

/* --- how many ------------------------------------------------------------------------------------------------------------------------- */

static void count_unix(const struct unix_sock *u, void *arg)
{
	(void)u;
	++*(uint32_t *)arg;
}

static void count_row(const struct inet_row *row, void *arg)
{
	(void)row;
	++*(uint32_t *)arg;
}

static uint32_t in_use(struct netns *ns, enum netns_proto proto, int domain)
{
	uint32_t n = 0;

	inet_rows(ns, proto, domain, count_row, &n);
	return n;
}

int proc_show_net_sockstat(const struct pseudo_req *r, struct textbuf *b)
{
	struct netns *ns = task_netns(r->t);
	uint32_t used = 0, tcp = in_use(ns, NETNS_TCP, LX_AF_INET), udp = in_use(ns, NETNS_UDP, LX_AF_INET);

	unix_rows(count_unix, &used);
	for (int i = 0; i < NETNS_PROTOS; i++)
		used += __atomic_load_n(&ns->count[i], __ATOMIC_RELAXED);
	text_printf(b, "sockets: used %u\nTCP: inuse %u orphan 0 tw %u alloc %u mem 0\nUDP: inuse %u mem 0\nUDPLITE: inuse 0\n", used, tcp,
		    __atomic_load_n(&ns->time_wait_count, __ATOMIC_RELAXED), __atomic_load_n(&ns->count[NETNS_TCP], __ATOMIC_RELAXED), udp);
	text_printf(b, "RAW: inuse %u\nFRAG: inuse 0 memory 0\n", in_use(ns, NETNS_RAW, LX_AF_INET));
	return 0;
}

int proc_show_net_sockstat6(const struct pseudo_req *r, struct textbuf *b)
{
	struct netns *ns = task_netns(r->t);

	text_printf(b, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\nFRAG6: inuse 0 memory 0\n",
		    in_use(ns, NETNS_TCP, LX_AF_INET6), in_use(ns, NETNS_UDP, LX_AF_INET6), in_use(ns, NETNS_RAW, LX_AF_INET6));
	return 0;
}
