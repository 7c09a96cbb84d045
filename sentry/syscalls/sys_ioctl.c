/* ioctl: what concerns any fd here, the rest by the file's own operation. ioctl(2), ioctl_list(2). */
#include <errno.h>

#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/stat.h"
#include "sentry/fs/async.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/fileattr.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/landlock.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/* FIONBIO and FIOASYNC: one bit of the file's flags by an int in guest memory. */
static int64_t set_flag(struct task *t, struct file *f, int fd, uint32_t flag, uaddr_t arg)
{
	uint32_t old, now;
	int32_t on;
	int ret = copy_in(t, &on, arg, sizeof(on));

	if (ret < 0)
		return ret;
	old = atomic_load(&f->flags);
	now = on ? old | flag : old & ~flag;
	if (f->ops->set_flags && now != old) {
		ret = f->ops->set_flags(f, now);
		if (ret < 0)
			return ret;
	}
	if ((now ^ old) & LX_O_ASYNC) {
		ret = file_can_async(f) ? async_turn(f, fd, now & LX_O_ASYNC) : -ENOTTY;
		if (ret < 0)
			return ret;
	}
	atomic_store(&f->flags, now);
	return 0;
}

static int64_t put_int(struct task *t, uaddr_t arg, int64_t value)
{
	int32_t n = value > INT32_MAX ? INT32_MAX : (int32_t)value;

	return copy_out(t, arg, &n, sizeof(n));
}

/* chattr(1), lsattr(1). */
static int64_t inode_flags(struct task *t, struct file *f, bool set, uaddr_t arg)
{
	uint32_t flags;
	int ret;

	if (!f->inode->super->fileattr)
		return -ENOTTY;
	if (!set)
		return put_int(t, arg, fileattr(f->inode));
	ret = copy_in(t, &flags, arg, sizeof(flags));
	return ret < 0 ? ret : fileattr_set(t, &f->path, flags);
}

/* FICLONE and the like: no file system here shares blocks; what Linux says before it asks one is said here as well. */
static int64_t clone_from(struct task *t, struct file *f, int from)
{
	AUTO_FILE struct file *src = fd_get_io(t, from);

	if (!src)
		return -EBADF;
	if (src->inode->super != f->inode->super)
		return -EXDEV;
	if (src->inode->type == LX_S_IFDIR || f->inode->type == LX_S_IFDIR)
		return -EISDIR;
	if (!src->readable || !f->writable || atomic_load(&f->flags) & LX_O_APPEND)
		return -EBADF;
	return -EOPNOTSUPP;
}

static int64_t clone_range(struct task *t, struct file *f, uaddr_t arg)
{
	int64_t head[4]; /* struct file_clone_range: fd, offset, length, destination */
	int ret = copy_in(t, head, arg, sizeof(head));

	return ret < 0 ? ret : clone_from(t, f, (int)head[0]);
}

/* What regular files and directories know of themselves. */
static int64_t plain_file(struct task *t, struct file *f, uint32_t cmd, uaddr_t arg)
{
	bool regular = f->inode->type == LX_S_IFREG;
	int64_t n;

	if (!regular && f->inode->type != LX_S_IFDIR)
		return -ENOTTY;
	switch (cmd) {
	case LX_FIONREAD:
		return regular ? put_int(t, arg, f->inode->attr.size - f->pos) : -ENOTTY;
	case LX_FIGETBSZ:
		return put_int(t, arg, f->inode->attr.blksize);
	case LX_FIOQSIZE:
		n = f->inode->attr.size;
		return copy_out(t, arg, &n, sizeof(n));
	case LX_FS_IOC_GETFLAGS:
	case LX_FS_IOC_SETFLAGS:
		return inode_flags(t, f, cmd == LX_FS_IOC_SETFLAGS, arg);
	case LX_FICLONE:
		return clone_from(t, f, (int)arg.v);
	case LX_FICLONERANGE:
		return clone_range(t, f, arg);
	case LX_FIDEDUPERANGE:
		return regular ? -EOPNOTSUPP : -EISDIR;
	case LX_FS_IOC_FIEMAP:
		return -EOPNOTSUPP;
	default:
		return -ENOTTY;
	}
}

/* What any file has is let, also of devices. */
static bool landlocked(const struct file *f, uint32_t cmd)
{
	if (!(f->landlock_denied & LX_LANDLOCK_FS_IOCTL_DEV) || (f->inode->type != LX_S_IFCHR && f->inode->type != LX_S_IFBLK))
		return false;
	switch (cmd) {
	case LX_FIOQSIZE:
	case LX_FIGETBSZ:
	case LX_FICLONE:
	case LX_FICLONERANGE:
	case LX_FS_IOC_FIEMAP:
		return false;
	default:
		return true;
	}
}

int64_t sys_ioctl(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));
	uint32_t cmd = arg_u32(a, 1);
	int64_t ret = -ENOTTY;

	if (!f)
		return -EBADF;
	switch (cmd) {
	case LX_FIOCLEX:
		return fd_set_cloexec(t, arg_fd(a, 0), true);
	case LX_FIONCLEX:
		return fd_set_cloexec(t, arg_fd(a, 0), false);
	case LX_FIONBIO:
		return set_flag(t, f, arg_fd(a, 0), LX_O_NONBLOCK, arg_addr(a, 2));
	case LX_FIOASYNC:
		return set_flag(t, f, arg_fd(a, 0), LX_O_ASYNC, arg_addr(a, 2));
	default:
		break;
	}
	if (landlocked(f, cmd))
		return -EACCES;
	if (f->ops->ioctl)
		ret = f->ops->ioctl(f, t, cmd, arg_u64(a, 2));
	return ret == -ENOTTY ? plain_file(t, f, cmd, arg_addr(a, 2)) : ret;
}
