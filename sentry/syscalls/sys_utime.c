/* utime, utimes, futimesat, utimensat. */
#include <errno.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/time.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/fs_args.h"
#include "sentry/syscalls/handlers.h"

#define BOTH_NOW (ATTR_ATIME | ATTR_ATIME_NOW | ATTR_MTIME | ATTR_MTIME_NOW)

static int apply(struct task *t, const struct path *p, struct setattr *s)
{
	/* Both omitted: nothing to do, and nothing to have the right to. */
	if (!(s->valid & (ATTR_ATIME | ATTR_MTIME)))
		return 0;
	return vfs_setattr(t, p, s);
}

static int64_t set_by_fd(struct task *t, int fd, struct setattr *s)
{
	AUTO_FILE struct file *f = fd_get_io(t, fd);
	AUTO_PATH struct path p = { 0 };
	int ret;

	if (!f)
		return -EBADF;
	ret = file_as_path(f, &p);
	return ret < 0 ? ret : apply(t, &p, s);
}

static int64_t set_times(struct task *t, int at, uaddr_t name, uint32_t walk, struct setattr *s)
{
	AUTO_PATH struct path p = { 0 };
	int ret;

	/* utimensat(fd, NULL, …) is futimens. */
	if (uaddr_null(name) && at != LX_AT_FDCWD)
		return walk ? -EINVAL : set_by_fd(t, at, s);
	ret = vfs_walk_user(t, at, name, walk, &p);
	return ret < 0 ? ret : apply(t, &p, s);
}

static int one_time(struct lx_timespec ts, uint32_t set, uint32_t now, struct setattr *s, struct timespec64 *out)
{
	if (ts.tv_nsec == LX_UTIME_OMIT)
		return 0;
	s->valid |= set;
	if (ts.tv_nsec == LX_UTIME_NOW) {
		s->valid |= now;
		return 0;
	}
	if (ts.tv_nsec < 0 || ts.tv_nsec > 999999999)
		return -EINVAL;
	*out = (struct timespec64){ .sec = ts.tv_sec, .nsec = (uint32_t)ts.tv_nsec };
	return 0;
}

int64_t sys_utimensat(struct task *t, const struct sysargs *a)
{
	struct setattr s = { .valid = BOTH_NOW };
	struct lx_timespec ts[2];
	uint32_t walk = 0;
	int ret = 0;

	if (!uaddr_null(arg_addr(a, 2))) {
		ret = copy_in(t, ts, arg_addr(a, 2), sizeof(ts));
		s.valid = 0;
		if (ret == 0)
			ret = one_time(ts[0], ATTR_ATIME, ATTR_ATIME_NOW, &s, &s.atime);
		if (ret == 0)
			ret = one_time(ts[1], ATTR_MTIME, ATTR_MTIME_NOW, &s, &s.mtime);
		if (ret == 0 && s.valid == 0)
			return 0;
	}
	if (ret == 0)
		ret = at_to_walk(arg_u32(a, 3), LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH, &walk);
	return ret < 0 ? ret : set_times(t, arg_fd(a, 0), arg_addr(a, 1), walk, &s);
}

static int64_t set_timeval(struct task *t, int at, uaddr_t name, uaddr_t times)
{
	struct setattr s = { .valid = BOTH_NOW };
	struct lx_timeval tv[2];
	int ret;

	if (uaddr_null(times))
		return set_times(t, at, name, 0, &s);
	ret = copy_in(t, tv, times, sizeof(tv));
	if (ret < 0)
		return ret;
	for (int i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return -EINVAL;
	}
	s.valid = ATTR_ATIME | ATTR_MTIME;
	s.atime = (struct timespec64){ .sec = tv[0].tv_sec, .nsec = (uint32_t)tv[0].tv_usec * 1000 };
	s.mtime = (struct timespec64){ .sec = tv[1].tv_sec, .nsec = (uint32_t)tv[1].tv_usec * 1000 };
	return set_times(t, at, name, 0, &s);
}

int64_t sys_utimes(struct task *t, const struct sysargs *a)
{
	return set_timeval(t, LX_AT_FDCWD, arg_addr(a, 0), arg_addr(a, 1));
}

int64_t sys_futimesat(struct task *t, const struct sysargs *a)
{
	return set_timeval(t, arg_fd(a, 0), arg_addr(a, 1), arg_addr(a, 2));
}

int64_t sys_utime(struct task *t, const struct sysargs *a)
{
	struct setattr s = { .valid = BOTH_NOW };
	struct lx_utimbuf times;
	int ret = 0;

	if (!uaddr_null(arg_addr(a, 1))) {
		ret = copy_in(t, &times, arg_addr(a, 1), sizeof(times));
		s.valid = ATTR_ATIME | ATTR_MTIME;
	}
	if (ret < 0)
		return ret;
	if (s.valid != BOTH_NOW) {
		s.atime.sec = times.actime;
		s.mtime.sec = times.modtime;
	}
	return set_times(t, LX_AT_FDCWD, arg_addr(a, 0), 0, &s);
}
