/* Inodes and supers: what all filesystems of the sentry share. */
#include "sentry/fs/inode.h"

#include <string.h>
#include <time.h>

#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/kernel/census.h"
#include "sentry/kernel/user_ns.h"

/* Device numbers of supers: major 0 and the next free minor, as Linux gives to filesystems without a device. */
static _Atomic uint32_t next_minor = 20;

void super_init(struct super *s, const struct super_ops *ops, const char *fstype)
{
	ref_init(&s->ref);
	ref_init(&s->life);
	s->ops = ops;
	s->fstype = fstype;
	s->dev = lx_makedev(0, atomic_fetch_add_explicit(&next_minor, 1, memory_order_relaxed));
	s->nodentries = s->handles = s->acls = false;
	s->root = NULL;
	s->forced = 0;
	s->owner = NULL;
	s->options = NULL;
	atomic_init(&s->flags, 0);
	atomic_init(&s->next_ino, 2);
}

static void life_put(struct super *s)
{
	if (!s || !ref_put(&s->life))
		return;
	user_ns_put(s->owner);
	mem_free(s->options);
	if (s->ops && s->ops->destroy)
		s->ops->destroy(s);
}

struct super *super_get(struct super *s)
{
	ref_get(&s->ref);
	return s;
}

void super_put(struct super *s)
{
	if (!s || !ref_put(&s->ref))
		return;
	dcache_forget(s);
	if (s->ops && s->ops->shutdown)
		s->ops->shutdown(s);
	inode_put(s->root);
	s->root = NULL;
	life_put(s);
}

uint64_t super_next_ino(struct super *s)
{
	return atomic_fetch_add_explicit(&s->next_ino, 1, memory_order_relaxed);
}

void inode_init(struct inode *i, const struct inode_ops *ops, struct super *super, uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct timespec64 now = fs_now();

	ref_init(&i->ref);
	census_add(CENSUS_INODE);
	if (super)
		ref_get(&super->life);
	i->ops = ops;
	i->super = super;
	i->type = mode & LX_S_IFMT;
	lock_init(&i->dir_lock, RANK_INODE_DIR, "inode.dir_lock");
	lock_init(&i->lock, RANK_INODE, "inode.lock");
	i->attr = (struct attr){
		.ino = super_next_ino(super),
		.mode = mode,
		.nlink = LX_S_ISDIR(mode) ? 2 : 1,
		.uid = uid,
		.gid = gid,
		.blksize = 4096,
		.atime = now,
		.mtime = now,
		.ctime = now,
		.btime = now,
	};
	atomic_init(&i->rw_hint, 0);
	atomic_init(&i->fifo, NULL);
	atomic_init(&i->bound_socket, NULL);
	atomic_init(&i->locks, NULL);
	atomic_init(&i->watches, NULL);
	atomic_init(&i->leases, NULL);
	atomic_init(&i->handle, NULL);
	atomic_init(&i->acls, NULL);
}

struct inode *inode_get(struct inode *i)
{
	ref_get(&i->ref);
	return i;
}

static void part_free(void *_Atomic *slot)
{
	struct inode_part *part = atomic_load(slot);

	if (part)
		part->free(part);
}

static void inode_free(struct inode *i)
{
	struct super *s = i->super;

	part_free(&i->fifo);
	part_free(&i->bound_socket);
	part_free(&i->locks);
	part_free(&i->watches);
	part_free(&i->leases);
	part_free(&i->handle);
	part_free(&i->acls);
	census_drop(CENSUS_INODE);
	i->ops->destroy(i);
	life_put(s);
}

/*
 * A directory's end is the end of what is in it: one after the other, not one within the other, since a guest decides how deep
 * a tree in memory is.
 */
void inode_put(struct inode *i)
{
	static _Thread_local struct inode *doomed;
	static _Thread_local bool freeing;

	if (!i || !ref_put(&i->ref))
		return;
	i->doomed_next = doomed;
	doomed = i;
	if (freeing)
		return;
	freeing = true;
	while ((i = doomed)) {
		doomed = i->doomed_next;
		inode_free(i);
	}
	freeing = false;
}

struct timespec64 fs_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (struct timespec64){ .sec = ts.tv_sec, .nsec = (uint32_t)ts.tv_nsec };
}

void inode_touch(struct inode *i, uint32_t what)
{
	struct timespec64 now = fs_now();

	LOCK_GUARD(&i->lock);
	if (what & ATTR_ATIME)
		i->attr.atime = now;
	if (what & ATTR_MTIME)
		i->attr.mtime = now;
	if (what & (ATTR_MTIME | ATTR_CTIME))
		i->attr.ctime = now;
}

static bool not_after(const struct timespec64 *a, const struct timespec64 *b)
{
	return a->sec < b->sec || (a->sec == b->sec && a->nsec <= b->nsec);
}

void inode_accessed(struct inode *i, uint32_t open_flags)
{
	const struct attr *a = &i->attr;

	if (open_flags & LX_O_NOATIME)
		return;
	if (not_after(&a->atime, &a->mtime) || not_after(&a->atime, &a->ctime) || fs_now().sec - a->atime.sec >= 86400)
		inode_touch(i, ATTR_ATIME);
}

void inode_attr(struct inode *i, struct attr *out)
{
	LOCK_GUARD(&i->lock);
	*out = i->attr;
}

void inode_apply(struct inode *i, const struct setattr *s)
{
	struct timespec64 now = fs_now();

	LOCK_GUARD(&i->lock);
	if (s->valid & ATTR_MODE)
		i->attr.mode = i->type | (s->mode & LX_S_IALLUGO);
	if (s->valid & ATTR_UID)
		i->attr.uid = s->uid;
	if (s->valid & ATTR_GID)
		i->attr.gid = s->gid;
	if (s->valid & ATTR_SIZE) {
		i->attr.size = s->size;
		i->attr.mtime = now;
	}
	if (s->valid & ATTR_ATIME)
		i->attr.atime = s->valid & ATTR_ATIME_NOW ? now : s->atime;
	if (s->valid & ATTR_MTIME)
		i->attr.mtime = s->valid & ATTR_MTIME_NOW ? now : s->mtime;
	i->attr.ctime = now;
}
