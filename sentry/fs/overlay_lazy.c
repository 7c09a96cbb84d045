/* Large files of the overlay that go up piece by piece: see overlay_lazy.h. */
#include "sentry/fs/overlay_lazy.h"

#include <errno.h>

#include "abi/fcntl.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/fs/file.h"
#include "sentry/fs/memfile.h"
#include "sentry/mm/uio.h"

#define PIECE_SHIFT 16u       /* 64 KiB: a write of a page copies for some µs */
#define PIECES_MAX (1u << 20) /* 128 KiB of bits; larger files have larger pieces */
#define FILES_MAX 256         /* of one overlay: each keeps an fd of the lower file */

static uint32_t shift_for(int64_t size)
{
	uint32_t shift = PIECE_SHIFT;

	while (size >> shift >= PIECES_MAX)
		shift++;
	return shift;
}

int ovl_lazy_begin(struct ovl_inode *o, struct file *lower, int fd, int64_t size)
{
	uint32_t shift = shift_for(size);
	uint64_t pieces = (uint64_t)((size - 1) >> shift) + 1;
	struct ovl_lazy *l;
	int ret;

	lock_assert_held(&o->copy_lock);
	if (atomic_fetch_add(&o->os->lazy_files, 1) >= FILES_MAX) {
		atomic_fetch_sub(&o->os->lazy_files, 1);
		return -EMFILE;
	}
	l = mem_zalloc(sizeof(*l) + (pieces + 63) / 64 * 8);
	ret = l ? memdata_resize(&o->data, size) : -ENOMEM;
	if (ret < 0) {
		atomic_fetch_sub(&o->os->lazy_files, 1);
		mem_free(l);
		return ret;
	}
	*l = (struct ovl_lazy){ .lower = lower, .fd = fd, .shift = shift, .size = size, .left = pieces };
	atomic_store_explicit(&o->lazy, l, memory_order_release);
	return 0;
}

void ovl_lazy_free(struct ovl_inode *o)
{
	struct ovl_lazy *l = atomic_load(&o->lazy);

	if (!l)
		return;
	file_put(l->lower);
	atomic_fetch_sub(&o->os->lazy_files, 1);
	mem_free(l);
}

static bool is_taken(const struct ovl_lazy *l, int64_t pos)
{
	uint64_t i = (uint64_t)pos >> l->shift;

	return atomic_load_explicit(&l->taken[i / 64], memory_order_acquire) >> (i % 64) & 1;
}

/* Where the piece of pos ends. */
static int64_t piece_end(const struct ovl_lazy *l, int64_t pos)
{
	return (int64_t)((((uint64_t)pos >> l->shift) + 1) << l->shift);
}

/* The piece that begins at pos; copy_lock held. */
static int take_piece(struct ovl_inode *o, struct ovl_lazy *l, int64_t pos, int64_t size)
{
	uint64_t i = (uint64_t)pos >> l->shift;
	int64_t end = piece_end(l, pos);
	int ret;

	if (is_taken(l, pos))
		return 0;
	ret = memdata_load(&o->data, l->fd, pos, end < size ? end : size);
	if (ret < 0)
		return ret;
	atomic_fetch_or_explicit(&l->taken[i / 64], 1ull << (i % 64), memory_order_release);
	if (--l->left == 0)
		atomic_store_explicit(&l->size, 0, memory_order_release);
	return 0;
}

int ovl_lazy_take(struct ovl_inode *o, int64_t start, int64_t end)
{
	struct ovl_lazy *l = atomic_load_explicit(&o->lazy, memory_order_acquire);
	int ret = 0;

	if (!l || start >= atomic_load(&l->size))
		return 0;
	platform_stuck_begin();
	lock_take(&o->copy_lock);
	for (int64_t pos = start >> l->shift << l->shift; ret == 0; pos = piece_end(l, pos)) {
		int64_t size = atomic_load(&l->size);

		if (pos >= size || pos >= end)
			break;
		ret = take_piece(o, l, pos, size);
	}
	lock_drop(&o->copy_lock);
	platform_stuck_end();
	return ret;
}

/* Up to n bytes, all of them from one of the two. */
static int64_t read_run(struct ovl_inode *o, struct ovl_lazy *l, struct uio *u, int64_t pos, uint64_t n, bool lower)
{
	uint64_t beyond = u->left - n;
	int64_t got;

	u->left = n;
	/* Without a task: nothing is left over for a later run, by which time the piece may have been taken. */
	got = lower ? l->lower->ops->read(l->lower, NULL, u, &pos) : memdata_read(&o->data, u, &pos);
	u->left += beyond;
	return got;
}

int64_t ovl_lazy_read(struct ovl_inode *o, struct uio *u, int64_t *pos)
{
	struct ovl_lazy *l = atomic_load_explicit(&o->lazy, memory_order_acquire);
	int64_t done = 0;

	while (u->left) {
		int64_t size = atomic_load(&l->size), at = *pos, end = at + (int64_t)u->left, got;
		bool lower = at < size && !is_taken(l, at);

		/* As far as the next place where the other begins; beyond size it is all the copy's. */
		if (at < size) {
			int64_t stop = piece_end(l, at);

			while (stop < end && stop < size && is_taken(l, stop) != lower)
				stop = piece_end(l, stop);
			stop = stop < size ? stop : size;
			end = stop < end ? stop : end;
		}
		got = read_run(o, l, u, at, (uint64_t)(end - at), lower);
		if (got <= 0)
			return done ? done : got;
		done += got;
		*pos += got;
	}
	return done;
}

/* What is still the lower file's counts as data, holes or not: lseek(2) allows that. */
int64_t ovl_lazy_seek(struct ovl_inode *o, int64_t offset, int whence)
{
	int64_t size = atomic_load(&atomic_load(&o->lazy)->size);

	if (offset < 0 || offset >= o->data.size)
		return -ENXIO;
	if (offset >= size)
		return memdata_seek(&o->data, offset, whence);
	if (whence == LX_SEEK_DATA)
		return offset;
	return size < o->data.size ? memdata_seek(&o->data, size, whence) : o->data.size;
}

int ovl_lazy_resize(struct ovl_inode *o, int64_t size)
{
	struct ovl_lazy *l = atomic_load_explicit(&o->lazy, memory_order_acquire);

	if (!l)
		return memfile_resize(&o->inode, &o->data, size);
	/* In this order: a piece that is being copied may not grow the file again. */
	LOCK_GUARD(&o->copy_lock);
	if (size < atomic_load(&l->size))
		atomic_store(&l->size, size);
	return memfile_resize(&o->inode, &o->data, size);
}
