/* Network namespaces: see netns.h. */
#include "sentry/net/netns.h"

#include <stddef.h>

#include "base/mem.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ns.h"
#include "sentry/net/inet.h"

void *net_object_new(size_t size)
{
	void *p;

	if (memory_charge(the_kernel, (int64_t)size) < 0)
		return NULL;
	p = mem_zalloc(size);
	if (!p)
		memory_charge(the_kernel, -(int64_t)size);
	return p;
}

void net_object_free(void *p, size_t size)
{
	if (!p)
		return;
	memory_charge(the_kernel, -(int64_t)size);
	mem_free(p);
}

struct netns *netns_create(void)
{
	struct netns *ns = mem_zalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	ref_init(&ns->ref);
	lock_init(&ns->lock, RANK_SOCKET_NAMES, "netns");
	for (int i = 0; i < NETNS_PROTOS; i++)
		list_init(&ns->sockets[i]);
	list_init(&ns->time_wait);
	list_init(&ns->netlink);
	atomic_init(&ns->port_low, 32768);
	atomic_init(&ns->port_high, 60999);
	atomic_init(&ns->unprivileged_port, 1024);
	atomic_init(&ns->ping_low, 0); /* as container engines set it: everybody may ping */
	atomic_init(&ns->ping_high, INT32_MAX);
	atomic_init(&ns->default_ttl, 64);
	return ns;
}

struct netns *netns_get(struct netns *ns)
{
	ref_get(&ns->ref);
	return ns;
}

void netns_put(struct netns *ns)
{
	if (!ns || !ref_put(&ns->ref))
		return;
	inet_tw_flush(ns);
	for (int i = 0; i < NETNS_RAW; i++)
		mem_free(ns->table[i]);
	mem_free(ns);
}

struct netns *task_netns(struct task *t)
{
	return t->ns ? container_of(t->ns->of[NS_NET], struct net_ns, ns)->net : t->k->netns;
}
