/* User namespaces: see user_ns.h. Linux: kernel/user_namespace.c. */
#include "sentry/kernel/user_ns.h"

#include <errno.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/kernel/cred.h"

#define NAMESPACES_MAX 2048 /* of a kind, as /proc/sys/user shows it until it is set */
#define EACH_KIND(n) [NS_USER] = (n), [NS_MNT] = (n), [NS_PID] = (n), [NS_UTS] = (n), [NS_IPC] = (n), [NS_NET] = (n), [NS_CGROUP] = (n), [NS_TIME] = (n)

/* One for the process and for ever, as there is one sandbox: it is what everything else is measured by. */
struct user_ns first_user_ns = {
	.ns = { .ref = { 1 }, .kind = NS_USER, .inum = 4026531837u },
	.setgroups = 1,
	.parent_may_setfcap = true,
	.max = { EACH_KIND(NAMESPACES_MAX) },
};

struct user_ns *user_ns_get(struct user_ns *ns)
{
	ref_get(&ns->ns.ref);
	return ns;
}

void user_ns_put(struct user_ns *ns)
{
	if (ns)
		ns_put(&ns->ns);
}

int user_ns_charge(struct user_ns *ns, enum ns_kind kind)
{
	for (struct user_ns *at = ns; at; at = at->ns.owner) {
		if (atomic_fetch_add(&at->used[kind], 1) < atomic_load(&at->max[kind]))
			continue;
		atomic_fetch_sub(&at->used[kind], 1);
		for (struct user_ns *undo = ns; undo != at; undo = undo->ns.owner)
			atomic_fetch_sub(&undo->used[kind], 1);
		return -ENOSPC;
	}
	return 0;
}

void user_ns_uncharge(struct user_ns *ns, enum ns_kind kind)
{
	for (; ns; ns = ns->ns.owner)
		atomic_fetch_sub(&ns->used[kind], 1);
}

int user_ns_create(const struct cred *c, struct user_ns **out)
{
	struct user_ns *parent = c->user_ns, *ns;
	int ret;

	if (parent->level >= USER_NS_LEVELS_MAX)
		return -ENOSPC;
	ret = user_ns_charge(parent, NS_USER);
	if (ret < 0)
		return ret;
	ret = -EPERM;
	if (id_from_kernel(parent, ID_USER, c->euid) == NO_ID || id_from_kernel(parent, ID_GROUP, c->egid) == NO_ID)
		goto fail;
	ret = -ENOMEM;
	ns = mem_zalloc(sizeof(*ns));
	if (!ns)
		goto fail;
	ns_init(&ns->ns, NS_USER, parent);
	ns->level = parent->level + 1;
	ns->uid = c->euid;
	ns->gid = c->egid;
	ns->parent_may_setfcap = c->cap_effective & LX_CAP_MASK(LX_CAP_SETFCAP);
	atomic_init(&ns->setgroups, atomic_load(&parent->setgroups));
	for (int i = 0; i < NS_KINDS; i++)
		atomic_init(&ns->max[i], NAMESPACES_MAX);
	*out = ns;
	return 0;
fail:
	user_ns_uncharge(parent, NS_USER);
	return ret;
}

void cred_enter_user_ns(struct cred *c, struct user_ns *ns)
{
	user_ns_put(c->user_ns);
	c->user_ns = user_ns_get(ns);
	c->securebits = 0;
	c->cap_permitted = c->cap_effective = c->cap_bounding = LX_CAP_ALL;
	c->cap_inheritable = c->cap_ambient = 0;
}

bool user_ns_is_ancestor(const struct user_ns *ancestor, const struct user_ns *of)
{
	while (of && of->level > ancestor->level)
		of = of->ns.owner;
	return of == ancestor;
}

bool ns_capable(const struct cred *c, const struct user_ns *ns, int cap)
{
	for (;; ns = ns->ns.owner) {
		if (ns == c->user_ns)
			return c->cap_effective & LX_CAP_MASK(cap);
		if (ns->level <= c->user_ns->level)
			return false;
		/* Who made a namespace, in the namespace above it, has every right over it. */
		if (ns->ns.owner == c->user_ns && ns->uid == c->euid)
			return true;
	}
}

uint32_t user_ns_map_down(const struct user_ns *ns, enum id_kind kind, uint32_t id)
{
	const struct id_map *m = atomic_load_explicit(&ns->map[kind], memory_order_acquire);

	for (uint32_t i = 0; m && i < m->count; i++)
		if (id - m->extent[i].first < m->extent[i].count)
			return m->extent[i].kernel + (id - m->extent[i].first);
	return NO_ID;
}

uint32_t user_ns_map_up(const struct user_ns *ns, enum id_kind kind, uint32_t id)
{
	const struct id_map *m = atomic_load_explicit(&ns->map[kind], memory_order_acquire);

	for (uint32_t i = 0; m && i < m->count; i++)
		if (id - m->extent[i].kernel < m->extent[i].count)
			return m->extent[i].first + (id - m->extent[i].kernel);
	return NO_ID;
}

bool user_ns_may_setgroups(const struct user_ns *ns)
{
	return ns == &first_user_ns || (atomic_load(&ns->map[ID_GROUP]) && atomic_load(&ns->setgroups));
}
