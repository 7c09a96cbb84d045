/*
 * tmpfs: a filesystem in memory. tmpfs(5). Also what other filesystems in memory are made of: devfs may be a tmpfs with devices in it.
 */
#ifndef SENTRY_FS_TMPFS_H
#define SENTRY_FS_TMPFS_H

#include <stdint.h>

#include "sentry/fs/dirtab.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/memdata.h"
#include "sentry/fs/xattr.h"

struct kernel;

struct tmpfs_super {
	struct super super;
	struct memquota quota;
	uint64_t inodes_max;      /* 0: no limit; changed under the mount lock */
	_Atomic int64_t inodes;   /* there are */
};
struct tmpfs_inode {
	struct inode inode;
	/* by type; protected by inode.lock, the directory's also by dir_lock */
	struct memdata data;   /* regular files; has its own lock */
	struct dirtab dir;     /* directories */
	char *target;          /* symlinks; immutable */
	struct xattrs xattrs;
	bool dead;             /* a removed directory: nothing can be made in it */
	bool linkable;         /* made by O_TMPFILE without O_EXCL, and never linked yet: no link, but may get one */
};

/* size: bytes that may be stored (0: the sandbox's limit alone). The root has `mode` and belongs to root. NULL when memory is out. */
struct super *tmpfs_create(struct kernel *, uint64_t size, uint32_t mode);
/* An inode by hand, for filesystems built on this one; not in any directory yet. One reference, the caller's. NULL when memory is out. */
struct tmpfs_inode *tmpfs_inode_new(struct super *, const struct create_how *);
/* As mount(2) makes one, with the options of tmpfs(5); and the options alone, on a super that is taken over. -EINVAL, -ENOMEM. */
struct task;
int tmpfs_make(struct task *, const char *options, struct super **out);
int tmpfs_make_with(struct task *, const char *options, struct super *, struct super **out);
int tmpfs_reconfigure(struct super *, struct task *, const char *options);
/* Puts it into a directory: takes dir_lock and a reference. 0, -EEXIST, -ENOMEM. */
int tmpfs_add(struct inode *dir, const char *name, struct inode *);

#endif
