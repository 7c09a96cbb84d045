/* The overlay's open regular files: the lower file until somebody writes, the copy in memory from then on, also for who had it open. */
#include <errno.h>

#include "abi/fcntl.h"
#include "abi/mman.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/fs/memfile.h"
#include "sentry/fs/overlay_inode.h"
#include "sentry/fs/overlay_lazy.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/task.h"

static struct file *lower_of(struct file *f)
{
	return f->priv;
}

int ovl_open_lower(struct ovl_inode *o, struct task *t, struct file **out)
{
	static const struct path nowhere;

	return o->lower->ops->open(o->lower, &nowhere, LX_O_RDONLY, t, out);
}

/* The host's fd of the lower file. */
static int lower_fd(struct file *lower, int64_t size)
{
	struct map_source src = { .fd = -1 };
	int ret;

	assert_that(lower != NULL); /* opened before */
	ret = lower->ops->mmap(lower, 0, (uint64_t)size, LX_PROT_READ, false, &src);
	return ret < 0 ? ret : src.fd;
}

/* Small files at once, large ones by and by. Takes over *lower where it keeps it. copy_lock held. */
static int move_up(struct ovl_inode *o, struct file **lower, int64_t size)
{
	int fd = lower_fd(*lower, size), ret = -EMFILE;

	if (fd < 0)
		return fd;
	if (size >= OVL_LAZY_MIN)
		ret = ovl_lazy_begin(o, *lower, fd, size);
	if (ret == 0)
		*lower = NULL;
	if (ret != -EMFILE)
		return ret;
	ret = memdata_load(&o->data, fd, 0, size);
	if (ret < 0)
		memdata_resize(&o->data, 0);
	return ret;
}

int ovl_copy_up(struct ovl_inode *o, struct task *t, int64_t size)
{
	AUTO_FILE struct file *lower = NULL;
	int ret = 0;

	if (atomic_load_explicit(&o->upper, memory_order_acquire))
		return 0;
	/* What is truncated to nothing needs no lower file. */
	if (size > 0)
		ret = ovl_open_lower(o, t, &lower);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&o->copy_lock);
	if (atomic_load(&o->upper))
		return 0;
	if (size > o->inode.attr.size)
		size = o->inode.attr.size;
	if (size > 0)
		ret = move_up(o, &lower, size);
	if (ret < 0)
		return ret;
	atomic_store_explicit(&o->upper, true, memory_order_release);
	ovl_pin(o);
	return 0;
}

/* Before the range is changed, or something needs it in the copy. */
static int take(struct ovl_inode *o, struct task *t, int64_t start, int64_t end)
{
	int ret = ovl_copy_up(o, t, INT64_MAX);

	return ret < 0 ? ret : ovl_lazy_take(o, start, end);
}

static bool is_upper(struct file *f)
{
	return atomic_load_explicit(&ovl_of(f->inode)->upper, memory_order_acquire);
}

static int64_t ovl_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct ovl_inode *o = ovl_of(f->inode);
	struct file *lower = lower_of(f);
	int64_t n;

	if (lower && !is_upper(f))
		return lower->ops->read(lower, t, u, pos);
	if (!ovl_lazy(o))
		return memfile_read(f, &o->data, u, pos);
	n = ovl_lazy_read(o, u, pos);
	if (n >= 0)
		inode_accessed(f->inode, atomic_load_explicit(&f->flags, memory_order_relaxed));
	return n;
}

static int64_t ovl_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct ovl_inode *o = ovl_of(f->inode);
	int64_t end;
	int ret = ovl_copy_up(o, t, INT64_MAX);

	/* What is appended lies beyond the lower file. One that overflows is refused below. */
	if (ret == 0 && !file_appends(f, u) && !__builtin_add_overflow(*pos, (int64_t)u->left, &end))
		ret = ovl_lazy_take(o, *pos, end);
	return ret < 0 ? ret : memfile_write(f, &o->data, u, pos);
}

static int64_t ovl_seek(struct file *f, int64_t offset, int whence)
{
	struct ovl_inode *o = ovl_of(f->inode);
	struct file *lower = is_upper(f) ? NULL : lower_of(f);
	int64_t at;

	if (!lower && !ovl_lazy(o))
		return memfile_seek(f, &o->data, offset, whence);
	if (whence != LX_SEEK_DATA && whence != LX_SEEK_HOLE)
		return file_seek_plain(f, offset, whence, lower ? f->inode->attr.size : o->data.size);
	at = lower ? lower->ops->seek(lower, offset, whence) : ovl_lazy_seek(o, offset, whence);
	if (at >= 0)
		f->pos = at;
	return at;
}

static int ovl_mmap(struct file *f, uint64_t offset, uint64_t len, int prot, bool shared, struct map_source *out)
{
	struct ovl_inode *o = ovl_of(f->inode);
	struct file *lower = lower_of(f);
	int ret = 0;

	/* A shared mapping through a writable fd may be made writable later: its pages must be the copy's. */
	if ((shared && f->writable && lower && !is_upper(f)) || ovl_lazy(o))
		ret = sched_on_tracer() ? -EAGAIN : take(o, NULL, 0, INT64_MAX); /* needs the gofer, and so the main fd table */
	if (ret < 0)
		return ret;
	ret = !lower || is_upper(f) ? memfile_mmap(&o->data, offset, prot, shared, out) :
				      lower->ops->mmap(lower, offset, len, prot, shared, out);
	out->noexec = f->path.mount && f->path.mount->flags & MOUNT_NOEXEC;
	return ret;
}

static int ovl_fsync(struct file *f, struct task *t, bool data_only)
{
	(void)f, (void)t, (void)data_only;
	return 0; /* there is nothing behind memory, and the lower layer was not written to */
}

static int ovl_truncate(struct file *f, struct task *t, int64_t len)
{
	struct ovl_inode *o = ovl_of(f->inode);
	int ret = ovl_copy_up(o, t, len);

	return ret < 0 ? ret : ovl_lazy_resize(o, len);
}

static int ovl_fallocate(struct file *f, struct task *t, int mode, int64_t offset, int64_t len)
{
	struct ovl_inode *o = ovl_of(f->inode);
	int ret = take(o, t, 0, INT64_MAX);

	return ret < 0 ? ret : memfile_fallocate(f, &o->data, mode, offset, len);
}

static int ovl_host_fd(struct file *f)
{
	if (lower_of(f) && !is_upper(f))
		return file_host_fd(lower_of(f));
	return ovl_lazy(ovl_of(f->inode)) ? -1 : atomic_load(&ovl_of(f->inode)->data.fd);
}

static void ovl_release(struct file *f)
{
	file_put(lower_of(f));
}

static const struct file_ops file_ops = {
	.read = ovl_read,
	.write = ovl_write,
	.seek = ovl_seek,
	.mmap = ovl_mmap,
	.fsync = ovl_fsync,
	.truncate = ovl_truncate,
	.fallocate = ovl_fallocate,
	.host_fd = ovl_host_fd,
	.release = ovl_release,
	.name = "overlay",
};

int ovl_open_file(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct ovl_inode *o = ovl_of(i);
	struct file *lower = NULL;
	int ret = 0;

	if (!atomic_load_explicit(&o->upper, memory_order_acquire))
		ret = ovl_open_lower(o, t, &lower);
	if (ret < 0)
		return ret;
	*out = file_new(&file_ops, i, p, flags, t->cred, lower);
	if (!*out)
		file_put(lower);
	return *out ? 0 : -ENOMEM;
}
