/* What mount(2), umount2(2), move_mount(2), open_tree(2) and pivot_root(2) do to the trees of mounts. Linux: fs/namespace.c. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/mount.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/nsfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/user_ns.h"

static bool is_root(const struct path *p)
{
	return p->dentry == p->mount->root;
}

static bool ours(struct task *t, const struct mount *m)
{
	return m->ns && m->ns == task_mount_ns(t);
}

static bool is_dir(const struct path *p)
{
	return path_inode(p)->type == LX_S_IFDIR;
}

/* Something that would be seen if `root` were shown without its submounts is locked in place. */
static bool has_locked_below(struct mount *m, const struct dentry *root)
{
	struct mount *c;

	list_for_each(c, &m->children, sibling)
		if (c->locked & MOUNT_LOCKED && dentry_is_below(c->at.dentry, root))
			return true;
	return false;
}

/* The place to mount on: the top of what is there by now, held against being forgotten. *at referenced. */
static int target(const struct path *p, struct path *at)
{
	int ret;

	*at = *p;
	path_get(at);
	mount_cross(at);
	ret = dcache_pin(at->dentry);
	if (ret < 0)
		path_put(at);
	return ret;
}

/* Lock held. A tree that is not mounted anywhere to a place of ours. */
static int graft(struct task *t, struct mount *m, const struct path *at, struct list *dead)
{
	if (!ours(t, at->mount))
		return -EINVAL;
	if ((m->root->inode->type == LX_S_IFDIR) != is_dir(at))
		return -ENOTDIR;
	return mount_attach(m, at->mount, at->dentry, false, dead);
}

/* --- new ones, and copies ------------------------------------------------------------------------------------------------------ */

int mount_do_new(struct task *t, const struct path *p, struct super *s, uint32_t flags, uint32_t locked, const char *source)
{
	struct list dead = LIST_INIT(dead);
	struct dentry *root = dentry_new(NULL, "", 0, s->root);
	struct mount *m = root ? mount_new(s, root, flags, NULL, source) : NULL;
	AUTO_PATH struct path at = { 0 };
	int ret = m ? target(p, &at) : -ENOMEM;

	dentry_put(root);
	if (m)
		m->locked |= locked;
	lock_take(&mount_lock);
	if (ret == 0)
		ret = is_root(&at) && at.mount->super == s ? -EBUSY : graft(t, m, &at, &dead);
	if (ret < 0 && m && list_empty(&m->link))
		list_push_back(&dead, &m->link);
	lock_drop(&mount_lock);
	mounts_drop(&dead);
	return ret;
}

/* Lock held. A copy of what is mounted at a path. */
static struct mount *clone_at(struct task *t, const struct path *from, bool recursive, struct list *dead, int *err)
{
	struct mount *m;

	*err = -EINVAL;
	if (from->mount->unbindable || (!ours(t, from->mount) && !(from->mount->ns && from->mount->ns->anonymous) && !nsfs_is_path(from)))
		return NULL;
	if (!recursive && has_locked_below(from->mount, from->dentry))
		return NULL;
	m = mount_copy_tree(from->mount, from->dentry, recursive ? 0 : COPY_ALONE, dead, err);
	if (m)
		m->locked &= ~(uint32_t)MOUNT_LOCKED;
	return m;
}

int mount_do_bind(struct task *t, const struct path *from, const struct path *to, bool recursive)
{
	struct list dead = LIST_INIT(dead);
	AUTO_PATH struct path at = { 0 };
	struct mount *m = NULL;
	int ret;

	/* A namespace that held itself, or an older one, alive would never go. */
	if (nsfs_would_loop(t, from))
		return -EINVAL;
	ret = target(to, &at);
	if (ret < 0)
		return ret;
	lock_take(&mount_lock);
	if (ours(t, at.mount))
		m = clone_at(t, from, recursive, &dead, &ret);
	else
		ret = -EINVAL;
	if (m)
		ret = graft(t, m, &at, &dead);
	if (m && ret < 0 && !m->at.mount && !m->was.mount)
		mount_detach_tree(m, &dead);
	lock_drop(&mount_lock);
	mounts_drop(&dead);
	return ret;
}

int mount_do_clone(struct task *t, const struct path *from, bool recursive, struct mount_ns **out)
{
	struct list dead = LIST_INIT(dead);
	struct mount *m;
	int ret;

	if (nsfs_would_loop(t, from))
		return -EINVAL;
	*out = mount_ns_anonymous(t);
	if (!*out)
		return -ENOSPC;
	lock_take(&mount_lock);
	m = clone_at(t, from, recursive, &dead, &ret);
	if (m) {
		(*out)->base = m;
		ret = mount_join_ns(m, *out);
	}
	lock_drop(&mount_lock);
	mounts_drop(&dead);
	if (ret < 0)
		mount_ns_free(*out);
	return ret;
}

/* --- moving ------------------------------------------------------------------------------------------------------------------------- */

static bool has_unbindable(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top))
		if (m->unbindable)
			return true;
	return false;
}

/* `m`, or what it is mounted on, or what that is… is `top`. */
static bool stands_on(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->at.mount;
	return m;
}

static int may_move(struct task *t, const struct path *from, const struct path *at)
{
	struct mount *m = from->mount;
	bool mounted = m->at.mount;

	if (!ours(t, at->mount) || !m->ns || !is_root(from) || (m->locked & MOUNT_LOCKED))
		return -EINVAL;
	if (mounted ? !ours(t, m) && !m->ns->anonymous : !m->ns->anonymous)
		return -EINVAL;
	if (is_dir(from) != is_dir(at))
		return -EINVAL;
	if (mounted && m->at.mount->peers)
		return -EINVAL;
	if (at->mount->peers && has_unbindable(m))
		return -EINVAL;
	return stands_on(at->mount, m) ? -ELOOP : 0;
}

int mount_do_move(struct task *t, const struct path *from, const struct path *to)
{
	struct list dead = LIST_INIT(dead);
	AUTO_PATH struct path at = { 0 };
	int ret = target(to, &at);

	if (ret < 0)
		return ret;
	lock_take(&mount_lock);
	ret = may_move(t, from, &at);
	if (ret == 0)
		ret = mount_attach(from->mount, at.mount, at.dentry, true, &dead);
	lock_drop(&mount_lock);
	mounts_drop(&dead);
	return ret;
}

/* --- properties ------------------------------------------------------------------------------------------------------------------------ */

int mount_do_propagation(struct task *t, const struct path *p, enum propagation how, bool recursive)
{
	int ret = 0;

	if (!is_root(p))
		return -EINVAL;
	LOCK_GUARD(&mount_lock);
	if (!ours(t, p->mount))
		return -EINVAL;
	for (struct mount *m = p->mount; m && ret == 0; m = recursive ? mount_next(m, p->mount) : NULL)
		ret = mount_set_propagation(m, how);
	mount_ns_touch(p->mount->ns);
	return ret;
}

int mount_may_set_flags(const struct mount *m, uint32_t flags)
{
	uint32_t kept = m->locked & (MOUNT_READONLY | MOUNT_NOEXEC | MOUNT_NOSUID | MOUNT_NODEV);

	if (kept & ~flags)
		return -EPERM;
	if (m->locked & MOUNT_LOCK_ATIME && (flags & MOUNT_ATIME) != (m->flags & MOUNT_ATIME))
		return -EPERM;
	return 0;
}

int mount_do_flags(struct task *t, const struct path *p, uint32_t flags)
{
	int ret;

	if (!is_root(p))
		return -EINVAL;
	LOCK_GUARD(&mount_lock);
	if (!ours(t, p->mount))
		return -EINVAL;
	ret = mount_may_set_flags(p->mount, flags);
	if (ret == 0) {
		atomic_store(&p->mount->flags, flags);
		mount_ns_touch(p->mount->ns);
	}
	return ret;
}

/* Lock held. What a filesystem can be told once it is there. */
static int reconfigure(struct task *t, struct super *s, const char *options)
{
	return s->ops && s->ops->reconfigure ? s->ops->reconfigure(s, t, options) : 0;
}

static bool owns_super(struct task *t, const struct super *s)
{
	return ns_capable(t->cred, s->owner ? s->owner : &first_user_ns, LX_CAP_SYS_ADMIN);
}

int mount_do_reconfigure(struct task *t, struct super *s, uint32_t set, uint32_t clear, const char *options)
{
	int ret;

	if (!owns_super(t, s))
		return -EPERM;
	LOCK_GUARD(&mount_lock);
	ret = reconfigure(t, s, options);
	if (ret == 0)
		atomic_store(&s->flags, (atomic_load(&s->flags) & ~clear) | set);
	return ret;
}

int mount_do_remount(struct task *t, const struct path *p, uint32_t flags, bool readonly_super, const char *options)
{
	struct super *s = p->mount->super;
	int ret;

	if (!is_root(p))
		return -EINVAL;
	if (!owns_super(t, s))
		return -EPERM;
	LOCK_GUARD(&mount_lock);
	if (!ours(t, p->mount))
		return -EINVAL;
	ret = mount_may_set_flags(p->mount, flags);
	if (ret == 0)
		ret = reconfigure(t, s, options);
	if (ret < 0)
		return ret;
	atomic_store(&s->flags, readonly_super ? MOUNT_READONLY : 0);
	atomic_store(&p->mount->flags, flags);
	mount_ns_touch(p->mount->ns);
	return 0;
}

/* --- the end ------------------------------------------------------------------------------------------------------------------------------ */

/* Lock held. refs: the references that umount itself accounts for. */
static int may_umount(struct task *t, const struct path *p, uint32_t flags, int refs)
{
	struct mount *m = p->mount;

	if (!is_root(p) || !ours(t, m) || (m->locked & MOUNT_LOCKED) || !m->at.mount)
		return -EINVAL;
	return flags & LX_MNT_DETACH || !mount_is_busy(m, refs) ? 0 : -EBUSY;
}

int mount_do_umount(struct task *t, struct path *p, uint32_t flags)
{
	struct list dead = LIST_INIT(dead);
	struct mount *m = mount_get(p->mount);
	int ret;

	lock_take(&mount_lock);
	ret = may_umount(t, p, flags, 3); /* the tree's, the path's, and this function's */
	if (ret == 0 && flags & LX_MNT_EXPIRE && !atomic_load(&m->expiring))
		ret = -EAGAIN;
	if (ret == 0)
		mount_detach(m, &dead);
	lock_drop(&mount_lock);
	path_put(p);
	mounts_drop(&dead);
	/* After the path's reference, whose end is a use. */
	if (ret == -EAGAIN)
		mount_put_expiring(m);
	else
		mount_put(m);
	return ret;
}

/* --- pivot_root ------------------------------------------------------------------------------------------------------------------- */

bool mount_reachable(const struct path *p, const struct path *root)
{
	const struct mount *m = p->mount;
	struct dentry *d = p->dentry;

	while (m != root->mount && m->at.mount) {
		d = m->at.dentry;
		m = m->at.mount;
	}
	return m == root->mount && dentry_is_below(d, root->dentry);
}

static int may_pivot(struct task *t, const struct path *new, const struct path *put_old, const struct path *root)
{
	const struct mount *n = new->mount, *r = root->mount;

	if (put_old->mount->peers || (n->at.mount && n->at.mount->peers) || (r->at.mount && r->at.mount->peers))
		return -EINVAL;
	if (!ours(t, r) || !ours(t, n) || (n->locked & MOUNT_LOCKED))
		return -EINVAL;
	if (atomic_load(&new->dentry->unlinked))
		return -ENOENT;
	if (n == r || put_old->mount == r)
		return -EBUSY;
	if (!is_root(root) || !r->at.mount || !is_root(new) || !n->at.mount)
		return -EINVAL;
	return mount_reachable(put_old, new) && mount_reachable(new, root) ? 0 : -EINVAL;
}

/* The new root gets the old one's place, and the old one the place asked for. */
static void swap_roots(struct mount *new, struct mount *old, const struct path *put_old, struct path dropped[2])
{
	struct mount *on;
	struct dentry *at;

	mount_unhang(new, &dropped[0]);
	mount_unhang(old, &dropped[1]);
	if (old->locked & MOUNT_LOCKED) {
		new->locked |= MOUNT_LOCKED;
		old->locked &= ~(uint32_t)MOUNT_LOCKED;
	}
	on = dropped[1].mount;
	at = dropped[1].dentry;
	mount_hang(old, put_old->mount, put_old->dentry);
	mount_hang(new, on, at);
	mount_ns_touch(new->ns);
}

/* Whoever has the old root as root or working directory gets the new one. Linux: chroot_fs_refs(). */
static void follow_root(struct fsctx *fs, const struct path *old, const struct path *new)
{
	struct path *places[] = { &fs->root, &fs->cwd };

	for (int i = 0; i < 2; i++) {
		struct path was = { 0 };

		lock_take(&fs->lock);
		if (places[i]->mount == old->mount && places[i]->dentry == old->dentry) {
			was = *places[i];
			*places[i] = *new;
			path_get(new);
		}
		lock_drop(&fs->lock);
		path_put(&was);
	}
}

static void all_follow_root(struct kernel *k, const struct path *old, const struct path *new)
{
	int nr = 0;

	for (;;) {
		struct fsctx *fs = NULL;
		struct task *t;

		lock_take(&k->lock);
		nr = pid_next(k, nr + 1, 1);
		t = nr ? pid_entry(k, nr)->task : NULL;
		if (t) {
			lock_take(&t->proc->lock);
			fs = t->fs ? fsctx_get(t->fs) : NULL;
			lock_drop(&t->proc->lock);
		}
		lock_drop(&k->lock);
		if (!nr)
			return;
		if (fs)
			follow_root(fs, old, new);
		fsctx_put(fs);
	}
}

int mount_do_pivot(struct task *t, const struct path *new_root, const struct path *put_old)
{
	AUTO_PATH struct path root = { 0 };
	struct path at = { 0 }, new = *new_root, dropped[2] = { 0 };
	int ret = target(put_old, &at);

	if (ret < 0)
		return ret;
	fsctx_root(t->fs, &root);
	lock_take(&mount_lock);
	ret = may_pivot(t, &new, &at, &root);
	if (ret == 0)
		swap_roots(new.mount, root.mount, &at, dropped);
	lock_drop(&mount_lock);
	path_put(&dropped[0]);
	path_put(&dropped[1]);
	path_put(&at);
	if (ret == 0)
		all_follow_root(t->k, &root, &new);
	return ret;
}
