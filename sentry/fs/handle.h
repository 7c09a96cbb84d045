/*
 * File handles: numbers that lead to an inode again, whatever its name is by then. name_to_handle_at(2), open_by_handle_at(2).
 *
 * A handle is good as long as the sentry knows the inode: it is looked up in a table of those that were asked for, by number and by a random
 * generation, never by anything that the guest could make up about a host. So that what only a cache holds stays known, the name that a
 * handle was made from is kept, for the last HANDLES_KEPT of them, until it is unlinked. All else is -ESTALE.
 */
#ifndef SENTRY_FS_HANDLE_H
#define SENTRY_FS_HANDLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "sentry/fs/inode.h"

struct mount;
struct path;

#define HANDLES_KEPT 1024

/* What stands in f_handle, as Linux's tmpfs has it. */
struct handle_bytes {
	uint32_t generation;
	uint32_t ino[2]; /* low, high */
};
#define HANDLE_TYPE 1 /* FILEID_INO32_GEN */

/* 0, -EOPNOTSUPP (this file system has none), -ENOMEM. */
int handle_make(const struct path *, struct handle_bytes *);
/* One that only says whether two files are the same: any file system. */
void handle_identity(const struct path *, struct handle_bytes *);
/* *out referenced; -ESTALE. Only what lies on this mount. */
int handle_find(struct mount *, const struct handle_bytes *, struct path *out);
/* The last name may be gone: the handle alone keeps nothing alive. */
void handle_unlinked_slow(struct inode *);

static inline void handle_unlinked(struct inode *i)
{
	if (atomic_load_explicit(&i->handle, memory_order_relaxed))
		handle_unlinked_slow(i);
}

#endif
