/* goferfs: supers, and what can be done with an inode of any type. */
#include "sentry/fs/goferfs.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "base/host.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/fs/goferfs_index.h"
#include "sentry/fs/goferfs_inode.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"

int goferfs_getattr(struct inode *i, struct attr *out)
{
	struct ginode *g = ginode_of(i);
	struct gofer_attr a;
	uint32_t handle;
	int ret = 0;

	if (!g->gs->caching || atomic_exchange(&g->stale, false)) {
		ret = ginode_handle(g, &handle);
		if (ret == 0)
			ret = gofer_stat(g->gs->client, handle, &a);
		if (ret == 0)
			ginode_set_attr(g, &a);
	}
	inode_attr(i, out);
	return ret;
}

/* Owners that the gofer may not give are remembered here. */
static int set_owner(struct ginode *g, uint32_t handle, const struct setattr *s)
{
	struct gofer_setattr wire = { .uid = s->valid & ATTR_UID ? s->uid : 0, .gid = s->valid & ATTR_GID ? s->gid : 0 };
	struct gofer_attr after;
	int ret;

	wire.set |= s->valid & ATTR_UID ? GOFER_SET_UID : 0;
	wire.set |= s->valid & ATTR_GID ? GOFER_SET_GID : 0;
	ret = gofer_setattr(g->gs->client, handle, &wire, &after);
	if (ret == 0)
		ginode_set_attr(g, &after);
	/* One that was remembered once is remembered from then on: the host's file has another. */
	if (ret != -EPERM && !(ret == 0 && g->virtual_owner))
		return ret;
	ginode_own(g, s->valid & ATTR_UID ? s->uid : g->inode.attr.uid, s->valid & ATTR_GID ? s->gid : g->inode.attr.gid);
	return 0;
}

/* Everything but owners. */
static int set_rest(struct ginode *g, uint32_t handle, const struct setattr *s)
{
	struct gofer_setattr wire = { .mode = s->mode & LX_S_IALLUGO, .size = (uint64_t)s->size };
	struct gofer_attr after;
	int ret;

	/* The gofer of a nosuid root refuses to store the bits; the guest sees them, and exec does not heed them there. */
	if (g->gs->nosuid)
		wire.mode &= ~(LX_S_ISUID | LX_S_ISGID);
	wire.set |= s->valid & ATTR_MODE ? GOFER_SET_MODE : 0;
	wire.set |= s->valid & ATTR_SIZE ? GOFER_SET_SIZE : 0;
	if (s->valid & ATTR_ATIME) {
		wire.set |= s->valid & ATTR_ATIME_NOW ? GOFER_SET_ATIME_NOW : GOFER_SET_ATIME;
		wire.atime = (struct gofer_time){ .sec = s->atime.sec, .nsec = s->atime.nsec };
	}
	if (s->valid & ATTR_MTIME) {
		wire.set |= s->valid & ATTR_MTIME_NOW ? GOFER_SET_MTIME_NOW : GOFER_SET_MTIME;
		wire.mtime = (struct gofer_time){ .sec = s->mtime.sec, .nsec = s->mtime.nsec };
	}
	/* Times that are not set must be zero on the wire. */
	if (wire.set & GOFER_SET_ATIME_NOW)
		wire.atime = (struct gofer_time){ 0 };
	if (wire.set & GOFER_SET_MTIME_NOW)
		wire.mtime = (struct gofer_time){ 0 };
	if (!(wire.set & GOFER_SET_MODE))
		wire.mode = 0;
	if (!(wire.set & GOFER_SET_SIZE))
		wire.size = 0;
	if (!wire.set)
		return 0;
	ret = gofer_setattr(g->gs->client, handle, &wire, &after);
	if (ret == 0)
		ginode_set_attr(g, &after);
	if (ret == 0 && g->gs->nosuid && s->valid & ATTR_MODE)
		ginode_set_setid(g, s->mode & (LX_S_ISUID | LX_S_ISGID));
	return ret;
}

int goferfs_setattr(struct inode *i, const struct setattr *s)
{
	struct ginode *g = ginode_of(i);
	uint32_t handle;
	int ret = ginode_handle(g, &handle);

	/* Owners first: a chown by the host takes set-id bits away, which a mode asked for at the same time has to survive. */
	if (ret == 0 && s->valid & (ATTR_UID | ATTR_GID))
		ret = set_owner(g, handle, s);
	if (ret == 0)
		ret = set_rest(g, handle, s);
	ginode_changed(g);
	return ret;
}

static int64_t goferfs_readlink(struct inode *i, struct task *t, char *buf, size_t len)
{
	struct ginode *g = ginode_of(i);
	uint32_t handle;
	size_t n;
	int ret;

	(void)t;
	lock_take(&g->lock);
	n = g->target ? strlen(g->target) : 0;
	if (n > len)
		n = len;
	if (n)
		memcpy(buf, g->target, n);
	lock_drop(&g->lock);
	if (n)
		return (int64_t)n;
	ret = ginode_handle(g, &handle);
	return ret < 0 ? ret : gofer_readlink(g->gs->client, handle, buf, len);
}

int64_t goferfs_getxattr(struct inode *i, const char *name, void *buf, size_t len)
{
	struct ginode *g = ginode_of(i);
	uint32_t handle;
	int ret = ginode_handle(g, &handle);

	return ret < 0 ? ret : gofer_getxattr(g->gs->client, handle, gname(name), buf, len);
}

int goferfs_setxattr(struct inode *i, const char *name, const void *buf, size_t len, int flags)
{
	struct ginode *g = ginode_of(i);
	uint32_t handle, wire = 0;
	int ret = ginode_handle(g, &handle);

	wire |= flags & LX_XATTR_CREATE ? GOFER_XATTR_CREATE : 0;
	wire |= flags & LX_XATTR_REPLACE ? GOFER_XATTR_REPLACE : 0;
	if (ret == 0)
		ret = gofer_setxattr(g->gs->client, handle, gname(name), buf, len, wire);
	if (ret == 0)
		ginode_changed(g);
	return ret;
}

int64_t goferfs_listxattr(struct inode *i, char *buf, size_t len)
{
	struct ginode *g = ginode_of(i);
	uint32_t handle;
	int ret = ginode_handle(g, &handle);

	return ret < 0 ? ret : gofer_listxattr(g->gs->client, handle, buf, len);
}

int goferfs_removexattr(struct inode *i, const char *name)
{
	struct ginode *g = ginode_of(i);
	uint32_t handle;
	int ret = ginode_handle(g, &handle);

	if (ret == 0)
		ret = gofer_removexattr(g->gs->client, handle, gname(name));
	if (ret == 0)
		ginode_changed(g);
	return ret;
}

const struct inode_ops goferfs_file_ops = { GOFERFS_ANY_TYPE, .open = goferfs_open_file };
const struct inode_ops goferfs_link_ops = { GOFERFS_ANY_TYPE, .readlink = goferfs_readlink };
const struct inode_ops goferfs_special_ops = { GOFERFS_ANY_TYPE };

static struct gofer_super *super_of(struct super *s)
{
	return container_of(s, struct gofer_super, super);
}

static int goferfs_statfs(struct super *s, struct lx_statfs *out)
{
	struct gofer_super *gs = super_of(s);
	struct gofer_statfs host;
	uint32_t handle;
	int ret = ginode_handle(ginode_of(s->root), &handle);

	if (ret == 0)
		ret = gofer_statfs(gs->client, handle, &host);
	if (ret < 0)
		return ret;
	*out = (struct lx_statfs){
		.f_type = (int64_t)host.type,
		.f_bsize = (int64_t)host.bsize,
		.f_blocks = host.blocks,
		.f_bfree = host.bfree,
		.f_bavail = host.bavail,
		.f_files = host.files,
		.f_ffree = host.ffree,
		.f_namelen = (int64_t)host.namelen,
		.f_frsize = (int64_t)host.frsize,
	};
	return 0;
}

static int goferfs_sync(struct super *s, struct task *t)
{
	struct gfd *f = atomic_load(&super_of(s)->sync_fd);
	int ret;

	(void)t;
	if (!f)
		return 0; /* nothing was ever written here */
	platform_stuck_begin();
	ret = (int)host_ret(syncfs(f->fd));
	platform_stuck_end();
	return ret;
}

static void goferfs_shutdown(struct super *s)
{
	ginode_unpin_all(super_of(s));
}

static void goferfs_super_destroy(struct super *s)
{
	struct gofer_super *gs = super_of(s);

	gfd_put(atomic_load(&gs->sync_fd));
	gindex_free(gs->index);
	mem_free(gs);
}

static const struct super_ops super_ops = {
	.statfs = goferfs_statfs,
	.sync = goferfs_sync,
	.shutdown = goferfs_shutdown,
	.destroy = goferfs_super_destroy,
};

/* How many donated fds one filesystem keeps: a fair part of what this process may have open. */
static int fds_to_keep(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return 64;
	return r.rlim_cur > 16384 ? 4096 : (int)(r.rlim_cur / 4);
}

static uint32_t mount_flags_of(uint32_t root_flags)
{
	uint32_t out = 0;

	out |= root_flags & GOFER_ROOT_READONLY ? MOUNT_READONLY : 0;
	out |= root_flags & GOFER_ROOT_NOEXEC ? MOUNT_NOEXEC : 0;
	out |= root_flags & GOFER_ROOT_NOSUID ? MOUNT_NOSUID : 0;
	out |= root_flags & GOFER_ROOT_NODEV ? MOUNT_NODEV : 0;
	return out;
}

int goferfs_create(struct kernel *k, struct gofer_client *client, uint32_t root, enum boot_cache cache, struct super **out,
		   uint32_t *mount_flags)
{
	struct gofer_super *gs = mem_zalloc(sizeof(*gs));
	AUTO_CLOSE int index = -1;
	struct gofer_entry e;
	struct ginode *g;
	uint32_t flags = 0;
	int ret;

	if (!gs)
		return -ENOMEM;
	ret = gofer_attach_index(client, root, &e, &flags, &index);
	if (ret < 0) {
		mem_free(gs);
		return ret;
	}
	super_init(&gs->super, &super_ops, "9p");
	gs->super.handles = true;
	gs->client = client;
	gs->k = k;
	gs->caching = cache != BOOT_CACHE_SHARED || flags & (GOFER_ROOT_IMMUTABLE | GOFER_ROOT_EXCLUSIVE);
	gs->nosuid = flags & GOFER_ROOT_NOSUID;
	gs->root_dev = e.attr.dev;
	gs->fds_max = fds_to_keep();
	lock_init(&gs->table_lock, RANK_LOWER_TABLE, "goferfs table");
	list_init(&gs->pinned);
	/* Only what never changes may be known for ever. */
	if (index >= 0 && flags & GOFER_ROOT_IMMUTABLE)
		gs->index = gindex_open(index, &e.attr);
	g = ginode_make(gs, &e.attr, e.handle, NULL, NULL, 0);
	if (!g) {
		gindex_free(gs->index);
		mem_free(gs);
		return -ENOMEM;
	}
	gs->super.root = &g->inode;
	*out = &gs->super;
	*mount_flags = mount_flags_of(flags);
	return 0;
}
