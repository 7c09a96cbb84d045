/*
 * Extended attributes: getxattr, setxattr, listxattr, removexattr, each by path, by path without following, by fd, and (…at) by a directory's
 * fd and path. xattr(7).
 */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/acl.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/fs_args.h"
#include "sentry/syscalls/handlers.h"

/* A call of any of the four forms. */
struct xcall {
	int fd;          /* LX_AT_FDCWD, a directory's, or with `by_fd` the file's own */
	bool by_fd;
	uaddr_t path;
	uint32_t walk;   /* WALK_* */
	uaddr_t name, value;
	size_t size;
	uint32_t flags;  /* LX_XATTR_* */
};

static int find(struct task *t, const struct xcall *c, struct path *out)
{
	AUTO_FILE struct file *f = NULL;

	if (!c->by_fd)
		return vfs_walk_user(t, c->fd, c->path, c->walk, out);
	f = fd_get_io(t, c->fd);
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
	return -EOPNOTSUPP;
}

static int64_t get_value(struct inode *i, const char *name, void *buf, size_t size)
{
	enum acl_kind kind;

	if (acl_name(name, &kind))
		return acl_get(i, kind, buf, size);
	return i->ops->getxattr ? i->ops->getxattr(i, name, buf, size) : -EOPNOTSUPP;
}

static int put_value(struct task *t, const struct path *p, const char *name, const void *buf, size_t size, int flags)
{
	struct inode *i = path_inode(p);
	enum acl_kind kind;
	int ret;

	if (acl_name(name, &kind))
		return acl_set(t, p, kind, buf, size);
	ret = inode_fixed(i) ? -EPERM : may_use(t, p, name, true);
	if (ret < 0)
		return ret;
	return i->ops->setxattr ? i->ops->setxattr(i, name, buf, size, flags) : -EOPNOTSUPP;
}

static int64_t do_get(struct task *t, const struct xcall *c)
{
	enum acl_kind kind;
	AUTO_PATH struct path p = { 0 };
	char name[LX_XATTR_NAME_MAX + 1];
	size_t size = c->size < LX_XATTR_SIZE_MAX ? c->size : LX_XATTR_SIZE_MAX;
	AUTO_FREE char *buf = NULL;
	int64_t ret = get_name(t, c->name, name);

	if (ret == 0)
		ret = find(t, c, &p);
	if (ret == 0 && !acl_name(name, &kind))
		ret = may_use(t, &p, name, false);
	if (ret < 0)
		return ret;
	buf = mem_alloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	ret = get_value(path_inode(&p), name, buf, size);
	if (ret > 0 && size && copy_out(t, c->value, buf, (size_t)ret) < 0)
		return -EFAULT;
	return ret;
}

static int64_t do_set(struct task *t, const struct xcall *c)
{
	AUTO_PATH struct path p = { 0 };
	char name[LX_XATTR_NAME_MAX + 1];
	size_t size = c->size;
	AUTO_FREE char *buf = NULL;
	int64_t ret;

	if (c->flags & ~(uint32_t)(LX_XATTR_CREATE | LX_XATTR_REPLACE))
		return -EINVAL;
	ret = get_name(t, c->name, name);
	if (ret < 0)
		return ret;
	if (size > LX_XATTR_SIZE_MAX)
		return -E2BIG;
	buf = mem_alloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	if (size && copy_in(t, buf, c->value, size) < 0)
		return -EFAULT;
	ret = find(t, c, &p);
	if (ret == 0)
		ret = put_value(t, &p, name, buf, size, (int)c->flags);
	if (ret == 0)
		notify_path(&p, LX_IN_ATTRIB);
	return ret;
}

/* The lists' names first; size 0 asks how much there is. */
static int64_t list_names(struct inode *i, char *buf, size_t size)
{
	int64_t acls = acl_list(i, size ? buf : NULL, size), rest = 0;

	if (acls < 0)
		return acls;
	if (i->ops->listxattr && size && (size_t)acls == size)
		rest = i->ops->listxattr(i, NULL, 0) > 0 ? -ERANGE : 0;
	else if (i->ops->listxattr)
		rest = i->ops->listxattr(i, buf + (size ? acls : 0), size ? size - (size_t)acls : 0);
	return rest < 0 ? rest : acls + rest;
}

static int64_t do_list(struct task *t, const struct xcall *c)
{
	AUTO_PATH struct path p = { 0 };
	size_t size = c->size < LX_XATTR_SIZE_MAX ? c->size : LX_XATTR_SIZE_MAX;
	AUTO_FREE char *buf = NULL;
	int64_t ret = find(t, c, &p);

	if (ret < 0)
		return ret;
	buf = mem_alloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	ret = list_names(path_inode(&p), buf, size);
	if (ret > 0 && size && copy_out(t, c->value, buf, (size_t)ret) < 0)
		return -EFAULT;
	return ret;
}

static int64_t do_remove(struct task *t, const struct xcall *c)
{
	AUTO_PATH struct path p = { 0 };
	char name[LX_XATTR_NAME_MAX + 1];
	enum acl_kind kind;
	int64_t ret = get_name(t, c->name, name);

	if (ret == 0)
		ret = find(t, c, &p);
	if (ret == 0 && acl_name(name, &kind)) {
		ret = acl_set(t, &p, kind, NULL, 0);
	} else if (ret == 0) {
		ret = inode_fixed(path_inode(&p)) ? -EPERM : may_use(t, &p, name, true);
		if (ret == 0)
			ret = path_inode(&p)->ops->removexattr ? path_inode(&p)->ops->removexattr(path_inode(&p), name) : -EOPNOTSUPP;
	}
	if (ret == 0)
		notify_path(&p, LX_IN_ATTRIB);
	return ret;
}

/* The first three forms; each call has its arguments in an order of its own. */
static struct xcall plain(const struct sysargs *a, bool by_fd, uint32_t walk)
{
	return (struct xcall){ .fd = by_fd ? arg_fd(a, 0) : LX_AT_FDCWD, .by_fd = by_fd, .path = arg_addr(a, 0), .walk = walk, .name = arg_addr(a, 1),
			       .value = arg_addr(a, 2), .size = arg_size(a, 3), .flags = arg_u32(a, 4) };
}

static struct xcall plain_list(const struct sysargs *a, bool by_fd, uint32_t walk)
{
	struct xcall c = plain(a, by_fd, walk);

	c.value = arg_addr(a, 1);
	c.size = arg_size(a, 2);
	return c;
}

#define THREE(call, args, what)                                                     \
	int64_t sys_##call(struct task *t, const struct sysargs *a)                 \
	{                                                                           \
		struct xcall c = args(a, false, 0);                                 \
		return what(t, &c);                                                 \
	}                                                                           \
	int64_t sys_l##call(struct task *t, const struct sysargs *a)                \
	{                                                                           \
		struct xcall c = args(a, false, WALK_NOFOLLOW);                     \
		return what(t, &c);                                                 \
	}                                                                           \
	int64_t sys_f##call(struct task *t, const struct sysargs *a)                \
	{                                                                           \
		struct xcall c = args(a, true, 0);                                  \
		return what(t, &c);                                                 \
	}

THREE(getxattr, plain, do_get)
THREE(setxattr, plain, do_set)
THREE(listxattr, plain_list, do_list)
THREE(removexattr, plain, do_remove)

/* The place of the …at form: with AT_EMPTY_PATH no path, or an empty one, means the fd itself. */
static int at_place(struct task *t, const struct sysargs *a, struct xcall *c)
{
	char first = 0;
	int ret = at_to_walk(arg_u32(a, 2), LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH, &c->walk);

	if (ret < 0)
		return ret;
	c->fd = arg_fd(a, 0);
	c->path = arg_addr(a, 1);
	if (!(c->walk & WALK_EMPTY) || c->fd < 0)
		return 0;
	if (!uaddr_null(c->path) && copy_in(t, &first, c->path, 1) < 0)
		return -EFAULT;
	c->by_fd = !first;
	return 0;
}

static int at_args(struct task *t, const struct sysargs *a, struct xcall *c)
{
	struct lx_xattr_args x = { 0 };
	int ret;

	if (arg_size(a, 5) < sizeof(x))
		return -EINVAL;
	if (arg_size(a, 5) > LX_PAGE_SIZE)
		return -E2BIG;
	ret = copy_in_struct(t, &x, sizeof(x), arg_addr(a, 4), arg_size(a, 5));
	if (ret < 0)
		return ret;
	c->name = arg_addr(a, 3);
	c->value = uaddr(x.value);
	c->size = x.size;
	c->flags = x.flags;
	return at_place(t, a, c);
}

int64_t sys_setxattrat(struct task *t, const struct sysargs *a)
{
	struct xcall c = { 0 };
	int ret = at_args(t, a, &c);

	return ret < 0 ? ret : do_set(t, &c);
}

int64_t sys_getxattrat(struct task *t, const struct sysargs *a)
{
	struct xcall c = { 0 };
	int ret = at_args(t, a, &c);

	if (ret == 0 && c.flags)
		ret = -EINVAL;
	return ret < 0 ? ret : do_get(t, &c);
}

int64_t sys_listxattrat(struct task *t, const struct sysargs *a)
{
	struct xcall c = { .value = arg_addr(a, 3), .size = arg_size(a, 4) };
	int ret = at_place(t, a, &c);

	return ret < 0 ? ret : do_list(t, &c);
}

int64_t sys_removexattrat(struct task *t, const struct sysargs *a)
{
	struct xcall c = { .name = arg_addr(a, 3) };
	int ret = at_place(t, a, &c);

	return ret < 0 ? ret : do_remove(t, &c);
}
