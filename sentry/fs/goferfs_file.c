/* goferfs: open regular files. All data moves on fds that the gofer donated. */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/fs/goferfs_inode.h"
#include "sentry/fs/vfs.h"
#include "sentry/io/io.h"
#include "sentry/kernel/kernel.h"

#define APPEND_CHUNK (64u << 10)

static struct gfd *fd_of(struct file *f)
{
	return f->priv;
}

static int64_t goferfs_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct ginode *g = ginode_of(f->inode);
	uint64_t want = u->left;
	int64_t n;

	/* Where nobody else changes the file its size is known, and no second read is needed to find the end. */
	if (g->gs->caching) {
		int64_t size = f->inode->attr.size;

		if (*pos >= size)
			return 0;
		if (want > (uint64_t)(size - *pos))
			want = (uint64_t)(size - *pos);
	}
	if (want == 0)
		return 0;
	n = goferfs_read_fd(t, u, fd_of(f)->fd, *pos, want, g->gs->caching ? &g->map : NULL, f->inode->attr.size);
	if (n > 0)
		*pos += n;
	return n;
}

/* After a write that ended at `end`. */
static void wrote(struct ginode *g, int64_t end)
{
	struct timespec64 now = fs_now();

	lock_take(&g->inode.lock);
	if (end > g->inode.attr.size)
		g->inode.attr.size = end;
	g->inode.attr.mtime = g->inode.attr.ctime = now;
	lock_drop(&g->inode.lock);
	ginode_changed(g);
}

/* On a shared volume only the host knows where the end is: it appends, chunk by chunk. */
static int64_t append_shared(int fd, struct uio *u, int64_t *pos)
{
	uint64_t done = 0, len = u->left < APPEND_CHUNK ? u->left : APPEND_CHUNK;
	AUTO_FREE char *chunk = mem_alloc(len ? len : 1);

	if (!chunk)
		return -ENOMEM;
	while (u->left) {
		int64_t n = uio_get(u, chunk, len), put;
		struct iovec iov = { chunk, n > 0 ? (size_t)n : 0 };

		if (n <= 0)
			return done ? (int64_t)done : n;
		put = HOST_RETRY(pwritev2(fd, &iov, 1, -1, RWF_APPEND));
		if (put < 0)
			return done ? (int64_t)done : put;
		done += (uint64_t)put;
		if (put < n)
			break;
	}
	*pos = host_ret(lseek(fd, 0, SEEK_END));
	return (int64_t)done;
}

static int64_t write_locked(struct file *f, struct uio *u, int64_t *pos)
{
	struct ginode *g = ginode_of(f->inode);
	bool append = file_appends(f, u);
	int64_t n;

	/* One write at a time, as with Linux's inode lock; the end stays where an append found it. */
	LOCK_GUARD(&g->lock);
	if (append && !g->gs->caching)
		return append_shared(fd_of(f)->fd, u, pos);
	if (append)
		*pos = f->inode->attr.size;
	if (u->left == 0)
		return 0;
	n = uio_get_host(u, fd_of(f)->fd, *pos, u->left);
	if (n <= 0)
		return n;
	*pos += n;
	return n;
}

static int64_t goferfs_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	uint64_t left = u->left;
	int64_t n = write_locked(f, u, pos);

	(void)t;
	/* Removed files whose handles wait for their batch may be what fills the disk. */
	if (n == -ENOSPC && u->left == left) {
		gofer_close_flush(ginode_of(f->inode)->gs->client);
		n = write_locked(f, u, pos);
	}
	if (n > 0)
		wrote(ginode_of(f->inode), *pos);
	return n;
}

static int64_t goferfs_seek(struct file *f, int64_t offset, int whence)
{
	struct attr a;
	int64_t at;

	if (whence == LX_SEEK_DATA || whence == LX_SEEK_HOLE) {
		at = host_ret(lseek(fd_of(f)->fd, offset, whence == LX_SEEK_DATA ? SEEK_DATA : SEEK_HOLE));
		if (at >= 0)
			f->pos = at;
		return at;
	}
	if (whence == LX_SEEK_END && !ginode_of(f->inode)->gs->caching)
		goferfs_getattr(f->inode, &a);
	return file_seek_plain(f, offset, whence, f->inode->attr.size);
}

static int goferfs_mmap(struct file *f, uint64_t offset, uint64_t len, int prot, bool shared, struct map_source *out)
{
	(void)len, (void)prot;
	out->anonymous = false;
	out->fd = fd_of(f)->fd;
	out->offset = offset;
	out->noexec = f->path.mount && f->path.mount->flags & MOUNT_NOEXEC;
	if (shared && f->writable)
		ginode_changed(ginode_of(f->inode));
	return 0;
}

static int goferfs_fsync(struct file *f, struct task *t, bool data_only)
{
	if (!fd_of(f)->writable)
		return 0; /* nothing was written through it */
	return (int)io_submit(t, data_only ? IO_OP_FDATASYNC : IO_OP_FSYNC, fd_of(f)->fd, NULL, 0, 0);
}

static void size_changed(struct ginode *g, int64_t size)
{
	struct timespec64 now = fs_now();

	lock_take(&g->inode.lock);
	g->inode.attr.size = size;
	g->inode.attr.mtime = g->inode.attr.ctime = now;
	lock_drop(&g->inode.lock);
	ginode_changed(g);
}

static int goferfs_truncate(struct file *f, struct task *t, int64_t len)
{
	int ret = (int)host_ret(ftruncate(fd_of(f)->fd, len));

	(void)t;
	if (ret == 0)
		size_changed(ginode_of(f->inode), len);
	return ret;
}

static int goferfs_fallocate(struct file *f, struct task *t, int mode, int64_t offset, int64_t len)
{
	int64_t size = f->inode->attr.size;
	int ret = (int)HOST_RETRY(fallocate(fd_of(f)->fd, mode, offset, len));

	(void)t;
	if (ret == 0 && !(mode & (LX_FALLOC_FL_KEEP_SIZE | LX_FALLOC_FL_PUNCH_HOLE)) && offset + len > size)
		size = offset + len;
	if (ret == 0)
		size_changed(ginode_of(f->inode), size);
	return ret;
}

static int goferfs_host_fd(struct file *f)
{
	return fd_of(f)->fd;
}

static void goferfs_release(struct file *f)
{
	gfd_put(fd_of(f));
}

static const struct file_ops file_ops = {
	.read = goferfs_read,
	.write = goferfs_write,
	.seek = goferfs_seek,
	.mmap = goferfs_mmap,
	.fsync = goferfs_fsync,
	.truncate = goferfs_truncate,
	.fallocate = goferfs_fallocate,
	.host_fd = goferfs_host_fd,
	.release = goferfs_release,
	.name = "goferfs",
};

int goferfs_open_file(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	bool write = (flags & LX_O_ACCMODE) != LX_O_RDONLY;
	struct gfd *fd;
	int ret = ginode_fd(ginode_of(i), write, &fd);

	if (ret < 0)
		return ret;
	*out = file_new(&file_ops, i, p, flags, t ? t->cred : NULL, fd);
	if (!*out)
		gfd_put(fd);
	return *out ? 0 : -ENOMEM;
}
