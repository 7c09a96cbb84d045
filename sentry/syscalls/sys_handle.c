/* name_to_handle_at, open_by_handle_at. */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/handle.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int put_mount_id(struct task *t, uaddr_t to, const struct mount *m, bool unique)
{
	uint64_t id64 = m->unique_id;
	int32_t id = m->id;

	return unique ? copy_out(t, to, &id64, sizeof(id64)) : copy_out(t, to, &id, sizeof(id));
}

static int make(const struct path *p, bool identity, struct handle_bytes *b)
{
	if (path_inode(p)->super->handles)
		return handle_make(p, b);
	if (!identity)
		return -EOPNOTSUPP;
	handle_identity(p, b);
	return 0;
}

int64_t sys_name_to_handle_at(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 4), walk;
	AUTO_PATH struct path p = { 0 };
	struct lx_file_handle h;
	struct handle_bytes b = { 0 };
	int64_t ret;

	if (flags & ~(uint32_t)(LX_AT_SYMLINK_FOLLOW | LX_AT_EMPTY_PATH | LX_AT_HANDLE_FID | LX_AT_HANDLE_MNT_ID_UNIQUE))
		return -EINVAL;
	walk = (flags & LX_AT_SYMLINK_FOLLOW ? 0u : WALK_NOFOLLOW) | (flags & LX_AT_EMPTY_PATH ? WALK_EMPTY : 0u);
	ret = vfs_walk_user(t, arg_fd(a, 0), arg_addr(a, 1), walk, &p);
	if (ret < 0)
		return ret;
	if (!path_inode(&p)->super->handles && !(flags & LX_AT_HANDLE_FID))
		return -EOPNOTSUPP;
	if (copy_in(t, &h, arg_addr(a, 2), sizeof(h)) < 0)
		return -EFAULT;
	if (h.handle_bytes > LX_MAX_HANDLE_SZ)
		return -EINVAL;
	ret = make(&p, flags & LX_AT_HANDLE_FID, &b);
	if (ret < 0)
		return ret;
	ret = h.handle_bytes < sizeof(b) ? -EOVERFLOW : 0;
	h = (struct lx_file_handle){ .handle_bytes = sizeof(b), .handle_type = ret ? 0 : HANDLE_TYPE };
	if (put_mount_id(t, arg_addr(a, 3), p.mount, flags & LX_AT_HANDLE_MNT_ID_UNIQUE) < 0 ||
	    copy_out(t, arg_addr(a, 2), &h, sizeof(h)) < 0 ||
	    (ret == 0 && copy_out(t, uaddr_add(arg_addr(a, 2), sizeof(h)), &b, sizeof(b)) < 0))
		return -EFAULT;
	return ret;
}

/* The mount that the first argument lies on; referenced by *at. */
static int anchor(struct task *t, int fd, struct path *at)
{
	AUTO_FILE struct file *f = NULL;

	if (fd == LX_AT_FDCWD) {
		fsctx_cwd(t->fs, at);
		return 0;
	}
	f = fd_get(t, fd);
	return f ? file_as_path(f, at) : -EBADF;
}

static int read_handle(struct task *t, uaddr_t from, struct handle_bytes *b)
{
	uint8_t bytes[LX_MAX_HANDLE_SZ];
	struct lx_file_handle h;

	if (copy_in(t, &h, from, sizeof(h)) < 0)
		return -EFAULT;
	if (h.handle_bytes == 0 || h.handle_bytes > LX_MAX_HANDLE_SZ || h.handle_type < 0)
		return -EINVAL;
	if (copy_in(t, bytes, uaddr_add(from, sizeof(h)), h.handle_bytes) < 0)
		return -EFAULT;
	if (h.handle_type != HANDLE_TYPE || h.handle_bytes < sizeof(*b))
		return -ESTALE;
	memcpy(b, bytes, sizeof(*b));
	return 0;
}

int64_t sys_open_by_handle_at(struct task *t, const struct sysargs *a)
{
	AUTO_PATH struct path at = { 0 };
	AUTO_PATH struct path p = { 0 };
	uint32_t flags = arg_u32(a, 2) & LX_O_VALID;
	struct handle_bytes b;
	struct file *f = NULL;
	int ret = anchor(t, arg_fd(a, 0), &at);

	if (ret < 0)
		return ret;
	if (!cred_capable(t->cred, LX_CAP_DAC_READ_SEARCH))
		return -EPERM;
	ret = read_handle(t, arg_addr(a, 1), &b);
	if (ret == 0)
		ret = handle_find(at.mount, &b, &p);
	if (ret == 0)
		ret = vfs_open_path(t, &p, flags | (flags & LX_O_PATH ? 0u : LX_O_LARGEFILE), &f);
	return ret < 0 ? ret : fd_add(t, f, flags & LX_O_CLOEXEC);
}
