/* The overlay's super, and what can be done with an inode of any type. */
#include "sentry/fs/overlay.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/memfile.h"
#include "sentry/fs/overlay_inode.h"
#include "sentry/fs/overlay_lazy.h"
#include "sentry/kernel/kernel.h"

/* Numbers of files that are only in memory, out of the way of the host's. */
#define FIRST_UPPER_INO (1ull << 48)

int ovl_getattr(struct inode *i, struct attr *out)
{
	struct ovl_inode *o = ovl_of(i);

	inode_attr(i, out);
	if (i->type == LX_S_IFREG && atomic_load(&o->upper)) {
		out->size = o->data.size;
		out->blocks = memdata_blocks(&o->data);
		if (ovl_lazy(o) && out->blocks < (uint64_t)(out->size + 511) / 512)
			out->blocks = (uint64_t)(out->size + 511) / 512;
	}
	return 0;
}

int ovl_setattr(struct inode *i, const struct setattr *s)
{
	struct ovl_inode *o = ovl_of(i);
	struct setattr rest = *s;
	int ret = 0;

	ovl_pin(o);
	if (s->valid & ATTR_SIZE) {
		ret = ovl_copy_up(o, NULL, s->size);
		if (ret == 0)
			ret = ovl_lazy_resize(o, s->size);
	}
	rest.valid &= ~(uint32_t)ATTR_SIZE;
	if (ret == 0 && rest.valid)
		inode_apply(i, &rest);
	return ret;
}

static int64_t ovl_readlink(struct inode *i, struct task *t, char *buf, size_t len)
{
	struct ovl_inode *o = ovl_of(i);
	size_t n;

	if (!o->target)
		return o->lower->ops->readlink(o->lower, t, buf, len);
	n = strlen(o->target);
	if (n > len)
		n = len;
	memcpy(buf, o->target, n);
	return (int64_t)n;
}

int64_t ovl_getxattr(struct inode *i, const char *name, void *buf, size_t len)
{
	struct ovl_inode *o = ovl_of(i);
	int64_t ret;

	lock_take(&i->lock);
	ret = xattrs_get(&o->xattrs, name, buf, len);
	lock_drop(&i->lock);
	if (ret == -ENODATA && o->lower && o->lower->ops->getxattr)
		ret = o->lower->ops->getxattr(o->lower, name, buf, len);
	return ret;
}

int ovl_setxattr(struct inode *i, const char *name, const void *buf, size_t len, int flags)
{
	ovl_pin(ovl_of(i));
	LOCK_GUARD(&i->lock);
	return xattrs_set(&ovl_of(i)->xattrs, name, buf, len, flags);
}

int64_t ovl_listxattr(struct inode *i, char *buf, size_t len)
{
	struct ovl_inode *o = ovl_of(i);
	int64_t ret;

	lock_take(&i->lock);
	ret = xattrs_list(&o->xattrs, buf, len);
	lock_drop(&i->lock);
	if (ret == 0 && o->lower && o->lower->ops->listxattr)
		ret = o->lower->ops->listxattr(o->lower, buf, len);
	return ret;
}

int ovl_removexattr(struct inode *i, const char *name)
{
	LOCK_GUARD(&i->lock);
	return xattrs_remove(&ovl_of(i)->xattrs, name);
}

const struct inode_ops ovl_file_ops = { OVL_ANY_TYPE, .open = ovl_open_file };
const struct inode_ops ovl_link_ops = { OVL_ANY_TYPE, .readlink = ovl_readlink };
const struct inode_ops ovl_special_ops = { OVL_ANY_TYPE };

static struct ovl_super *super_of(struct super *s)
{
	return container_of(s, struct ovl_super, super);
}

static int ovl_statfs(struct super *s, struct lx_statfs *out)
{
	*out = (struct lx_statfs){ .f_type = LX_OVERLAYFS_SUPER_MAGIC, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = LX_NAME_MAX };
	memquota_statfs(&super_of(s)->quota, out);
	return 0;
}

/* The first pinned inode of a chain, referenced, or NULL. */
static struct ovl_inode *pinned_in(struct ovl_super *os, uint32_t bucket)
{
	LOCK_GUARD(&os->table_lock);
	for (struct ovl_inode *o = os->table[bucket]; o; o = o->hash_next) {
		if (o->pinned) {
			inode_get(&o->inode);
			return o;
		}
	}
	return NULL;
}

static void ovl_shutdown(struct super *s)
{
	struct ovl_super *os = super_of(s);
	struct ovl_inode *o;

	for (uint32_t i = 0; i < OVL_BUCKETS; i++) {
		while ((o = pinned_in(os, i))) {
			ovl_unpin(o);
			inode_put(&o->inode);
		}
	}
}

static void ovl_super_destroy(struct super *s)
{
	struct ovl_super *os = super_of(s);

	super_put(os->lower);
	mem_free(os);
}

static const struct super_ops super_ops = { .statfs = ovl_statfs, .shutdown = ovl_shutdown, .destroy = ovl_super_destroy };

struct super *overlay_create(struct kernel *k, struct super *lower, uint64_t size)
{
	struct ovl_super *os = mem_zalloc(sizeof(*os));
	struct ovl_inode *root;

	if (!os) {
		super_put(lower);
		return NULL;
	}
	super_init(&os->super, &super_ops, "overlay");
	os->super.handles = os->super.acls = os->super.fileattr = true;
	atomic_store(&os->super.next_ino, FIRST_UPPER_INO);
	lock_init(&os->table_lock, RANK_LOWER_TABLE, "overlay table");
	memquota_init(&os->quota, k, size);
	os->lower = lower;
	root = ovl_wrap(os, inode_get(lower->root));
	if (!root) {
		super_put(lower);
		mem_free(os);
		return NULL;
	}
	os->super.root = &root->inode;
	return &os->super;
}
