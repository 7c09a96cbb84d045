/* Ports: who has which, conflicts, connections that linger in TIME_WAIT. See inet.h. */
#include <errno.h>
#include <stddef.h>

#include "abi/socket.h"
#include "base/hash.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/net/inet.h"
#include "sentry/net/tcp.h"

#define TIME_WAIT_NS 60000000000ll
#define TIME_WAIT_MAX 4096u

struct inet_tw {
	struct list link;
	struct inet_end local, remote;
	bool v6only, reuse, reuseport;
	int64_t expires;
};

/* --- tables --------------------------------------------------------------------------------------------------------------------- */

struct inet_table *inet_table(struct netns *ns, enum netns_proto proto)
{
	struct inet_table *table = ns->table[proto];

	if (table)
		return table;
	table = mem_alloc(sizeof(*table));
	if (!table)
		return NULL;
	for (uint32_t i = 0; i < NETNS_BUCKETS; i++) {
		list_init(&table->bound[i]);
		list_init(&table->taken[i]);
	}
	return ns->table[proto] = table;
}

struct list *inet_bucket(struct netns *ns, enum netns_proto proto, uint16_t port)
{
	return ns->table[proto] ? &ns->table[proto]->bound[port % NETNS_BUCKETS] : NULL;
}

void inet_port_leave(struct inet_sock *i)
{
	lock_assert_held(&i->ns->lock);
	list_remove(&i->bind_link);
}

/* The one that was bound last is found first. */
static void enter(struct inet_sock *i, struct inet_table *table)
{
	list_push_front(&table->bound[i->local.port % NETNS_BUCKETS], &i->bind_link);
}

void inet_port_share(struct inet_sock *i)
{
	struct inet_table *table = inet_table(i->ns, i->proto);

	lock_assert_held(&i->ns->lock);
	if (table)
		list_push_back(&table->taken[i->local.port % NETNS_BUCKETS], &i->bind_link);
}

/* --- conflicts -------------------------------------------------------------------------------------------------------------------- */

static bool has_v4(const struct inet_addr *a, bool v6only)
{
	return inet_is_v4(a) || (inet_equal(a, &inet_any6) && !v6only);
}

/* Could one packet be for both? */
static bool overlap(const struct inet_addr *a, bool a_only6, const struct inet_addr *b, bool b_only6)
{
	bool same = inet_is_any(a) || inet_is_any(b) || inet_equal(a, b);

	if (has_v4(a, a_only6) && has_v4(b, b_only6))
		return same;
	return same && !inet_is_v4(a) && !inet_is_v4(b);
}

bool inet_takes(const struct inet_sock *i, const struct inet_addr *to)
{
	const struct inet_addr *own = &i->local.addr;

	if (!inet_is_any(own))
		return inet_equal(own, to);
	return inet_is_v4(to) ? has_v4(own, i->ip.v6only) : !inet_is_v4(own);
}

static bool may_share(const struct inet_sock *i, const struct inet_sock *other)
{
	bool reuse = socket_opt(&i->s, LX_SO_REUSEADDR) && socket_opt(&other->s, LX_SO_REUSEADDR);
	bool group = socket_opt(&i->s, LX_SO_REUSEPORT) && socket_opt(&other->s, LX_SO_REUSEPORT) && i->uid == other->uid;

	if (reuse && (i->proto != NETNS_TCP || !tcp_is_listening(other)))
		return true;
	return group;
}

static bool conflict_with(struct inet_sock *i, struct list *bucket, uint16_t port, bool shared_is_taken)
{
	struct inet_sock *o;

	list_for_each(o, bucket, bind_link)
		if (o != i && o->local.port == port && (!i->s.bound_dev || !o->s.bound_dev || i->s.bound_dev == o->s.bound_dev) &&
		    overlap(&i->local.addr, i->ip.v6only, &o->local.addr, o->ip.v6only) && (shared_is_taken || !may_share(i, o)))
			return true;
	return false;
}

static void tw_drop(struct netns *ns, struct inet_tw *tw)
{
	list_remove(&tw->link);
	ns->time_wait_count--;
	ns->time_wait_ports[tw->local.port % NETNS_BUCKETS]--;
	mem_free(tw);
}

static bool conflict_with_tw(struct inet_sock *i, uint16_t port)
{
	int64_t now = host_monotonic_ns();
	struct inet_tw *tw, *next;

	if (!i->ns->time_wait_ports[port % NETNS_BUCKETS])
		return false;
	list_for_each_safe(tw, next, &i->ns->time_wait, link) {
		if (tw->expires <= now) {
			tw_drop(i->ns, tw);
			continue;
		}
		if (tw->local.port != port || !overlap(&i->local.addr, i->ip.v6only, &tw->local.addr, tw->v6only))
			continue;
		if (!(tw->reuse && socket_opt(&i->s, LX_SO_REUSEADDR)) && !(tw->reuseport && socket_opt(&i->s, LX_SO_REUSEPORT)))
			return true;
	}
	return false;
}

static bool conflict(struct inet_sock *i, struct inet_table *table, uint16_t port, bool shared_is_taken)
{
	return conflict_with(i, &table->bound[port % NETNS_BUCKETS], port, shared_is_taken) ||
	       conflict_with(i, &table->taken[port % NETNS_BUCKETS], port, shared_is_taken) ||
	       (i->proto == NETNS_TCP && conflict_with_tw(i, port));
}

bool inet_port_conflict(struct inet_sock *i)
{
	struct inet_table *table = inet_table(i->ns, i->proto);

	lock_assert_held(&i->ns->lock);
	return !table || conflict(i, table, i->local.port, false);
}

/* --- taking ----------------------------------------------------------------------------------------------------------------------- */

/* The range that ports are picked from: the socket's own within the namespace's. */
static void range(const struct inet_sock *i, uint32_t *low, uint32_t *count)
{
	uint32_t from = (uint32_t)atomic_load(&i->ns->port_low), to = (uint32_t)atomic_load(&i->ns->port_high);

	if (i->ip.port_low > from && i->ip.port_low <= to)
		from = i->ip.port_low;
	if (i->ip.port_high && i->ip.port_high < to && i->ip.port_high >= from)
		to = i->ip.port_high;
	*low = from;
	*count = to - from + 1;
}

/* Where to begin: not the same place for two sandboxes, and not the port that was just given up. */
static uint32_t first_try(struct inet_sock *i)
{
	if (!i->ns->next_port)
		i->ns->next_port = (uint32_t)hash_u64((uintptr_t)i->ns, (uint64_t)host_monotonic_ns());
	return i->ns->next_port++;
}

int inet_port_take(struct inet_sock *i, uint16_t port)
{
	struct inet_table *table = inet_table(i->ns, i->proto);
	uint32_t low, count, start;

	lock_assert_held(&i->ns->lock);
	if (!table)
		return -ENOMEM;
	if (port) {
		if (conflict(i, table, port, false))
			return -EADDRINUSE;
		i->local.port = port;
		enter(i, table);
		return 0;
	}
	range(i, &low, &count);
	start = first_try(i);
	for (uint32_t n = 0; n < count; n++) {
		port = (uint16_t)(low + (start + n) % count);
		if (conflict(i, table, port, true))
			continue;
		i->local.port = port;
		enter(i, table);
		return 0;
	}
	return -EADDRINUSE;
}

/* Is there that very connection already? */
static bool pair_taken(const struct inet_sock *i, struct list *bucket, const struct inet_end *local, const struct inet_end *remote)
{
	const struct inet_sock *o;

	list_for_each(o, bucket, bind_link)
		if (o != i && o->local.port == local->port && o->remote.port == remote->port &&
		    inet_equal(&o->remote.addr, &remote->addr) && inet_equal(&o->local.addr, &local->addr))
			return true;
	return false;
}

/* May a socket without a port of its own use this one for the connection? Not where somebody asked for that port. */
static bool usable(struct inet_sock *i, struct list *bucket, const struct inet_end *local, const struct inet_end *remote)
{
	const struct inet_sock *o;

	list_for_each(o, bucket, bind_link)
		if (o->local.port == local->port && (o->port_bound || !o->remote.port))
			return false;
	return !pair_taken(i, bucket, local, remote);
}

int inet_port_connect(struct inet_sock *i, const struct inet_addr *source, const struct inet_end *remote)
{
	struct inet_table *table = inet_table(i->ns, i->proto);
	struct inet_end local = { *source, i->local.port };
	uint32_t low, count, start;

	lock_assert_held(&i->ns->lock);
	if (!table)
		return -ENOMEM;
	if (i->local.port) {
		if (pair_taken(i, &table->bound[local.port % NETNS_BUCKETS], &local, remote) ||
		    pair_taken(i, &table->taken[local.port % NETNS_BUCKETS], &local, remote))
			return -EADDRNOTAVAIL;
		i->local.addr = *source;
		i->remote = *remote;
		return 0;
	}
	range(i, &low, &count);
	start = first_try(i);
	for (uint32_t n = 0; n < count; n++) {
		local.port = (uint16_t)(low + (start + n) % count);
		if (!usable(i, &table->bound[local.port % NETNS_BUCKETS], &local, remote) ||
		    !usable(i, &table->taken[local.port % NETNS_BUCKETS], &local, remote))
			continue;
		i->local = local;
		i->remote = *remote;
		enter(i, table);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* --- TIME_WAIT -------------------------------------------------------------------------------------------------------------------- */

void inet_tw_add(struct netns *ns, const struct inet_sock *i)
{
	struct inet_tw *tw = mem_alloc(sizeof(*tw));

	lock_assert_held(&ns->lock);
	if (!tw) /* the port is free earlier than elsewhere */
		return;
	*tw = (struct inet_tw){ .local = i->local, .remote = i->remote, .v6only = i->ip.v6only,
				.reuse = socket_opt(&i->s, LX_SO_REUSEADDR), .reuseport = socket_opt(&i->s, LX_SO_REUSEPORT),
				.expires = host_monotonic_ns() + TIME_WAIT_NS };
	list_push_back(&ns->time_wait, &tw->link);
	ns->time_wait_ports[tw->local.port % NETNS_BUCKETS]++;
	if (++ns->time_wait_count > TIME_WAIT_MAX)
		tw_drop(ns, list_first(&ns->time_wait, struct inet_tw, link));
}

void inet_tw_flush(struct netns *ns)
{
	while (!list_empty(&ns->time_wait))
		tw_drop(ns, list_first(&ns->time_wait, struct inet_tw, link));
}
