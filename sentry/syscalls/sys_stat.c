/* stat, lstat, fstat, newfstatat, statx, statfs, fstatfs, readlink, readlinkat. */
#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/fs_args.h"
#include "sentry/syscalls/handlers.h"

/* What a stat call found out. */
struct found {
	struct attr attr;
	uint64_t dev;
	int mount_id;
	uint64_t unique_mount_id;
	bool mount_root, has_fileattr;
	uint32_t fileattr;         /* of FILEATTR_SHOWN */
};
/* Those of LX_FS_*_FL that statx(2) has, by the same numbers. */
#define FILEATTR_SHOWN (LX_STATX_ATTR_IMMUTABLE | LX_STATX_ATTR_APPEND | LX_STATX_ATTR_NODUMP)

static int get_inode(struct inode *i, struct found *out)
{
	int ret = 0;

	if (i->ops->getattr)
		ret = i->ops->getattr(i, &out->attr);
	else
		inode_attr(i, &out->attr);
	out->dev = i->super->dev;
	out->has_fileattr = i->super->fileattr;
	out->fileattr = fileattr(i) & FILEATTR_SHOWN;
	return ret;
}

static int get_path(const struct path *p, struct found *out)
{
	out->mount_id = p->mount->id;
	out->unique_mount_id = p->mount->unique_id;
	out->mount_root = p->dentry == p->mount->root;
	return get_inode(path_inode(p), out);
}

static int get_fd(struct task *t, int fd, struct found *out)
{
	AUTO_FILE struct file *f = fd_get(t, fd);

	if (!f)
		return -EBADF;
	if (f->path.dentry)
		return get_path(&f->path, out);
	return get_inode(f->inode, out);
}

/* By directory and name; the empty name of AT_EMPTY_PATH needs no walk. */
static int get_at(struct task *t, int at, uaddr_t name, uint32_t walk, struct found *out)
{
	AUTO_PATH struct path p = { 0 };
	char buf[LX_PATH_MAX];
	int64_t ret = 0;
	bool told;

	if (uaddr_null(name) && walk & WALK_EMPTY)
		buf[0] = 0; /* since 6.11 */
	else
		ret = copy_in_str(t, buf, name, sizeof(buf));
	if (ret < 0)
		return (int)ret;
	if (!buf[0] && walk & WALK_EMPTY && at != LX_AT_FDCWD)
		return get_fd(t, at, out);
	ret = vfs_walk_told(t, at, buf, walk, &p, &told);
	if (ret < 0 || !told)
		return ret < 0 ? (int)ret : get_path(&p, out);
	out->mount_id = p.mount->id;
	out->dev = path_inode(&p)->super->dev;
	inode_attr(path_inode(&p), &out->attr);
	return 0;
}

static int64_t put_stat(struct task *t, uaddr_t out, const struct found *f)
{
	const struct attr *a = &f->attr;
	struct lx_stat st = {
		.st_dev = f->dev,
		.st_ino = a->ino,
		.st_nlink = a->nlink,
		.st_mode = a->mode,
		.st_uid = id_shown(t->cred->user_ns, ID_USER, a->uid),
		.st_gid = id_shown(t->cred->user_ns, ID_GROUP, a->gid),
		.st_rdev = a->rdev,
		.st_size = a->size,
		.st_blksize = a->blksize,
		.st_blocks = (int64_t)a->blocks,
		.st_atime_sec = (uint64_t)a->atime.sec,
		.st_atime_nsec = a->atime.nsec,
		.st_mtime_sec = (uint64_t)a->mtime.sec,
		.st_mtime_nsec = a->mtime.nsec,
		.st_ctime_sec = (uint64_t)a->ctime.sec,
		.st_ctime_nsec = a->ctime.nsec,
	};

	return copy_out(t, out, &st, sizeof(st));
}

int64_t sys_stat(struct task *t, const struct sysargs *a)
{
	struct found f = { 0 };
	int ret = get_at(t, LX_AT_FDCWD, arg_addr(a, 0), 0, &f);

	return ret < 0 ? ret : put_stat(t, arg_addr(a, 1), &f);
}

int64_t sys_lstat(struct task *t, const struct sysargs *a)
{
	struct found f = { 0 };
	int ret = get_at(t, LX_AT_FDCWD, arg_addr(a, 0), WALK_NOFOLLOW, &f);

	return ret < 0 ? ret : put_stat(t, arg_addr(a, 1), &f);
}

int64_t sys_fstat(struct task *t, const struct sysargs *a)
{
	struct found f = { 0 };
	int ret = get_fd(t, arg_fd(a, 0), &f);

	return ret < 0 ? ret : put_stat(t, arg_addr(a, 1), &f);
}

int64_t sys_newfstatat(struct task *t, const struct sysargs *a)
{
	struct found f = { 0 };
	uint32_t walk;
	int ret = at_to_walk(arg_u32(a, 3), LX_AT_SYMLINK_NOFOLLOW | LX_AT_NO_AUTOMOUNT | LX_AT_EMPTY_PATH, &walk);

	if (ret == 0)
		ret = get_at(t, arg_fd(a, 0), arg_addr(a, 1), walk, &f);
	return ret < 0 ? ret : put_stat(t, arg_addr(a, 2), &f);
}

static struct lx_statx_timestamp stamp(struct timespec64 ts)
{
	return (struct lx_statx_timestamp){ .tv_sec = ts.sec, .tv_nsec = ts.nsec };
}

static int64_t put_statx(struct task *t, uaddr_t out, const struct found *f, uint32_t wanted)
{
	const struct attr *a = &f->attr;
	struct lx_statx x = {
		.stx_mask = LX_STATX_BASIC_STATS | LX_STATX_MNT_ID,
		.stx_blksize = a->blksize,
		.stx_nlink = a->nlink,
		.stx_uid = id_shown(t->cred->user_ns, ID_USER, a->uid),
		.stx_gid = id_shown(t->cred->user_ns, ID_GROUP, a->gid),
		.stx_mode = (uint16_t)a->mode,
		.stx_ino = a->ino,
		.stx_size = (uint64_t)a->size,
		.stx_blocks = a->blocks,
		.stx_attributes = (f->mount_root ? LX_STATX_ATTR_MOUNT_ROOT : 0u) | f->fileattr,
		.stx_attributes_mask = LX_STATX_ATTR_MOUNT_ROOT | (f->has_fileattr ? FILEATTR_SHOWN : 0u),
		.stx_atime = stamp(a->atime),
		.stx_btime = stamp(a->btime),
		.stx_ctime = stamp(a->ctime),
		.stx_mtime = stamp(a->mtime),
		.stx_rdev_major = lx_major(a->rdev),
		.stx_rdev_minor = lx_minor(a->rdev),
		.stx_dev_major = lx_major(f->dev),
		.stx_dev_minor = lx_minor(f->dev),
		.stx_mnt_id = (uint64_t)f->mount_id,
	};

	if (wanted & LX_STATX_MNT_ID_UNIQUE) {
		x.stx_mask ^= LX_STATX_MNT_ID | LX_STATX_MNT_ID_UNIQUE;
		x.stx_mnt_id = f->unique_mount_id;
	}
	if (a->btime.sec || a->btime.nsec)
		x.stx_mask |= LX_STATX_BTIME;
	return copy_out(t, out, &x, sizeof(x));
}

int64_t sys_statx(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 2), walk;
	struct found f = { 0 };
	int ret;

	if (arg_u32(a, 3) & LX_STATX_RESERVED || (flags & LX_AT_STATX_SYNC_TYPE) == LX_AT_STATX_SYNC_TYPE)
		return -EINVAL;
	ret = at_to_walk(flags, LX_AT_SYMLINK_NOFOLLOW | LX_AT_NO_AUTOMOUNT | LX_AT_EMPTY_PATH | LX_AT_STATX_SYNC_TYPE, &walk);
	if (ret == 0)
		ret = get_at(t, arg_fd(a, 0), arg_addr(a, 1), walk, &f);
	return ret < 0 ? ret : put_statx(t, arg_addr(a, 4), &f, arg_u32(a, 3));
}

static int64_t put_statfs(struct task *t, uaddr_t out, const struct path *p)
{
	struct lx_statfs st = { 0 };
	int ret = vfs_statfs(p, &st);

	return ret < 0 ? ret : copy_out(t, out, &st, sizeof(st));
}

int64_t sys_statfs(struct task *t, const struct sysargs *a)
{
	AUTO_PATH struct path p = { 0 };
	int ret = vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 0), 0, &p);

	return ret < 0 ? ret : put_statfs(t, arg_addr(a, 1), &p);
}

int64_t sys_fstatfs(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get(t, arg_fd(a, 0));
	AUTO_PATH struct path p = { 0 };
	int ret;

	if (!f)
		return -EBADF;
	ret = file_as_path(f, &p);
	return ret < 0 ? ret : put_statfs(t, arg_addr(a, 1), &p);
}

static int64_t do_readlink(struct task *t, int at, uaddr_t name, uaddr_t buf, int32_t size)
{
	AUTO_PATH struct path p = { 0 };
	char target[LX_PATH_MAX];
	int64_t n;
	int ret;

	if (size <= 0)
		return -EINVAL;
	/* "" is the link that an O_PATH fd stands for. */
	ret = vfs_walk_user(t, at, name, WALK_NOFOLLOW | WALK_EMPTY, &p);
	if (ret < 0)
		return ret;
	n = vfs_readlink(t, &p, target, sizeof(target));
	if (n > size)
		n = size;
	if (n > 0 && copy_out(t, buf, target, (size_t)n) < 0)
		return -EFAULT;
	return n;
}

int64_t sys_readlink(struct task *t, const struct sysargs *a)
{
	return do_readlink(t, LX_AT_FDCWD, arg_addr(a, 0), arg_addr(a, 1), arg_int(a, 2));
}

int64_t sys_readlinkat(struct task *t, const struct sysargs *a)
{
	return do_readlink(t, arg_fd(a, 0), arg_addr(a, 1), arg_addr(a, 2), arg_int(a, 3));
}
