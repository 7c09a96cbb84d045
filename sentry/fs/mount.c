/* The mount table: see mount.h. */
#include "sentry/fs/mount.h"

#include <errno.h>

#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/kernel/kernel.h"

struct mount_ns *mount_ns_new(void)
{
	struct mount_ns *ns = mem_zalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	lock_init(&ns->lock, RANK_MOUNTS, "mounts");
	list_init(&ns->mounts);
	ns->next_id = 20;
	return ns;
}

void mount_ns_free(struct mount_ns *ns)
{
	if (!ns)
		return;
	path_put(&ns->root);
	/* Last mounted first, so that no mount outlives the one it stands on. */
	while (!list_empty(&ns->mounts)) {
		struct mount *m = list_entry(ns->mounts.prev, struct mount, link);

		list_remove(&m->link);
		mount_put(m);
	}
	mem_free(ns);
}

struct mount *mount_get(struct mount *m)
{
	ref_get(&m->ref);
	return m;
}

void mount_put(struct mount *m)
{
	if (!m || !ref_put(&m->ref))
		return;
	dentry_put(m->root);
	path_put(&m->at);
	super_put(m->super);
	mem_free(m->label);
	mem_free(m->source);
	mem_free(m);
}

static struct mount *mount_new(struct super *super, struct inode *root, uint32_t flags, const char *label, const char *source)
{
	struct mount *m = mem_zalloc(sizeof(*m));

	if (!m)
		return NULL;
	ref_init(&m->ref);
	list_init(&m->link);
	m->flags = flags;
	m->root = dentry_new(NULL, "", 0, root);
	m->label = mem_strdup(label ? label : super->fstype);
	m->source = mem_strdup(source ? source : super->fstype);
	if (m->root && m->label && m->source) {
		m->super = super;
		return m;
	}
	mount_put(m); /* the super stays the caller's: m->super is NULL */
	return NULL;
}

int mount_add(struct kernel *k, struct super *super, struct inode *root, const struct path *at, uint32_t flags, const char *label,
	      const char *source)
{
	struct mount *m = mount_new(super, root, flags, label, source);

	if (!m) {
		super_put(super);
		return -ENOMEM;
	}
	if (at) {
		m->at = *at;
		path_get(at);
	}
	LOCK_GUARD(&k->mounts->lock);
	m->id = k->mounts->next_id++;
	list_push_back(&k->mounts->mounts, &m->link);
	if (at) {
		atomic_fetch_add(&at->dentry->mounts, 1);
	} else {
		k->mounts->root = (struct path){ .mount = m, .dentry = m->root };
		path_get(&k->mounts->root);
	}
	return 0;
}

struct mount *mount_on(struct kernel *k, const struct path *p)
{
	struct mount *m, *found = NULL;

	if (atomic_load_explicit(&p->dentry->mounts, memory_order_acquire) == 0)
		return NULL;
	LOCK_GUARD(&k->mounts->lock);
	list_for_each(m, &k->mounts->mounts, link) {
		if (m->at.mount == p->mount && m->at.dentry == p->dentry)
			found = m;
	}
	return found ? mount_get(found) : NULL;
}

bool mount_cross(struct kernel *k, struct path *p)
{
	struct mount *m;
	bool moved = false;

	while ((m = mount_on(k, p))) {
		struct path in = { .mount = m, .dentry = dentry_get(m->root) };

		path_put(p);
		*p = in;
		moved = true;
	}
	return moved;
}

void mounts_for_each(struct kernel *k, bool (*fn)(struct mount *, void *), void *arg)
{
	struct mount *m;

	LOCK_GUARD(&k->mounts->lock);
	list_for_each(m, &k->mounts->mounts, link) {
		if (!fn(m, arg))
			return;
	}
}

int mount_remove(struct kernel *k, const struct path *root, bool lazy)
{
	struct mount *m = root->mount, *other;

	if (root->dentry != m->root)
		return -EINVAL;
	dcache_shrink(); /* cached names hold the filesystem's inodes */
	lock_take(&k->mounts->lock);
	list_for_each(other, &k->mounts->mounts, link) {
		if (other->at.mount == m) {
			lock_drop(&k->mounts->lock);
			return -EBUSY;
		}
	}
	/* The table's reference and the caller's. The root of all is held by every task. */
	if (!m->at.mount || (!lazy && atomic_load(&m->ref.count) > 2) || list_empty(&m->link)) {
		lock_drop(&k->mounts->lock);
		return list_empty(&m->link) ? -EINVAL : -EBUSY;
	}
	list_remove(&m->link);
	atomic_fetch_sub(&m->at.dentry->mounts, 1);
	lock_drop(&k->mounts->lock);
	mount_put(m);
	return 0;
}

int mount_set_flags(struct kernel *k, const struct path *root, uint32_t flags)
{
	if (root->dentry != root->mount->root)
		return -EINVAL;
	LOCK_GUARD(&k->mounts->lock);
	root->mount->flags = flags;
	return 0;
}
