/*
 * The dentry cache: names to inodes, so that a path that was walked before costs neither an allocation nor a call to a filesystem.
 *
 * A dentry says "this name in that directory is this inode" (or, negative: is nothing). Its inode never changes: a name that
 * comes to mean something else gets a new dentry, and the old one is dropped from the cache. A rename moves the dentry, so that what is
 * open or somebody's working directory is found under its new name.
 *
 * The cache holds one reference to each dentry that is hashed. One that nobody else holds may be evicted (clock order).
 *
 * Locks: the bucket locks and the LRU's (RANK_DCACHE), never two of them together; name and parent change under the tree lock
 * (RANK_DENTRY) alone. Walking a hashed chain needs only the bucket's lock, since a dentry is unhashed while it is being renamed.
 */
#ifndef SENTRY_FS_DENTRY_H
#define SENTRY_FS_DENTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/ref.h"

struct inode;

#define DENTRY_INLINE_NAME 32

struct dentry {
	struct ref ref;
	/* immutable after creation */
	struct inode *inode;        /* referenced; NULL: negative */
	/* protected by the tree lock; stable while hashed under the bucket's */
	struct dentry *parent;      /* referenced; NULL: a root, or never had a name */
	char *name;                 /* inl or allocated; NUL-terminated */
	uint32_t name_len;
	char inl[DENTRY_INLINE_NAME];
	/* protected by the bucket's lock */
	uint64_t hash;
	struct dentry *hash_next;
	bool hashed;
	/* protected by the LRU lock */
	struct list lru;
	/* atomic */
	atomic_bool recent;         /* found since the clock's hand last passed */
	atomic_bool unlinked;       /* its name was removed: path_name says " (deleted)" */
	atomic_int mounts;          /* mounted upon so many times */
};

/* Takes its own references to inode and parent. Not in the cache yet. NULL when memory is out. */
struct dentry *dentry_new(struct dentry *parent, const char *name, uint32_t len, struct inode *);
struct dentry *dentry_get(struct dentry *);
void dentry_put(struct dentry *);

uint64_t dentry_hash(const struct dentry *parent, const char *name, uint32_t len);
/* Referenced, or NULL. */
struct dentry *dcache_find(const struct dentry *parent, const char *name, uint32_t len, uint64_t hash);
/* Makes it found; what had the name is dropped. The directory's dir_lock is held by who may race. */
void dcache_add(struct dentry *, uint64_t hash);
/* No longer found. Harmless if it was not. */
void dcache_drop(struct dentry *);
/* dcache_drop, and it is known as deleted from now on. */
void dcache_unlink(struct dentry *);
/* Gives it another name (a copy) and parent. 0 or -ENOMEM with nothing changed. Both directories' dir_locks held. */
int dcache_move(struct dentry *, struct dentry *new_parent, const char *name, uint32_t len);
/* Swaps two dentries' names and parents. */
void dcache_exchange(struct dentry *, struct dentry *);
/* The parent, referenced; NULL for a root. */
struct dentry *dentry_parent(struct dentry *);
/* Calls fn, which must be short and take no lock, for `d` (unless skip_first) and what is above it, up to `top` and with it. */
void dentry_visit_up(struct dentry *d, const struct dentry *top, bool skip_first, void (*fn)(struct dentry *, void *), void *arg);
/* True when `d` is `top` or below it. */
bool dentry_is_below(struct dentry *d, const struct dentry *top);
/* Writes "/a/b" of the names from `top` (exclusive; NULL: the root) to d, ending at buf+len, and returns its start; NULL when it does not fit. */
char *dentry_names(struct dentry *d, const struct dentry *top, char *buf, size_t len);
/* Nothing of this filesystem is found any more: its last mount is gone. */
struct super;
void dcache_forget(const struct super *);
/*
 * Makes sure that whoever walks to this dentry finds this one, though its filesystem's names are not cached: something is being
 * mounted on it. 0, or -ENOENT when it has no name any more.
 */
int dcache_pin(struct dentry *);
/* Lets everything go that nobody uses. For unmount and for tests' baselines. */
void dcache_shrink(void);

#endif
