/* System V shared memory: shmget(2), shmat(2), shmctl(2). */
#include "sentry/kernel/sysv_shm.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/mman.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/fs/tmpfs_file.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/kernel.h"

#define MAX_SEGMENTS 4096u
#define MAX_BYTES (1ull << 46)
#define PAGE 4096ull
#define HUGETLB 04000u

struct segment {
	struct ipc_object o;
	/* immutable */
	uint64_t size;
	struct file *backing;          /* referenced */
	int32_t cpid;
	/* protected by the table's lock */
	struct file *front[2];         /* for writing, for reading; not referenced: NULL when nobody has them mapped */
	int64_t atime, dtime;
	int32_t lpid;
};

static void segment_free(struct ipc_object *);
/* One sandbox is one sentry: its segments are the process's. */
static struct ipc_table segments = IPC_TABLE_INIT("sysv shared memory", MAX_SEGMENTS, segment_free);

static struct segment *segment_of(struct ipc_object *o)
{
	return container_of(o, struct segment, o);
}

static uint64_t pages_of(uint64_t size)
{
	return (size + PAGE - 1) & ~(PAGE - 1);
}

static void segment_free(struct ipc_object *o)
{
	struct segment *s = segment_of(o);

	memory_charge(the_kernel, -(int64_t)pages_of(s->size));
	file_put_deferred(s->backing); /* the table's lock may be held */
	mem_free(s);
}

/* --- the mapped file ------------------------------------------------------------------------------------------------------ */

static int front_mmap(struct file *f, uint64_t offset, uint64_t len, int prot, bool shared, struct map_source *out)
{
	struct segment *s = f->priv;

	return s->backing->ops->mmap(s->backing, offset, len, prot, shared, out);
}

static uint32_t attachments(const struct segment *s)
{
	uint32_t n = 0;

	for (int i = 0; i < 2; i++)
		if (s->front[i])
			n += (uint32_t)atomic_load(&s->front[i]->ref.count);
	return n;
}

/* A segment that was removed ends with its last attachment. Lock held. */
static void end_if_unused(struct segment *s)
{
	if (s->o.perm.mode & LX_SHM_DEST && !s->o.removed && !attachments(s))
		ipc_remove(&s->o);
}

static void front_release(struct file *f)
{
	struct segment *s = f->priv;

	lock_take(&segments.lock);
	for (int i = 0; i < 2; i++)
		if (s->front[i] == f)
			s->front[i] = NULL;
	if (s->atime)
		s->dtime = ipc_now();
	end_if_unused(s);
	lock_drop(&segments.lock);
	ipc_put(&s->o);
}

static const struct file_ops front_ops = {
	.mmap = front_mmap,
	.release = front_release,
	.name = "SYSV",
};

uint64_t shm_file_size(const struct file *f)
{
	return f->ops == &front_ops ? ((const struct segment *)f->priv)->size : 0;
}

/* --- making ----------------------------------------------------------------------------------------------------------------- */

/* What ipc_get() is asked for, with the memory that a new segment takes. */
struct shm_want {
	struct ipc_want w;
	struct file *backing; /* NULL when it was used */
};

static struct ipc_object *segment_new(struct task *t, const struct ipc_want *w, int *err)
{
	struct shm_want *want = container_of(w, struct shm_want, w);
	struct segment *s = mem_zalloc(sizeof(*s));

	(void)err;
	if (!s)
		return NULL;
	s->size = w->size;
	s->backing = want->backing;
	s->cpid = task_pid(t);
	want->backing = NULL;
	return &s->o;
}

static int check_size(const struct ipc_object *o, const struct ipc_want *w)
{
	return w->size > container_of(o, const struct segment, o)->size ? -EINVAL : 0;
}

static int make_backing(struct task *t, int32_t key, uint64_t size, struct file **out)
{
	char name[16];
	int ret = memory_charge(t->k, (int64_t)pages_of(size));

	if (ret < 0)
		return ret;
	snprintf(name, sizeof(name), "SYSV%08x", (unsigned)key);
	ret = memfd_open(t, name, 0, out);
	if (ret == 0) {
		ret = (*out)->ops->truncate(*out, t, (int64_t)pages_of(size));
		if (ret < 0)
			file_put(*out);
	}
	if (ret < 0)
		memory_charge(t->k, -(int64_t)pages_of(size));
	return ret;
}

int64_t shm_get(struct task *t, int32_t key, uint64_t size, uint32_t flags)
{
	struct shm_want want = { .w = { .key = key, .flags = flags & ~(uint32_t)LX_IPC_CREAT, .size = size,
					.create = segment_new, .check = check_size } };
	int64_t ret;

	/* One that is there is found before memory is taken for another. */
	if (key != LX_IPC_PRIVATE && !(flags & LX_IPC_EXCL)) {
		ret = ipc_get(t, &segments, &want.w);
		if (ret != -ENOENT || !(flags & LX_IPC_CREAT))
			return ret;
	} else if (key != LX_IPC_PRIVATE && !(flags & LX_IPC_CREAT)) {
		return ipc_get(t, &segments, &want.w);
	}
	if (!size || size > MAX_BYTES)
		return -EINVAL;
	if (flags & HUGETLB)
		return -ENOMEM; /* a machine with no huge pages reserved */
	ret = make_backing(t, key, size, &want.backing);
	if (ret < 0)
		return ret;
	want.w.flags = flags;
	ret = ipc_get(t, &segments, &want.w);
	if (want.backing) { /* somebody was faster, or it may not be */
		file_put(want.backing);
		memory_charge(t->k, -(int64_t)pages_of(size));
	}
	return ret;
}

/* --- attaching ----------------------------------------------------------------------------------------------------------------- */

/* A segment that is only waiting for its last mapping's end to be noticed is gone already. */
static int lock_segment(struct task *t, int id, bool by_index, struct segment **out)
{
	struct ipc_object *o;
	int ret = by_index ? ipc_lock_index(t, &segments, id, &o) : ipc_lock(t, &segments, id, &o);

	if (ret < 0)
		return ret;
	*out = segment_of(o);
	if (o->perm.mode & LX_SHM_DEST && !attachments(*out)) {
		lock_drop(&segments.lock);
		return -EINVAL;
	}
	return 0;
}

/* The file in front of the segment, referenced. Lock held. */
static struct file *front(struct task *t, struct segment *s, bool write)
{
	struct file **slot = &s->front[write ? 0 : 1];

	if (*slot && ref_get_unless_zero(&(*slot)->ref))
		return *slot;
	*slot = file_new(&front_ops, s->backing->inode, &s->backing->path, write ? LX_O_RDWR : LX_O_RDONLY, t->cred, s);
	if (*slot)
		ref_get(&s->o.ref);
	return *slot;
}

int64_t shm_file(struct task *t, int id, uint32_t want, bool prepare, struct file **out, uint64_t *size)
{
	struct map_source src;
	struct segment *s;
	int64_t ret = lock_segment(t, id, false, &s);

	if (ret < 0)
		return ret;
	ret = ipc_permission(t, &s->o, want);
	if (ret == 0) {
		*out = front(t, s, want & IPC_MAY_WRITE);
		*size = s->size;
		ret = *out ? 0 : -ENOMEM;
	}
	lock_drop(&segments.lock);
	if (ret < 0 || !prepare)
		return ret;
	ret = front_mmap(*out, 0, pages_of(*size), LX_PROT_READ, true, &src);
	if (ret < 0)
		file_put(*out);
	return ret;
}

void shm_attached(struct task *t, const struct file *f)
{
	struct segment *s = f->priv;

	LOCK_GUARD(&segments.lock);
	s->atime = ipc_now();
	s->lpid = task_pid(t);
}

void shm_detached(struct task *t, const struct file *f)
{
	struct segment *s = f->priv;

	LOCK_GUARD(&segments.lock);
	s->dtime = ipc_now();
	s->lpid = task_pid(t);
}

/* --- shmctl ---------------------------------------------------------------------------------------------------------------------- */

int64_t shm_stat(struct task *t, int id, bool by_index, bool any, struct lx_shmid_ds *out)
{
	struct segment *s;
	int64_t ret = lock_segment(t, id, by_index, &s);

	if (ret < 0)
		return ret;
	ret = any ? 0 : ipc_permission(t, &s->o, IPC_MAY_READ);
	*out = (struct lx_shmid_ds){ .shm_perm = s->o.perm, .shm_segsz = s->size, .shm_atime = s->atime, .shm_dtime = s->dtime,
				     .shm_ctime = s->o.ctime, .shm_cpid = s->cpid, .shm_lpid = s->lpid, .shm_nattch = attachments(s) };
	if (ret == 0 && by_index)
		ret = s->o.id;
	lock_drop(&segments.lock);
	return ret;
}

int64_t shm_set(struct task *t, int id, const struct lx_shmid_ds *ds)
{
	struct segment *s;
	int64_t ret = lock_segment(t, id, false, &s);

	if (ret < 0)
		return ret;
	ret = ipc_may_change(t, &s->o);
	if (ret == 0)
		ipc_set(&s->o, &ds->shm_perm);
	lock_drop(&segments.lock);
	return ret;
}

int64_t shm_remove(struct task *t, int id)
{
	struct segment *s;
	int64_t ret = lock_segment(t, id, false, &s);

	if (ret < 0)
		return ret;
	ret = ipc_may_change(t, &s->o);
	if (ret == 0) {
		s->o.perm.mode |= LX_SHM_DEST;
		s->o.perm.key = LX_IPC_PRIVATE; /* nobody finds it by its key; its id lasts as long as it is attached */
		end_if_unused(s);
	}
	lock_drop(&segments.lock);
	return ret;
}

int64_t shm_lock(struct task *t, int id)
{
	struct segment *s;
	int64_t ret = lock_segment(t, id, false, &s);

	if (ret < 0)
		return ret;
	ret = ipc_may_change(t, &s->o) < 0 && !cred_capable(t->cred, LX_CAP_IPC_LOCK) ? -EPERM : 0;
	lock_drop(&segments.lock);
	return ret;
}

int64_t shm_limits(struct task *t, struct lx_shminfo *out)
{
	*out = (struct lx_shminfo){ .shmmax = MAX_BYTES, .shmmin = 1, .shmmni = MAX_SEGMENTS, .shmseg = MAX_SEGMENTS, .shmall = MAX_BYTES / PAGE };
	LOCK_GUARD(&segments.lock);
	return ipc_highest(t, &segments);
}

int64_t shm_info(struct task *t, struct lx_shm_info *out)
{
	*out = (struct lx_shm_info){ 0 };
	LOCK_GUARD(&segments.lock);
	out->used_ids = (int32_t)ipc_used(t, &segments);
	for (uint32_t i = 0; i < segments.slots; i++)
		if (ipc_seen(t, segments.slot[i]))
			out->shm_tot += pages_of(segment_of(segments.slot[i])->size) / PAGE;
	out->shm_rss = out->shm_tot;
	return ipc_highest(t, &segments);
}

void shm_end_ns(uint32_t ns)
{
	LOCK_GUARD(&segments.lock);
	for (uint32_t i = 0; i < segments.slots; i++)
		if (segments.slot[i] && segments.slot[i]->ns == ns) {
			segments.slot[i]->perm.mode |= LX_SHM_DEST;
			segments.slot[i]->perm.key = LX_IPC_PRIVATE;
			end_if_unused(segment_of(segments.slot[i]));
		}
}
