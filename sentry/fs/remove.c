/* Taking names away and moving them: unlink(2), rmdir(2), rename(2). */
#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "base/log.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/handle.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/vfs.h"
#include "sentry/fs/walk.h"
#include "sentry/kernel/task.h"

/* One directory moves to another parent at a time, in the whole sandbox. */
static struct lock rename_lock = LOCK_INIT(RANK_RENAME, "rename");

/* What others have mounted there, in other namespaces, does not count: it goes with the name. */
static bool busy(struct task *t, const struct dentry *d)
{
	return atomic_load(&d->mounts) > 0 && mount_is_point(task_mount_ns(t), d);
}

/* Removes one name; dir_lock held, victim looked up. */
static int remove_locked(struct task *t, struct path *at, const char *name, struct dentry *victim, bool dir)
{
	struct inode *i = path_inode(at);
	int ret = landlock_may_remove(t->cred, at, dir);

	if (ret == 0)
		ret = may_delete(t->cred, i, victim->inode, dir);
	if (ret < 0)
		return ret;
	if (busy(t, victim))
		return -EBUSY;
	if (dir)
		ret = i->ops->rmdir ? i->ops->rmdir(i, name, victim->inode) : -EPERM;
	else
		ret = i->ops->unlink ? i->ops->unlink(i, name, victim->inode) : -EPERM;
	if (ret == 0) {
		dcache_unlink(victim);
		handle_unlinked(victim->inode);
	}
	return ret;
}

/* Removes what the name was last known to lead to: 0 with *victim, or negative, and nothing is said by that. dir_lock held. */
static int remove_guessed(struct task *t, struct walk *w, bool dir, struct dentry **victim)
{
	int ret;

	*victim = dir_peek(w->at.dentry, w->last, w->last_len);
	if (!*victim)
		return -ENOENT;
	ret = !dir && w->slash ? -ENOTDIR : remove_locked(t, &w->at, w->last, *victim, dir);
	if (ret == 0)
		return 0;
	dentry_put(*victim);
	*victim = NULL;
	return ret;
}

static int remove_last(struct task *t, struct walk *w, bool dir)
{
	struct dentry *victim = NULL;
	int ret = path_may_change(&w->at);

	if (ret < 0)
		return ret;
	lock_take(&path_inode(&w->at)->dir_lock);
	if (remove_guessed(t, w, dir, &victim) < 0) {
		ret = dir_lookup_locked(w->at.dentry, w->last, w->last_len, &victim);
		if (ret == 0 && !dir && w->slash)
			ret = victim->inode->type == LX_S_IFDIR ? -EISDIR : -ENOTDIR;
		if (ret == 0)
			ret = remove_locked(t, &w->at, w->last, victim, dir);
	}
	lock_drop(&path_inode(&w->at)->dir_lock);
	if (ret == 0) {
		assert_that(victim != NULL); /* removed, so it was found */
		mount_point_gone(victim);
		notify_unlinked(victim->inode);
		notify_name(path_inode(&w->at), w->last, dir, LX_IN_DELETE, 0);
	}
	dentry_put(victim);
	return ret;
}

static int remove_name(struct task *t, int at_fd, const char *name, bool dir)
{
	static const int no_dir[] = { [LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY, [LAST_ROOT] = -EBUSY };
	struct walk w;
	int ret = walk_start(&w, t, t->cred, at_fd, name, 0);

	if (ret < 0)
		return ret;
	ret = walk_to_last(&w);
	if (ret == 0 && w.kind != LAST_NAME)
		ret = dir ? no_dir[w.kind] : -EISDIR;
	if (ret == 0)
		ret = remove_last(t, &w, dir);
	walk_end(&w);
	return ret;
}

int vfs_unlink(struct task *t, int at_fd, const char *name)
{
	return remove_name(t, at_fd, name, false);
}

int vfs_rmdir(struct task *t, int at_fd, const char *name)
{
	return remove_name(t, at_fd, name, true);
}

/* A rename under way. */
struct renaming {
	struct walk from, to;
	struct dentry *what, *victim; /* referenced; victim NULL when the new name is free */
	uint32_t flags;
};

/* What stands at both names, and whether their shapes go together. Both dir_locks held. */
static int look_up_both(struct renaming *r)
{
	int ret = dir_lookup_locked(r->from.at.dentry, r->from.last, r->from.last_len, &r->what);

	if (ret < 0)
		return ret;
	ret = dir_lookup_locked(r->to.at.dentry, r->to.last, r->to.last_len, &r->victim);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	if (r->victim && r->flags & LX_RENAME_NOREPLACE)
		return -EEXIST;
	if (!r->victim && r->flags & LX_RENAME_EXCHANGE)
		return -ENOENT;
	if (r->flags & LX_RENAME_EXCHANGE && r->to.slash && r->victim->inode->type != LX_S_IFDIR)
		return -ENOTDIR;
	if (r->what->inode->type != LX_S_IFDIR &&
	    (r->from.slash || (r->to.slash && !(r->flags & LX_RENAME_EXCHANGE))))
		return -ENOTDIR;
	if (dentry_is_below(r->to.at.dentry, r->what))
		return -EINVAL;
	if (r->victim && dentry_is_below(r->from.at.dentry, r->victim))
		return r->flags & LX_RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int may_rename(struct task *t, struct renaming *r)
{
	const struct cred *c = t->cred;
	struct inode *from = path_inode(&r->from.at), *to = path_inode(&r->to.at), *what = r->what->inode;
	bool is_dir = what->type == LX_S_IFDIR;
	int ret = may_delete(c, from, what, is_dir);

	if (ret < 0)
		return ret;
	if (!r->victim)
		ret = inode_permission(c, to, MAY_WRITE | MAY_EXEC);
	else
		ret = may_delete(c, to, r->victim->inode,
				 r->flags & LX_RENAME_EXCHANGE ? r->victim->inode->type == LX_S_IFDIR : is_dir);
	/* A directory that gets another parent is itself written to: its "..". */
	if (ret == 0 && from != to && is_dir)
		ret = inode_permission(c, what, MAY_WRITE);
	if (ret == 0 && from != to && r->flags & LX_RENAME_EXCHANGE && r->victim->inode->type == LX_S_IFDIR)
		ret = inode_permission(c, r->victim->inode, MAY_WRITE);
	if (ret == 0 && (busy(t, r->what) || (r->victim && busy(t, r->victim))))
		ret = -EBUSY;
	return ret;
}

/* What the rename has left behind belongs to who renamed. */
static void own_whiteout(struct task *t, struct renaming *r)
{
	struct setattr s = { .valid = ATTR_UID | ATTR_GID, .uid = t->cred->fsuid, .gid = t->cred->fsgid };
	struct dentry *left;

	if (dir_lookup_locked(r->from.at.dentry, r->from.last, r->from.last_len, &left) < 0)
		return;
	inode_apply(left->inode, &s);
	dentry_put(left);
}

static int rename_locked(struct task *t, struct renaming *r)
{
	struct inode *from = path_inode(&r->from.at), *to = path_inode(&r->to.at);
	int ret = look_up_both(r);

	if (ret < 0)
		return ret;
	ret = landlock_may_refer(t->cred, r->flags & LX_RENAME_EXCHANGE ? LANDLOCK_EXCHANGE : LANDLOCK_RENAME, &r->from.at, r->what, &r->to.at,
				 r->victim);
	if (ret < 0)
		return ret;
	if (r->victim && r->victim->inode == r->what->inode)
		return 0;
	ret = may_rename(t, r);
	if (ret < 0)
		return ret;
	if (!from->ops->rename)
		return -EPERM;
	ret = from->ops->rename(from, r->from.last, r->what->inode, to, r->to.last, r->victim ? r->victim->inode : NULL, r->flags);
	if (ret < 0)
		return ret;
	if (r->flags & LX_RENAME_EXCHANGE) {
		dcache_exchange(r->what, r->victim);
		return 0;
	}
	if (r->victim) {
		dcache_unlink(r->victim);
		handle_unlinked(r->victim->inode);
	}
	/* Without memory for the new name the cache just forgets: the rename itself is done. */
	if (dcache_move(r->what, r->to.at.dentry, r->to.last, r->to.last_len) < 0)
		dcache_drop(r->what);
	if (r->flags & LX_RENAME_WHITEOUT)
		own_whiteout(t, r);
	return 0;
}

static void notify_move(struct inode *from, const char *name, struct inode *to, const char *new_name, struct inode *what)
{
	uint32_t cookie = notify_cookie();
	bool is_dir = what->type == LX_S_IFDIR;

	notify_name(from, name, is_dir, LX_IN_MOVED_FROM, cookie);
	notify_name(to, new_name, is_dir, LX_IN_MOVED_TO, cookie);
}

/* Tells of a rename that was done. */
static void notify_renamed(struct renaming *r)
{
	struct inode *from = path_inode(&r->from.at), *to = path_inode(&r->to.at);
	struct inode *what = r->what->inode, *victim = r->victim ? r->victim->inode : NULL;

	if (!notify_on() || victim == what)
		return;
	notify_move(from, r->from.last, to, r->to.last, what);
	if (victim && r->flags & LX_RENAME_EXCHANGE) {
		notify_move(to, r->to.last, from, r->from.last, victim);
		notify_inode(victim, LX_IN_MOVE_SELF);
	} else if (victim) {
		notify_unlinked(victim);
	}
	notify_inode(what, LX_IN_MOVE_SELF);
}

static int rename_last(struct task *t, struct renaming *r)
{
	/* Where nothing can be renamed (proc, whose directories come before this lock) it ends in an error in any case. */
	bool across = r->from.at.dentry->inode != r->to.at.dentry->inode && path_inode(&r->from.at)->ops->rename;
	struct lock *from = &path_inode(&r->from.at)->dir_lock, *to = &path_inode(&r->to.at)->dir_lock;
	int ret;

	if (r->from.at.mount != r->to.at.mount)
		return -EXDEV;
	if (r->from.kind != LAST_NAME)
		return -EBUSY;
	if (r->to.kind != LAST_NAME)
		return r->flags & LX_RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	ret = path_may_change(&r->from.at);
	if (ret < 0)
		return ret;
	if (across)
		lock_take(&rename_lock);
	lock_two(from, to);
	ret = rename_locked(t, r);
	unlock_two(from, to);
	if (ret == 0 && r->victim && !(r->flags & LX_RENAME_EXCHANGE))
		mount_point_gone(r->victim);
	if (ret == 0)
		notify_renamed(r);
	if (across)
		lock_drop(&rename_lock);
	return ret;
}

int vfs_rename(struct task *t, int from_fd, const char *from, int to_fd, const char *to, uint32_t flags)
{
	struct renaming r = { .flags = flags };
	int ret = walk_start(&r.from, t, t->cred, from_fd, from, 0);

	if (ret < 0)
		return ret;
	ret = walk_to_last(&r.from);
	if (ret == 0)
		ret = walk_start(&r.to, t, t->cred, to_fd, to, 0);
	if (ret == 0) {
		ret = walk_to_last(&r.to);
		if (ret == 0)
			ret = rename_last(t, &r);
		walk_end(&r.to);
	}
	walk_end(&r.from);
	dentry_put(r.what);
	dentry_put(r.victim);
	return ret;
}
