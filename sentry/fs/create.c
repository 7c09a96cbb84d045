/* Making names: mknod(2), mkdir(2), symlink(2), link(2), open(2) with O_CREAT and O_TMPFILE. */
#include "sentry/fs/create.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "sentry/fs/acl.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/vfs.h"
#include "sentry/fs/walk.h"
#include "sentry/kernel/task.h"

/* Owner, group and mode of something new in this directory. inode_init_owner of Linux. */
static void new_owner(struct task *t, struct inode *dir, const struct create_how *how, struct create_how *out, struct acl_gift *gift)
{
	uint32_t type = how->mode & LX_S_IFMT;

	*out = *how;
	out->uid = t->cred->fsuid;
	out->gid = t->cred->fsgid;
	*gift = (struct acl_gift){ 0 };
	if (type == LX_S_IFLNK) {
		out->mode = LX_S_IFLNK | 0777;
		return;
	}
	if (!acl_inherit(dir, &out->mode, gift))
		out->mode &= ~fsctx_umask(t->fs);
	if (type == LX_S_IFDIR)
		out->mode &= ~(LX_S_ISUID | LX_S_ISGID);
	if (!(dir->attr.mode & LX_S_ISGID))
		return;
	out->gid = dir->attr.gid;
	if (type == LX_S_IFDIR)
		out->mode |= LX_S_ISGID;
	else if ((out->mode & (LX_S_ISGID | LX_S_IXGRP)) == (LX_S_ISGID | LX_S_IXGRP) && !cred_has_group(t->cred, out->gid) &&
		 !cred_capable(t->cred, LX_CAP_FSETID))
		out->mode &= ~LX_S_ISGID;
}

/* Is the name free? 0, -EEXIST, or what looking said. dir_lock held. */
static int name_is_free(const struct path *dir, const char *name, uint32_t len)
{
	struct dentry *there = NULL;
	int ret = dir_lookup_locked(dir->dentry, name, len, &there);

	if (ret == 0)
		dentry_put(there);
	return ret == 0 ? -EEXIST : ret == -ENOENT ? 0 : ret;
}

static int may_create(struct task *t, const struct path *dir, uint32_t mode)
{
	int ret = path_may_change(dir);

	if (ret == 0)
		ret = landlock_may_create(t->cred, dir, mode);
	return ret < 0 ? ret : inode_permission(t->cred, path_inode(dir), MAY_WRITE | MAY_EXEC);
}

int create_at(struct task *t, const struct path *dir, const char *name, uint32_t len, const struct create_how *how, struct dentry **out)
{
	struct inode *i = path_inode(dir), *made = NULL;
	struct create_how make;
	struct acl_gift gift;
	int may, ret = 0;

	LOCK_GUARD(&i->dir_lock);
	may = may_create(t, dir, how->mode);
	/* Where names have to be asked about each time, making it tells as well whether it is there; a refusal of ours comes after EEXIST. */
	if (may < 0 || !i->ops->revalidate)
		ret = name_is_free(dir, name, len);
	if (ret == 0)
		ret = may;
	if (ret < 0)
		return ret;
	if (!i->ops->create)
		return i->ops->unlink ? -EPERM : -EACCES;
	new_owner(t, i, how, &make, &gift);
	ret = i->ops->create(i, name, &make, t, &made);
	acl_give(ret == 0 ? made : NULL, &gift);
	if (ret == 0)
		fileattr_inherit(i, made);
	if (ret == 0)
		ret = dir_added(dir->dentry, name, len, made, out);
	if (ret == 0)
		notify_name(i, name, made->type == LX_S_IFDIR, LX_IN_CREATE, 0);
	inode_put(made);
	return ret;
}

int create_tmpfile(struct task *t, const struct path *dir, uint32_t mode, bool exclusive, struct path *out)
{
	struct inode *i = path_inode(dir), *made = NULL;
	struct create_how how = { .mode = LX_S_IFREG | mode }, make;
	struct acl_gift gift;
	char name[32];
	int ret = path_may_change(dir);

	if (ret == 0)
		ret = inode_permission(t->cred, i, MAY_WRITE | MAY_EXEC);
	if (ret < 0)
		return ret;
	if (!i->ops->tmpfile)
		return -EOPNOTSUPP;
	new_owner(t, i, &how, &make, &gift);
	/* Bit 0 of rdev says that it may never get a name: regular files have no device number. */
	make.rdev = exclusive;
	ret = i->ops->tmpfile(i, &make, t, &made);
	acl_give(ret == 0 ? made : NULL, &gift);
	if (ret == 0)
		fileattr_inherit(i, made);
	if (ret < 0)
		return ret;
	snprintf(name, sizeof(name), "#%llu", (unsigned long long)made->attr.ino);
	out->dentry = dentry_new(dir->dentry, name, (uint32_t)strlen(name), made);
	inode_put(made);
	if (!out->dentry)
		return -ENOMEM;
	atomic_store(&out->dentry->unlinked, true);
	out->mount = mount_get(dir->mount);
	return 0;
}

static int may_mknod(struct task *t, const struct create_how *how)
{
	uint32_t type = how->mode & LX_S_IFMT;

	if ((type == LX_S_IFCHR || type == LX_S_IFBLK) && !cred_capable(t->cred, LX_CAP_MKNOD))
		return -EPERM;
	return 0;
}

/* Goes to the directory of a name that is to be made. A name that cannot be new is -EEXIST. */
static int walk_new(struct walk *w, struct task *t, int at_fd, const char *name, bool dir)
{
	struct dentry *there;
	int ret = walk_start(w, t, t->cred, at_fd, name, 0);

	if (ret < 0)
		return ret;
	ret = walk_to_last(w);
	if (ret == 0 && w->kind != LAST_NAME)
		ret = -EEXIST;
	if (ret == 0 && w->slash && !dir) {
		/* "name/" that is not to become a directory: what is there decides between EEXIST and ENOENT. */
		ret = dir_lookup(w->at.dentry, w->last, w->last_len, &there);
		if (ret == 0) {
			dentry_put(there);
			ret = -EEXIST;
		}
	}
	if (ret < 0)
		walk_end(w);
	return ret;
}

int vfs_mknod(struct task *t, int at_fd, const char *name, const struct create_how *how, struct path *out)
{
	struct dentry *made = NULL, *there = NULL;
	struct walk w;
	int ret = walk_new(&w, t, at_fd, name, (how->mode & LX_S_IFMT) == LX_S_IFDIR);

	if (ret < 0)
		return ret;
	ret = may_mknod(t, how);
	/* What is there already counts before the right to make devices. */
	if (ret < 0 && dir_lookup(w.at.dentry, w.last, w.last_len, &there) == 0) {
		dentry_put(there);
		ret = -EEXIST;
	}
	if (ret == 0)
		ret = create_at(t, &w.at, w.last, w.last_len, how, &made);
	if (ret == 0 && out)
		*out = (struct path){ .mount = mount_get(w.at.mount), .dentry = dentry_get(made) };
	dentry_put(made);
	walk_end(&w);
	return ret;
}

/* fs.protected_hardlinks = 1: a link to somebody else's file needs the right to read and write it. */
static int may_link_to(struct task *t, struct inode *i)
{
	uint32_t mode = i->attr.mode;
	bool safe = i->type == LX_S_IFREG && !(mode & LX_S_ISUID) &&
		    (mode & (LX_S_ISGID | LX_S_IXGRP)) != (LX_S_ISGID | LX_S_IXGRP) &&
		    inode_permission(t->cred, i, MAY_READ | MAY_WRITE) == 0;

	return safe || inode_owner_or_capable(t->cred, i) ? 0 : -EPERM;
}

static int landlock_link(struct task *t, const struct path *dir, const struct path *old)
{
	struct path from = { .mount = old->mount, .dentry = dentry_parent(old->dentry) };
	int ret;

	if (!from.dentry)
		return 0;
	ret = landlock_may_refer(t->cred, LANDLOCK_LINK, &from, old->dentry, dir, NULL);
	dentry_put(from.dentry);
	return ret;
}

static int link_at(struct task *t, const struct path *dir, const char *name, uint32_t len, const struct path *old)
{
	struct inode *i = path_inode(dir), *what = path_inode(old);
	struct dentry *there = NULL;
	int ret;

	LOCK_GUARD(&i->dir_lock);
	ret = dir_lookup_locked(dir->dentry, name, len, &there);
	if (ret == 0) {
		dentry_put(there);
		return -EEXIST;
	}
	if (ret != -ENOENT)
		return ret;
	ret = path_may_change(dir);
	if (ret == 0)
		ret = may_link_to(t, what);
	if (ret == 0 && t->cred->landlock)
		ret = landlock_link(t, dir, old);
	if (ret == 0)
		ret = inode_permission(t->cred, i, MAY_WRITE | MAY_EXEC);
	if (ret == 0 && (what->type == LX_S_IFDIR || !i->ops->link || inode_fixed(what)))
		ret = -EPERM;
	if (ret == 0)
		ret = i->ops->link(i, name, what);
	if (ret < 0)
		return ret;
	notify_inode(what, LX_IN_ATTRIB);
	notify_name(i, name, false, LX_IN_CREATE, 0);
	return dir_added(dir->dentry, name, len, what, NULL);
}

int vfs_link(struct task *t, const struct path *what, int at_fd, const char *name)
{
	struct walk w;
	int ret = walk_new(&w, t, at_fd, name, false);

	if (ret < 0)
		return ret;
	if (w.at.mount != what->mount)
		ret = -EXDEV;
	else
		ret = link_at(t, &w.at, w.last, w.last_len, what);
	walk_end(&w);
	return ret;
}
