/* Mount namespaces: see mount.h. */
#include <errno.h>

#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/tmpfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"

static _Atomic uint64_t next_id = 1;

static struct mount_ns *of(struct ns *ns)
{
	return container_of(ns, struct mount_ns, ns);
}

static struct mount_ns *ns_new(struct user_ns *owner)
{
	struct mount_ns *ns = mem_zalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	ns_init(&ns->ns, NS_MNT, owner);
	list_init(&ns->mounts);
	waitq_init(&ns->changed);
	ns->id = atomic_fetch_add(&next_id, 1);
	return ns;
}

struct mount_ns *mount_ns_new(void)
{
	struct mount_ns *ns = mem_zalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	ns_init_first(&ns->ns, NS_MNT, &first_user_ns);
	atomic_fetch_add(&first_user_ns.used[NS_MNT], 1);
	list_init(&ns->mounts);
	waitq_init(&ns->changed);
	ns->id = atomic_fetch_add(&next_id, 1);
	return ns;
}

struct mount_ns *mount_ns_anonymous(struct task *t)
{
	struct user_ns *owner = t->cred->user_ns;
	struct mount_ns *ns;

	/* Counted as a namespace: a tree that is nowhere is held by a file, of which a guest can have many. */
	if (user_ns_charge(owner, NS_MNT) < 0)
		return NULL;
	ns = ns_new(owner);
	if (ns)
		ns->anonymous = true;
	else
		user_ns_uncharge(owner, NS_MNT);
	return ns;
}

void mount_ns_free(struct mount_ns *ns)
{
	if (ns)
		ns_put(&ns->ns);
}

void mount_ns_destroy(struct ns *base)
{
	struct mount_ns *ns = of(base);
	struct list dead = LIST_INIT(dead);

	lock_take(&mount_lock);
	if (ns->base)
		mount_detach_tree(ns->base, &dead);
	lock_drop(&mount_lock);
	mounts_drop(&dead);
	mem_free(ns);
}

void mount_ns_touch(struct mount_ns *ns)
{
	atomic_fetch_add(&ns->event, 1);
	waitq_wake(&ns->changed, LX_POLLPRI | LX_POLLERR);
}

struct ns *mount_ns_copy(struct task *t, struct ns *from, struct user_ns *owner, int *err)
{
	struct mount_ns *old = of(from), *ns = ns_new(owner);
	bool other_owner = owner != old->ns.owner;
	struct list dead = LIST_INIT(dead);
	struct mount *base = NULL;

	(void)t;
	*err = -ENOMEM;
	if (!ns)
		return NULL;
	lock_take(&mount_lock);
	/* A less privileged namespace receives what happens in the one that it came from, and sends nothing back. */
	if (old->base)
		base = mount_copy_tree(old->base, old->base->root, COPY_UNBINDABLE | (other_owner ? COPY_SHARED_TO_SLAVE : 0), &dead, err);
	if (base) {
		if (other_owner)
			mount_lock_tree(base);
		ns->base = base;
		*err = mount_join_ns(base, ns);
	}
	lock_drop(&mount_lock);
	mounts_drop(&dead);
	if (base && !*err)
		return &ns->ns;
	user_ns_get(owner); /* what ns_put() drops and uncharges is the caller's to undo */
	mount_ns_destroy(&ns->ns);
	user_ns_put(owner);
	user_ns_put(owner);
	return NULL;
}

struct mount_ns *task_mount_ns(struct task *t)
{
	return t->ns ? of(t->ns->of[NS_MNT]) : t->k->mounts;
}

void mount_ns_root(struct mount_ns *ns, struct path *out)
{
	lock_take(&mount_lock);
	*out = (struct path){ .mount = ns->base, .dentry = ns->base->root };
	path_get(out);
	lock_drop(&mount_lock);
	mount_cross(out);
}

/* The copy of the path's mount in the namespace. */
static struct mount *find_copy(struct mount_ns *ns, const struct path *p)
{
	struct mount *m;

	LOCK_GUARD(&mount_lock);
	list_for_each(m, &ns->mounts, link)
		if (m->copy_of == p->mount->unique_id)
			return mount_get(m);
	return NULL;
}

void mount_ns_move_fs(struct mount_ns *ns, struct fsctx *fs)
{
	struct path *places[] = { &fs->root, &fs->cwd };

	for (int i = 0; i < 2; i++) {
		struct mount *old = NULL, *m;

		lock_take(&fs->lock);
		m = find_copy(ns, places[i]);
		if (m) {
			old = places[i]->mount;
			places[i]->mount = m;
		}
		lock_drop(&fs->lock);
		mount_put(old);
	}
}

/* --- lists ----------------------------------------------------------------------------------------------------------------------- */

int mounts_snapshot(struct mount_ns *ns, struct mount ***out)
{
	struct mount *m;
	int n = 0;

	LOCK_GUARD(&mount_lock);
	*out = mem_zalloc(((size_t)ns->count + 1) * sizeof(**out));
	if (!*out)
		return -ENOMEM;
	list_for_each(m, &ns->mounts, link)
		(*out)[n++] = mount_get(m);
	return n;
}

void mounts_release(struct mount **mounts, int count)
{
	for (int i = 0; i < count; i++)
		mount_put(mounts[i]);
	mem_free(mounts);
}

void mounts_for_each(struct kernel *k, bool (*fn)(struct mount *, void *), void *arg)
{
	struct mount **all;
	int n = mounts_snapshot(k->mounts, &all);

	for (int i = 0; i < n; i++)
		if (!fn(all[i], arg))
			break;
	if (n >= 0)
		mounts_release(all, n);
}

/* --- the boot spec's ---------------------------------------------------------------------------------------------------------------- */

/* What every namespace begins with: an empty directory that the root is mounted on, as Linux has its rootfs. */
static int make_base(struct mount_ns *ns)
{
	struct super *s = tmpfs_create(NULL, 0, 0755);
	struct dentry *root = s ? dentry_new(NULL, "", 0, s->root) : NULL;
	struct mount *m;

	if (s)
		s->fstype = "rootfs";
	m = root ? mount_new(s, root, 0, "base", "rootfs") : NULL;
	dentry_put(root);
	super_put(s);
	if (!m)
		return -ENOMEM;
	LOCK_GUARD(&mount_lock);
	ns->base = m;
	return mount_join_ns(m, ns);
}

int mount_add(struct mount_ns *ns, struct super *s, const struct path *at, uint32_t flags, const char *label, const char *source)
{
	struct dentry *root = dentry_new(NULL, "", 0, s->root);
	struct list dead = LIST_INIT(dead);
	struct mount *m = NULL;
	struct path place;
	int ret = root ? 0 : -ENOMEM;

	if (ret == 0 && !ns->base)
		ret = make_base(ns);
	if (ret == 0)
		m = mount_new(s, root, flags, label, source);
	dentry_put(root);
	super_put(s);
	if (!m)
		return ret < 0 ? ret : -ENOMEM;
	place = at ? *at : (struct path){ .mount = ns->base, .dentry = ns->base->root };
	ret = dcache_pin(place.dentry);
	lock_take(&mount_lock);
	if (ret == 0)
		ret = mount_attach(m, place.mount, place.dentry, false, &dead);
	if (ret < 0 && list_empty(&m->link))
		list_push_back(&dead, &m->link);
	lock_drop(&mount_lock);
	mounts_drop(&dead);
	return ret;
}
