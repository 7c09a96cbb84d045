/* open, openat, openat2, creat, close, close_range, memfd_create. */
#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/memfd.h"
#include "abi/mman.h"
#include "abi/stat.h"
#include "base/lock.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/tmpfs_file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define WILL_CREATE (LX_O_CREAT | LX_O_TMPFILE_BIT)
#define OPATH_FLAGS (LX_O_DIRECTORY | LX_O_NOFOLLOW | LX_O_PATH | LX_O_CLOEXEC)

/* What openat2(2) refuses and the older calls repair. */
static int check_how(struct open_how *how)
{
	if (how->flags & LX_O_TMPFILE_BIT) {
		if (!(how->flags & LX_O_DIRECTORY) || how->flags & LX_O_CREAT || (how->flags & LX_O_ACCMODE) == LX_O_RDONLY)
			return -EINVAL;
	} else if ((how->flags & (LX_O_DIRECTORY | LX_O_CREAT)) == (LX_O_DIRECTORY | LX_O_CREAT)) {
		return -EINVAL; /* since 6.4: it never made a directory, and sometimes made a file */
	}
	if (how->flags & LX_O_PATH && how->flags & ~(uint32_t)OPATH_FLAGS)
		return -EINVAL;
	how->flags |= how->flags & LX_O_PATH ? 0 : LX_O_LARGEFILE;
	/* O_DIRECTORY belongs to O_TMPFILE's value and says that the walk ends at a directory. */
	return 0;
}

static int64_t open_checked(struct task *t, int at, uaddr_t name, struct open_how *how)
{
	char path[LX_PATH_MAX];
	struct file *f = NULL;
	int64_t ret = check_how(how);
	int fd;

	if (ret < 0)
		return ret;
	ret = copy_in_str(t, path, name, sizeof(path));
	if (ret < 0)
		return ret;
	fd = fd_reserve(t, 0);
	if (fd < 0)
		return fd;
	ret = vfs_open(t, at, path, how, &f);
	if (ret < 0) {
		fd_unreserve(t, fd);
		return ret;
	}
	fd_install(t, fd, f, how->flags & LX_O_CLOEXEC);
	return fd;
}

/* The older calls: unknown flags are ignored, and O_PATH wins over what does not go with it. */
static int64_t open_old(struct task *t, int at, uaddr_t name, uint32_t flags, uint32_t mode)
{
	struct open_how how = { .flags = flags & LX_O_VALID };

	if (flags & WILL_CREATE)
		how.mode = mode & LX_S_IALLUGO;
	if (how.flags & LX_O_PATH)
		how.flags &= OPATH_FLAGS;
	return open_checked(t, at, name, &how);
}

int64_t sys_open(struct task *t, const struct sysargs *a)
{
	return open_old(t, LX_AT_FDCWD, arg_addr(a, 0), arg_u32(a, 1), arg_mode(a, 2));
}

int64_t sys_creat(struct task *t, const struct sysargs *a)
{
	return open_old(t, LX_AT_FDCWD, arg_addr(a, 0), LX_O_CREAT | LX_O_WRONLY | LX_O_TRUNC, arg_mode(a, 1));
}

int64_t sys_openat(struct task *t, const struct sysargs *a)
{
	return open_old(t, arg_fd(a, 0), arg_addr(a, 1), arg_u32(a, 2), arg_mode(a, 3));
}

static int resolve_to_walk(uint64_t resolve, uint32_t *walk)
{
	static const struct {
		uint64_t resolve;
		uint32_t walk;
	} rows[] = {
		{ LX_RESOLVE_NO_XDEV, WALK_NO_XDEV },
		{ LX_RESOLVE_NO_MAGICLINKS, WALK_NO_MAGICLINKS },
		{ LX_RESOLVE_NO_SYMLINKS, WALK_NO_SYMLINKS },
		{ LX_RESOLVE_BENEATH, WALK_BENEATH },
		{ LX_RESOLVE_IN_ROOT, WALK_IN_ROOT },
		{ LX_RESOLVE_CACHED, WALK_CACHED },
	};
	uint64_t known = 0;

	*walk = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		known |= rows[i].resolve;
		if (resolve & rows[i].resolve)
			*walk |= rows[i].walk;
	}
	if (resolve & ~known || (resolve & LX_RESOLVE_BENEATH && resolve & LX_RESOLVE_IN_ROOT))
		return -EINVAL;
	return 0;
}

int64_t sys_openat2(struct task *t, const struct sysargs *a)
{
	struct lx_open_how in = { 0 };
	struct open_how how;
	int ret;

	if (arg_size(a, 3) < LX_OPEN_HOW_SIZE_VER0)
		return -EINVAL;
	if (arg_size(a, 3) > LX_PAGE_SIZE)
		return -E2BIG;
	ret = copy_in_struct(t, &in, sizeof(in), arg_addr(a, 2), arg_size(a, 3));
	if (ret < 0)
		return ret;
	if (in.flags & ~(uint64_t)LX_O_VALID || (in.mode && !(in.flags & WILL_CREATE)) || in.mode & ~(uint64_t)LX_S_IALLUGO)
		return -EINVAL;
	how = (struct open_how){ .flags = (uint32_t)in.flags, .mode = (uint32_t)in.mode };
	ret = resolve_to_walk(in.resolve, &how.walk);
	/* What changes something is not done from the cache alone. */
	if (ret == 0 && how.walk & WALK_CACHED && how.flags & (WILL_CREATE | LX_O_TRUNC))
		ret = -EAGAIN;
	return ret < 0 ? ret : open_checked(t, arg_fd(a, 0), arg_addr(a, 1), &how);
}

int64_t sys_close(struct task *t, const struct sysargs *a)
{
	struct file *f = fd_detach(t, arg_fd(a, 0));

	if (!f)
		return -EBADF;
	file_close(f, t->files, t);
	return 0;
}

/* CLOSE_RANGE_UNSHARE: a table of its own first, so that who shared it keeps what is closed here. */
static int unshare_table(struct task *t)
{
	struct fdtable *own = fdtable_copy(t->files);

	if (!own)
		return -ENOMEM;
	lock_take(&t->proc->lock);
	struct fdtable *old = t->files;

	t->files = own;
	lock_drop(&t->proc->lock);
	fdtable_put(old, t);
	return 0;
}

int64_t sys_close_range(struct task *t, const struct sysargs *a)
{
	uint32_t first = arg_u32(a, 0), last = arg_u32(a, 1), flags = arg_u32(a, 2);
	int fd, ret;

	if (flags & ~(uint32_t)(LX_CLOSE_RANGE_UNSHARE | LX_CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if (flags & LX_CLOSE_RANGE_UNSHARE) {
		ret = unshare_table(t);
		if (ret < 0)
			return ret;
	}
	if (first > INT32_MAX)
		return 0;
	for (fd = fdtable_next(t->files, (int)first); fd >= 0 && (uint32_t)fd <= last; fd = fdtable_next(t->files, fd + 1)) {
		struct file *f;

		if (flags & LX_CLOSE_RANGE_CLOEXEC) {
			fd_set_cloexec(t, fd, true);
			continue;
		}
		f = fd_detach(t, fd);
		if (f)
			file_close(f, t->files, t);
	}
	return 0;
}

int64_t sys_memfd_create(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 1);
	char name[LX_MFD_NAME_MAX + 1];
	struct file *f;
	int64_t ret;

	if (flags & ~(uint32_t)(LX_MFD_CLOEXEC | LX_MFD_ALLOW_SEALING | LX_MFD_NOEXEC_SEAL | LX_MFD_EXEC))
		return -EINVAL;
	if (flags & LX_MFD_NOEXEC_SEAL && flags & LX_MFD_EXEC)
		return -EINVAL;
	ret = copy_in_str(t, name, arg_addr(a, 0), sizeof(name));
	if (ret < 0)
		return ret == -ENAMETOOLONG ? -EINVAL : ret;
	ret = memfd_open(t, name, flags, &f);
	return ret < 0 ? ret : fd_add(t, f, flags & LX_MFD_CLOEXEC);
}
