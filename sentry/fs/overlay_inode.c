/* The overlay's inodes: found by their lower inode, pinned while they differ from it. */
#include "sentry/fs/overlay_inode.h"
#include "sentry/fs/overlay_lazy.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

static struct ovl_inode **bucket(struct ovl_super *os, const struct inode *lower)
{
	return &os->table[hash_u64((uintptr_t)lower, 0) % OVL_BUCKETS];
}

static const struct inode_ops *ops_of(uint32_t mode)
{
	switch (mode & LX_S_IFMT) {
	case LX_S_IFDIR:
		return &ovl_dir_ops;
	case LX_S_IFREG:
		return &ovl_file_ops;
	case LX_S_IFLNK:
		return &ovl_link_ops;
	default:
		return &ovl_special_ops;
	}
}

static struct ovl_inode *alloc(struct ovl_super *os, uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct ovl_inode *o = mem_zalloc(sizeof(*o));

	if (!o)
		return NULL;
	inode_init(&o->inode, ops_of(mode), &os->super, mode, uid, gid);
	o->os = os;
	lock_init(&o->copy_lock, RANK_COPY_UP, "overlay copy-up");
	memdata_init(&o->data, &os->quota);
	o->xattrs.quota = &os->quota;
	dirtab_init(&o->dir);
	return o;
}

struct ovl_inode *ovl_new(struct ovl_super *os, const struct create_how *how)
{
	struct ovl_inode *o = alloc(os, how->mode, how->uid, how->gid);

	if (!o)
		return NULL;
	o->inode.attr.rdev = how->rdev;
	atomic_store(&o->upper, true);
	if (LX_S_ISLNK(how->mode))
		o->target = mem_strdup(how->target);
	if ((LX_S_ISLNK(how->mode) && !o->target) || memdata_count_inode(&o->data) < 0 ||
	    memdata_count_target(&o->data, o->target ? strlen(o->target) : 0) < 0) {
		inode_put(&o->inode);
		return NULL;
	}
	if (!LX_S_ISLNK(how->mode))
		return o;
	o->inode.attr.size = (int64_t)strlen(how->target);
	return o;
}

/* Referenced, or NULL; table_lock held. */
static struct ovl_inode *find(struct ovl_super *os, const struct inode *lower)
{
	for (struct ovl_inode *o = *bucket(os, lower); o; o = o->hash_next) {
		if (o->lower == lower && ref_get_unless_zero(&o->inode.ref))
			return o;
	}
	return NULL;
}

static struct ovl_inode *find_locked(struct ovl_super *os, const struct inode *lower)
{
	LOCK_GUARD(&os->table_lock);
	return find(os, lower);
}

/* Puts a fresh inode into the table unless another thread was faster: which one it is now, referenced. */
static struct ovl_inode *publish(struct ovl_super *os, struct ovl_inode *fresh)
{
	struct ovl_inode **at = bucket(os, fresh->lower), *known;

	LOCK_GUARD(&os->table_lock);
	known = find(os, fresh->lower);
	if (known)
		return known;
	fresh->hash_next = *at;
	*at = fresh;
	return fresh;
}

struct ovl_inode *ovl_wrap(struct ovl_super *os, struct inode *lower)
{
	struct ovl_inode *o = find_locked(os, lower), *fresh;
	struct attr a;

	if (o) {
		inode_put(lower);
		return o;
	}
	inode_attr(lower, &a);
	fresh = alloc(os, a.mode, a.uid, a.gid);
	if (!fresh) {
		inode_put(lower);
		return NULL;
	}
	fresh->lower = lower;
	fresh->inode.attr = a;
	o = publish(os, fresh);
	if (o != fresh)
		inode_put(&fresh->inode);
	return o;
}

void ovl_pin(struct ovl_inode *o)
{
	if (!o->lower)
		return;
	LOCK_GUARD(&o->os->table_lock);
	if (!o->pinned) {
		o->pinned = true;
		inode_get(&o->inode);
	}
}

void ovl_unpin(struct ovl_inode *o)
{
	bool was;

	lock_take(&o->os->table_lock);
	was = o->pinned;
	o->pinned = false;
	lock_drop(&o->os->table_lock);
	if (was)
		inode_put(&o->inode);
}

static void table_remove(struct ovl_inode *o)
{
	struct ovl_inode **at = bucket(o->os, o->lower);

	LOCK_GUARD(&o->os->table_lock);
	while (*at && *at != o)
		at = &(*at)->hash_next;
	if (*at)
		*at = o->hash_next;
}

void ovl_destroy(struct inode *i)
{
	struct ovl_inode *o = ovl_of(i);

	if (o->lower)
		table_remove(o);
	ovl_lazy_free(o);
	memdata_free(&o->data);
	dirtab_free(&o->dir);
	xattrs_free(&o->xattrs);
	inode_put(o->lower);
	mem_free(o->target);
	mem_free(o);
}
