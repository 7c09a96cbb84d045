/* Who may do what with an inode: mode bits and capabilities. path_resolution(7), capabilities(7). */
#include <errno.h>

#include "abi/cred.h"
#include "sentry/fs/acl.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"

/* The three bits of the mode that count for this caller. */
static uint32_t class_bits(const struct cred *c, const struct attr *a)
{
	if (c->fsuid == a->uid)
		return a->mode >> 6 & 7;
	if (cred_has_group(c, a->gid))
		return a->mode >> 3 & 7;
	return a->mode & 7;
}

/* Over an inode whose owners have names in the caller's user namespace. Linux: capable_wrt_inode_uidgid(). */
static bool inode_capable(const struct cred *c, const struct inode *i, int cap)
{
	return cred_own_capable(c, cap) && id_from_kernel(c->user_ns, ID_USER, i->attr.uid) != NO_ID &&
	       id_from_kernel(c->user_ns, ID_GROUP, i->attr.gid) != NO_ID;
}

static int capability_permits(const struct cred *c, const struct inode *i, uint32_t may)
{
	bool dir = i->type == LX_S_IFDIR;

	/* Even for root a file must have some execute bit to be executed. */
	if (inode_capable(c, i, LX_CAP_DAC_OVERRIDE) && (dir || !(may & MAY_EXEC) || i->attr.mode & 0111))
		return 0;
	if (inode_capable(c, i, LX_CAP_DAC_READ_SEARCH) && (may == MAY_READ || (dir && !(may & MAY_WRITE))))
		return 0;
	return -EACCES;
}

int inode_permission(const struct cred *c, struct inode *i, uint32_t may)
{
	int ret = c->fsuid == i->attr.uid ? 1 : acl_permission(c, i, may);

	if (may & MAY_WRITE && inode_immutable(i))
		return -EPERM;
	if (ret <= 0)
		return ret == 0 ? 0 : capability_permits(c, i, may);
	/* Read without the lock: a chmod at the same time may count or not, as on Linux. */
	if ((class_bits(c, &i->attr) & may) == may)
		return 0;
	return capability_permits(c, i, may);
}

bool inode_owner_or_capable(const struct cred *c, const struct inode *i)
{
	return c->fsuid == i->attr.uid || (cred_own_capable(c, LX_CAP_FOWNER) && id_from_kernel(c->user_ns, ID_USER, i->attr.uid) != NO_ID);
}

/* May `victim` be removed from (or renamed out of) `dir`? What Linux calls may_delete. */
int may_delete(const struct cred *c, struct inode *dir, struct inode *victim, bool want_dir)
{
	int ret = inode_permission(c, dir, MAY_WRITE | MAY_EXEC);

	if (ret < 0)
		return ret;
	if (dir->attr.mode & LX_S_ISVTX && c->fsuid != victim->attr.uid && c->fsuid != dir->attr.uid &&
	    !inode_capable(c, victim, LX_CAP_FOWNER))
		return -EPERM;
	if (inode_append_only(dir) || inode_fixed(victim))
		return -EPERM;
	if (want_dir && victim->type != LX_S_IFDIR)
		return -ENOTDIR;
	if (!want_dir && victim->type == LX_S_IFDIR)
		return -EISDIR;
	return 0;
}

static int check_chown(const struct cred *c, const struct inode *i, const struct setattr *s)
{
	if (s->valid & ATTR_UID && !inode_capable(c, i, LX_CAP_CHOWN) && (c->fsuid != i->attr.uid || s->uid != i->attr.uid))
		return -EPERM;
	if (s->valid & ATTR_GID && !inode_capable(c, i, LX_CAP_CHOWN) &&
	    (c->fsuid != i->attr.uid || (!cred_has_group(c, s->gid) && s->gid != i->attr.gid)))
		return -EPERM;
	return 0;
}

static int check_times(const struct cred *c, struct inode *i, const struct setattr *s)
{
	bool set = s->valid & (ATTR_ATIME | ATTR_MTIME);
	bool explicit_time = (s->valid & ATTR_ATIME && !(s->valid & ATTR_ATIME_NOW)) ||
			     (s->valid & ATTR_MTIME && !(s->valid & ATTR_MTIME_NOW));
	/* One of the two left alone needs the owner as well: only "both, now" is open to whoever may write. */
	bool both = (s->valid & (ATTR_ATIME | ATTR_MTIME)) == (ATTR_ATIME | ATTR_MTIME);

	if (set && (inode_immutable(i) || (inode_append_only(i) && (explicit_time || !both))))
		return -EPERM;
	if (!set || inode_owner_or_capable(c, i))
		return 0;
	if (explicit_time || !both)
		return -EPERM;
	return inode_permission(c, i, MAY_WRITE);
}

int setattr_permission(const struct cred *c, struct inode *i, struct setattr *s)
{
	uint32_t mode = i->attr.mode;
	int ret = s->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) && inode_fixed(i) ? -EPERM : check_chown(c, i, s);

	if (ret < 0)
		return ret;
	if (s->valid & ATTR_MODE && !inode_owner_or_capable(c, i))
		return -EPERM;
	/* A new owner is not served by the old one's set-id bits; a directory keeps them. */
	if (s->valid & (ATTR_UID | ATTR_GID) && i->type != LX_S_IFDIR && mode & (LX_S_ISUID | LX_S_ISGID)) {
		s->valid |= ATTR_MODE;
		s->mode = mode & ~LX_S_ISUID;
		if (mode & LX_S_IXGRP)
			s->mode &= ~LX_S_ISGID;
	}
	/* Group id of a group the caller is not in cannot be lent out. */
	if (s->valid & ATTR_MODE && s->mode & LX_S_ISGID && !cred_has_group(c, s->valid & ATTR_GID ? s->gid : i->attr.gid) &&
	    !inode_capable(c, i, LX_CAP_FSETID))
		s->mode &= ~LX_S_ISGID;
	return check_times(c, i, s);
}

int path_may_exec(struct task *t, const struct path *p, const char *what)
{
	char name[512];

	if (!(p->mount->flags & MOUNT_NOEXEC))
		return 0;
	path_describe(p, name, sizeof(name));
	kernel_report_denied(t, what, name, p->mount->label, "noexec");
	return -EACCES;
}
