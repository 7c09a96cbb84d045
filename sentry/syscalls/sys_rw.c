/* read, write and their relatives with vectors and positions; lseek. */
#include <errno.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/types.h"
#include "abi/uio.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/uio.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/*
 * A transfer that may have to wait. What a blocking write has already moved when it blocks is kept in blk.scratch[0], so that the
 * call can be run again from its start: the vector is read anew and its first bytes are skipped.
 */
#define MOVED(t) ((t)->blk.scratch[0])

static void skip(struct uio *u, uint64_t n)
{
	while (n && u->index < u->count) {
		uint64_t rest = u->iov[u->index].len - u->skip, part = n < rest ? n : rest;

		u->skip += part;
		u->left -= part;
		n -= part;
		if (u->skip == u->iov[u->index].len) {
			u->index++;
			u->skip = 0;
		}
	}
}

/* An interrupted write that has moved bytes reports those; a blocked one goes on later. */
static int64_t wait_to_write(struct task *t, struct file *f)
{
	int64_t ret = task_wait_file(t, f, LX_POLLOUT);

	if (ret == SYS_BLOCKED || ret == SYS_AGAIN || MOVED(t) == 0)
		return ret;
	return (int64_t)MOVED(t);
}

/* A pipe takes up to PIPE_BUF (a page) whole or not at all; more than that, and a socket, may take a part and then block. */
static bool may_take_part(const struct file *f, const struct uio *u)
{
	return f->inode->type == LX_S_IFSOCK || (f->inode->type == LX_S_IFIFO && u->left > LX_PAGE_SIZE);
}

static int64_t write_all(struct task *t, struct file *f, struct uio *u, int64_t *pos, bool nowait)
{
	bool nonblock = nowait || file_nonblock(f);
	int64_t n;

	if (t->quick && may_take_part(f, u))
		return SYS_BY_TRAP;

	skip(u, MOVED(t));
	do {
		n = file_write(f, t, u, pos);
		if (n > 0)
			MOVED(t) += (uint64_t)n;
		/* A pipe that took a part may take more at once, or never: the next try says which. */
	} while (n > 0 && u->left > 0 && !nonblock && (f->inode->type == LX_S_IFIFO || f->inode->type == LX_S_IFSOCK));
	if (n == -EAGAIN && !nonblock)
		return wait_to_write(t, f);
	if (n < 0 && n != SYS_BLOCKED && n != SYS_AGAIN && MOVED(t))
		return (int64_t)MOVED(t);
	return n < 0 ? n : (int64_t)MOVED(t);
}

/* O_SYNC, O_DSYNC and their RWF_ flags: the write counts when it is on the disk. blk.scratch[1]: it is written, and being synced. */
static int64_t do_write(struct task *t, struct file *f, struct uio *u, int64_t *pos, uint32_t rwf)
{
	uint32_t flags = atomic_load_explicit(&f->flags, memory_order_relaxed);
	bool sync = (flags & LX_O_DSYNC || rwf & (LX_RWF_DSYNC | LX_RWF_SYNC)) && f->ops->fsync;
	bool full = (flags & LX_O_SYNC) == LX_O_SYNC || rwf & LX_RWF_SYNC;
	int64_t n, ret;

	if (t->quick && sync)
		return SYS_BY_TRAP; /* it would be written once more after it has waited for the disk */
	u->append = rwf & LX_RWF_APPEND;
	u->noappend = rwf & LX_RWF_NOAPPEND;
	n = t->blk.scratch[1] ? (int64_t)MOVED(t) : write_all(t, f, u, pos, rwf & LX_RWF_NOWAIT);
	if (n <= 0 || !sync)
		return n;
	t->blk.scratch[1] = 1;
	ret = f->ops->fsync(f, t, !full);
	return ret < 0 ? ret : n;
}

static int64_t do_read(struct task *t, struct file *f, struct uio *u, int64_t *pos, uint32_t rwf)
{
	int64_t n;

	u->nowait = rwf & LX_RWF_NOWAIT;
	n = file_read(f, t, u, pos);
	if (n == -EAGAIN && !(rwf & LX_RWF_NOWAIT) && !file_nonblock(f))
		return task_wait_file(t, f, LX_POLLIN);
	return n;
}

static int64_t transfer(struct task *t, struct file *f, struct uio *u, int64_t *pos, bool write, uint32_t rwf)
{
	return write ? do_write(t, f, u, pos, rwf) : do_read(t, f, u, pos, rwf);
}

/* One buffer; pos NULL: the file's own position. */
static int64_t plain(struct task *t, const struct sysargs *a, bool write, int64_t *pos)
{
	AUTO_FILE struct file *f = task_call_file(t, arg_fd(a, 0));
	struct uio u;

	if (!f)
		return -EBADF;
	if ((int64_t)arg_size(a, 2) < 0)
		return (write ? f->writable : f->readable) ? -EFAULT : -EBADF; /* no buffer is that long */
	uio_init_guest(&u, t, arg_addr(a, 1), arg_size(a, 2));
	return transfer(t, f, &u, pos, write, 0);
}

int64_t sys_read(struct task *t, const struct sysargs *a)
{
	return plain(t, a, false, NULL);
}

int64_t sys_write(struct task *t, const struct sysargs *a)
{
	return plain(t, a, true, NULL);
}

int64_t sys_pread64(struct task *t, const struct sysargs *a)
{
	int64_t pos = arg_off(a, 3);

	return pos < 0 ? -EINVAL : plain(t, a, false, &pos);
}

int64_t sys_pwrite64(struct task *t, const struct sysargs *a)
{
	int64_t pos = arg_off(a, 3);

	return pos < 0 ? -EINVAL : plain(t, a, true, &pos);
}

static int64_t vector(struct task *t, const struct sysargs *a, bool write, int64_t *pos, uint32_t rwf)
{
	AUTO_FILE struct file *f = task_call_file(t, arg_fd(a, 0));
	struct uio u;
	int64_t ret;

	if (!f)
		return -EBADF;
	if (!(write ? f->writable : f->readable))
		return -EBADF;
	if (pos && !f->ops->seek)
		return -ESPIPE;
	ret = uio_init_iovec(&u, t, arg_addr(a, 1), arg_u64(a, 2));
	if (ret < 0)
		return ret;
	ret = transfer(t, f, &u, pos, write, rwf);
	uio_done(&u);
	return ret;
}

int64_t sys_readv(struct task *t, const struct sysargs *a)
{
	return vector(t, a, false, NULL, 0);
}

int64_t sys_writev(struct task *t, const struct sysargs *a)
{
	return vector(t, a, true, NULL, 0);
}

int64_t sys_preadv(struct task *t, const struct sysargs *a)
{
	int64_t pos = arg_off(a, 3);

	return pos < 0 ? -EINVAL : vector(t, a, false, &pos, 0);
}

int64_t sys_pwritev(struct task *t, const struct sysargs *a)
{
	int64_t pos = arg_off(a, 3);

	return pos < 0 ? -EINVAL : vector(t, a, true, &pos, 0);
}

static int64_t vector2(struct task *t, const struct sysargs *a, bool write)
{
	uint32_t flags = arg_u32(a, 5);
	int64_t pos = arg_off(a, 3);

	if (flags & ~(uint32_t)(LX_RWF_HIPRI | LX_RWF_DSYNC | LX_RWF_SYNC | LX_RWF_NOWAIT | LX_RWF_APPEND | LX_RWF_NOAPPEND))
		return -EOPNOTSUPP;
	if (flags & LX_RWF_APPEND && flags & LX_RWF_NOAPPEND)
		return -EINVAL;
	if (pos < -1)
		return -EINVAL;
	return vector(t, a, write, pos == -1 ? NULL : &pos, flags);
}

int64_t sys_preadv2(struct task *t, const struct sysargs *a)
{
	return vector2(t, a, false);
}

int64_t sys_pwritev2(struct task *t, const struct sysargs *a)
{
	return vector2(t, a, true);
}

int64_t sys_lseek(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));

	if (!f)
		return -EBADF;
	if (arg_u32(a, 2) > LX_SEEK_HOLE)
		return -EINVAL;
	return file_seek(f, arg_off(a, 1), arg_int(a, 2));
}
