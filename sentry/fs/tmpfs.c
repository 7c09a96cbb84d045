/* tmpfs: supers, inodes and directories. Open files are in tmpfs_file.c. */
#include "sentry/fs/tmpfs.h"

#include <errno.h>
#include <string.h>

#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/dirfile.h"
#include "sentry/fs/memfile.h"
#include "sentry/fs/tmpfs_file.h"
#include "sentry/fs/vfs.h"

static struct tmpfs_inode *of(struct inode *i)
{
	return container_of(i, struct tmpfs_inode, inode);
}

static int tmpfs_lookup(struct inode *dir, const char *name, struct inode **out)
{
	const struct dirtab_entry *e = dirtab_find(&of(dir)->dir, name, (uint32_t)strlen(name));

	if (!e)
		return -ENOENT;
	*out = inode_get(e->inode);
	return 0;
}

static void dir_changed(struct inode *dir)
{
	struct timespec64 now = fs_now();

	lock_assert_held(&dir->lock);
	dir->attr.mtime = dir->attr.ctime = now;
	dir->attr.size = (int64_t)of(dir)->dir.count * 20;
}

static void add_links(struct inode *i, int by)
{
	struct timespec64 now = fs_now();

	lock_take(&i->lock);
	i->attr.nlink += (uint32_t)by;
	i->attr.ctime = now;
	lock_drop(&i->lock);
	if (by < 0)
		memdata_count_link(&of(i)->data, false);
}

/* Sets (inode NULL: removes) a name; subdirs: how the number of directories in it changes. -ENOENT in a removed directory. */
static int change(struct inode *dir, const char *name, struct inode *inode, int subdirs)
{
	struct tmpfs_inode *d = of(dir);
	int ret = 0;

	LOCK_GUARD(&dir->lock);
	if (d->dead)
		return -ENOENT;
	if (inode)
		ret = dirtab_set(&d->dir, name, (uint32_t)strlen(name), inode);
	else
		dirtab_remove(&d->dir, name, (uint32_t)strlen(name));
	if (ret == 0) {
		dir->attr.nlink += (uint32_t)subdirs;
		dir_changed(dir);
	}
	return ret;
}

static int tmpfs_create_inode(struct inode *dir, const char *name, const struct create_how *how, struct task *t, struct inode **out)
{
	struct tmpfs_inode *i = tmpfs_inode_new(dir->super, how);
	int ret;

	(void)t;
	if (!i)
		return -ENOSPC;
	ret = change(dir, name, &i->inode, LX_S_ISDIR(how->mode));
	if (ret < 0) {
		inode_put(&i->inode);
		return ret;
	}
	*out = &i->inode;
	return 0;
}

int tmpfs_add(struct inode *dir, const char *name, struct inode *i)
{
	LOCK_GUARD(&dir->dir_lock);
	if (dirtab_find(&of(dir)->dir, name, (uint32_t)strlen(name)))
		return -EEXIST;
	return change(dir, name, i, i->type == LX_S_IFDIR);
}

static int tmpfs_tmpfile(struct inode *dir, const struct create_how *how, struct task *t, struct inode **out)
{
	struct tmpfs_inode *i = tmpfs_inode_new(dir->super, how);

	(void)t;
	if (!i)
		return -ENOSPC;
	i->linkable = how->rdev == 0;
	i->inode.attr.nlink = 0;
	i->inode.attr.rdev = 0;
	*out = &i->inode;
	return 0;
}

static int tmpfs_link(struct inode *dir, const char *name, struct inode *target)
{
	int ret;

	if (target->attr.nlink == 0 && !of(target)->linkable)
		return -ENOENT;
	ret = memdata_count_link(&of(target)->data, true);
	if (ret < 0)
		return ret;
	ret = change(dir, name, target, 0);
	if (ret == 0)
		add_links(target, 1), of(target)->linkable = false;
	else
		memdata_count_link(&of(target)->data, false);
	return ret;
}

static int tmpfs_unlink(struct inode *dir, const char *name, struct inode *victim)
{
	int ret = change(dir, name, NULL, 0);

	if (ret == 0)
		add_links(victim, -1);
	return ret;
}

/* An empty directory takes no more names from here on. */
static int kill_dir(struct inode *victim)
{
	LOCK_GUARD(&victim->lock);
	if (of(victim)->dir.count > 0)
		return -ENOTEMPTY;
	of(victim)->dead = true;
	victim->attr.nlink = 0;
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
	int ret = kill_dir(victim);

	return ret < 0 ? ret : change(dir, name, NULL, -1);
}

static int exchange(struct inode *from, const char *name, struct inode *what, struct inode *to, const char *new_name,
		    struct inode *victim)
{
	int moved = (what->type == LX_S_IFDIR) - (victim->type == LX_S_IFDIR), ret;

	inode_get(what); /* the table's references are replaced one after the other */
	inode_get(victim);
	ret = change(from, name, victim, -moved);
	if (ret == 0)
		ret = change(to, new_name, what, moved);
	inode_put(what);
	inode_put(victim);
	if (ret == 0) {
		inode_touch(what, ATTR_CTIME);
		inode_touch(victim, ATTR_CTIME);
	}
	return ret;
}

static int tmpfs_rename(struct inode *from, const char *name, struct inode *what, struct inode *to, const char *new_name,
			struct inode *victim, uint32_t flags)
{
	static const struct create_how whiteout = { .mode = LX_S_IFCHR };
	bool dir = what->type == LX_S_IFDIR;
	struct tmpfs_inode *left = NULL;
	int ret;

	if (flags & LX_RENAME_EXCHANGE)
		return exchange(from, name, what, to, new_name, victim);
	if (victim && dir) {
		ret = kill_dir(victim);
		if (ret < 0)
			return ret;
	}
	if (flags & LX_RENAME_WHITEOUT && !(left = tmpfs_inode_new(from->super, &whiteout)))
		return -ENOSPC;
	ret = change(to, new_name, what, dir && !victim);
	if (ret < 0) {
		inode_put(left ? &left->inode : NULL);
		return ret;
	}
	if (victim && !dir)
		add_links(victim, -1);
	change(from, name, left ? &left->inode : NULL, -(int)dir);
	inode_put(left ? &left->inode : NULL);
	inode_touch(what, ATTR_CTIME);
	return 0;
}

static int tmpfs_getattr(struct inode *i, struct attr *out)
{
	inode_attr(i, out);
	if (i->type == LX_S_IFREG) {
		out->size = of(i)->data.size;
		out->blocks = memdata_blocks(&of(i)->data);
	}
	return 0;
}

static int tmpfs_setattr(struct inode *i, const struct setattr *s)
{
	struct setattr rest = *s;
	int ret = 0;

	if (s->valid & ATTR_MODE && of(i)->data.seals & LX_F_SEAL_EXEC && (s->mode ^ i->attr.mode) & 0111)
		return -EPERM;
	if (s->valid & ATTR_SIZE)
		ret = memfile_resize(i, &of(i)->data, s->size);
	rest.valid &= ~(uint32_t)ATTR_SIZE;
	if (ret == 0 && rest.valid)
		inode_apply(i, &rest);
	return ret;
}

static int64_t tmpfs_readlink(struct inode *i, struct task *t, char *buf, size_t len)
{
	size_t n = strlen(of(i)->target);

	(void)t;
	if (n > len)
		n = len;
	memcpy(buf, of(i)->target, n);
	return (int64_t)n;
}

static int64_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t len)
{
	LOCK_GUARD(&i->lock);
	return xattrs_get(&of(i)->xattrs, name, buf, len);
}

static int tmpfs_setxattr(struct inode *i, const char *name, const void *buf, size_t len, int flags)
{
	LOCK_GUARD(&i->lock);
	return xattrs_set(&of(i)->xattrs, name, buf, len, flags);
}

static int64_t tmpfs_listxattr(struct inode *i, char *buf, size_t len)
{
	LOCK_GUARD(&i->lock);
	return xattrs_list(&of(i)->xattrs, buf, len);
}

static int tmpfs_removexattr(struct inode *i, const char *name)
{
	LOCK_GUARD(&i->lock);
	return xattrs_remove(&of(i)->xattrs, name);
}

static void tmpfs_destroy(struct inode *i)
{
	struct tmpfs_inode *ti = of(i);

	atomic_fetch_sub(&container_of(i->super, struct tmpfs_super, super)->inodes, 1);
	memdata_free(&ti->data);
	if (i->type == LX_S_IFDIR)
		dirtab_free(&ti->dir);
	xattrs_free(&ti->xattrs);
	mem_free(ti->target);
	mem_free(ti);
}

static int tmpfs_list(struct inode *dir, struct task *t, struct dirlist *list)
{
	const struct dirtab_entry *e;

	(void)t;
	list_for_each(e, &of(dir)->dir.order, link) {
		if (dirlist_add(list, e->name, e->len, e->inode->attr.ino, (uint8_t)LX_DT_FROM_MODE(e->inode->type)) < 0)
			return -ENOMEM;
	}
	return 0;
}

#define ANY_TYPE                                                                               \
	.getattr = tmpfs_getattr, .setattr = tmpfs_setattr, .getxattr = tmpfs_getxattr,        \
	.setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr,                              \
	.removexattr = tmpfs_removexattr, .destroy = tmpfs_destroy

static const struct inode_ops dir_ops = {
	ANY_TYPE,
	.lookup = tmpfs_lookup,
	.create = tmpfs_create_inode,
	.tmpfile = tmpfs_tmpfile,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.list = tmpfs_list,
	.open = dirfile_open,
};
static const struct inode_ops file_ops = { ANY_TYPE, .open = tmpfs_open_file };
static const struct inode_ops link_ops = { ANY_TYPE, .readlink = tmpfs_readlink };
static const struct inode_ops special_ops = { ANY_TYPE };

static const struct inode_ops *ops_of(uint32_t mode)
{
	switch (mode & LX_S_IFMT) {
	case LX_S_IFDIR:
		return &dir_ops;
	case LX_S_IFREG:
		return &file_ops;
	case LX_S_IFLNK:
		return &link_ops;
	default:
		return &special_ops;
	}
}

struct tmpfs_inode *tmpfs_inode_new(struct super *s, const struct create_how *how)
{
	struct tmpfs_super *ts = container_of(s, struct tmpfs_super, super);
	struct memquota *quota = &ts->quota;
	struct tmpfs_inode *i;

	if (ts->inodes_max && atomic_load(&ts->inodes) >= (int64_t)ts->inodes_max)
		return NULL;
	i = mem_zalloc(sizeof(*i));
	if (!i)
		return NULL;
	if (LX_S_ISLNK(how->mode)) {
		i->target = mem_strdup(how->target);
		if (!i->target) {
			mem_free(i);
			return NULL;
		}
	}
	atomic_fetch_add(&ts->inodes, 1);
	inode_init(&i->inode, ops_of(how->mode), s, how->mode, how->uid, how->gid);
	i->inode.attr.rdev = how->rdev;
	if (LX_S_ISLNK(how->mode))
		i->inode.attr.size = (int64_t)strlen(how->target);
	memdata_init(&i->data, quota);
	i->xattrs.quota = quota;
	dirtab_init(&i->dir);
	if (memdata_count_inode(&i->data) < 0 || memdata_count_target(&i->data, i->target ? strlen(i->target) : 0) < 0) {
		inode_put(&i->inode);
		return NULL;
	}
	return i;
}

static int tmpfs_statfs(struct super *s, struct lx_statfs *out)
{
	const struct tmpfs_super *ts = container_of(s, struct tmpfs_super, super);
	uint64_t max = ts->inodes_max, inodes = (uint64_t)atomic_load(&ts->inodes);

	*out = (struct lx_statfs){ .f_type = LX_TMPFS_MAGIC, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = LX_NAME_MAX };
	memquota_statfs(&container_of(s, struct tmpfs_super, super)->quota, out);
	if (max) {
		out->f_files = max;
		out->f_ffree = max > inodes ? max - inodes : 0;
	}
	return 0;
}

static void tmpfs_super_destroy(struct super *s)
{
	mem_free(container_of(s, struct tmpfs_super, super));
}

static const struct super_ops super_ops = {
	.statfs = tmpfs_statfs,
	.reconfigure = tmpfs_reconfigure,
	.destroy = tmpfs_super_destroy,
};

struct super *tmpfs_create(struct kernel *k, uint64_t size, uint32_t mode)
{
	struct tmpfs_super *s = mem_zalloc(sizeof(*s));
	struct create_how how = { .mode = LX_S_IFDIR | (mode & LX_S_IALLUGO) };
	struct tmpfs_inode *root;

	if (!s)
		return NULL;
	super_init(&s->super, &super_ops, "tmpfs");
	s->super.handles = s->super.acls = s->super.fileattr = true;
	memquota_init(&s->quota, k, size);
	root = tmpfs_inode_new(&s->super, &how);
	if (!root) {
		mem_free(s);
		return NULL;
	}
	s->super.root = &root->inode;
	return &s->super;
}
