/*
 * The overlay's large files go up piece by piece: the copy in memory begins as a hole, a piece is copied before the first write into it,
 * and is read from the lower file until then. What lies beyond the lower file's end is the copy's alone, so that appending copies nothing.
 *
 *      lower ──the first write into the piece, or what needs the whole file (mmap, fallocate)──▶ taken
 *
 * A byte is the lower file's while it lies below `size` and its piece is not taken. Both only ever move towards the copy.
 */
#ifndef SENTRY_FS_OVERLAY_LAZY_H
#define SENTRY_FS_OVERLAY_LAZY_H

#include <stdatomic.h>
#include <stdint.h>

#include "sentry/fs/overlay_inode.h"

struct file;
struct uio;

/* Smaller files are copied whole: that costs no more than the bookkeeping. */
#define OVL_LAZY_MIN (256 << 10)

struct ovl_lazy {
	/* immutable */
	struct file *lower;       /* referenced */
	int fd;                   /* its host fd, borrowed */
	uint32_t shift;           /* log2 of a piece's bytes */
	/* written with copy_lock held, read without */
	_Atomic int64_t size;     /* 0: nothing is the lower file's any more */
	uint64_t left;            /* pieces not taken; protected by copy_lock */
	_Atomic uint64_t taken[]; /* a bit a piece */
};

/*
 * Makes the file its own copy of `size` bytes of the lower file, none of them copied yet. Takes over `lower`'s reference on success.
 * copy_lock held. 0, -ENOMEM, or -EMFILE where too many files are on their way up already: copy it whole.
 */
int ovl_lazy_begin(struct ovl_inode *, struct file *lower, int fd, int64_t size);
void ovl_lazy_free(struct ovl_inode *);
/* Is any byte of it still the lower file's? */
static inline bool ovl_lazy(struct ovl_inode *o)
{
	struct ovl_lazy *l = atomic_load_explicit(&o->lazy, memory_order_acquire);

	return l && atomic_load_explicit(&l->size, memory_order_acquire) > 0;
}
/* Takes the pieces of [start, end): 0 or -ENOSPC, -EIO... */
int ovl_lazy_take(struct ovl_inode *, int64_t start, int64_t end);
/* For a file that is ovl_lazy(). */
int64_t ovl_lazy_read(struct ovl_inode *, struct uio *, int64_t *pos);
int64_t ovl_lazy_seek(struct ovl_inode *, int64_t offset, int whence);
int ovl_lazy_resize(struct ovl_inode *, int64_t size);

#endif
