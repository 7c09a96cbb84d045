/* Landlock's checks about files: see landlock.h. Linux: security/landlock/fs.c. */
#include <errno.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/landlock_rights.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/vfs.h"

/* What each layer gives at a place, by its rules there and above. */
struct granted {
	const struct landlock_domain *domain;
	uint64_t rights[LX_LANDLOCK_MAX_LAYERS]; /* by layers - 1 */
};

static void add_here(struct dentry *d, void *arg)
{
	struct granted *g = arg;

	for (const struct landlock_domain *l = g->domain; l; l = l->parent)
		g->rights[l->layers - 1] |= landlock_path_rights(&l->rules, d->inode);
}

/* `d` lies in the mount. What is mounted upon is hidden, and gives nothing. */
static void collect(struct granted *g, const struct mount *m, struct dentry *d)
{
	bool hidden = false;

	LOCK_GUARD(&mount_lock);
	for (;;) {
		dentry_visit_up(d, m->root, hidden, add_here, g);
		if (!m->at.mount)
			return;
		d = m->at.dentry;
		m = m->at.mount;
		hidden = true;
	}
}

/* A layer that handles anything about files handles the moving of files too, since that could take them from under its rules. */
static uint64_t handled(const struct landlock_domain *l)
{
	return l->rules.handled_fs ? l->rules.handled_fs | LX_LANDLOCK_FS_REFER : 0;
}

static uint64_t missing(const struct granted *g, uint64_t rights)
{
	uint64_t out = 0;

	for (const struct landlock_domain *l = g->domain; l; l = l->parent)
		out |= rights & handled(l) & ~g->rights[l->layers - 1];
	return out;
}

static bool applies(const struct cred *c, const struct path *p)
{
	return __builtin_expect(c && c->landlock != NULL, 0) && c->landlock->any_fs && p->dentry && p->mount != anon_mount();
}

static uint64_t missing_at(const struct cred *c, const struct path *p, uint64_t rights)
{
	struct granted g = { .domain = c->landlock };

	collect(&g, p->mount, p->dentry);
	return missing(&g, rights);
}

int landlock_may(const struct cred *c, const struct path *p, uint64_t rights)
{
	return applies(c, p) && missing_at(c, p, rights) ? -EACCES : 0;
}

int landlock_may_open(const struct cred *c, const struct path *p, uint32_t flags)
{
	uint32_t mode = flags & LX_O_ACCMODE;
	uint64_t rights = 0;

	if (!applies(c, p) || (flags & LX_O_PATH))
		return 0;
	if (mode != LX_O_WRONLY)
		rights |= path_inode(p)->type == LX_S_IFDIR ? LX_LANDLOCK_FS_READ_DIR : LX_LANDLOCK_FS_READ_FILE;
	if (mode == LX_O_WRONLY || mode == LX_O_RDWR)
		rights |= LX_LANDLOCK_FS_WRITE_FILE;
	if ((flags & LX_O_TRUNC) && path_inode(p)->type == LX_S_IFREG)
		rights |= LX_LANDLOCK_FS_TRUNCATE;
	return landlock_may(c, p, rights);
}

uint64_t landlock_denied_later(const struct cred *c, const struct path *p)
{
	return applies(c, p) ? missing_at(c, p, LX_LANDLOCK_FS_TRUNCATE | LX_LANDLOCK_FS_IOCTL_DEV) : 0;
}

static uint64_t make_right(uint32_t type)
{
	switch (type) {
	case LX_S_IFLNK: return LX_LANDLOCK_FS_MAKE_SYM;
	case LX_S_IFDIR: return LX_LANDLOCK_FS_MAKE_DIR;
	case LX_S_IFCHR: return LX_LANDLOCK_FS_MAKE_CHAR;
	case LX_S_IFBLK: return LX_LANDLOCK_FS_MAKE_BLOCK;
	case LX_S_IFIFO: return LX_LANDLOCK_FS_MAKE_FIFO;
	case LX_S_IFSOCK: return LX_LANDLOCK_FS_MAKE_SOCK;
	default: return LX_LANDLOCK_FS_MAKE_REG;
	}
}

static uint64_t remove_right(bool is_dir)
{
	return is_dir ? LX_LANDLOCK_FS_REMOVE_DIR : LX_LANDLOCK_FS_REMOVE_FILE;
}

int landlock_may_create(const struct cred *c, const struct path *dir, uint32_t mode)
{
	return landlock_may(c, dir, make_right(mode & LX_S_IFMT));
}

int landlock_may_remove(const struct cred *c, const struct path *dir, bool is_dir)
{
	return landlock_may(c, dir, remove_right(is_dir));
}

/* Would the file have a right at its new place that it lacks where it is? What cannot be a right of a file does not count for one. */
static bool gains(const struct cred *c, const struct path *from_dir, struct dentry *what, const struct granted *to)
{
	uint64_t meant = what->inode->type == LX_S_IFDIR ? LX_LANDLOCK_FS_ALL : LX_LANDLOCK_FS_FILE;
	struct granted now = { .domain = c->landlock };

	collect(&now, from_dir->mount, what);
	for (const struct landlock_domain *l = c->landlock; l; l = l->parent)
		if (to->rights[l->layers - 1] & ~now.rights[l->layers - 1] & handled(l) & meant)
			return true;
	return false;
}

int landlock_may_refer(const struct cred *c, int how, const struct path *from_dir, struct dentry *what, const struct path *to_dir,
		       struct dentry *victim)
{
	struct granted from = { .domain = c ? c->landlock : NULL }, to = from;
	uint64_t at_from = 0, at_to, lack;

	if (!applies(c, to_dir))
		return 0;
	at_to = make_right(what->inode->type);
	if (how == LANDLOCK_EXCHANGE)
		at_from |= make_right(victim->inode->type);
	if (how != LANDLOCK_LINK) {
		at_from |= remove_right(what->inode->type == LX_S_IFDIR);
		at_to |= victim ? remove_right(victim->inode->type == LX_S_IFDIR) : 0;
	}
	if (from_dir->dentry->inode == to_dir->dentry->inode)
		return landlock_may(c, to_dir, at_from | at_to);
	collect(&from, from_dir->mount, from_dir->dentry);
	collect(&to, to_dir->mount, to_dir->dentry);
	lack = missing(&from, at_from | LX_LANDLOCK_FS_REFER) | missing(&to, at_to | LX_LANDLOCK_FS_REFER);
	if (lack & ~LX_LANDLOCK_FS_REFER)
		return -EACCES;
	/* So that programs do as they do for a rename between filesystems: copy. */
	if (lack || gains(c, from_dir, what, &to) || (how == LANDLOCK_EXCHANGE && gains(c, to_dir, victim, &from)))
		return -EXDEV;
	return 0;
}
