/* goferfs: directories. Names are looked up in the cached listing where there is one, else at the gofer. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "abi/types.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/dirfile.h"
#include "sentry/fs/goferfs_index.h"
#include "sentry/fs/goferfs_inode.h"
#include "sentry/kernel/task.h"

/* Rough costs, for the choice between a listing and one more look-up: a call, and an entry of a listing (getdents and statx), in µs. */
#define CALL_COST 15u
#define ENTRY_COST 1u
#define BYTES_PER_ENTRY 32u

/* Has this directory been asked so often that its listing would have been the better question? */
static bool listing_pays(struct ginode *dir)
{
	uint64_t entries = (uint64_t)dir->inode.attr.size / BYTES_PER_ENTRY;

	LOCK_GUARD(&dir->lock);
	dir->lookups++;
	return dir->lookups >= 6 && (uint64_t)dir->lookups * CALL_COST > entries * ENTRY_COST;
}

static void keep_target(struct ginode *g, const char *link, size_t len)
{
	LOCK_GUARD(&g->lock);
	if (!g->target && g->gs->caching)
		g->target = mem_strndup(link, len);
}

/* Remembers what a name of the directory leads to (takes over the reference; NULL: to nothing) until it is looked up. */
static void set_ahead(struct ginode *dir, const char *name, uint32_t len, struct ginode *g)
{
	char *copy = name ? mem_strndup(name, len) : NULL, *old_name;
	struct ginode *old;

	if (!copy && g) {
		inode_put(&g->inode);
		g = NULL;
	}
	lock_take(&dir->lock);
	old = dir->ahead;
	old_name = dir->ahead_name;
	dir->ahead = g;
	dir->ahead_name = copy;
	lock_drop(&dir->lock);
	mem_free(old_name);
	if (old)
		inode_put(&old->inode);
}

/* Takes what was remembered for this name: 0, -ENOENT, or 1 when it was another or none. */
static int take_ahead(struct ginode *dir, const char *name, struct inode **out)
{
	struct ginode *g;

	lock_take(&dir->lock);
	if (!dir->ahead_name || strcmp(dir->ahead_name, name) != 0) {
		lock_drop(&dir->lock);
		return 1;
	}
	g = dir->ahead;
	dir->ahead = NULL;
	mem_free(dir->ahead_name);
	dir->ahead_name = NULL;
	lock_drop(&dir->lock);
	if (!g)
		return -ENOENT;
	*out = &g->inode;
	return 0;
}

/* The look-up that comes now has its answer from the walk of the whole path: it is not to be asked again. */
static bool has_ahead(struct ginode *dir, struct gofer_name name)
{
	LOCK_GUARD(&dir->lock);
	return dir->ahead_name && strncmp(dir->ahead_name, name.s, name.len) == 0 && !dir->ahead_name[name.len];
}

#define AHEAD_MAX 16

/* The names at the start of a path, as far as they are plain ones; *whole: none is left out. */
static int split(const char *rest, struct gofer_name names[AHEAD_MAX], bool *whole)
{
	int n = 0;

	for (rest += strspn(rest, "/"); *rest && n < AHEAD_MAX; rest += strspn(rest, "/")) {
		size_t len = strcspn(rest, "/");

		if (len > LX_NAME_MAX || strncmp(rest, "..", len) == 0)
			break;
		names[n++] = (struct gofer_name){ .s = rest, .len = (uint16_t)len };
		rest += len;
	}
	*whole = !*rest;
	return n;
}

/* Puts the answer where the look-ups will find it: each inode with its parent. */
static void store_ahead(struct ginode *dir, const struct gofer_name *names, int n, const struct gofer_entry *entries, const char *link,
			struct gofer_walked *w)
{
	struct ginode *parent = dir, *g;

	inode_get(&parent->inode);
	for (int i = 0; i < w->count && i < n; i++) {
		g = ginode_make(dir->gs, &entries[i].attr, entries[i].handle, NULL, NULL, 0);
		if (!g)
			break;
		if (g->inode.type == LX_S_IFLNK && w->link_len)
			keep_target(g, link, w->link_len);
		if (i == w->count - 1 && w->fd >= 0) {
			ginode_keep_fd(g, w->fd, false);
			w->fd = -1;
		}
		inode_get(&g->inode);
		set_ahead(parent, names[i].s, names[i].len, g);
		inode_put(&parent->inode);
		parent = g;
	}
	if (w->error == -ENOENT && w->count < n && parent->inode.type == LX_S_IFDIR)
		set_ahead(parent, names[w->count].s, names[w->count].len, NULL);
	inode_put(&parent->inode);
}

static void goferfs_prefetch(struct inode *i, const char *rest, bool open)
{
	struct ginode *dir = ginode_of(i);
	struct gofer_name names[AHEAD_MAX];
	struct gofer_entry entries[AHEAD_MAX];
	char link[GOFER_LINK_MAX + 1];
	struct gofer_walked w = { .fd = -1 };
	bool whole;
	int n = split(rest, names, &whole), ret;
	uint32_t handle;

	open = open && whole;
	/* A shared volume's answers hold for the look-up that comes now, and for no later one: one name only. */
	if (!dir->gs->caching && !(open && n == 1))
		return;
	/* Walking costs nothing where it is all known. */
	if (dir->gs->index || n == 0 || (n == 1 && !open) || dir->listing ||
	    has_ahead(dir, names[0]) || ginode_handle(dir, &handle) < 0)
		return;
	if (open)
		ret = gofer_walk_open(dir->gs->client, handle, names, n, GOFER_WALK_HANDLE_ALL | GOFER_OPEN_READ, entries, link,
				      sizeof(link), &w);
	else
		ret = gofer_walk(dir->gs->client, handle, names, n, GOFER_WALK_HANDLE_ALL, entries, link, sizeof(link), &w);
	if (ret == 0)
		store_ahead(dir, names, n, entries, link, &w);
	host_close(&w.fd);
}

static int lookup_call(struct ginode *dir, const char *name, struct inode **out)
{
	char link[GOFER_LINK_MAX + 1];
	struct gofer_name n = gname(name);
	struct gofer_entry e = { 0 };
	struct gofer_walked w = { 0 };
	struct ginode *g;
	uint32_t handle;
	int ret = ginode_handle(dir, &handle);

	if (ret == 0)
		ret = ginode_walk(dir->gs, handle, n, 0, &e, link, sizeof(link), &w);
	if (ret < 0)
		return ret;
	if (w.count != 1)
		return w.error ? w.error : -ENOENT;
	g = ginode_make(dir->gs, &e.attr, e.handle, NULL, NULL, 0);
	if (!g)
		return -ENOMEM;
	if (g->inode.type == LX_S_IFLNK && w.link_len)
		keep_target(g, link, w.link_len);
	*out = &g->inode;
	return 0;
}

/* What an index tells beside the attributes. */
static void from_index(struct ginode *g, const struct gofer_dirent *e)
{
	if (g->inode.type == LX_S_IFLNK)
		keep_target(g, gindex_target(g->gs->index, e), e->attr.size);
	if (g->inode.type != LX_S_IFDIR)
		return;
	lock_take(&g->lock);
	g->number = (uint32_t)e->cookie;
	lock_drop(&g->lock);
}

/* From the listing: 0, -ENOENT, or 1 when it does not tell. */
static int lookup_listed(struct ginode *dir, struct glisting *l, const char *name, struct inode **out)
{
	uint32_t len = (uint32_t)strlen(name);
	const struct gofer_dirent *e = glisting_find(l, name, len);
	struct ginode *g;

	if (!e)
		return -ENOENT;
	if (!dir->gs->index && !glisting_fresh(l, dir->gs))
		return 1;
	g = ginode_make(dir->gs, &e->attr, GOFER_NO_HANDLE, dir, name, len);
	if (!g)
		return -ENOMEM;
	if (dir->gs->index)
		from_index(g, e);
	*out = &g->inode;
	return 0;
}

static int goferfs_lookup(struct inode *i, const char *name, struct inode **out)
{
	struct ginode *dir = ginode_of(i);
	struct glisting *l = NULL;
	int ret;

	if (dir->gs->caching)
		l = glisting_get(dir, dir->gs->index || listing_pays(dir), &ret);
	if (l) {
		ret = lookup_listed(dir, l, name, out);
		glisting_put(l);
		if (ret != 1)
			return ret;
	}
	ret = take_ahead(dir, name, out);
	return ret != 1 ? ret : lookup_call(dir, name, out);
}

/* Shared volumes: does the name still lead to this inode? Brings its attributes up to date as well. */
static bool goferfs_revalidate(struct inode *i, const char *name, struct inode *inode)
{
	struct ginode *dir = ginode_of(i), *g = inode ? ginode_of(inode) : NULL;
	struct gofer_name n = gname(name);
	struct gofer_entry e = { 0 };
	struct gofer_walked w = { 0 };
	uint32_t handle;

	if (!g || ginode_handle(dir, &handle) < 0)
		return false;
	if (gofer_walk(dir->gs->client, handle, &n, 1, 0, &e, NULL, 0, &w) < 0 || w.count != 1)
		return false;
	if (e.attr.ino != g->host_ino || e.attr.dev != g->host_dev || (e.attr.mode & LX_S_IFMT) != g->inode.type)
		return false;
	ginode_set_attr(g, &e.attr);
	return true;
}

static void dir_changed(struct ginode *dir)
{
	set_ahead(dir, NULL, 0, NULL);
	glisting_drop(dir);
	ginode_changed(dir);
}

/* The one call that makes it: 0 and the entry, with the fd of a regular file in *fd. */
static int make_call(struct ginode *dir, uint32_t handle, const char *name, const struct create_how *how, struct gofer_entry *e, int *fd)
{
	struct gofer_client *c = dir->gs->client;
	uint32_t perm = how->mode & (dir->gs->nosuid ? 0777u | LX_S_ISVTX : LX_S_IALLUGO);
	int ret;

	switch (how->mode & LX_S_IFMT) {
	case LX_S_IFREG:
		ret = gofer_create(c, handle, gname(name), perm, GOFER_OPEN_READ_WRITE, e);
		*fd = ret;
		return ret < 0 ? ret : 0;
	case LX_S_IFDIR:
		return gofer_mkdir(c, handle, gname(name), perm, e);
	case LX_S_IFLNK:
		return gofer_symlink(c, handle, gname(name), how->target, strlen(how->target), e);
	case LX_S_IFIFO:
	case LX_S_IFSOCK:
		return gofer_mknod(c, handle, gname(name), how->mode, e);
	default:
		return -EPERM; /* no devices on the host */
	}
}

/* New files belong to who made them: by chown where the gofer may, else as the sentry remembers it. */
static void give_owner(struct ginode *g, const struct create_how *how)
{
	struct setattr s = { .valid = ATTR_UID | ATTR_GID, .uid = how->uid, .gid = how->gid };

	if (g->inode.attr.uid != how->uid || g->inode.attr.gid != how->gid)
		goferfs_setattr(&g->inode, &s);
	if (g->gs->nosuid && how->mode & (LX_S_ISUID | LX_S_ISGID))
		ginode_set_setid(g, how->mode & (LX_S_ISUID | LX_S_ISGID));
}

static int goferfs_create_inode(struct inode *i, const char *name, const struct create_how *how, struct task *t, struct inode **out)
{
	struct ginode *dir = ginode_of(i), *g;
	struct gofer_entry e = { 0 };
	uint32_t handle;
	int fd = -1, ret = ginode_handle(dir, &handle);

	(void)t;
	if (ret == 0)
		ret = make_call(dir, handle, name, how, &e, &fd);
	if (ret < 0)
		return ret;
	dir_changed(dir);
	g = ginode_make(dir->gs, &e.attr, e.handle, NULL, NULL, 0);
	if (!g) {
		host_close(&fd);
		return -ENOMEM;
	}
	if (fd >= 0)
		ginode_keep_fd(g, fd, true);
	give_owner(g, how);
	*out = &g->inode;
	return 0;
}

static int goferfs_link(struct inode *i, const char *name, struct inode *target)
{
	struct ginode *dir = ginode_of(i), *g = ginode_of(target);
	struct gofer_attr after;
	uint32_t dir_handle, handle;
	int ret = ginode_handle(dir, &dir_handle);

	if (ret == 0)
		ret = ginode_handle(g, &handle);
	if (ret == 0)
		ret = gofer_link(dir->gs->client, handle, dir_handle, gname(name), &after);
	if (ret < 0)
		return ret;
	dir_changed(dir);
	ginode_set_attr(g, &after);
	return 0;
}

static int remove_name(struct inode *i, const char *name, struct inode *victim, bool is_dir)
{
	struct ginode *dir = ginode_of(i), *g = ginode_of(victim);
	uint32_t handle, own;
	int ret = ginode_handle(dir, &handle);

	/* An open file without a name is still asked for its attributes: by its own handle. */
	if (ret == 0)
		ret = ginode_handle(g, &own);
	if (ret == 0)
		ret = is_dir ? gofer_rmdir(dir->gs->client, handle, gname(name)) :
			       gofer_unlink(dir->gs->client, handle, gname(name));
	if (ret < 0)
		return ret;
	dir_changed(dir);
	ginode_changed(g);
	atomic_store(&g->removed, true);
	if (is_dir) {
		lock_take(&victim->lock);
		victim->attr.nlink = 0; /* what getcwd and getdents go by */
		lock_drop(&victim->lock);
	}
	return 0;
}

static int goferfs_unlink(struct inode *i, const char *name, struct inode *victim)
{
	return remove_name(i, name, victim, false);
}

static int goferfs_rmdir(struct inode *i, const char *name, struct inode *victim)
{
	return remove_name(i, name, victim, true);
}

static int goferfs_rename(struct inode *from, const char *name, struct inode *what, struct inode *to, const char *new_name,
			  struct inode *victim, uint32_t flags)
{
	struct ginode *a = ginode_of(from), *b = ginode_of(to);
	uint32_t from_handle, to_handle, own, wire = 0;
	int ret = ginode_handle(a, &from_handle);

	if (flags & LX_RENAME_WHITEOUT)
		return -EINVAL;
	wire |= flags & LX_RENAME_NOREPLACE ? GOFER_RENAME_NOREPLACE : 0;
	wire |= flags & LX_RENAME_EXCHANGE ? GOFER_RENAME_EXCHANGE : 0;
	if (ret == 0)
		ret = ginode_handle(b, &to_handle);
	/* Those that are known by name only get a handle while the name is still theirs. */
	if (ret == 0)
		ret = ginode_handle(ginode_of(what), &own);
	if (ret == 0 && victim)
		ret = ginode_handle(ginode_of(victim), &own);
	if (ret == 0)
		ret = gofer_rename(a->gs->client, from_handle, gname(name), to_handle, gname(new_name), wire);
	if (ret < 0)
		return ret;
	dir_changed(a);
	dir_changed(b);
	ginode_changed(ginode_of(what));
	if (victim)
		ginode_changed(ginode_of(victim));
	return 0;
}

static int goferfs_fsync_dir(struct inode *i)
{
	struct ginode *dir = ginode_of(i);
	uint32_t handle;
	int ret = ginode_handle(dir, &handle);

	return ret < 0 ? ret : gofer_fsync_dir(dir->gs->client, handle);
}

#define DIR_OPS                                                                                \
	GOFERFS_ANY_TYPE, .lookup = goferfs_lookup, .prefetch = goferfs_prefetch, .create = goferfs_create_inode,            \
	.link = goferfs_link, .unlink = goferfs_unlink, .rmdir = goferfs_rmdir,                \
	.rename = goferfs_rename, .list = goferfs_list, .fsync_dir = goferfs_fsync_dir, .open = dirfile_open

const struct inode_ops goferfs_dir_ops = { DIR_OPS };
const struct inode_ops goferfs_shared_dir_ops = { DIR_OPS, .revalidate = goferfs_revalidate };
