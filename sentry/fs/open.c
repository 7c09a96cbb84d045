/* open(2): from a name to an open file. The order of the errors is that of Linux's do_open() and may_open(). */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "sentry/fs/create.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/file.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/lease.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/special.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/vfs.h"
#include "sentry/fs/walk.h"
#include "sentry/kernel/kernel.h"

/* Files opened with O_PATH can do nothing but be named. */
static const struct file_ops opath_ops = { .name = "opath" };

static uint32_t access_wanted(uint32_t flags)
{
	static const uint32_t by_mode[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
	uint32_t may = by_mode[flags & LX_O_ACCMODE];

	return flags & LX_O_TRUNC ? may | MAY_WRITE : may;
}

/* Which types may be opened so, and by whom. */
static int may_open(struct task *t, const struct path *p, uint32_t *flags)
{
	struct inode *i = path_inode(p);
	uint32_t may = access_wanted(*flags);
	int ret;

	switch (i->type) {
	case LX_S_IFLNK:
		return -ELOOP;
	case LX_S_IFDIR:
		if (may & MAY_WRITE)
			return -EISDIR;
		break;
	case LX_S_IFBLK:
	case LX_S_IFCHR:
		if (p->mount->flags & MOUNT_NODEV)
			return -EACCES;
		*flags &= ~(uint32_t)LX_O_TRUNC;
		break;
	case LX_S_IFIFO:
	case LX_S_IFSOCK:
		*flags &= ~(uint32_t)LX_O_TRUNC;
		break;
	default:
		break;
	}
	ret = inode_permission(t->cred, i, access_wanted(*flags));
	if (ret == 0 && inode_append_only(i) && (*flags & LX_O_TRUNC || (may & MAY_WRITE && !(*flags & LX_O_APPEND))))
		ret = -EPERM;
	if (ret == 0 && *flags & LX_O_NOATIME && !inode_owner_or_capable(t->cred, i))
		ret = -EPERM;
	if (ret == 0 && may & MAY_WRITE && i->type == LX_S_IFREG)
		ret = path_may_change(p);
	if (ret == 0 && may & MAY_WRITE && i->type == LX_S_IFREG && atomic_load(&i->executing))
		ret = -ETXTBSY;
	return ret;
}

static int truncate_opened(struct task *t, struct inode *i)
{
	struct setattr s = { .valid = ATTR_SIZE };

	if (i->type != LX_S_IFREG)
		return 0;
	if (i->attr.mode & (LX_S_ISUID | LX_S_ISGID) && !cred_capable(t->cred, LX_CAP_FSETID)) {
		s.valid |= ATTR_MODE;
		s.mode = i->attr.mode & ~(LX_S_ISUID | (i->attr.mode & LX_S_IXGRP ? LX_S_ISGID : 0u));
	}
	return i->ops->setattr ? i->ops->setattr(i, &s) : -EINVAL;
}

/* Makes the file; access was checked or need not be. */
static int make_file(struct task *t, const struct path *p, uint32_t flags, struct file **out)
{
	struct inode *i = path_inode(p);

	if (i->ops->open)
		return i->ops->open(i, p, flags, t, out);
	switch (i->type) {
	case LX_S_IFIFO:
		return fifo_open(i, p, flags, t, out);
	case LX_S_IFCHR:
	case LX_S_IFBLK:
		return device_open(i, p, flags, t, out);
	default:
		return -ENXIO;
	}
}

static int open_inode(struct task *t, const struct path *p, uint32_t flags, struct file **out)
{
	int ret = landlock_may_open(t->cred, p, flags);

	if (ret == 0)
		ret = make_file(t, p, flags, out);
	if (ret < 0)
		return ret;
	(*out)->landlock_denied = landlock_denied_later(t->cred, p);
	notify_file(*out, LX_IN_OPEN);
	return 0;
}

static int open_opath(struct task *t, const struct path *p, uint32_t flags, struct file **out)
{
	*out = file_new(&opath_ops, path_inode(p), p, flags & (LX_O_PATH | LX_O_DIRECTORY | LX_O_NOFOLLOW), t->cred, NULL);
	return *out ? 0 : -ENOMEM;
}

int vfs_open_path(struct task *t, const struct path *p, uint32_t flags, struct file **out)
{
	int ret;

	if (flags & LX_O_DIRECTORY && path_inode(p)->type != LX_S_IFDIR)
		return -ENOTDIR;
	if (flags & LX_O_PATH)
		return open_opath(t, p, flags, out);
	ret = may_open(t, p, &flags);
	if (ret == 0)
		ret = landlock_may_open(t->cred, p, flags);
	if (ret == 0)
		ret = (int)lease_break(t, path_inode(p), access_wanted(flags) & MAY_WRITE, flags & LX_O_NONBLOCK);
	if (ret == 0 && flags & LX_O_TRUNC)
		ret = truncate_opened(t, path_inode(p));
	if (ret == 0)
		ret = open_inode(t, p, flags, out);
	if (ret == 0 && flags & LX_O_TRUNC)
		notify_path(p, LX_IN_MODIFY);
	return ret;
}

/* The name is missing: makes it and opens it, whatever its mode says. dir_lock is taken here. */
static int create_and_open(struct task *t, struct walk *w, const struct open_how *how, struct file **out)
{
	struct create_how make = { .mode = LX_S_IFREG | (how->mode & LX_S_IALLUGO) };
	struct path made = { .mount = mount_get(w->at.mount) };
	int ret = create_at(t, &w->at, w->last, w->last_len, &make, &made.dentry);

	/* From here on as if it had been there, but for the permission check. */
	if (ret == 0)
		ret = open_inode(t, &made, how->flags, out);
	if (ret == 0)
		(*out)->created = true;
	path_put(&made);
	return ret;
}

/*
 * On a shared volume a name that was never seen is made before it is asked about, which is one question instead of two. Anything but
 * success says nothing: what is there may be opened by whom may not make it.
 */
static bool create_guessed(struct task *t, struct walk *w, const struct open_how *how, struct file **out)
{
	const struct inode *dir = path_inode(&w->at);
	struct dentry *known;

	if (dir->type != LX_S_IFDIR || !dir->ops->revalidate)
		return false;
	known = dir_peek(w->at.dentry, w->last, w->last_len);
	dentry_put(known);
	return !known && create_and_open(t, w, how, out) == 0;
}

/* open with O_CREAT: one try at the last name. -EEXIST from a race is tried again by the caller. */
static int open_create(struct task *t, struct walk *w, const struct open_how *how, struct file **out)
{
	int ret = walk_to_last(w);

	if (ret < 0)
		return ret;
	if (w->kind != LAST_NAME || w->slash)
		return -EISDIR;
	if (create_guessed(t, w, how, out))
		return 0;
	ret = walk_last(w);
	if (ret == -ENOENT && w->kind == LAST_NAME && !w->slash)
		return create_and_open(t, w, how, out);
	if (ret < 0)
		return ret;
	if (how->flags & LX_O_EXCL)
		return -EEXIST;
	if (path_inode(&w->at)->type == LX_S_IFLNK)
		return -ELOOP;
	if (path_inode(&w->at)->type == LX_S_IFDIR)
		return -EISDIR;
	return vfs_open_path(t, &w->at, how->flags, out);
}

static int open_existing(struct task *t, struct walk *w, const char *name, const struct open_how *how, struct file **out)
{
	int ret = *name ? walk_to_last(w) : 0;

	if (ret == 0 && *name)
		ret = walk_last(w);
	return ret < 0 ? ret : vfs_open_path(t, &w->at, how->flags, out);
}

static int open_tmpfile(struct task *t, struct walk *w, const struct open_how *how, struct file **out)
{
	struct path made = { 0 };
	int ret = walk_to_last(w);

	if (ret == 0)
		ret = walk_last(w);
	if (ret == 0)
		ret = create_tmpfile(t, &w->at, how->mode & LX_S_IALLUGO, how->flags & LX_O_EXCL, &made);
	if (ret == 0)
		ret = open_inode(t, &made, how->flags & ~(uint32_t)LX_O_TMPFILE, out);
	path_put(&made);
	return ret;
}

static int open_once(struct task *t, int at_fd, const char *name, const struct open_how *how, uint32_t walk, struct file **out)
{
	struct walk w;
	int ret = walk_start(&w, t, t->cred, at_fd, name, walk);

	if (ret < 0)
		return ret;
	if (how->flags & LX_O_TMPFILE_BIT)
		ret = open_tmpfile(t, &w, how, out);
	else if (how->flags & LX_O_CREAT)
		ret = open_create(t, &w, how, out);
	else
		ret = open_existing(t, &w, name, how, out);
	walk_end(&w);
	return ret;
}

int vfs_open(struct task *t, int at_fd, const char *name, const struct open_how *how, struct file **out)
{
	uint32_t walk = how->walk;
	int ret;

	if (how->flags & LX_O_NOFOLLOW || (how->flags & (LX_O_CREAT | LX_O_EXCL)) == (LX_O_CREAT | LX_O_EXCL))
		walk |= WALK_NOFOLLOW;
	if (how->flags & LX_O_DIRECTORY)
		walk |= WALK_DIRECTORY;
	else if (!(how->flags & (LX_O_ACCMODE | LX_O_PATH | LX_O_CREAT | LX_O_TRUNC)))
		walk |= WALK_WILL_OPEN;
	do {
		ret = open_once(t, at_fd, name, how, walk, out);
		/* Somebody else made the name between our look and our try. */
	} while (ret == -EEXIST && !(how->flags & LX_O_EXCL));
	return ret;
}
