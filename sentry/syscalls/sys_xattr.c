/* Extended attributes: getxattr, setxattr, listxattr, removexattr, each by path, by path without following, and by fd. xattr(7). */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/* Where the first argument leads: a path, a path whose last link is not followed, or an fd. */
enum by { BY_PATH, BY_LINK, BY_FD };

static int find(struct task *t, const struct sysargs *a, enum by by, struct path *out)
{
	AUTO_FILE struct file *f = NULL;

	if (by != BY_FD)
		return vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 0), by == BY_LINK ? WALK_NOFOLLOW : 0, out);
	f = fd_get_io(t, arg_fd(a, 0));
	return f ? file_as_path(f, out) : -EBADF;
}

static int get_name(struct task *t, uaddr_t from, char name[LX_XATTR_NAME_MAX + 1])
{
	int64_t n = copy_in_str(t, name, from, LX_XATTR_NAME_MAX + 1);

	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* xattr_permission of Linux: which namespaces there are, and who may use them. */
static int may_use(struct task *t, const struct path *p, const char *name, bool write)
{
	struct inode *i = path_inode(p);
	int ret = write ? path_may_change(p) : 0;

	if (ret < 0)
		return ret;
	if (has_prefix(name, "user.")) {
		if (i->type != LX_S_IFREG && i->type != LX_S_IFDIR)
			return write ? -EPERM : -ENODATA;
		if (write && i->type == LX_S_IFDIR && i->attr.mode & LX_S_ISVTX && !inode_owner_or_capable(t->cred, i))
			return -EPERM;
		return inode_permission(t->cred, i, write ? MAY_WRITE : MAY_READ);
	}
	if (has_prefix(name, "trusted."))
		return cred_capable(t->cred, LX_CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (has_prefix(name, "security."))
		return !write || cred_capable(t->cred, LX_CAP_SYS_ADMIN) ? 0 : -EPERM;
	return -EOPNOTSUPP; /* system.posix_acl_*: no ACLs */
}

static int64_t do_get(struct task *t, const struct sysargs *a, enum by by)
{
	AUTO_PATH struct path p = { 0 };
	char name[LX_XATTR_NAME_MAX + 1];
	size_t size = arg_size(a, 3) < LX_XATTR_SIZE_MAX ? arg_size(a, 3) : LX_XATTR_SIZE_MAX;
	AUTO_FREE char *buf = NULL;
	int64_t ret = get_name(t, arg_addr(a, 1), name);

	if (ret == 0)
		ret = find(t, a, by, &p);
	if (ret == 0)
		ret = may_use(t, &p, name, false);
	if (ret < 0)
		return ret;
	buf = mem_alloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	if (!path_inode(&p)->ops->getxattr)
		return -EOPNOTSUPP;
	ret = path_inode(&p)->ops->getxattr(path_inode(&p), name, buf, size);
	if (ret > 0 && size && copy_out(t, arg_addr(a, 2), buf, (size_t)ret) < 0)
		return -EFAULT;
	return ret;
}

static int64_t do_set(struct task *t, const struct sysargs *a, enum by by)
{
	AUTO_PATH struct path p = { 0 };
	char name[LX_XATTR_NAME_MAX + 1];
	size_t size = arg_size(a, 3);
	AUTO_FREE char *buf = NULL;
	int64_t ret;

	if (arg_u32(a, 4) & ~(uint32_t)(LX_XATTR_CREATE | LX_XATTR_REPLACE))
		return -EINVAL;
	ret = get_name(t, arg_addr(a, 1), name);
	if (ret < 0)
		return ret;
	if (size > LX_XATTR_SIZE_MAX)
		return -E2BIG;
	buf = mem_alloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	if (size && copy_in(t, buf, arg_addr(a, 2), size) < 0)
		return -EFAULT;
	ret = find(t, a, by, &p);
	if (ret == 0)
		ret = may_use(t, &p, name, true);
	if (ret < 0)
		return ret;
	if (!path_inode(&p)->ops->setxattr)
		return -EOPNOTSUPP;
	ret = path_inode(&p)->ops->setxattr(path_inode(&p), name, buf, size, arg_int(a, 4));
	if (ret == 0)
		notify_path(&p, LX_IN_ATTRIB);
	return ret;
}

static int64_t do_list(struct task *t, const struct sysargs *a, enum by by)
{
	AUTO_PATH struct path p = { 0 };
	size_t size = arg_size(a, 2) < LX_XATTR_SIZE_MAX ? arg_size(a, 2) : LX_XATTR_SIZE_MAX;
	AUTO_FREE char *buf = NULL;
	int64_t ret = find(t, a, by, &p);

	if (ret < 0)
		return ret;
	if (!path_inode(&p)->ops->listxattr)
		return 0;
	buf = mem_alloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	ret = path_inode(&p)->ops->listxattr(path_inode(&p), buf, size);
	if (ret > 0 && size && copy_out(t, arg_addr(a, 1), buf, (size_t)ret) < 0)
		return -EFAULT;
	return ret;
}

static int64_t do_remove(struct task *t, const struct sysargs *a, enum by by)
{
	AUTO_PATH struct path p = { 0 };
	char name[LX_XATTR_NAME_MAX + 1];
	int64_t ret = get_name(t, arg_addr(a, 1), name);

	if (ret == 0)
		ret = find(t, a, by, &p);
	if (ret == 0)
		ret = may_use(t, &p, name, true);
	if (ret < 0)
		return ret;
	if (!path_inode(&p)->ops->removexattr)
		return -EOPNOTSUPP;
	ret = path_inode(&p)->ops->removexattr(path_inode(&p), name);
	if (ret == 0)
		notify_path(&p, LX_IN_ATTRIB);
	return ret;
}

#define THREE(plain, link, fd, what)                                            \
	int64_t sys_##plain(struct task *t, const struct sysargs *a)            \
	{                                                                       \
		return what(t, a, BY_PATH);                                     \
	}                                                                       \
	int64_t sys_##link(struct task *t, const struct sysargs *a)             \
	{                                                                       \
		return what(t, a, BY_LINK);                                     \
	}                                                                       \
	int64_t sys_##fd(struct task *t, const struct sysargs *a)               \
	{                                                                       \
		return what(t, a, BY_FD);                                       \
	}

THREE(getxattr, lgetxattr, fgetxattr, do_get)
THREE(setxattr, lsetxattr, fsetxattr, do_set)
THREE(listxattr, llistxattr, flistxattr, do_list)
THREE(removexattr, lremovexattr, fremovexattr, do_remove)
