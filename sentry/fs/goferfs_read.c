/*
 * goferfs: reading a donated fd. What the host has in its page cache is copied at once, on this thread; what it has not goes through
 * the ring, and the task waits without a thread. The sentry's own readers (exec, sendfile) cannot wait so: they hold up their thread,
 * and say so to the platform.
 */
#include <errno.h>
#include <sys/uio.h>

#include "base/host.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/fs/goferfs_inode.h"
#include "sentry/io/io.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/uio.h"

#define STACK_CHUNK 8192u
#define CHUNK (128u << 10)

static int64_t read_blocking(struct uio *u, int fd, int64_t pos, uint64_t n)
{
	int64_t ret;

	platform_stuck_begin();
	ret = uio_put_host(u, fd, pos, n);
	platform_stuck_end();
	return ret;
}

/* Copies what is cached: bytes, or -EAGAIN when the first byte is not (-EOPNOTSUPP: this filesystem does not tell). *more: it is not all. */
static int64_t read_cached(struct uio *u, int fd, int64_t pos, uint64_t n, char *buf, uint64_t size, bool *more)
{
	uint64_t done = 0;

	*more = false;
	while (done < n) {
		struct iovec iov = { buf, n - done < size ? n - done : size };
		int64_t got = HOST_RETRY(preadv2(fd, &iov, 1, pos + (int64_t)done, RWF_NOWAIT)), put;

		*more = got < 0;
		if (got <= 0)
			return done ? (int64_t)done : got;
		put = uio_put(u, buf, (uint64_t)got);
		if (put < 0)
			return done ? (int64_t)done : put;
		done += (uint64_t)put;
		/* Less than asked for is the end of the file, or of what is cached: the next look tells which. */
		if (put < got)
			break;
	}
	return (int64_t)done;
}

/* Starts the ring's read, or collects what an earlier run of this call has started. */
static int64_t read_ring(struct task *t, struct uio *u, int fd, int64_t pos, uint64_t n)
{
	uint64_t len = n < IO_OP_MAX ? n : IO_OP_MAX;
	AUTO_FREE char *buf = t->blk.io ? mem_alloc(len) : NULL;
	int64_t got;

	if (t->blk.io && !buf)
		return -ENOMEM;
	got = io_submit(t, IO_OP_READ, fd, buf, len, pos);
	return got > 0 ? uio_put(u, buf, (uint64_t)got) : got;
}

/* The rest of a read that has begun may not end before it must: a short read of a file looks like its end. */
static int64_t complete(struct uio *u, int fd, int64_t pos, uint64_t n, int64_t done)
{
	int64_t more;

	if (done <= 0 || (uint64_t)done >= n)
		return done;
	more = read_blocking(u, fd, pos + done, n - (uint64_t)done);
	return more > 0 ? done + more : done;
}

static int64_t read_by_calls(struct task *t, struct uio *u, int fd, int64_t pos, uint64_t n, bool *cached)
{
	char small[STACK_CHUNK];
	AUTO_FREE char *big = NULL;
	bool more = false;
	int64_t done;

	if (n > STACK_CHUNK)
		big = mem_alloc(n < CHUNK ? n : CHUNK);
	done = read_cached(u, fd, pos, n, big ? big : small, big ? (n < CHUNK ? n : CHUNK) : STACK_CHUNK, &more);
	if (done == -EAGAIN)
		return read_ring(t, u, fd, pos, n);
	if (done == -EOPNOTSUPP)
		return read_blocking(u, fd, pos, n);
	*cached = done > 0 && !more;
	return more ? complete(u, fd, pos, n, done) : done;
}

int64_t goferfs_read_fd(struct task *t, struct uio *u, int fd, int64_t pos, uint64_t n, struct filemap_slot *slot, int64_t size)
{
	bool cached = false;
	int64_t mapped = 0, done;

	if (!u->t || !t || !t->k->io)
		return read_blocking(u, fd, pos, n);
	if (t->blk.io)
		return complete(u, fd, pos, n, read_ring(t, u, fd, pos, n));
	if (slot)
		mapped = filemap_read(slot, pos, n, u);
	if ((uint64_t)mapped == n)
		return mapped;
	if (mapped)
		return complete(u, fd, pos, n, mapped);
	done = read_by_calls(t, u, fd, pos, n, &cached);
	if (cached && slot)
		filemap_seen(slot, fd, size, pos, (uint64_t)done);
	return done;
}
