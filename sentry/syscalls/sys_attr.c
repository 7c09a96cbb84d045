/* chmod, chown, access and truncate in all their forms. Times are in sys_utime.c. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/fs_args.h"
#include "sentry/syscalls/handlers.h"

static int64_t set_at(struct task *t, int at, uaddr_t name, uint32_t walk, struct setattr *s)
{
	AUTO_PATH struct path p = { 0 };
	int ret = vfs_walk_user(t, at, name, walk, &p);

	if (ret == 0 && s->valid & ATTR_MODE && path_inode(&p)->type == LX_S_IFLNK)
		return -EOPNOTSUPP;
	return ret < 0 ? ret : vfs_setattr(t, &p, s);
}

static int64_t set_fd(struct task *t, int fd, struct setattr *s)
{
	AUTO_FILE struct file *f = fd_get_io(t, fd);
	AUTO_PATH struct path p = { 0 };
	int ret;

	if (!f)
		return -EBADF;
	ret = file_as_path(f, &p);
	return ret < 0 ? ret : vfs_setattr(t, &p, s);
}

static struct setattr new_mode(uint32_t mode)
{
	return (struct setattr){ .valid = ATTR_MODE, .mode = mode & LX_S_IALLUGO };
}

int64_t sys_chmod(struct task *t, const struct sysargs *a)
{
	struct setattr s = new_mode(arg_mode(a, 1));

	return set_at(t, LX_AT_FDCWD, arg_addr(a, 0), 0, &s);
}

int64_t sys_fchmod(struct task *t, const struct sysargs *a)
{
	struct setattr s = new_mode(arg_mode(a, 1));

	return set_fd(t, arg_fd(a, 0), &s);
}

int64_t sys_fchmodat(struct task *t, const struct sysargs *a)
{
	struct setattr s = new_mode(arg_mode(a, 2));

	return set_at(t, arg_fd(a, 0), arg_addr(a, 1), 0, &s);
}

int64_t sys_fchmodat2(struct task *t, const struct sysargs *a)
{
	struct setattr s = new_mode(arg_mode(a, 2));
	uint32_t walk;
	int ret = at_to_walk(arg_u32(a, 3), LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH, &walk);

	return ret < 0 ? ret : set_at(t, arg_fd(a, 0), arg_addr(a, 1), walk, &s);
}

/* -1 leaves an id as it is. */
static int new_owner(const struct task *t, uint32_t uid, uint32_t gid, struct setattr *s)
{
	const struct user_ns *ns = t->cred->user_ns;

	*s = (struct setattr){ .valid = ATTR_CTIME, .uid = id_to_kernel(ns, ID_USER, uid), .gid = id_to_kernel(ns, ID_GROUP, gid) };
	s->valid |= uid == NO_ID ? 0 : ATTR_UID;
	s->valid |= gid == NO_ID ? 0 : ATTR_GID;
	return (uid != NO_ID && s->uid == NO_ID) || (gid != NO_ID && s->gid == NO_ID) ? -EINVAL : 0;
}

int64_t sys_chown(struct task *t, const struct sysargs *a)
{
	struct setattr s;
	int ret = new_owner(t, arg_uid(a, 1), arg_uid(a, 2), &s);

	return ret < 0 ? ret : set_at(t, LX_AT_FDCWD, arg_addr(a, 0), 0, &s);
}

int64_t sys_lchown(struct task *t, const struct sysargs *a)
{
	struct setattr s;
	int ret = new_owner(t, arg_uid(a, 1), arg_uid(a, 2), &s);

	return ret < 0 ? ret : set_at(t, LX_AT_FDCWD, arg_addr(a, 0), WALK_NOFOLLOW, &s);
}

int64_t sys_fchown(struct task *t, const struct sysargs *a)
{
	struct setattr s;
	int ret = new_owner(t, arg_uid(a, 1), arg_uid(a, 2), &s);

	return ret < 0 ? ret : set_fd(t, arg_fd(a, 0), &s);
}

int64_t sys_fchownat(struct task *t, const struct sysargs *a)
{
	struct setattr s;
	uint32_t walk;
	int ret = at_to_walk(arg_u32(a, 4), LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH, &walk);

	if (ret == 0)
		ret = new_owner(t, arg_uid(a, 2), arg_uid(a, 3), &s);
	return ret < 0 ? ret : set_at(t, arg_fd(a, 0), arg_addr(a, 1), walk, &s);
}

int64_t sys_truncate(struct task *t, const struct sysargs *a)
{
	struct setattr s = { .valid = ATTR_SIZE, .size = arg_off(a, 1) };

	return s.size < 0 ? -EINVAL : set_at(t, LX_AT_FDCWD, arg_addr(a, 0), 0, &s);
}

int64_t sys_ftruncate(struct task *t, const struct sysargs *a)
{
	int64_t size = arg_off(a, 1);
	AUTO_FILE struct file *f = NULL;
	int ret;

	if (size < 0)
		return -EINVAL;
	f = fd_get_io(t, arg_fd(a, 0));
	if (!f)
		return -EBADF;
	if (f->inode->type != LX_S_IFREG || !f->writable || !f->ops->truncate)
		return -EINVAL;
	if (f->landlock_denied & LX_LANDLOCK_FS_TRUNCATE)
		return -EACCES;
	ret = inode_may_grow(t, f->inode, size);
	if (ret == 0)
		ret = f->ops->truncate(f, t, size);
	if (ret == 0)
		notify_file(f, LX_IN_MODIFY);
	return ret;
}

/* The real ids, and the capabilities that go with them: what access(2) asks for. NULL when memory is out. */
static struct cred *real_cred(struct task *t)
{
	struct cred *c = cred_copy(t->cred, t->cred->group_count);

	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	if (!(c->securebits & LX_SECBIT_NO_SETUID_FIXUP))
		c->cap_effective = c->uid == id_to_kernel(c->user_ns, ID_USER, 0) ? c->cap_permitted : 0;
	return c;
}

static int may_access(const struct cred *c, const struct path *p, uint32_t mode)
{
	struct inode *i = path_inode(p);
	int ret;

	if (mode == LX_F_OK)
		return 0;
	if (mode & LX_X_OK && i->type == LX_S_IFREG && p->mount->flags & MOUNT_NOEXEC)
		return -EACCES;
	ret = inode_permission(c, i, mode); /* X_OK, W_OK and R_OK are MAY_EXEC, MAY_WRITE and MAY_READ */
	if (ret == 0 && mode & LX_W_OK && (i->type == LX_S_IFREG || i->type == LX_S_IFDIR || i->type == LX_S_IFLNK))
		ret = path_may_change(p);
	return ret;
}

static int64_t do_access(struct task *t, int at, uaddr_t name, uint32_t mode, uint32_t flags)
{
	AUTO_PATH struct path p = { 0 };
	struct cred *c;
	char buf[LX_PATH_MAX];
	uint32_t walk;
	int64_t ret = at_to_walk(flags, LX_AT_EACCESS | LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH, &walk);

	if (ret < 0 || mode & ~(uint32_t)(LX_R_OK | LX_W_OK | LX_X_OK))
		return -EINVAL;
	ret = copy_in_str(t, buf, name, sizeof(buf));
	if (ret < 0)
		return ret;
	/* Nearly everybody's real ids are the effective ones: no copy then. */
	if (flags & LX_AT_EACCESS || (t->cred->uid == t->cred->fsuid && t->cred->gid == t->cred->fsgid))
		c = cred_get(t->cred);
	else
		c = real_cred(t);
	if (!c)
		return -ENOMEM;
	ret = vfs_walk_as(t, c, at, buf, walk, &p);
	if (ret == 0)
		ret = may_access(c, &p, mode);
	cred_put(c);
	return ret;
}

int64_t sys_access(struct task *t, const struct sysargs *a)
{
	return do_access(t, LX_AT_FDCWD, arg_addr(a, 0), arg_u32(a, 1), 0);
}

int64_t sys_faccessat(struct task *t, const struct sysargs *a)
{
	return do_access(t, arg_fd(a, 0), arg_addr(a, 1), arg_u32(a, 2), 0);
}

int64_t sys_faccessat2(struct task *t, const struct sysargs *a)
{
	return do_access(t, arg_fd(a, 0), arg_addr(a, 1), arg_u32(a, 2), arg_u32(a, 3));
}
