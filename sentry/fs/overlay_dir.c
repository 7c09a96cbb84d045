/* The overlay's directories: what was changed, in a table, before what lies below. */
#include <errno.h>
#include <string.h>

#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/dirfile.h"
#include "sentry/fs/overlay_inode.h"

static int ovl_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct ovl_inode *d = ovl_of(dir), *o;
	const struct dirtab_entry *e = dirtab_find(&d->dir, name, (uint32_t)strlen(name));
	struct inode *lower;
	int ret;

	if (e && !e->inode)
		return -ENOENT;
	if (e) {
		*out = inode_get(e->inode);
		return 0;
	}
	if (!d->lower)
		return -ENOENT;
	ret = d->lower->ops->lookup(d->lower, name, &lower);
	if (ret < 0)
		return ret;
	o = ovl_wrap(d->os, lower);
	if (!o)
		return -ENOMEM;
	*out = &o->inode;
	return 0;
}

static void ovl_prefetch(struct inode *dir, const char *rest, bool open)
{
	struct ovl_inode *d = ovl_of(dir);

	if (d->lower && d->lower->ops->prefetch && !dirtab_find(&d->dir, rest, (uint32_t)strcspn(rest, "/")))
		d->lower->ops->prefetch(d->lower, rest, open);
}

static void touched(struct inode *dir)
{
	struct timespec64 now = fs_now();

	lock_assert_held(&dir->lock);
	dir->attr.mtime = dir->attr.ctime = now;
}

/* Sets a name. covers: what has the name now is the lower directory's. subdirs: how the number of directories in it changes. */
static int set_name(struct inode *dir, const char *name, struct inode *inode, bool covers, int subdirs)
{
	struct ovl_inode *d = ovl_of(dir);
	uint32_t len = (uint32_t)strlen(name);
	struct dirtab_entry *e;
	int ret;

	ovl_pin(d);
	LOCK_GUARD(&dir->lock);
	if (d->dead)
		return -ENOENT;
	e = dirtab_find(&d->dir, name, len);
	covers = e ? e->covers : covers;
	ret = dirtab_set(&d->dir, name, len, inode);
	if (ret < 0)
		return ret;
	dirtab_find(&d->dir, name, len)->covers = covers;
	dir->attr.nlink += (uint32_t)subdirs;
	touched(dir);
	return 0;
}

/* Takes a name away: by a whiteout where it is (also) a name of the lower directory. */
static int clear_name(struct inode *dir, const char *name, int subdirs)
{
	struct ovl_inode *d = ovl_of(dir);
	uint32_t len = (uint32_t)strlen(name);
	const struct dirtab_entry *e;

	ovl_pin(d);
	LOCK_GUARD(&dir->lock);
	e = dirtab_find(&d->dir, name, len);
	if (e && !e->covers) {
		dirtab_remove(&d->dir, name, len);
	} else {
		if (dirtab_set(&d->dir, name, len, NULL) < 0)
			return -ENOMEM;
		dirtab_find(&d->dir, name, len)->covers = true;
	}
	dir->attr.nlink += (uint32_t)subdirs;
	touched(dir);
	return 0;
}

static void add_links(struct inode *i, int by)
{
	struct timespec64 now = fs_now();
	uint32_t left;

	lock_take(&i->lock);
	if (by < 0 && i->attr.nlink == 0)
		by = 0;
	i->attr.nlink += (uint32_t)by;
	i->attr.ctime = now;
	left = i->attr.nlink;
	lock_drop(&i->lock);
	if (by < 0)
		memdata_count_link(&ovl_of(i)->data, false);
	if (left == 0)
		ovl_unpin(ovl_of(i));
	else
		ovl_pin(ovl_of(i));
}

static int ovl_create(struct inode *dir, const char *name, const struct create_how *how, struct task *t, struct inode **out)
{
	struct ovl_inode *o = ovl_new(ovl_of(dir)->os, how);
	int ret;

	(void)t;
	if (!o)
		return -ENOSPC;
	ret = set_name(dir, name, &o->inode, false, LX_S_ISDIR(how->mode));
	if (ret < 0) {
		inode_put(&o->inode);
		return ret;
	}
	*out = &o->inode;
	return 0;
}

static int ovl_tmpfile(struct inode *dir, const struct create_how *how, struct task *t, struct inode **out)
{
	struct ovl_inode *o = ovl_new(ovl_of(dir)->os, how);

	(void)t;
	if (!o)
		return -ENOSPC;
	o->linkable = how->rdev == 0;
	o->inode.attr.nlink = 0;
	o->inode.attr.rdev = 0;
	*out = &o->inode;
	return 0;
}

static int ovl_link(struct inode *dir, const char *name, struct inode *target)
{
	int ret;

	if (target->attr.nlink == 0 && !ovl_of(target)->linkable)
		return -ENOENT;
	ret = memdata_count_link(&ovl_of(target)->data, true);
	if (ret < 0)
		return ret;
	ret = set_name(dir, name, target, false, 0);
	if (ret == 0)
		add_links(target, 1), ovl_of(target)->linkable = false;
	else
		memdata_count_link(&ovl_of(target)->data, false);
	return ret;
}

static int ovl_unlink(struct inode *dir, const char *name, struct inode *victim)
{
	int ret = clear_name(dir, name, 0);

	if (ret == 0)
		add_links(victim, -1);
	return ret;
}

/* Marks an empty directory as removed; `below` are the names of its lower directory. */
static int kill_if_empty(struct ovl_inode *o, const struct dirlist *below)
{
	LOCK_GUARD(&o->inode.lock);
	if (o->dir.count > 0)
		return -ENOTEMPTY;
	for (uint32_t i = 0; i < below->count; i++) {
		const struct dirlist_entry *e = &below->entries[i];

		if (!dirtab_find(&o->dir, below->names + e->name, e->len))
			return -ENOTEMPTY;
	}
	o->dead = true;
	o->inode.attr.nlink = 0;
	return 0;
}

static int kill_dir(struct inode *victim)
{
	struct ovl_inode *o = ovl_of(victim);
	struct dirlist below = { 0 };
	int ret = o->lower ? o->lower->ops->list(o->lower, NULL, &below) : 0;

	if (ret == 0)
		ret = kill_if_empty(o, &below);
	dirlist_free(&below);
	if (ret == 0)
		ovl_unpin(o);
	return ret;
}

static int ovl_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
	int ret = kill_dir(victim);

	return ret < 0 ? ret : clear_name(dir, name, -1);
}

/* The name exists and has no entry of its own: it comes from below. */
static bool from_below(struct inode *dir, const char *name)
{
	return !dirtab_find(&ovl_of(dir)->dir, name, (uint32_t)strlen(name));
}

static int exchange(struct inode *from, const char *name, struct inode *what, struct inode *to, const char *new_name,
		    struct inode *victim)
{
	int moved = (what->type == LX_S_IFDIR) - (victim->type == LX_S_IFDIR);
	bool covers_from = from_below(from, name), covers_to = from_below(to, new_name);
	int ret;

	inode_get(what); /* the tables' references are replaced one after the other */
	inode_get(victim);
	ret = set_name(from, name, victim, covers_from, -moved);
	if (ret == 0)
		ret = set_name(to, new_name, what, covers_to, moved);
	inode_put(what);
	inode_put(victim);
	if (ret == 0) {
		inode_touch(what, ATTR_CTIME);
		inode_touch(victim, ATTR_CTIME);
	}
	return ret;
}

static int ovl_rename(struct inode *from, const char *name, struct inode *what, struct inode *to, const char *new_name,
		      struct inode *victim, uint32_t flags)
{
	static const struct create_how whiteout = { .mode = LX_S_IFCHR };
	bool dir = what->type == LX_S_IFDIR;
	struct ovl_inode *left = NULL;
	int ret = 0;

	if (flags & LX_RENAME_EXCHANGE)
		return exchange(from, name, what, to, new_name, victim);
	if (victim && dir)
		ret = kill_dir(victim);
	if (ret == 0 && flags & LX_RENAME_WHITEOUT && !(left = ovl_new(ovl_of(from)->os, &whiteout)))
		ret = -ENOSPC;
	if (ret == 0)
		ret = set_name(to, new_name, what, victim && from_below(to, new_name), dir && !victim);
	if (ret < 0) {
		inode_put(left ? &left->inode : NULL);
		return ret;
	}
	if (victim && !dir)
		add_links(victim, -1);
	if (left) {
		ret = set_name(from, name, &left->inode, from_below(from, name), -(int)dir);
		inode_put(&left->inode);
	} else {
		ret = clear_name(from, name, -(int)dir);
	}
	inode_touch(what, ATTR_CTIME);
	ovl_pin(ovl_of(what));
	return ret;
}

static int list_above(struct ovl_inode *d, struct dirlist *list)
{
	const struct dirtab_entry *e;

	list_for_each(e, &d->dir.order, link) {
		if (e->inode && dirlist_add(list, e->name, e->len, e->inode->attr.ino,
					    (uint8_t)LX_DT_FROM_MODE(e->inode->type)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int ovl_list(struct inode *dir, struct task *t, struct dirlist *list)
{
	struct ovl_inode *d = ovl_of(dir);
	struct dirlist below = { 0 };
	int ret = d->lower && !d->dead ? d->lower->ops->list(d->lower, t, &below) : 0;

	for (uint32_t i = 0; i < below.count && ret == 0; i++) {
		const struct dirlist_entry *e = &below.entries[i];
		const char *name = below.names + e->name;

		if (!dirtab_find(&d->dir, name, e->len))
			ret = dirlist_add(list, name, e->len, e->ino, e->type);
	}
	dirlist_free(&below);
	return ret < 0 ? ret : list_above(d, list);
}

const struct inode_ops ovl_dir_ops = {
	OVL_ANY_TYPE,
	.lookup = ovl_lookup,
	.prefetch = ovl_prefetch,
	.create = ovl_create,
	.tmpfile = ovl_tmpfile,
	.link = ovl_link,
	.unlink = ovl_unlink,
	.rmdir = ovl_rmdir,
	.rename = ovl_rename,
	.list = ovl_list,
	.open = dirfile_open,
};
