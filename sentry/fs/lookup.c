/* One name in one directory: the dentry cache first, the filesystem second. */
#include <errno.h>
#include <string.h>

#include "abi/types.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/walk.h"

/* The filesystem may have changed behind our back: is what the cache says still so? */
static bool still_true(struct dentry *dir, struct dentry *d, const char *name, uint32_t len)
{
	char copy[LX_NAME_MAX + 1];

	if (!dir->inode->ops->revalidate || atomic_load(&d->mounts) > 0)
		return true;
	memcpy(copy, name, len);
	copy[len] = 0;
	return dir->inode->ops->revalidate(dir->inode, copy, d->inode);
}

/* From the cache: 0 with *out, -ENOENT for a negative entry, 1 when it does not know. */
static int cached(struct dentry *dir, const char *name, uint32_t len, uint64_t hash, struct dentry **out)
{
	struct dentry *d = dcache_find(dir, name, len, hash);

	if (!d)
		return 1;
	if (!still_true(dir, d, name, len)) {
		dcache_drop(d);
		dentry_put(d);
		return 1;
	}
	if (!d->inode) {
		dentry_put(d);
		return -ENOENT;
	}
	*out = d;
	return 0;
}

int dir_added(struct dentry *dir, const char *name, uint32_t len, struct inode *inode, struct dentry **out)
{
	struct dentry *d = dentry_new(dir, name, len, inode);

	if (!d)
		return -ENOMEM;
	if (!dir->inode->super->nodentries)
		dcache_add(d, dentry_hash(dir, name, len));
	if (out)
		*out = d;
	else
		dentry_put(d);
	return 0;
}

/* Asks the filesystem and remembers the answer; dir_lock held. */
static int ask(struct dentry *dir, const char *name, uint32_t len, struct dentry **out)
{
	const struct inode_ops *ops = dir->inode->ops;
	struct inode *found = NULL;
	char copy[LX_NAME_MAX + 1];
	int ret;

	if (!ops->lookup)
		return -ENOENT;
	memcpy(copy, name, len);
	copy[len] = 0;
	ret = ops->lookup(dir->inode, copy, &found);
	if (ret == -ENOENT && !ops->revalidate && !dir->inode->super->nodentries)
		dir_added(dir, name, len, NULL, NULL);
	if (ret < 0)
		return ret;
	ret = dir_added(dir, name, len, found, out);
	inode_put(found);
	return ret;
}

int dir_lookup_locked(struct dentry *dir, const char *name, uint32_t len, struct dentry **out)
{
	int ret = cached(dir, name, len, dentry_hash(dir, name, len), out);

	return ret == 1 ? ask(dir, name, len, out) : ret;
}

struct dentry *dir_peek(struct dentry *dir, const char *name, uint32_t len)
{
	struct dentry *d = dir->inode->ops->revalidate ? dcache_find(dir, name, len, dentry_hash(dir, name, len)) : NULL;

	if (d && !d->inode) {
		dentry_put(d);
		return NULL;
	}
	return d;
}

int dir_lookup_ahead(struct dentry *dir, const char *name, uint32_t len, const char *rest, bool open, struct dentry **out)
{
	uint64_t hash = dentry_hash(dir, name, len);
	int ret = cached(dir, name, len, hash, out);

	if (ret != 1)
		return ret;
	LOCK_GUARD(&dir->inode->dir_lock);
	ret = cached(dir, name, len, hash, out);
	if (ret != 1)
		return ret;
	if (rest && dir->inode->ops->prefetch)
		dir->inode->ops->prefetch(dir->inode, rest, open);
	return ask(dir, name, len, out);
}

int dir_lookup_cached(struct dentry *dir, const char *name, uint32_t len, struct dentry **out)
{
	int ret = dir->inode->ops->revalidate ? 1 : cached(dir, name, len, dentry_hash(dir, name, len), out);

	return ret == 1 ? -EAGAIN : ret;
}

int dir_lookup(struct dentry *dir, const char *name, uint32_t len, struct dentry **out)
{
	return dir_lookup_ahead(dir, name, len, NULL, false, out);
}
