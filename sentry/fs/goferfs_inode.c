/* goferfs: inodes by the host's identity, their handles and their fds. */
#include "sentry/fs/dentry.h"
#include "sentry/fs/goferfs_inode.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "abi/types.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/census.h"

/* A removed file of this size is let go at the gofer at once, not with the next batch: its space is missed. */
#define FLUSH_BYTES (64 << 10)

uint64_t goferfs_ino(const struct gofer_super *gs, uint64_t dev, uint64_t ino)
{
	/* A root may span several filesystems of the host, whose numbers collide; the guest sees one. */
	return dev == gs->root_dev ? ino : ino ^ (hash_u64(dev, 1) << 40);
}

static struct ginode **bucket(struct gofer_super *gs, uint64_t dev, uint64_t ino)
{
	return &gs->table[hash_u64(dev, ino) % GINODE_BUCKETS];
}

static void attr_from(struct gofer_super *gs, const struct gofer_attr *a, struct attr *out)
{
	*out = (struct attr){
		.ino = goferfs_ino(gs, a->dev, a->ino),
		.mode = a->mode,
		.nlink = a->nlink,
		.uid = a->uid,
		.gid = a->gid,
		.rdev = lx_makedev(a->rdev_major, a->rdev_minor),
		.size = (int64_t)a->size,
		.blocks = a->blocks,
		.blksize = a->blksize,
		.atime = { a->atime_sec, a->atime_nsec },
		.mtime = { a->mtime_sec, a->mtime_nsec },
		.ctime = { a->ctime_sec, a->ctime_nsec },
		.btime = { a->btime_sec, a->btime_nsec },
	};
}

void ginode_set_attr(struct ginode *g, const struct gofer_attr *a)
{
	struct attr fresh;

	attr_from(g->gs, a, &fresh);
	LOCK_GUARD(&g->inode.lock);
	if (g->virtual_owner) {
		fresh.uid = g->inode.attr.uid;
		fresh.gid = g->inode.attr.gid;
	}
	fresh.mode |= g->virtual_setid;
	g->inode.attr = fresh;
}

void ginode_changed(struct ginode *g)
{
	atomic_store(&g->stale, true);
	atomic_fetch_add_explicit(&g->gs->changes, 1, memory_order_relaxed);
}

static const struct inode_ops *ops_of(const struct gofer_super *gs, uint32_t mode)
{
	switch (mode & LX_S_IFMT) {
	case LX_S_IFDIR:
		return gs->caching ? &goferfs_dir_ops : &goferfs_shared_dir_ops;
	case LX_S_IFREG:
		return &goferfs_file_ops;
	case LX_S_IFLNK:
		return &goferfs_link_ops;
	default:
		return &goferfs_special_ops;
	}
}

static struct ginode *ginode_alloc(struct gofer_super *gs, const struct gofer_attr *a, uint32_t handle, struct ginode *parent,
				   const char *name, uint32_t len)
{
	struct ginode *g = mem_zalloc(sizeof(*g));

	if (!g)
		return NULL;
	if (parent) {
		g->name = mem_strndup(name, len);
		if (!g->name) {
			mem_free(g);
			return NULL;
		}
		inode_get(&parent->inode);
		g->parent = parent;
	}
	inode_init(&g->inode, ops_of(gs, a->mode), &gs->super, a->mode, a->uid, a->gid);
	attr_from(gs, a, &g->inode.attr);
	g->gs = gs;
	g->host_dev = a->dev;
	g->host_ino = a->ino;
	g->handle = handle;
	lock_init(&g->lock, RANK_LOWER, "goferfs inode");
	list_init(&g->pin);
	return g;
}

/* The known inode, referenced, or NULL; table_lock held. */
static struct ginode *find(struct gofer_super *gs, const struct gofer_attr *a)
{
	for (struct ginode *g = *bucket(gs, a->dev, a->ino); g; g = g->hash_next) {
		/* A number that the host has given to a new file of another kind is another inode. */
		if (g->host_ino == a->ino && g->host_dev == a->dev && g->inode.type == (a->mode & LX_S_IFMT) &&
		    ref_get_unless_zero(&g->inode.ref))
			return g;
	}
	return NULL;
}

/* Gives a handle to an inode that may have one. */
static void offer_handle(struct ginode *g, uint32_t handle)
{
	lock_take(&g->lock);
	if (handle != GOFER_NO_HANDLE && g->handle == GOFER_NO_HANDLE) {
		g->handle = handle;
		handle = GOFER_NO_HANDLE;
	}
	lock_drop(&g->lock);
	gofer_close(g->gs->client, handle);
}

struct ginode *ginode_make(struct gofer_super *gs, const struct gofer_attr *a, uint32_t handle, struct ginode *parent, const char *name,
			   uint32_t len)
{
	struct ginode *fresh = ginode_alloc(gs, a, handle, parent, name, len), *known;

	if (!fresh) {
		gofer_close(gs->client, handle);
		return NULL;
	}
	lock_take(&gs->table_lock);
	known = find(gs, a);
	if (!known) {
		struct ginode **at = bucket(gs, a->dev, a->ino);

		fresh->hash_next = *at;
		*at = fresh;
	}
	lock_drop(&gs->table_lock);
	if (!known)
		return fresh;
	fresh->handle = GOFER_NO_HANDLE;
	inode_put(&fresh->inode);
	offer_handle(known, handle);
	if (!gs->caching)
		ginode_set_attr(known, a);
	return known;
}

static void table_remove(struct ginode *g)
{
	struct ginode **at = bucket(g->gs, g->host_dev, g->host_ino);

	LOCK_GUARD(&g->gs->table_lock);
	while (*at && *at != g)
		at = &(*at)->hash_next;
	if (*at)
		*at = g->hash_next;
}

void gfd_put(struct gfd *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	host_close(&f->fd);
	census_drop(CENSUS_DONATED);
	mem_free(f);
}

static void drop_kept(struct ginode *g, struct gfd **f)
{
	if (!*f)
		return;
	atomic_fetch_sub(&g->gs->fds, 1);
	gfd_put(*f);
	*f = NULL;
}

void ginode_destroy(struct inode *i)
{
	/* A loop for the parents, which may be let go with their last child. */
	struct ginode *g = ginode_of(i), *parent = g->parent;

	table_remove(g);
	filemap_drop(&g->map);
	drop_kept(g, &g->kept_read);
	drop_kept(g, &g->kept_write);
	gofer_close(g->gs->client, g->handle);
	if (atomic_load(&g->removed) && i->attr.size >= FLUSH_BYTES)
		gofer_close_flush(g->gs->client);
	glisting_put(g->listing);
	if (g->ahead)
		inode_put(&g->ahead->inode);
	mem_free(g->ahead_name);
	mem_free(g->target);
	mem_free(g->name);
	mem_free(g);
	if (parent)
		inode_put(&parent->inode);
}

static int walk_once(struct gofer_super *gs, uint32_t dir, struct gofer_name name, uint32_t flags, struct gofer_entry *e, char *link,
		     size_t link_size, struct gofer_walked *w)
{
	flags |= GOFER_WALK_HANDLE_LAST;
	if (flags & GOFER_OPEN_ACCESS)
		return gofer_walk_open(gs->client, dir, &name, 1, flags, e, link, link_size, w);
	return gofer_walk(gs->client, dir, &name, 1, flags, e, link, link_size, w);
}

int ginode_walk(struct gofer_super *gs, uint32_t dir, struct gofer_name name, uint32_t flags, struct gofer_entry *e, char *link,
		size_t link_size, struct gofer_walked *w)
{
	int ret = walk_once(gs, dir, name, flags, e, link, link_size, w);

	if (ret != -ENFILE && !(ret == 0 && w->error == -ENFILE))
		return ret;
	dcache_shrink();
	gofer_close_flush(gs->client);
	return walk_once(gs, dir, name, flags, e, link, link_size, w);
}

/* Asks for a handle by the name in the parent; the answer must be this very inode. */
static int handle_by_name(struct ginode *g, uint32_t *out)
{
	struct gofer_name name = gname(g->name);
	struct gofer_entry e = { 0 };
	struct gofer_walked w = { 0 };
	uint32_t dir;
	int ret = ginode_handle(g->parent, &dir);

	if (ret == 0)
		ret = ginode_walk(g->gs, dir, name, 0, &e, NULL, 0, &w);
	if (ret < 0)
		return ret;
	if (w.count != 1)
		return w.error ? w.error : -ENOENT;
	if (e.attr.ino != g->host_ino || e.attr.dev != g->host_dev) {
		gofer_close(g->gs->client, e.handle);
		return -ESTALE;
	}
	offer_handle(g, e.handle);
	lock_take(&g->lock);
	*out = g->handle;
	lock_drop(&g->lock);
	return 0;
}

int ginode_handle(struct ginode *g, uint32_t *out)
{
	lock_take(&g->lock);
	*out = g->handle;
	lock_drop(&g->lock);
	if (*out != GOFER_NO_HANDLE)
		return 0;
	return g->parent ? handle_by_name(g, out) : -ESTALE;
}

/* A kept fd with enough access, referenced; the lock is held. */
static struct gfd *kept(struct ginode *g, bool write)
{
	struct gfd *f = g->kept_write ? g->kept_write : write ? NULL : g->kept_read;

	if (f)
		ref_get(&f->ref);
	return f;
}

static struct gfd *gfd_new(int fd, bool write)
{
	struct gfd *f = mem_zalloc(sizeof(*f));

	if (!f) {
		host_close(&fd);
		return NULL;
	}
	ref_init(&f->ref);
	census_add(CENSUS_DONATED);
	f->fd = fd;
	f->writable = write;
	return f;
}

/* Keeps the fd with the inode while there is room for more of them. */
static void keep(struct ginode *g, struct gfd *f)
{
	struct gfd **slot = f->writable ? &g->kept_write : &g->kept_read, *none = NULL;

	if (f->writable && !atomic_load(&g->gs->sync_fd)) {
		ref_get(&f->ref);
		if (!atomic_compare_exchange_strong(&g->gs->sync_fd, &none, f))
			gfd_put(f);
	}
	if (atomic_load(&g->gs->fds) >= g->gs->fds_max)
		return;
	LOCK_GUARD(&g->lock);
	if (*slot)
		return;
	ref_get(&f->ref);
	*slot = f;
	atomic_fetch_add(&g->gs->fds, 1);
}

/* Opens by the name in the parent, so that a file that came from a listing costs one call. fd or negative errno; *done false: not possible. */
static int open_by_name(struct ginode *g, uint32_t flags, bool *done)
{
	struct gofer_name name;
	struct gofer_entry e = { 0 };
	struct gofer_walked w = { .fd = -1 };
	uint32_t dir;
	int ret;

	*done = false;
	lock_take(&g->lock);
	ret = g->handle != GOFER_NO_HANDLE || !g->parent;
	lock_drop(&g->lock);
	if (ret)
		return 0;
	name = gname(g->name);
	ret = ginode_handle(g->parent, &dir);
	if (ret == 0)
		ret = ginode_walk(g->gs, dir, name, flags, &e, NULL, 0, &w);
	*done = true;
	if (ret < 0)
		return ret;
	if (w.count == 1 && e.attr.ino == g->host_ino && e.attr.dev == g->host_dev) {
		offer_handle(g, e.handle);
		return w.fd >= 0 ? w.fd : w.error ? w.error : -ENXIO;
	}
	if (w.count == 1)
		gofer_close(g->gs->client, e.handle);
	host_close(&w.fd);
	return w.error ? w.error : -ESTALE;
}

int ginode_fd(struct ginode *g, bool write, struct gfd **out)
{
	uint32_t flags = write ? GOFER_OPEN_READ_WRITE : GOFER_OPEN_READ, handle;
	bool done;
	int fd;

	lock_take(&g->lock);
	*out = kept(g, write);
	lock_drop(&g->lock);
	if (*out)
		return 0;
	fd = open_by_name(g, flags, &done);
	if (!done) {
		fd = ginode_handle(g, &handle);
		if (fd == 0)
			fd = gofer_open(g->gs->client, handle, flags, NULL);
	}
	if (fd < 0)
		return fd;
	*out = gfd_new(fd, write);
	if (!*out)
		return -ENOMEM;
	keep(g, *out);
	return 0;
}

void ginode_keep_fd(struct ginode *g, int fd, bool writable)
{
	struct gfd *f = gfd_new(fd, writable);

	if (!f)
		return;
	keep(g, f);
	gfd_put(f);
}

/* Keeps the inode, since the host does not know all of it. One that is removed stays until the end, too: rare, and small. */
static void pin(struct ginode *g)
{
	LOCK_GUARD(&g->gs->table_lock);
	if (list_empty(&g->pin)) {
		inode_get(&g->inode);
		list_push_back(&g->gs->pinned, &g->pin);
	}
}

void ginode_set_setid(struct ginode *g, uint32_t bits)
{
	bool differs;

	lock_take(&g->inode.lock);
	differs = bits != g->virtual_setid;
	g->virtual_setid = bits;
	g->inode.attr.mode = (g->inode.attr.mode & ~(LX_S_ISUID | LX_S_ISGID)) | bits;
	lock_drop(&g->inode.lock);
	if (differs)
		pin(g);
}

void ginode_own(struct ginode *g, uint32_t uid, uint32_t gid)
{
	lock_take(&g->inode.lock);
	g->virtual_owner = true;
	g->inode.attr.uid = uid;
	g->inode.attr.gid = gid;
	lock_drop(&g->inode.lock);
	pin(g);
}

void ginode_unpin_all(struct gofer_super *gs)
{
	struct ginode *g, *tmp;

	list_for_each_safe(g, tmp, &gs->pinned, pin) {
		list_remove(&g->pin);
		inode_put(&g->inode);
	}
}
