/*
 * Opening and looking, one name at a time. openat2(2) does the containing; what it returns does not change with what
 * others rename.
 */
#include "gofer/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"

#define RACES_MAX                                                                                                      \
	64 /* RESOLVE_BENEATH may say EAGAIN while somebody renames; a single name makes that all but impossible */

int beneath_open(int dirfd, const char *name, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_NOFOLLOW | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	int64_t r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < RACES_MAX; i++)
		r = HOST_RETRY(syscall(SYS_openat2, dirfd, name, &how, sizeof(how)));
	return (int)r;
}

static void fill_attr(const struct root *root, const struct statx *sx, struct gofer_attr *a)
{
	*a = (struct gofer_attr){
		.ino = sx->stx_ino,
		.dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor,
		.size = sx->stx_size,
		.blocks = sx->stx_blocks,
		.atime_sec = sx->stx_atime.tv_sec,
		.mtime_sec = sx->stx_mtime.tv_sec,
		.ctime_sec = sx->stx_ctime.tv_sec,
		.btime_sec = sx->stx_btime.tv_sec,
		.atime_nsec = sx->stx_atime.tv_nsec,
		.mtime_nsec = sx->stx_mtime.tv_nsec,
		.ctime_nsec = sx->stx_ctime.tv_nsec,
		.btime_nsec = sx->stx_btime.tv_nsec,
		.mode = sx->stx_mode,
		.nlink = sx->stx_nlink,
		.uid = sx->stx_uid,
		.gid = sx->stx_gid,
		.blksize = sx->stx_blksize,
		.rdev_major = sx->stx_rdev_major,
		.rdev_minor = sx->stx_rdev_minor,
	};
	/* A directory's set-group-id bit is about inheritance, not about running anything. */
	if (root_nosuid(root) && S_ISREG(a->mode))
		a->mode &= ~(uint32_t)(S_ISUID | S_ISGID);
}

int beneath_attr(const struct root *root, int dirfd, const char *name, struct gofer_attr *a)
{
	struct statx sx;
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name[0] ? 0 : AT_EMPTY_PATH);

	if (statx(dirfd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		return -errno;
	fill_attr(root, &sx, a);
	return 0;
}

struct proc_name beneath_proc_name(int fd)
{
	struct proc_name n = { { 0 } };
	char *p = n.s + sizeof(n.s) - 1;
	struct proc_name out = { { 0 } };
	size_t i = 0;

	do {
		*--p = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd);
	while (*p)
		out.s[i++] = *p++;
	return out;
}

int beneath_reopen(const struct server *s, int path_fd, int flags)
{
	struct proc_name n = beneath_proc_name(path_fd);

	return (int)HOST_RETRY(openat(s->proc_fd, n.s, flags | O_CLOEXEC | O_NOCTTY));
}

bool beneath_barren(int fd, const struct gofer_attr *a, uint64_t parent_dev)
{
	return a->dev != parent_dev && roots_fs_hidden(fd);
}

int64_t beneath_handle(struct server *s, const struct root *root, int fd, const struct gofer_attr *a, bool barren)
{
	struct handle h = {
		.fd = fd,
		.type = a->mode & S_IFMT,
		.barren = barren,
		.dev = a->dev,
		.root = root,
	};

	return handles_add(&s->handles, &h);
}
