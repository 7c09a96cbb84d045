/* inotify_init, inotify_init1, inotify_add_watch, inotify_rm_watch. */
#include <errno.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "abi/inotify.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inotify.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/syscalls/handlers.h"

#define ALL_BITS                                                                                                              \
	(LX_IN_ALL_EVENTS | LX_IN_UNMOUNT | LX_IN_Q_OVERFLOW | LX_IN_IGNORED | LX_IN_ONLYDIR | LX_IN_DONT_FOLLOW | LX_IN_EXCL_UNLINK | \
	 LX_IN_MASK_CREATE | LX_IN_MASK_ADD | LX_IN_ISDIR | LX_IN_ONESHOT)
/* What a watch keeps of the mask: the rest says how to find the file. */
#define KEPT (LX_IN_ALL_EVENTS | LX_IN_EXCL_UNLINK | LX_IN_ONESHOT | LX_IN_MASK_ADD | LX_IN_MASK_CREATE)

static int64_t make(struct task *t, uint32_t flags)
{
	struct file *f;
	int ret;

	if (flags & ~(uint32_t)(LX_IN_CLOEXEC | LX_IN_NONBLOCK))
		return -EINVAL;
	ret = inotify_file(t, flags & LX_IN_NONBLOCK, &f);
	return ret < 0 ? ret : fd_add(t, f, flags & LX_IN_CLOEXEC);
}

int64_t sys_inotify_init(struct task *t, const struct sysargs *a)
{
	(void)a;
	return make(t, 0);
}

int64_t sys_inotify_init1(struct task *t, const struct sysargs *a)
{
	return make(t, arg_u32(a, 0));
}

int64_t sys_inotify_add_watch(struct task *t, const struct sysargs *a)
{
	uint32_t mask = arg_u32(a, 2), walk = 0;
	AUTO_FILE struct file *f = NULL;
	AUTO_PATH struct path p = { 0 };
	int ret;

	if (!(mask & ALL_BITS))
		return -EINVAL;
	f = fd_get_io(t, arg_fd(a, 0));
	if (!f)
		return -EBADF;
	if ((mask & LX_IN_MASK_ADD && mask & LX_IN_MASK_CREATE) || !file_inotify(f))
		return -EINVAL;
	if (mask & LX_IN_DONT_FOLLOW)
		walk |= WALK_NOFOLLOW;
	if (mask & LX_IN_ONLYDIR)
		walk |= WALK_DIRECTORY;
	ret = vfs_walk_user(t, LX_AT_FDCWD, arg_addr(a, 1), walk, &p);
	if (ret == 0)
		ret = inode_permission(t->cred, path_inode(&p), MAY_READ);
	return ret < 0 ? ret : watch_add(file_inotify(f), path_inode(&p), mask & KEPT);
}

int64_t sys_inotify_rm_watch(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));

	if (!f)
		return -EBADF;
	return file_inotify(f) ? watch_remove(file_inotify(f), arg_int(a, 1)) : -EINVAL;
}
