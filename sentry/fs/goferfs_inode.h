/* Inside goferfs: inodes, and what is kept with them. */
#ifndef SENTRY_FS_GOFERFS_INODE_H
#define SENTRY_FS_GOFERFS_INODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "sentry/fs/filemap.h"
#include "sentry/fs/gofer_client.h"
#include "sentry/fs/inode.h"

struct dirlist;
struct file;
struct gindex;
struct glisting;
struct uio;

#define GINODE_BUCKETS 4096u

struct gofer_super {
	struct super super;
	/* immutable */
	struct gofer_client *client;
	struct kernel *k;
	bool caching;             /* immutable or exclusive */
	bool nosuid;              /* the root's own flag */
	uint64_t root_dev;        /* of the host */
	int fds_max;              /* fds kept for later opens */
	struct gindex *index;     /* of a sealed tree: what there is to know of it; NULL: ask the gofer */
	/* protected by table_lock (RANK_LOWER_TABLE): inodes by the host's identity, so that hard links are one inode; no references */
	struct lock table_lock;
	struct ginode *table[GINODE_BUCKETS];
	struct list pinned;       /* inodes whose owner only the sentry knows; one reference each */
	/* atomic */
	_Atomic int fds;          /* kept */
	struct gfd *_Atomic sync_fd; /* referenced; some fd that can be written to: what sync(2) names the host's file system by; NULL: none yet */
	_Atomic uint64_t changes; /* of any attribute or directory here: listings of before tell names, not attributes */
};

/* An fd that the gofer donated; shared by the inode that keeps it and the open files that use it. */
struct gfd {
	struct ref ref;
	int fd;
	bool writable;
};

struct ginode {
	struct inode inode;
	/* immutable */
	struct gofer_super *gs;
	uint64_t host_dev, host_ino;
	struct ginode *parent;    /* referenced; where `name` leads here, for inodes that came from a listing. NULL: came with a handle */
	char *name;
	/* protected by the super's table_lock */
	struct ginode *hash_next;
	struct list pin;          /* on pinned */
	/* protected by lock (RANK_LOWER) */
	struct lock lock;
	uint32_t handle;          /* GOFER_NO_HANDLE until it is needed */
	struct gfd *kept_read, *kept_write; /* referenced */
	struct glisting *listing; /* referenced; NULL: unknown */
	char *target;             /* of a symlink, once known; with its NUL */
	/* one name of this directory that was asked for ahead of its look-up: an inode (referenced), or NULL for a name that is not there */
	char *ahead_name;         /* NULL: none */
	struct ginode *ahead;
	uint32_t number;          /* of a directory in the super's index */
	uint32_t lookups;         /* asked of the gofer in this directory */
	/* protected by inode.lock */
	bool virtual_owner;       /* uid and gid are the sentry's: the gofer may not chown */
	uint32_t virtual_setid;   /* S_ISUID, S_ISGID as the guest set them where the gofer stores none (nosuid) */
	struct filemap_slot map;  /* for reads; of caching supers only, which know the size */
	_Atomic bool stale;       /* attributes changed by a write: ask before showing them */
	_Atomic bool removed;     /* a name of it was taken away: with its last handle its space may come free */
};

static inline struct ginode *ginode_of(struct inode *i)
{
	return container_of(i, struct ginode, inode);
}

static inline struct gofer_name gname(const char *name)
{
	return (struct gofer_name){ .s = name, .len = (uint16_t)__builtin_strlen(name) };
}

/*
 * The inode of that identity, made if it is not known: referenced. Takes over e->handle (it is given back where the inode has one). parent
 * and name: for entries without a handle. NULL when memory is out.
 */
struct ginode *ginode_make(struct gofer_super *, const struct gofer_attr *, uint32_t handle, struct ginode *parent, const char *name,
			   uint32_t len);
void ginode_destroy(struct inode *);
void ginode_set_attr(struct ginode *, const struct gofer_attr *);
/* Attributes of this filesystem changed. */
void ginode_changed(struct ginode *);
/*
 * gofer_walk() (flags 0) or gofer_walk_open() (GOFER_OPEN_*) of one name, which gets a handle. When the gofer has no more of them, what
 * only the cache holds is let go and the call is made again.
 */
int ginode_walk(struct gofer_super *, uint32_t dir, struct gofer_name, uint32_t flags, struct gofer_entry *, char *link, size_t link_size,
		struct gofer_walked *);
/* A handle for it: 0 and *out, or negative errno. */
int ginode_handle(struct ginode *, uint32_t *out);
/* An fd of a regular file: kept or asked for; *out referenced. truncate is the caller's. */
int ginode_fd(struct ginode *, bool write, struct gfd **out);
/* Keeps an fd that came with another call (takes it over). */
void ginode_keep_fd(struct ginode *, int fd, bool writable);
void gfd_put(struct gfd *);
/* Owner and set-id bits as the guest wants them, where the gofer may not store them. */
void ginode_own(struct ginode *, uint32_t uid, uint32_t gid);
void ginode_set_setid(struct ginode *, uint32_t bits);
void ginode_unpin_all(struct gofer_super *);

extern const struct inode_ops goferfs_dir_ops, goferfs_shared_dir_ops, goferfs_file_ops, goferfs_link_ops, goferfs_special_ops;

/* Of any type; goferfs.c */
int goferfs_getattr(struct inode *, struct attr *);
int goferfs_setattr(struct inode *, const struct setattr *);
int64_t goferfs_getxattr(struct inode *, const char *, void *, size_t);
int goferfs_setxattr(struct inode *, const char *, const void *, size_t, int);
int64_t goferfs_listxattr(struct inode *, char *, size_t);
int goferfs_removexattr(struct inode *, const char *);
#define GOFERFS_ANY_TYPE                                                                           \
	.getattr = goferfs_getattr, .setattr = goferfs_setattr, .getxattr = goferfs_getxattr,      \
	.setxattr = goferfs_setxattr, .listxattr = goferfs_listxattr,                              \
	.removexattr = goferfs_removexattr, .destroy = ginode_destroy

/*
 * Up to n bytes at pos of a donated fd. slot: the inode's, where n stays below the known end of the file; else NULL. Bytes (less only at the
 * end of the file), negative errno, SYS_BLOCKED; goferfs_read.c.
 */
int64_t goferfs_read_fd(struct task *, struct uio *, int fd, int64_t pos, uint64_t n, struct filemap_slot *slot, int64_t size);
int goferfs_open_file(struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);

/* A directory's names and attributes as one piece; goferfs_list.c. */
struct glisting *glisting_get(struct ginode *dir, bool fetch, int *err); /* referenced; NULL: unknown, or *err says why it could not be fetched */
void glisting_put(struct glisting *);
void glisting_drop(struct ginode *dir);
/* NULL: no such name. */
const struct gofer_dirent *glisting_find(const struct glisting *, const char *name, uint32_t len);
/* Do the attributes in it still hold? */
bool glisting_fresh(const struct glisting *, const struct gofer_super *);
int goferfs_list(struct inode *dir, struct task *, struct dirlist *);

/* The inode number that the guest sees. */
uint64_t goferfs_ino(const struct gofer_super *, uint64_t dev, uint64_t ino);

#endif
