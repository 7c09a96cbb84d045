/* fadvise64, readahead, cachestat: what the page cache is to hold, and what it holds. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "base/host.h"
#include "platform/arch.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define PAGE 4096u

/*
 * The host's page cache is everybody's: a guest may fill it, which the host bounds, and empty it only of files that are its own to write.
 * How a file will be read (SEQUENTIAL, RANDOM) is the host fd's, which other open files of the guest share: not passed on.
 */
static void advise(struct file *f, int64_t offset, int64_t len, uint32_t advice)
{
	int fd = file_host_fd(f);

	if (fd >= 0 && (advice == LX_POSIX_FADV_WILLNEED || (advice == LX_POSIX_FADV_DONTNEED && f->writable)))
		posix_fadvise(fd, offset, len, advice == LX_POSIX_FADV_WILLNEED ? POSIX_FADV_WILLNEED : POSIX_FADV_DONTNEED);
}

int64_t sys_fadvise64(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));

	if (!f)
		return -EBADF;
	if (f->inode->type == LX_S_IFIFO)
		return -ESPIPE;
	if (arg_off(a, 2) < 0 || arg_u32(a, 3) > LX_POSIX_FADV_NOREUSE)
		return -EINVAL;
	if (f->inode->type == LX_S_IFREG && arg_off(a, 1) >= 0)
		advise(f, arg_off(a, 1), arg_off(a, 2), arg_u32(a, 3));
	return 0;
}

int64_t sys_readahead(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));

	if (!f || !f->readable)
		return -EBADF;
	if (f->inode->type != LX_S_IFREG && f->inode->type != LX_S_IFBLK)
		return -EINVAL;
	if (arg_off(a, 1) >= 0 && arg_off(a, 2) >= 0)
		advise(f, arg_off(a, 1), arg_off(a, 2), LX_POSIX_FADV_WILLNEED);
	return 0;
}

/* A small file in the sentry's memory: every page of it is there, and written to nowhere else. */
static void count_memory(const struct file *f, const struct lx_cachestat_range *r, struct lx_cachestat *out)
{
	uint64_t pages = f->inode->type == LX_S_IFREG && f->inode->attr.size > 0 ? ((uint64_t)f->inode->attr.size + PAGE - 1) / PAGE : 0;
	uint64_t first = r->off / PAGE, end = pages;

	if (r->len && r->off + r->len > r->off && (r->off + r->len - 1) / PAGE + 1 < end)
		end = (r->off + r->len - 1) / PAGE + 1;
	out->nr_cache = end > first ? end - first : 0;
}

int64_t sys_cachestat(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));
	struct lx_cachestat_range range;
	struct lx_cachestat stat = { 0 };
	int fd;

	if (!f)
		return -EBADF;
	if (copy_in(t, &range, arg_addr(a, 1), sizeof(range)) < 0)
		return -EFAULT;
	if (arg_u32(a, 3))
		return -EINVAL;
	fd = file_host_fd(f);
	/* A host without the call (before 6.5) cannot say: nothing is claimed then. */
	if (fd >= 0 && host_cachestat(fd, &range, &stat) < 0)
		memset(&stat, 0, sizeof(stat));
	if (fd < 0)
		count_memory(f, &range, &stat);
	return copy_out(t, arg_addr(a, 2), &stat, sizeof(stat));
}
