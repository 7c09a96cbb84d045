/* Inside the overlay: its inodes. */
#ifndef SENTRY_FS_OVERLAY_INODE_H
#define SENTRY_FS_OVERLAY_INODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sentry/fs/dirtab.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/memdata.h"
#include "sentry/fs/xattr.h"

struct file;

#define OVL_BUCKETS 2048u

struct ovl_super {
	struct super super;
	struct super *lower;      /* referenced; immutable */
	struct memquota quota;
	_Atomic int lazy_files;   /* inodes with a `lazy` */
	struct lock table_lock;   /* RANK_LOWER_TABLE */
	/* protected by table_lock: inodes by their lower inode; a reference is held to those that are pinned */
	struct ovl_inode *table[OVL_BUCKETS];
};

struct ovl_inode {
	struct inode inode;
	/* immutable */
	struct ovl_super *os;
	struct inode *lower;      /* referenced; NULL: only in memory */
	char *target;             /* of symlinks made here */
	/* protected by os->table_lock */
	struct ovl_inode *hash_next;
	bool pinned;              /* differs from its lower inode: the table holds a reference */
	/* regular files */
	struct lock copy_lock;    /* RANK_COPY_UP: while data moves up */
	struct memdata data;      /* has its own lock */
	struct ovl_lazy *_Atomic lazy; /* what of `data` is still in the lower file; set once, before upper. overlay_lazy.h */
	atomic_bool upper;        /* data is where the bytes are; never goes back */
	/* directories; protected by inode.lock, changed with dir_lock held as well */
	struct dirtab dir;        /* names that were added, replaced, or taken away (whiteouts) */
	bool dead;                /* removed */
	bool linkable;            /* O_TMPFILE without O_EXCL, not linked yet: no link, but may get one */
	struct xattrs xattrs;     /* protected by inode.lock */
};

static inline struct ovl_inode *ovl_of(struct inode *i)
{
	return container_of(i, struct ovl_inode, inode);
}

/* The inode for a lower one: the known one or a fresh one; referenced. Takes over lower's reference. NULL when memory is out. */
struct ovl_inode *ovl_wrap(struct ovl_super *, struct inode *lower);
/* An inode that is only in memory. NULL when memory is out. */
struct ovl_inode *ovl_new(struct ovl_super *, const struct create_how *);
/* It is going to differ from its lower inode (pin), or has no name any more (unpin). Harmless without a lower one. */
void ovl_pin(struct ovl_inode *);
void ovl_unpin(struct ovl_inode *);
void ovl_destroy(struct inode *);
/* The data of a regular file goes up, at most `size` bytes of it. 0, -ENOSPC, or what reading the lower file gave. */
int ovl_copy_up(struct ovl_inode *, struct task *, int64_t size);
/* The lower file, opened for reading; *out referenced. */
int ovl_open_lower(struct ovl_inode *, struct task *, struct file **out);

/* overlay.c, for all types */
int ovl_getattr(struct inode *, struct attr *);
int ovl_setattr(struct inode *, const struct setattr *);
int64_t ovl_getxattr(struct inode *, const char *, void *, size_t);
int ovl_setxattr(struct inode *, const char *, const void *, size_t, int);
int64_t ovl_listxattr(struct inode *, char *, size_t);
int ovl_removexattr(struct inode *, const char *);
int ovl_open_file(struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);
#define OVL_ANY_TYPE                                                                           \
	.getattr = ovl_getattr, .setattr = ovl_setattr, .getxattr = ovl_getxattr,              \
	.setxattr = ovl_setxattr, .listxattr = ovl_listxattr, .removexattr = ovl_removexattr,  \
	.destroy = ovl_destroy

extern const struct inode_ops ovl_dir_ops, ovl_file_ops, ovl_link_ops, ovl_special_ops;

#endif
