/* fsync, fdatasync, sync, syncfs, sync_file_range, fallocate. */
#include <errno.h>

#include "abi/fcntl.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/syscalls/handlers.h"

static int64_t do_fsync(struct task *t, int fd, bool data_only)
{
	AUTO_FILE struct file *f = fd_get_io(t, fd);

	if (!f)
		return -EBADF;
	return f->ops->fsync ? f->ops->fsync(f, t, data_only) : -EINVAL;
}

int64_t sys_fsync(struct task *t, const struct sysargs *a)
{
	return do_fsync(t, arg_fd(a, 0), false);
}

int64_t sys_fdatasync(struct task *t, const struct sysargs *a)
{
	return do_fsync(t, arg_fd(a, 0), true);
}

static bool sync_one(struct mount *m, void *arg)
{
	if (m->super->ops && m->super->ops->sync)
		m->super->ops->sync(m->super, arg);
	return true;
}

int64_t sys_sync(struct task *t, const struct sysargs *a)
{
	(void)a;
	mounts_for_each(t->k, sync_one, t);
	return 0;
}

int64_t sys_syncfs(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));
	const struct super_ops *ops;

	if (!f)
		return -EBADF;
	ops = f->inode->super->ops;
	return ops && ops->sync ? ops->sync(f->inode->super, t) : 0;
}

int64_t sys_sync_file_range(struct task *t, const struct sysargs *a)
{
	uint32_t known = LX_SYNC_FILE_RANGE_WAIT_BEFORE | LX_SYNC_FILE_RANGE_WRITE | LX_SYNC_FILE_RANGE_WAIT_AFTER;
	int64_t offset = arg_off(a, 1), len = arg_off(a, 2), end;
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));

	if (!f)
		return -EBADF;
	if (arg_u32(a, 3) & ~known || offset < 0 || len < 0 || __builtin_add_overflow(offset, len, &end))
		return -EINVAL;
	if (f->inode->type != LX_S_IFREG && f->inode->type != LX_S_IFDIR && f->inode->type != LX_S_IFBLK)
		return -ESPIPE;
	/* The whole file's data is a superset of what was asked for. */
	return f->ops->fsync && arg_u32(a, 3) ? f->ops->fsync(f, t, true) : 0;
}

/* One thing at a time, and size kept or not where that makes a difference. */
static bool known_mode(uint32_t mode)
{
	bool keep = mode & LX_FALLOC_FL_KEEP_SIZE;

	switch (mode & ~(uint32_t)LX_FALLOC_FL_KEEP_SIZE) {
	case 0:
	case LX_FALLOC_FL_UNSHARE_RANGE:
	case LX_FALLOC_FL_ZERO_RANGE:
		return true;
	case LX_FALLOC_FL_PUNCH_HOLE:
		return keep;
	case LX_FALLOC_FL_COLLAPSE_RANGE:
	case LX_FALLOC_FL_INSERT_RANGE:
		return !keep;
	default:
		return false;
	}
}

int64_t sys_fallocate(struct task *t, const struct sysargs *a)
{
	uint32_t mode = arg_u32(a, 1);
	int64_t offset = arg_off(a, 2), len = arg_off(a, 3), end;
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));
	int ret;

	if (!f)
		return -EBADF;
	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (!known_mode(mode))
		return -EOPNOTSUPP;
	if (!f->writable)
		return -EBADF;
	if (inode_immutable(f->inode) || (inode_append_only(f->inode) && mode & ~(uint32_t)LX_FALLOC_FL_KEEP_SIZE))
		return -EPERM;
	if (f->inode->type == LX_S_IFIFO || f->inode->type == LX_S_IFSOCK)
		return -ESPIPE;
	if (f->inode->type == LX_S_IFDIR)
		return -EISDIR;
	if (f->inode->type != LX_S_IFREG)
		return -ENODEV;
	if (__builtin_add_overflow(offset, len, &end))
		return -EFBIG;
	ret = mode & LX_FALLOC_FL_KEEP_SIZE || mode & LX_FALLOC_FL_COLLAPSE_RANGE ? 0 : inode_may_grow(t, f->inode, end);
	if (ret == 0)
		ret = f->ops->fallocate ? f->ops->fallocate(f, t, (int)mode, offset, len) : -EOPNOTSUPP;
	if (ret == 0)
		notify_file(f, LX_IN_MODIFY);
	return ret;
}
