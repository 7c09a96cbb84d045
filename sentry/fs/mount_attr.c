/* What mount_setattr(2), fsmount(2) and move_mount(2) with MOVE_MOUNT_SET_GROUP do. Linux: fs/namespace.c, do_mount_setattr(), do_set_group(). */
#include <errno.h>

#include "abi/cred.h"
#include "abi/mount.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/mount.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/user_ns.h"

/* Lock held. Mounted in the task's namespace, or the top of a tree that is nowhere. */
static bool may_change(struct task *t, const struct path *p)
{
	const struct mount *m = p->mount;

	if (p->dentry != m->root || !m->ns)
		return false;
	return m->at.mount ? m->ns == task_mount_ns(t) : m->ns->anonymous;
}

static uint32_t changed(const struct mount *m, const struct mount_change *c)
{
	return (atomic_load(&m->flags) & ~c->clear) | c->set;
}

static enum propagation propagation_of(uint32_t ms)
{
	switch (ms) {
	case LX_MS_SHARED:
		return PROPAGATE_SHARED;
	case LX_MS_SLAVE:
		return PROPAGATE_SLAVE;
	case LX_MS_UNBINDABLE:
		return PROPAGATE_UNBINDABLE;
	default:
		return PROPAGATE_PRIVATE;
	}
}

int mount_do_setattr(struct task *t, const struct path *p, const struct mount_change *c)
{
	struct mount *top = p->mount, *m;
	int ret = 0;

	LOCK_GUARD(&mount_lock);
	if (!may_change(t, p))
		return -EINVAL;
	for (m = top; m && ret == 0; m = c->recursive ? mount_next(m, top) : NULL)
		ret = mount_may_set_flags(m, changed(m, c));
	/* Groups first: that is what memory can run out for. (Mounts that became shared before it did stay so, which nobody else sees.) */
	for (m = top; m && ret == 0 && c->propagation; m = c->recursive ? mount_next(m, top) : NULL)
		ret = mount_set_propagation(m, propagation_of(c->propagation));
	if (ret < 0)
		return ret;
	for (m = top; m; m = c->recursive ? mount_next(m, top) : NULL)
		atomic_store(&m->flags, changed(m, c));
	mount_ns_touch(top->ns);
	return 0;
}

static bool has_locked_under(const struct mount *m, const struct dentry *root)
{
	const struct mount *c;

	list_for_each(c, &m->children, sibling)
		if (c->locked & MOUNT_LOCKED && dentry_is_below(c->at.dentry, root))
			return true;
	return false;
}

int mount_do_set_group(struct task *t, const struct path *from_path, const struct path *to_path)
{
	struct mount *from = from_path->mount, *to = to_path->mount;

	LOCK_GUARD(&mount_lock);
	if (!from->ns || !to->ns || from->ns->anonymous || to->ns->anonymous)
		return -EINVAL;
	if (!ns_capable(t->cred, from->ns->ns.owner, LX_CAP_SYS_ADMIN) || !ns_capable(t->cred, to->ns->ns.owner, LX_CAP_SYS_ADMIN))
		return -EPERM;
	if (from_path->dentry != from->root || to_path->dentry != to->root || from->super != to->super)
		return -EINVAL;
	if (!dentry_is_below(to->root, from->root) || has_locked_under(from, to->root))
		return -EINVAL;
	if (to->peers || to->master || (!from->peers && !from->master))
		return -EINVAL;
	if (from->master)
		slave_attach(to, from->master);
	if (from->peers)
		peer_join(to, from->peers);
	mount_ns_touch(to->ns);
	return 0;
}

int mount_do_detached(struct task *t, struct super *s, uint32_t flags, uint32_t locked, const char *source, struct mount_ns **out, struct path *root)
{
	struct dentry *d = dentry_new(NULL, "", 0, s->root);
	struct mount *m = d ? mount_new(s, d, flags, NULL, source) : NULL;
	int ret;

	dentry_put(d);
	if (!m)
		return -ENOMEM;
	m->locked |= locked;
	*out = mount_ns_anonymous(t);
	if (!*out) {
		mount_put(m);
		return -ENOSPC;
	}
	lock_take(&mount_lock);
	(*out)->base = m;
	ret = mount_join_ns(m, *out); /* never full: it is the only one */
	*root = (struct path){ .mount = m, .dentry = m->root };
	path_get(root);
	lock_drop(&mount_lock);
	return ret;
}

/* --- questions ---------------------------------------------------------------------------------------------------------------- */

static int dominating(const struct mount *m)
{
	for (const struct peer_group *g = m->master; g; g = list_first(&g->members, struct mount, peer_link)->master) {
		const struct mount *p;

		list_for_each(p, &g->members, peer_link)
			if (p->ns == m->ns)
				return g->id;
	}
	return 0;
}

struct mount_facts mount_facts(const struct mount *m)
{
	LOCK_GUARD(&mount_lock);
	return (struct mount_facts){
		.parent = m->at.mount ? m->at.mount->id : m->id,
		.parent_unique = m->at.mount ? m->at.mount->unique_id : m->unique_id,
		.shared = m->peers ? m->peers->id : 0,
		.master = m->master ? m->master->id : 0,
		.from = m->master ? dominating(m) : 0,
		.unbindable = m->unbindable,
	};
}

static struct mount_ns *ns_of_task(struct task *t, uint64_t id)
{
	struct ns_set *s = task_ns_set(t);
	struct mount_ns *ns = s ? container_of(s->of[NS_MNT], struct mount_ns, ns) : NULL;

	if (ns && ns->id == id)
		ns_get(&ns->ns);
	else
		ns = NULL;
	ns_set_put(s);
	return ns;
}

struct mount_ns *mount_ns_find(struct task *t, uint64_t id)
{
	struct mount_ns *found = ns_of_task(t, id);

	for (int nr = 0; !found;) {
		struct task *other;

		lock_take(&t->k->lock);
		nr = pid_next(t->k, nr + 1, 1);
		other = nr ? pid_entry(t->k, nr)->task : NULL;
		other = other ? task_get(other) : NULL;
		lock_drop(&t->k->lock);
		if (!nr)
			break;
		if (other)
			found = ns_of_task(other, id);
		task_put(other);
	}
	return found;
}
