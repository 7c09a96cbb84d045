/* sendfile, copy_file_range, splice, tee, vmsplice. */
#include <errno.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/pipe.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/uio.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define CHUNK (64u << 10)
#define MAY_LAST (16u << 20) /* bytes: milliseconds */

/* One side of a copy: a file, and a position of its own or the file's. */
struct side {
	struct file *f;
	int64_t pos;
	bool own;  /* pos was given by the caller */
};

static int64_t read_some(struct task *t, struct side *s, void *buf, uint64_t n)
{
	struct uio u;

	uio_init_local(&u, buf, n);
	return file_read(s->f, t, &u, s->own ? &s->pos : NULL);
}

static int64_t write_some(struct task *t, struct side *s, void *buf, uint64_t n)
{
	struct uio u;

	uio_init_local(&u, buf, n);
	return file_write(s->f, t, &u, s->own ? &s->pos : NULL);
}

/* Gives back to the source what the target did not take. */
static int64_t unread(struct side *s, uint64_t n)
{
	if (s->own) {
		s->pos -= (int64_t)n;
		return 0;
	}
	return n ? file_seek(s->f, -(int64_t)n, LX_SEEK_CUR) : 0;
}

/*
 * Moves up to n bytes from a file with positions to anything, until either side has no more. Bytes, or the first error when none were moved;
 * *waits is the file that said -EAGAIN.
 */
static int64_t copy_by(struct task *t, struct side *in, struct side *out, uint64_t n, char buf[CHUNK], struct file **waits)
{
	uint64_t done = 0;
	int64_t got = 0, put = 0;

	/* A target that takes and forgets (a terminal's full line) would keep a killed task for gigabytes. */
	while (done < n && !(atomic_load(&t->work) & WORK_EXIT)) {
		got = read_some(t, in, buf, n - done < CHUNK ? n - done : CHUNK);
		if (got <= 0) {
			*waits = in->f;
			break;
		}
		put = write_some(t, out, buf, (uint64_t)got);
		if (put < got)
			unread(in, (uint64_t)(put > 0 ? got - put : got));
		if (put <= 0) {
			*waits = out->f;
			break;
		}
		done += (uint64_t)put;
		if (put < got && signal_pending(t))
			break;
	}
	if (done)
		return (int64_t)done;
	return got < 0 ? got : put < 0 ? put : 0;
}

static int64_t copy(struct task *t, struct side *in, struct side *out, uint64_t n, struct file **waits)
{
	AUTO_FREE char *buf = mem_alloc(CHUNK);
	bool may_last = n > MAY_LAST;
	int64_t ret;

	if (!buf)
		return -ENOMEM;
	/* Others of this CPU, who may be about to kill the task, do not wait for its end. */
	if (may_last)
		platform_stuck_begin();
	ret = copy_by(t, in, out, n, buf, waits);
	if (may_last)
		platform_stuck_end();
	return ret;
}

/* Reads and writes back the caller's offset. */
static int get_offset(struct task *t, uaddr_t at, struct side *s)
{
	if (uaddr_null(at))
		return 0;
	s->own = true;
	if (copy_in(t, &s->pos, at, sizeof(s->pos)) < 0)
		return -EFAULT;
	return s->pos < 0 ? -EINVAL : 0;
}

static int put_offset(struct task *t, uaddr_t at, const struct side *s)
{
	return uaddr_null(at) ? 0 : copy_out(t, at, &s->pos, sizeof(s->pos));
}

int64_t sys_sendfile(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *in = fd_get_io(t, arg_fd(a, 1));
	AUTO_FILE struct file *out = fd_get_io(t, arg_fd(a, 0));
	struct side from = { .f = in }, to = { .f = out };
	struct file *waits = NULL;
	uint64_t n = arg_u64(a, 3);
	int64_t ret;

	if (!in || !out || !in->readable || !out->writable)
		return -EBADF;
	ret = get_offset(t, arg_addr(a, 2), &from);
	if (ret < 0)
		return ret;
	if (from.own && !in->ops->seek)
		return -ESPIPE;
	if (in->inode->type == LX_S_IFDIR || !in->ops->read || !in->ops->seek || (int64_t)n < 0)
		return -EINVAL;
	if (out->inode->type == LX_S_IFREG && atomic_load(&out->flags) & LX_O_APPEND)
		return -EINVAL;
	ret = copy(t, &from, &to, n < 0x7ffff000 ? n : 0x7ffff000, &waits);
	if (ret == -EAGAIN && !file_nonblock(waits))
		return task_wait_file(t, waits, waits == out ? LX_POLLOUT : LX_POLLIN);
	if (ret > 0 && put_offset(t, arg_addr(a, 2), &from) < 0)
		return -EFAULT;
	return ret;
}

static int check_copy_range(const struct side *in, const struct side *out, uint64_t n)
{
	int64_t from = in->own ? in->pos : in->f->pos, to = out->own ? out->pos : out->f->pos, end;

	if (in->f->inode->type == LX_S_IFDIR || out->f->inode->type == LX_S_IFDIR)
		return -EISDIR;
	if (in->f->inode->type != LX_S_IFREG || out->f->inode->type != LX_S_IFREG)
		return -EINVAL;
	if (!in->f->readable || !out->f->writable || atomic_load(&out->f->flags) & LX_O_APPEND)
		return -EBADF;
	/* Since 5.19 Linux leaves it to programs to copy what no file system can. */
	if (in->f->inode->super != out->f->inode->super)
		return -EXDEV;
	if ((int64_t)n < 0 || __builtin_add_overflow(from, (int64_t)n, &end) || __builtin_add_overflow(to, (int64_t)n, &end))
		return -EOVERFLOW;
	/* Ranges of one file must not overlap. */
	if (in->f->inode == out->f->inode && from < to + (int64_t)n && to < from + (int64_t)n)
		return -EINVAL;
	return 0;
}

int64_t sys_copy_file_range(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *in = fd_get_io(t, arg_fd(a, 0));
	AUTO_FILE struct file *out = fd_get_io(t, arg_fd(a, 2));
	struct side from = { .f = in }, to = { .f = out };
	struct file *waits = NULL;
	int64_t ret;

	if (!in || !out)
		return -EBADF;
	ret = get_offset(t, arg_addr(a, 1), &from);
	if (ret == 0)
		ret = get_offset(t, arg_addr(a, 3), &to);
	if (ret == 0 && arg_u32(a, 5))
		ret = -EINVAL;
	if (ret == 0)
		ret = check_copy_range(&from, &to, arg_u64(a, 4));
	if (ret < 0)
		return ret;
	ret = copy(t, &from, &to, arg_u64(a, 4) < 0x7ffff000 ? arg_u64(a, 4) : 0x7ffff000, &waits);
	if (ret > 0 && (put_offset(t, arg_addr(a, 1), &from) < 0 || put_offset(t, arg_addr(a, 3), &to) < 0))
		return -EFAULT;
	return ret;
}

/* From a pipe: bytes are looked at, written, and then taken, so that none is lost when the target takes fewer. */
static int64_t drain_pipe(struct task *t, struct pipe *p, struct side *out, uint64_t n, struct file **waits, struct file *in)
{
	AUTO_FREE char *buf = mem_alloc(CHUNK);
	int64_t got, put;
	struct uio u;

	if (!buf)
		return -ENOMEM;
	got = pipe_peek(p, buf, (uint32_t)(n < CHUNK ? n : CHUNK));
	if (got <= 0) {
		*waits = in;
		return got;
	}
	put = write_some(t, out, buf, (uint64_t)got);
	*waits = out->f;
	if (put <= 0)
		return put;
	uio_init_local(&u, buf, (uint64_t)put);
	pipe_read(p, &u);
	return put;
}

/* Into a pipe: no more is read than there is room for, as the source may not be able to take bytes back. */
static int64_t fill_pipe(struct task *t, struct side *in, struct file *out, uint64_t n, struct file **waits)
{
	struct pipe *p = file_pipe(out);
	uint64_t room;

	lock_take(&p->lock);
	room = p->capacity - p->len;
	lock_drop(&p->lock);
	if (room == 0) {
		*waits = out;
		return -EAGAIN;
	}
	return copy(t, in, &(struct side){ .f = out }, n < room ? n : room, waits);
}

int64_t sys_splice(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *in = fd_get_io(t, arg_fd(a, 0));
	AUTO_FILE struct file *out = fd_get_io(t, arg_fd(a, 2));
	struct side from = { .f = in }, to = { .f = out };
	uint64_t n = arg_u64(a, 4);
	struct file *waits = NULL;
	int64_t ret;

	if (arg_u32(a, 5) & ~(uint32_t)(LX_SPLICE_F_MOVE | LX_SPLICE_F_NONBLOCK | LX_SPLICE_F_MORE | LX_SPLICE_F_GIFT))
		return -EINVAL;
	if (n == 0)
		return 0;
	if (!in || !out || !in->readable || !out->writable)
		return -EBADF;
	if (!file_pipe(in) && !file_pipe(out))
		return -EINVAL;
	if ((file_pipe(in) && arg_u64(a, 1)) || (file_pipe(out) && arg_u64(a, 3)))
		return -ESPIPE;
	if (file_pipe(in) && file_pipe(in) == file_pipe(out))
		return -EINVAL;
	if (out->inode->type == LX_S_IFREG && atomic_load(&out->flags) & LX_O_APPEND)
		return -EINVAL;
	ret = get_offset(t, arg_addr(a, 1), &from);
	if (ret == 0)
		ret = get_offset(t, arg_addr(a, 3), &to);
	if (ret < 0)
		return ret;
	ret = file_pipe(in) ? drain_pipe(t, file_pipe(in), &to, n, &waits, in) : fill_pipe(t, &from, out, n, &waits);
	if (ret == -EAGAIN && !(arg_u32(a, 5) & LX_SPLICE_F_NONBLOCK) && !file_nonblock(waits))
		return task_wait_file(t, waits, waits == out ? LX_POLLOUT : LX_POLLIN);
	if (ret > 0 && (put_offset(t, arg_addr(a, 1), &from) < 0 || put_offset(t, arg_addr(a, 3), &to) < 0))
		return -EFAULT;
	return ret;
}

int64_t sys_tee(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *in = fd_get_io(t, arg_fd(a, 0));
	AUTO_FILE struct file *out = fd_get_io(t, arg_fd(a, 1));
	AUTO_FREE char *buf = NULL;
	uint64_t n = arg_u64(a, 2) < CHUNK ? arg_u64(a, 2) : CHUNK;
	struct file *waits = in;
	int64_t ret;

	if (arg_u32(a, 3) & ~(uint32_t)(LX_SPLICE_F_MOVE | LX_SPLICE_F_NONBLOCK | LX_SPLICE_F_MORE | LX_SPLICE_F_GIFT))
		return -EINVAL;
	if (n == 0)
		return 0;
	if (!in || !out || !in->readable || !out->writable)
		return -EBADF;
	if (!file_pipe(in) || !file_pipe(out) || file_pipe(in) == file_pipe(out))
		return -EINVAL;
	buf = mem_alloc(n);
	if (!buf)
		return -ENOMEM;
	ret = pipe_peek(file_pipe(in), buf, (uint32_t)n);
	if (ret > 0) {
		waits = out;
		ret = write_some(t, &(struct side){ .f = out }, buf, (uint64_t)ret);
	}
	if (ret == -EAGAIN && !(arg_u32(a, 3) & LX_SPLICE_F_NONBLOCK) && !file_nonblock(waits))
		return task_wait_file(t, waits, waits == out ? LX_POLLOUT : LX_POLLIN);
	return ret;
}

int64_t sys_vmsplice(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get_io(t, arg_fd(a, 0));
	struct uio u;
	int64_t ret;

	if (arg_u32(a, 3) & ~(uint32_t)(LX_SPLICE_F_MOVE | LX_SPLICE_F_NONBLOCK | LX_SPLICE_F_MORE | LX_SPLICE_F_GIFT))
		return -EINVAL;
	if (!f || !file_pipe(f))
		return -EBADF;
	ret = uio_init_iovec(&u, t, arg_addr(a, 1), arg_u64(a, 2));
	if (ret < 0)
		return ret;
	/* The pages are copied: a guest's later changes to them are not seen by the reader, which vmsplice(2) leaves open. */
	ret = f->writable ? file_write(f, t, &u, NULL) : file_read(f, t, &u, NULL);
	uio_done(&u);
	if (ret == -EAGAIN && !(arg_u32(a, 3) & LX_SPLICE_F_NONBLOCK) && !file_nonblock(f))
		return task_wait_file(t, f, f->writable ? LX_POLLOUT : LX_POLLIN);
	return ret;
}
