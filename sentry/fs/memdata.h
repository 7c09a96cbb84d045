/*
 * The bytes of a file that lives in memory: tmpfs, the overlay's upper layer, memfd_create(2).
 *
 * Small files are a buffer; a file that grows past MEMDATA_INLINE_MAX, or is mapped, becomes a memfd of the host, for ever. What is
 * stored is charged to the filesystem's quota and the sandbox's memory limit: by size where the file was written from its start, by the host's
 * count of blocks where it has holes. A file that was ever mapped is charged by its whole size, holes too: a fault stores a page in one
 * without the sentry hearing of it.
 *
 * lock (RANK_LOWER) is held across a write, guest copy included, as Linux holds the inode's; reads from a memfd do without.
 */
#ifndef SENTRY_FS_MEMDATA_H
#define SENTRY_FS_MEMDATA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "sentry/fs/filemap.h"
#include "sentry/fs/memquota.h"

struct uio;

#define MEMDATA_INLINE_MAX 16384u

struct memdata {
	struct memquota *quota;   /* immutable */
	struct lock lock;
	/* protected by lock; size and fd are read without it as well */
	_Atomic int64_t size;
	_Atomic int fd;           /* -1: the bytes are in buf */
	char *buf;
	uint32_t cap;             /* of buf */
	int64_t charged;          /* bytes */
	int64_t dense;            /* every byte below was charged by a write */
	bool sparse;              /* the host's block count is the truth */
	bool mapped;              /* charged by size at least */
	uint32_t links;           /* names charged: of the inode's hard links, but the first */
	bool counted;             /* the inode itself is charged as a name */
	struct filemap_slot map;  /* for reads, once it is a memfd */
	_Atomic uint32_t seals;   /* LX_F_SEAL_*: memfd_create(2) */
};

void memdata_init(struct memdata *, struct memquota *);
void memdata_free(struct memdata *);
/* The inode that this belongs to is one of the filesystem's own; has one more hard link, or one less. 0 or -ENOSPC. */
int memdata_count_inode(struct memdata *);
int memdata_count_target(struct memdata *, size_t len); /* a symlink's: as in Linux a page, unless it is short */
int memdata_count_link(struct memdata *, bool more);
/* At pos, which moves. Bytes (0 at the end of the file), or negative errno. */
int64_t memdata_read(struct memdata *, struct uio *, int64_t *pos);
/* append: at the end, wherever *pos is. -ENOSPC, -EFBIG, -EFAULT, -EPERM (sealed). */
int64_t memdata_write(struct memdata *, struct uio *, int64_t *pos, bool append);
int memdata_resize(struct memdata *, int64_t size);
int memdata_fallocate(struct memdata *, int mode, int64_t offset, int64_t len);
/* SEEK_DATA and SEEK_HOLE: offset or -ENXIO. */
int64_t memdata_seek(struct memdata *, int64_t offset, int whence);
/* The host's fd, for mapping; made if need be (-EAGAIN on a tracer thread, which cannot; -ENOMEM: more than may be stored). Borrowed: as
   long as the memdata. */
int memdata_fd(struct memdata *);
/* Bytes of storage in 512-byte blocks. */
uint64_t memdata_blocks(struct memdata *);
/* F_ADD_SEALS: -EPERM when sealed against it, -EBUSY while somebody has a writable shared mapping. */
int memdata_add_seals(struct memdata *, uint32_t seals);
/* Fills [pos, end) with what a host file has there. */
int memdata_load(struct memdata *, int fd, int64_t pos, int64_t end);

#endif
