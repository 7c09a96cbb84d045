/*
 * Mappings of host files in the sentry, from which a read is one copy: page cache to guest memory, without a call for the file.
 *
 * A file is mapped when it has been read often, or is large; only what an earlier read has found in the page cache is read through the
 * mapping, so that a worker does not wait for a disk in the middle of a copy (it may, rarely, where the host has dropped the page since).
 * Copies are made by the host's kernel alone: a file that shrinks under its mapping gives a short copy, never a SIGBUS.
 *
 * Only for files whose size the sentry knows: what lies behind the end in the last page is not looked at.
 */
#ifndef SENTRY_FS_FILEMAP_H
#define SENTRY_FS_FILEMAP_H

#include <stdatomic.h>
#include <stdint.h>

struct filemap;
struct uio;

/* Part of the inode. Zeroed is empty. */
struct filemap_slot {
	struct filemap *map;   /* protected by the pool's lock (RANK_FILEMAP); NULL: none */
	_Atomic uint32_t heat; /* bytes read by calls, roughly; relaxed */
};

/*
 * Puts up to n bytes at pos, all of them below size, into guest memory. Bytes, possibly fewer than asked for: 0 says that the caller has to read by a call
 * (nothing is mapped, or not cached, or the copy failed: the call will say why). Not on tracer threads, whose fd table is another.
 */
int64_t filemap_read(struct filemap_slot *, int64_t pos, uint64_t n, struct uio *);
/* A call has found [pos, pos + n) of the file in the page cache; fd is open for reading, in the caller's table. */
void filemap_seen(struct filemap_slot *, int fd, int64_t size, int64_t pos, uint64_t n);
/* Ends the mapping; waits for copies under way. Before the inode goes, and where the host must find no mapping (seals). */
void filemap_drop(struct filemap_slot *);

#endif
