/* Open files over data in memory: see memfile.h. */
#include "sentry/fs/memfile.h"

#include <errno.h>

#include "abi/fcntl.h"
#include "abi/mman.h"
#include "sentry/fs/inode.h"

static uint32_t flags_of(struct file *f)
{
	return atomic_load_explicit(&f->flags, memory_order_relaxed);
}

/* The data changed: so do size and times. */
static void changed(struct inode *i, const struct memdata *m)
{
	struct timespec64 now = fs_now();

	LOCK_GUARD(&i->lock);
	i->attr.size = m->size;
	i->attr.mtime = i->attr.ctime = now;
}

int64_t memfile_read(struct file *f, struct memdata *m, struct uio *u, int64_t *pos)
{
	int64_t n = memdata_read(m, u, pos);

	if (n >= 0)
		inode_accessed(f->inode, flags_of(f));
	return n;
}

int64_t memfile_write(struct file *f, struct memdata *m, struct uio *u, int64_t *pos)
{
	int64_t n = memdata_write(m, u, pos, file_appends(f, u));

	if (n > 0)
		changed(f->inode, m);
	return n;
}

int64_t memfile_seek(struct file *f, struct memdata *m, int64_t offset, int whence)
{
	if (whence == LX_SEEK_DATA || whence == LX_SEEK_HOLE) {
		int64_t at = memdata_seek(m, offset, whence);

		if (at >= 0)
			f->pos = at;
		return at;
	}
	return file_seek_plain(f, offset, whence, m->size);
}

int memfile_mmap(struct memdata *m, uint64_t offset, int prot, bool shared, struct map_source *out)
{
	if (shared && prot & LX_PROT_WRITE && m->seals & (LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE))
		return -EPERM;
	out->anonymous = false;
	out->fd = memdata_fd(m);
	out->offset = offset;
	return out->fd < 0 ? out->fd : 0;
}

int memfile_fallocate(struct file *f, struct memdata *m, int mode, int64_t offset, int64_t len)
{
	int ret = memdata_fallocate(m, mode, offset, len);

	if (ret == 0)
		changed(f->inode, m);
	return ret;
}

int memfile_resize(struct inode *i, struct memdata *m, int64_t size)
{
	int ret = memdata_resize(m, size);

	if (ret == 0)
		changed(i, m);
	return ret;
}
