/* Attributes by path: stat(2), chmod(2), truncate(2), statfs(2), readlink(2). */
#include <errno.h>

#include "abi/cred.h"
#include "abi/resource.h"
#include "abi/signal.h"
#include "sentry/fs/acl.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/lease.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"

int path_may_change(const struct path *p)
{
	return (p->mount->flags | p->mount->super->flags) & MOUNT_READONLY ? -EROFS : 0;
}

int vfs_getattr(struct task *t, const struct path *p, struct attr *out)
{
	struct inode *i = path_inode(p);

	(void)t;
	if (i->ops->getattr)
		return i->ops->getattr(i, out);
	inode_attr(i, out);
	return 0;
}

int inode_may_grow(struct task *t, const struct inode *i, int64_t size)
{
	uint64_t limit = t->proc ? t->proc->limits[LX_RLIMIT_FSIZE].rlim_cur : LX_RLIM_INFINITY;
	struct lx_siginfo info;

	if (size > i->attr.size && (uint64_t)size > limit) {
		siginfo_init_kill(&info, LX_SIGXFSZ, NULL);
		signal_send_task(t, &info);
		return -EFBIG;
	}
	return 0;
}

/* truncate(2)'s own rules: what may be cut, and by whom. */
static int may_truncate(struct task *t, struct inode *i, struct setattr *s)
{
	if (i->type != LX_S_IFREG)
		return i->type == LX_S_IFDIR ? -EISDIR : -EINVAL;
	if (inode_append_only(i))
		return -EPERM;
	return inode_may_grow(t, i, s->size);
}

/* Truncation is a write: set-id bits go as in write(2). */
static void strip_on_truncate(struct task *t, const struct inode *i, struct setattr *s)
{
	uint32_t mode = i->attr.mode;

	if (s->valid & ATTR_MODE || !(mode & (LX_S_ISUID | LX_S_ISGID)) || cred_capable(t->cred, LX_CAP_FSETID))
		return;
	s->valid |= ATTR_MODE;
	s->mode = mode & ~(LX_S_ISUID | (mode & LX_S_IXGRP ? LX_S_ISGID : 0u));
}

int vfs_setattr(struct task *t, const struct path *p, struct setattr *s)
{
	struct inode *i = path_inode(p);
	int ret;

	if (s->valid & ATTR_SIZE && i->type == LX_S_IFDIR)
		return -EISDIR;
	if (s->valid & ATTR_SIZE && i->type != LX_S_IFREG)
		return -EINVAL;
	ret = path_may_change(p);
	if (ret == 0 && s->valid & ATTR_SIZE)
		ret = inode_permission(t->cred, i, MAY_WRITE);
	if (ret == 0 && s->valid & ATTR_SIZE)
		ret = landlock_may(t->cred, p, LX_LANDLOCK_FS_TRUNCATE);
	if (ret == 0 && s->valid & ATTR_SIZE)
		ret = may_truncate(t, i, s);
	if (ret == 0)
		ret = setattr_permission(t->cred, i, s);
	if (ret == 0 && s->valid & ATTR_SIZE)
		ret = (int)lease_break(t, i, true, false);
	if (ret < 0)
		return ret;
	if (s->valid & ATTR_SIZE)
		strip_on_truncate(t, i, s);
	ret = i->ops->setattr ? i->ops->setattr(i, s) : -EPERM;
	if (ret == 0 && s->valid & ATTR_MODE)
		acl_chmod(i, s->mode);
	if (ret == 0)
		notify_path(p, s->valid & ATTR_SIZE ? LX_IN_MODIFY : LX_IN_ATTRIB);
	return ret;
}

int64_t vfs_readlink(struct task *t, const struct path *p, char *buf, size_t len)
{
	struct inode *i = path_inode(p);

	if (i->type != LX_S_IFLNK || !i->ops->readlink)
		return -EINVAL;
	return i->ops->readlink(i, t, buf, len);
}

/* MOUNT_* as statfs(2) shows them. */
static int64_t statfs_flags(uint32_t flags)
{
	int64_t out = LX_ST_VALID;

	out |= flags & MOUNT_READONLY ? LX_ST_RDONLY : 0;
	out |= flags & MOUNT_NOSUID ? LX_ST_NOSUID : 0;
	out |= flags & MOUNT_NODEV ? LX_ST_NODEV : 0;
	out |= flags & MOUNT_NOEXEC ? LX_ST_NOEXEC : 0;
	out |= flags & MOUNT_NOATIME ? LX_ST_NOATIME : flags & MOUNT_STRICTATIME ? 0 : LX_ST_RELATIME;
	out |= flags & MOUNT_NODIRATIME ? LX_ST_NODIRATIME : 0;
	out |= flags & MOUNT_NOSYMFOLLOW ? LX_ST_NOSYMFOLLOW : 0;
	return out;
}

int vfs_statfs(const struct path *p, struct lx_statfs *out)
{
	struct super *s = path_inode(p)->super;
	int ret = s->ops && s->ops->statfs ? s->ops->statfs(s, out) : -ENOSYS;

	if (ret < 0)
		return ret;
	out->f_flags = statfs_flags(p->mount->flags | s->flags);
	out->f_fsid[0] = (int32_t)s->dev;
	out->f_fsid[1] = 0;
	return 0;
}
