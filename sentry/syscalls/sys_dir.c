/* getdents, getdents64, mkdir, mkdirat, rmdir, chdir, fchdir, getcwd, chroot, umask. */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/dirfile.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define DENTS_MAX (64u << 10) /* bytes of one call; a caller with a larger buffer calls again */

/* Records are built here and copied out when the directory's locks are dropped. */
struct dents {
	struct dirent_sink sink;
	char *buf;
	uint32_t used, size;
	bool old; /* getdents(2)'s layout */
	bool full;
};

static uint32_t record_len(uint32_t name_len, bool old)
{
	uint32_t n = old ? LX_DIRENT_NAME_OFFSET + name_len + 2 : LX_DIRENT64_NAME_OFFSET + name_len + 1;

	return (n + 7) & ~7u;
}

static bool add_record(struct dirent_sink *sink, const char *name, uint32_t len, uint64_t ino, uint8_t type, int64_t next)
{
	struct dents *d = container_of(sink, struct dents, sink);
	uint32_t n = record_len(len, d->old);
	char *at = d->buf + d->used;

	if (n > d->size - d->used) {
		d->full = true;
		return false;
	}
	memset(at, 0, n);
	if (d->old) {
		struct lx_dirent head = { .d_ino = ino, .d_off = (uint64_t)next, .d_reclen = (uint16_t)n };

		memcpy(at, &head, LX_DIRENT_NAME_OFFSET);
		memcpy(at + LX_DIRENT_NAME_OFFSET, name, len);
		at[n - 1] = (char)type;
	} else {
		struct lx_dirent64 head = { .d_ino = ino, .d_off = next, .d_reclen = (uint16_t)n, .d_type = type };

		memcpy(at, &head, LX_DIRENT64_NAME_OFFSET);
		memcpy(at + LX_DIRENT64_NAME_OFFSET, name, len);
	}
	d->used += n;
	return true;
}

static int64_t do_getdents(struct task *t, const struct sysargs *a, bool old)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));
	uint32_t size = arg_u32(a, 2) < DENTS_MAX ? arg_u32(a, 2) : DENTS_MAX;
	struct dents d = { .sink = { add_record }, .size = size, .old = old };
	AUTO_FREE char *buf = NULL;
	int ret;

	if (!f)
		return -EBADF;
	if (f->inode->type != LX_S_IFDIR)
		return -ENOTDIR;
	d.buf = buf = mem_alloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	ret = file_readdir(f, t, &d.sink);
	if (ret < 0)
		return ret;
	if (d.used == 0)
		return d.full ? -EINVAL : 0;
	if (copy_out(t, arg_addr(a, 1), buf, d.used) < 0)
		return -EFAULT;
	return d.used;
}

int64_t sys_getdents(struct task *t, const struct sysargs *a)
{
	return do_getdents(t, a, true);
}

int64_t sys_getdents64(struct task *t, const struct sysargs *a)
{
	return do_getdents(t, a, false);
}

static int64_t do_mkdir(struct task *t, int at, uaddr_t name, uint32_t mode)
{
	struct create_how how = { .mode = LX_S_IFDIR | (mode & (0777 | LX_S_ISVTX)) };
	char buf[LX_PATH_MAX];
	int64_t ret = copy_in_str(t, buf, name, sizeof(buf));

	return ret < 0 ? ret : vfs_mknod(t, at, buf, &how, NULL);
}

int64_t sys_mkdir(struct task *t, const struct sysargs *a)
{
	return do_mkdir(t, LX_AT_FDCWD, arg_addr(a, 0), arg_mode(a, 1));
}

int64_t sys_mkdirat(struct task *t, const struct sysargs *a)
{
	return do_mkdir(t, arg_fd(a, 0), arg_addr(a, 1), arg_mode(a, 2));
}

int64_t sys_rmdir(struct task *t, const struct sysargs *a)
{
	char buf[LX_PATH_MAX];
	int64_t ret = copy_in_str(t, buf, arg_addr(a, 0), sizeof(buf));

	return ret < 0 ? ret : vfs_rmdir(t, LX_AT_FDCWD, buf);
}

/* Makes *place (the task's cwd or root) the path; takes over its references. */
static void move_to(struct fsctx *fs, struct path *place, struct path *to)
{
	struct path old;

	lock_take(&fs->lock);
	old = *place;
	*place = *to;
	lock_drop(&fs->lock);
	*to = (struct path){ 0 };
	path_put(&old);
}

int64_t sys_chdir(struct task *t, const struct sysargs *a)
{
	AUTO_PATH struct path p = { 0 };
	int ret = vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 0), WALK_DIRECTORY, &p);

	if (ret == 0)
		ret = inode_permission(t->cred, path_inode(&p), MAY_EXEC);
	if (ret == 0)
		move_to(t->fs, &t->fs->cwd, &p);
	return ret;
}

int64_t sys_fchdir(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get(t, arg_fd(a, 0));
	struct path p;
	int ret;

	if (!f)
		return -EBADF;
	if (f->inode->type != LX_S_IFDIR || !f->path.dentry)
		return -ENOTDIR;
	ret = inode_permission(t->cred, f->inode, MAY_EXEC);
	if (ret < 0)
		return ret;
	p = f->path;
	path_get(&p);
	move_to(t->fs, &t->fs->cwd, &p);
	return 0;
}

int64_t sys_chroot(struct task *t, const struct sysargs *a)
{
	AUTO_PATH struct path p = { 0 };
	int ret = vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 0), WALK_DIRECTORY, &p);

	if (ret == 0)
		ret = inode_permission(t->cred, path_inode(&p), MAY_EXEC);
	if (ret == 0 && !cred_own_capable(t->cred, LX_CAP_SYS_CHROOT))
		ret = -EPERM;
	if (ret == 0)
		move_to(t->fs, &t->fs->root, &p);
	return ret;
}

int64_t sys_getcwd(struct task *t, const struct sysargs *a)
{
	static const char deleted[] = " (deleted)";
	AUTO_PATH struct path p = { 0 };
	char buf[LX_PATH_MAX + sizeof(deleted)];
	int64_t n;

	fsctx_cwd(t->fs, &p);
	n = path_name(t, &p, buf, sizeof(buf));
	if (n == -ENOENT) {
		/* Outside the root: said so, with the name that it has in the tree of all mounts. */
		static const char outside[] = "(unreachable)";

		memcpy(buf, outside, sizeof(outside));
		path_describe(&p, buf + strlen(outside), sizeof(buf) - strlen(outside));
		n = (int64_t)strlen(buf);
	}
	if (n < 0)
		return n;
	/* A directory that was removed has no name; one that is called so has. */
	if (n >= (int64_t)sizeof(deleted) && strcmp(buf + n - (sizeof(deleted) - 1), deleted) == 0 && path_inode(&p)->attr.nlink == 0)
		return -ENOENT;
	if (n + 1 > LX_PATH_MAX)
		return -ENAMETOOLONG;
	if ((uint64_t)n + 1 > arg_size(a, 1))
		return -ERANGE;
	return copy_out(t, arg_addr(a, 0), buf, (size_t)n + 1) < 0 ? -EFAULT : n + 1;
}

int64_t sys_umask(struct task *t, const struct sysargs *a)
{
	return atomic_exchange(&t->fs->umask, arg_u32(a, 0) & 0777);
}
