/* link, linkat, unlink, unlinkat, rename, renameat, renameat2, symlink, symlinkat, mknod, mknodat. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int64_t do_link(struct task *t, int from_at, uaddr_t from, int to_at, uaddr_t to, uint32_t flags)
{
	AUTO_PATH struct path what = { 0 };
	uint32_t walk = flags & LX_AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW;
	char old[LX_PATH_MAX], name[LX_PATH_MAX];
	int64_t ret;

	if (flags & ~(uint32_t)(LX_AT_SYMLINK_FOLLOW | LX_AT_EMPTY_PATH))
		return -EINVAL;
	ret = copy_in_str(t, old, from, sizeof(old));
	if (ret >= 0)
		ret = copy_in_str(t, name, to, sizeof(name));
	if (ret < 0)
		return ret;
	if (flags & LX_AT_EMPTY_PATH) {
		/* A name for what is only an fd: as with open_by_handle_at, not for everybody. */
		if (!old[0] && !cred_capable(t->cred, LX_CAP_DAC_READ_SEARCH))
			return -ENOENT;
		walk |= WALK_EMPTY;
	}
	ret = vfs_walk(t, from_at, old, walk, &what);
	return ret < 0 ? ret : vfs_link(t, &what, to_at, name);
}

int64_t sys_link(struct task *t, const struct sysargs *a)
{
	return do_link(t, LX_AT_FDCWD, arg_addr(a, 0), LX_AT_FDCWD, arg_addr(a, 1), 0);
}

int64_t sys_linkat(struct task *t, const struct sysargs *a)
{
	return do_link(t, arg_fd(a, 0), arg_addr(a, 1), arg_fd(a, 2), arg_addr(a, 3), arg_u32(a, 4));
}

static int64_t do_unlink(struct task *t, int at, uaddr_t name, bool dir)
{
	char buf[LX_PATH_MAX];
	int64_t ret = copy_in_str(t, buf, name, sizeof(buf));

	if (ret < 0)
		return ret;
	return dir ? vfs_rmdir(t, at, buf) : vfs_unlink(t, at, buf);
}

int64_t sys_unlink(struct task *t, const struct sysargs *a)
{
	return do_unlink(t, LX_AT_FDCWD, arg_addr(a, 0), false);
}

int64_t sys_unlinkat(struct task *t, const struct sysargs *a)
{
	if (arg_u32(a, 2) & ~(uint32_t)LX_AT_REMOVEDIR)
		return -EINVAL;
	return do_unlink(t, arg_fd(a, 0), arg_addr(a, 1), arg_u32(a, 2) & LX_AT_REMOVEDIR);
}

static int64_t do_rename(struct task *t, int from_at, uaddr_t from, int to_at, uaddr_t to, uint32_t flags)
{
	char old[LX_PATH_MAX], name[LX_PATH_MAX];
	int64_t ret;

	if (flags & ~(uint32_t)(LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE | LX_RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & LX_RENAME_EXCHANGE && flags & (LX_RENAME_NOREPLACE | LX_RENAME_WHITEOUT))
		return -EINVAL;
	ret = copy_in_str(t, old, from, sizeof(old));
	if (ret >= 0)
		ret = copy_in_str(t, name, to, sizeof(name));
	return ret < 0 ? ret : vfs_rename(t, from_at, old, to_at, name, flags);
}

int64_t sys_rename(struct task *t, const struct sysargs *a)
{
	return do_rename(t, LX_AT_FDCWD, arg_addr(a, 0), LX_AT_FDCWD, arg_addr(a, 1), 0);
}

int64_t sys_renameat(struct task *t, const struct sysargs *a)
{
	return do_rename(t, arg_fd(a, 0), arg_addr(a, 1), arg_fd(a, 2), arg_addr(a, 3), 0);
}

int64_t sys_renameat2(struct task *t, const struct sysargs *a)
{
	return do_rename(t, arg_fd(a, 0), arg_addr(a, 1), arg_fd(a, 2), arg_addr(a, 3), arg_u32(a, 4));
}

static int64_t do_symlink(struct task *t, uaddr_t target, int at, uaddr_t name)
{
	char to[LX_PATH_MAX], buf[LX_PATH_MAX];
	struct create_how how = { .mode = LX_S_IFLNK | 0777, .target = to };
	int64_t ret = copy_in_str(t, to, target, sizeof(to));

	if (ret == 0)
		return -ENOENT;
	if (ret > 0)
		ret = copy_in_str(t, buf, name, sizeof(buf));
	return ret < 0 ? ret : vfs_mknod(t, at, buf, &how, NULL);
}

int64_t sys_symlink(struct task *t, const struct sysargs *a)
{
	return do_symlink(t, arg_addr(a, 0), LX_AT_FDCWD, arg_addr(a, 1));
}

int64_t sys_symlinkat(struct task *t, const struct sysargs *a)
{
	return do_symlink(t, arg_addr(a, 0), arg_fd(a, 1), arg_addr(a, 2));
}

static int64_t do_mknod(struct task *t, int at, uaddr_t name, uint32_t mode, uint32_t dev)
{
	struct create_how how = { .mode = mode };
	char buf[LX_PATH_MAX];
	int64_t ret;

	switch (mode & LX_S_IFMT) {
	case 0:
		how.mode |= LX_S_IFREG;
		break;
	case LX_S_IFREG:
	case LX_S_IFIFO:
	case LX_S_IFSOCK:
		break;
	case LX_S_IFCHR:
	case LX_S_IFBLK:
		how.rdev = dev;
		break;
	case LX_S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	ret = copy_in_str(t, buf, name, sizeof(buf));
	return ret < 0 ? ret : vfs_mknod(t, at, buf, &how, NULL);
}

int64_t sys_mknod(struct task *t, const struct sysargs *a)
{
	return do_mknod(t, LX_AT_FDCWD, arg_addr(a, 0), arg_mode(a, 1), arg_u32(a, 2));
}

int64_t sys_mknodat(struct task *t, const struct sysargs *a)
{
	return do_mknod(t, arg_fd(a, 0), arg_addr(a, 1), arg_mode(a, 2), arg_u32(a, 3));
}
