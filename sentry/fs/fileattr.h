/*
 * The flags of inodes that chattr(1) sets: ioctl_iflags(2). Kept by the file systems in memory (super.fileattr); append-only and immutable
 * are obeyed by the generic layer: open.c, permission.c, remove.c, create.c, and the calls that change a file by its fd.
 */
#ifndef SENTRY_FS_FILEATTR_H
#define SENTRY_FS_FILEATTR_H

#include <stdbool.h>

#include "abi/ioctl.h"
#include "sentry/fs/inode.h"

struct task;

static inline uint32_t fileattr(const struct inode *i)
{
	return atomic_load_explicit(&i->fileattr, memory_order_relaxed);
}

static inline bool inode_immutable(const struct inode *i)
{
	return fileattr(i) & LX_FS_IMMUTABLE_FL;
}

static inline bool inode_append_only(const struct inode *i)
{
	return fileattr(i) & LX_FS_APPEND_FL;
}

/* Neither may its name go, nor its mode, owner or extended attributes change. */
static inline bool inode_fixed(const struct inode *i)
{
	return fileattr(i) & (LX_FS_IMMUTABLE_FL | LX_FS_APPEND_FL);
}

/* 0, -ENOTTY (a file system without), -EOPNOTSUPP (unknown flags), -EPERM, -EROFS. */
int fileattr_set(struct task *, const struct path *, uint32_t flags);
/* What a new inode in `dir` has of it. */
void fileattr_inherit(const struct inode *dir, struct inode *made);

#endif
