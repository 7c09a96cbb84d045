/* Advisory file locks: see flock.h. */
#include "sentry/fs/flock.h"

#include <errno.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/task.h"

struct record {
	struct list link;
	const void *owner; /* fdtable (POSIX) or file (OFD, flock); compared only */
	bool ofd;
	int pid;
	struct flock_range range;
};

/* Of one inode. */
struct file_locks {
	struct inode_part part;
	struct inode *inode;  /* immutable: it is part of that */
	struct list every_link;
	struct lock lock;     /* RANK_FILE_LOCKS */
	struct list records;  /* protected by lock; unordered */
	struct list whole;    /* protected by lock; flock(2)'s */
	struct waitq wait;    /* something was unlocked */
};

/* A task that waits for a POSIX lock, so that a circle of them is found. One list for all files, as a circle may go over several. */
struct waiting {
	struct list link;
	const void *owner, *holder;
};
static struct lock waiting_lock = LOCK_INIT(RANK_FILE_LOCKS, "file lock waiters");
static struct list waiting = LIST_INIT(waiting); /* protected by waiting_lock */

/* Every file's, for /proc/locks. */
static struct lock every_lock = LOCK_INIT(RANK_FILE_LOCK_LIST, "all file locks");
static struct list every = LIST_INIT(every); /* protected by every_lock */

static void records_free(struct list *head)
{
	struct record *r, *tmp;

	list_for_each_safe(r, tmp, head, link)
		mem_free(r);
}

static void locks_free(struct inode_part *part)
{
	struct file_locks *fl = container_of(part, struct file_locks, part);

	lock_take(&every_lock);
	list_remove(&fl->every_link);
	lock_drop(&every_lock);
	records_free(&fl->records);
	records_free(&fl->whole);
	mem_free(fl);
}

/* The inode's locks, made if need be. NULL when memory is out. */
static struct file_locks *locks_of(struct inode *i)
{
	struct file_locks *fl = atomic_load(&i->locks);
	void *none = NULL;

	if (fl)
		return fl;
	fl = mem_zalloc(sizeof(*fl));
	if (!fl)
		return NULL;
	fl->part.free = locks_free;
	fl->inode = i;
	list_init(&fl->every_link);
	lock_init(&fl->lock, RANK_FILE_LOCKS, "file locks");
	list_init(&fl->records);
	list_init(&fl->whole);
	waitq_init(&fl->wait);
	if (!atomic_compare_exchange_strong(&i->locks, &none, (void *)fl)) {
		mem_free(fl);
		return none;
	}
	lock_take(&every_lock);
	list_push_back(&every, &fl->every_link);
	lock_drop(&every_lock);
	return fl;
}

int flock_range(struct file *f, const struct lx_flock *in, struct flock_range *out)
{
	int64_t start = in->l_start, base = 0;

	if (in->l_type != LX_F_RDLCK && in->l_type != LX_F_WRLCK && in->l_type != LX_F_UNLCK)
		return -EINVAL;
	if (in->l_whence == LX_SEEK_CUR) {
		LOCK_GUARD(&f->pos_lock);
		base = f->pos;
	} else if (in->l_whence == LX_SEEK_END) {
		base = f->inode->attr.size;
	} else if (in->l_whence != LX_SEEK_SET) {
		return -EINVAL;
	}
	if (__builtin_add_overflow(start, base, &start))
		return -EOVERFLOW;
	out->type = in->l_type;
	out->start = start;
	out->end = INT64_MAX;
	if (in->l_len > 0 && __builtin_add_overflow(start, in->l_len - 1, &out->end))
		return -EOVERFLOW;
	if (in->l_len < 0) {
		out->start = start + in->l_len;
		out->end = start - 1;
	}
	return out->start < 0 ? -EINVAL : 0;
}

static bool overlaps(const struct flock_range *a, const struct flock_range *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* The first lock of somebody else that stands in the way; the lock is held. */
static struct record *conflict(struct list *head, const void *owner, const struct flock_range *want)
{
	struct record *r;

	list_for_each(r, head, link) {
		if (r->owner != owner && overlaps(&r->range, want) && (r->range.type == LX_F_WRLCK || want->type == LX_F_WRLCK))
			return r;
	}
	return NULL;
}

static void record_drop(struct record *r)
{
	list_remove(&r->link);
	mem_free(r);
}

/* Takes [start, end] out of the owner's locks. `spare` is used, and set to NULL, where one is split in two. */
static void carve(struct list *head, const void *owner, const struct flock_range *hole, struct record **spare)
{
	struct record *r, *tmp;

	list_for_each_safe(r, tmp, head, link) {
		if (r->owner != owner || !overlaps(&r->range, hole))
			continue;
		if (r->range.start < hole->start && r->range.end > hole->end) {
			struct record *upper = *spare;

			*spare = NULL;
			*upper = *r;
			upper->range.start = hole->end + 1;
			r->range.end = hole->start - 1;
			list_push_back(head, &upper->link);
			return;
		}
		if (r->range.start < hole->start)
			r->range.end = hole->start - 1;
		else if (r->range.end > hole->end)
			r->range.start = hole->end + 1;
		else
			record_drop(r);
	}
}

/* Neighbours of the same owner and type become one, so that a program that locks byte by byte does not grow the list. */
static void merge(struct list *head, struct record *into)
{
	struct record *r, *tmp;

	list_for_each_safe(r, tmp, head, link) {
		if (r == into || r->owner != into->owner || r->range.type != into->range.type)
			continue;
		if (r->range.end != INT64_MAX && r->range.end + 1 == into->range.start) {
			into->range.start = r->range.start;
			record_drop(r);
		} else if (into->range.end != INT64_MAX && into->range.end + 1 == r->range.start) {
			into->range.end = r->range.end;
			record_drop(r);
		}
	}
}

/* Applies a request without conflicts. Both nodes were allocated beforehand; what is not used is left for the caller. */
static void apply(struct list *head, const struct flock_range *want, struct record **fresh, struct record **spare)
{
	struct record *r = *fresh;

	carve(head, r->owner, want, spare);
	if (want->type == LX_F_UNLCK)
		return;
	*fresh = NULL;
	r->range = *want;
	list_push_back(head, &r->link);
	merge(head, r);
}

static void waiting_free(void *data)
{
	struct waiting *w = data;

	lock_take(&waiting_lock);
	list_remove(&w->link);
	lock_drop(&waiting_lock);
	mem_free(w);
}

/* Does waiting of `owner` for `holder` close a circle? waiting_lock held. Bounded, as owners may change between the looks. */
static bool closes_circle(const void *owner, const void *holder)
{
	for (int hops = 0; hops < 16; hops++) {
		struct waiting *w, *next = NULL;

		if (holder == owner)
			return true;
		list_for_each(w, &waiting, link) {
			if (w->owner == holder)
				next = w;
		}
		if (!next)
			return false;
		holder = next->holder;
	}
	return false;
}

/* Notes that the task is going to wait, or -EDEADLK. */
static int note_waiting(struct task *t, const void *owner, const void *holder)
{
	struct waiting *w = t->blk.data;

	if (!w) {
		w = mem_zalloc(sizeof(*w));
		if (!w)
			return -ENOLCK;
		list_init(&w->link);
		t->blk.data = w;
		t->blk.data_free = waiting_free;
	}
	LOCK_GUARD(&waiting_lock);
	list_remove(&w->link);
	if (closes_circle(owner, holder))
		return -EDEADLK;
	w->owner = owner;
	w->holder = holder;
	list_push_back(&waiting, &w->link);
	return 0;
}

static const void *owner_of(struct task *t, struct file *f, bool ofd)
{
	return ofd ? (const void *)f : (const void *)t->files;
}

/* One attempt: 0, or -EAGAIN with *holder. */
static int try_set(struct file_locks *fl, const struct flock_range *want, struct record **fresh, struct record **spare,
		   const void **holder)
{
	struct record *other;

	LOCK_GUARD(&fl->lock);
	other = want->type == LX_F_UNLCK ? NULL : conflict(&fl->records, (*fresh)->owner, want);
	if (other) {
		*holder = other->ofd ? NULL : other->owner;
		return -EAGAIN;
	}
	apply(&fl->records, want, fresh, spare);
	waitq_wake(&fl->wait, ~0u); /* an unlock, a shrink or a downgrade may let others go on */
	return 0;
}

int64_t flock_set(struct task *t, struct file *f, bool ofd, const struct flock_range *want, bool wait)
{
	struct file_locks *fl = locks_of(f->inode);
	struct record *fresh = mem_zalloc(sizeof(*fresh)), *spare = mem_zalloc(sizeof(*spare));
	const void *holder = NULL;
	int64_t ret = -ENOLCK;

	if (!fl || !fresh || !spare)
		goto out;
	*fresh = (struct record){ .owner = owner_of(t, f, ofd), .ofd = ofd, .pid = ofd ? -1 : task_pid(t) };
	if (wait) {
		ret = task_wait_on_file(t, &fl->wait, ~0u, f);
		if (ret < 0)
			goto out;
	}
	ret = try_set(fl, want, &fresh, &spare, &holder);
	if (ret == -EAGAIN && wait) {
		ret = holder && !ofd ? note_waiting(t, owner_of(t, f, ofd), holder) : 0;
		if (ret == 0)
			ret = task_block(t);
	}
out:
	mem_free(fresh);
	mem_free(spare);
	return ret;
}

int flock_get(struct task *t, struct file *f, bool ofd, const struct flock_range *want, struct lx_flock *out)
{
	struct file_locks *fl = locks_of(f->inode);
	struct record *r;

	if (!fl)
		return -ENOLCK;
	LOCK_GUARD(&fl->lock);
	r = conflict(&fl->records, owner_of(t, f, ofd), want);
	if (!r) {
		out->l_type = LX_F_UNLCK;
		return 0;
	}
	out->l_type = (int16_t)r->range.type;
	out->l_whence = LX_SEEK_SET;
	out->l_start = r->range.start;
	out->l_len = r->range.end == INT64_MAX ? 0 : r->range.end - r->range.start + 1;
	out->l_pid = r->pid;
	return 0;
}

/* Removes the locks of an owner; true when there were any. */
static bool drop_owner(struct file_locks *fl, struct list *head, const void *owner)
{
	struct record *r, *tmp;
	bool any = false;

	LOCK_GUARD(&fl->lock);
	list_for_each_safe(r, tmp, head, link) {
		if (r->owner == owner) {
			record_drop(r);
			any = true;
		}
	}
	if (any)
		waitq_wake(&fl->wait, ~0u);
	return any;
}

static int try_whole(struct file_locks *fl, struct file *f, const struct flock_range *want, struct record **fresh)
{
	LOCK_GUARD(&fl->lock);
	if (conflict(&fl->whole, f, want))
		return -EAGAIN;
	list_push_back(&fl->whole, &(*fresh)->link);
	*fresh = NULL;
	return 0;
}

int64_t flock_whole(struct task *t, struct file *f, int op)
{
	struct file_locks *fl = locks_of(f->inode);
	struct record *fresh;
	int64_t ret;

	if (!fl)
		return -ENOLCK;
	/* A conversion is an unlock and a lock, and not atomic: flock(2) says so. A blocked conversion has lost its old lock. */
	drop_owner(fl, &fl->whole, f);
	if ((op & ~LX_LOCK_NB) == LX_LOCK_UN)
		return 0;
	fresh = mem_zalloc(sizeof(*fresh));
	if (!fresh)
		return -ENOLCK;
	fresh->owner = f;
	fresh->pid = task_pid(t);
	fresh->range = (struct flock_range){ .end = INT64_MAX, .type = op & LX_LOCK_EX ? LX_F_WRLCK : LX_F_RDLCK };
	list_init(&fresh->link);
	ret = op & LX_LOCK_NB ? 0 : task_wait_on_file(t, &fl->wait, ~0u, f);
	if (ret == 0)
		ret = try_whole(fl, f, &(struct flock_range){ .end = INT64_MAX, .type = fresh->range.type }, &fresh);
	mem_free(fresh);
	return ret == -EAGAIN && !(op & LX_LOCK_NB) ? task_block(t) : ret;
}

void flock_table_closed(struct file *f, struct fdtable *ft)
{
	struct file_locks *fl = atomic_load_explicit(&f->inode->locks, memory_order_acquire);

	if (fl)
		drop_owner(fl, &fl->records, ft);
}

void flock_file_gone(struct file *f)
{
	struct file_locks *fl = atomic_load_explicit(&f->inode->locks, memory_order_acquire);

	if (!fl)
		return;
	drop_owner(fl, &fl->records, f);
	drop_owner(fl, &fl->whole, f);
}

int flock_count(struct file *f)
{
	struct file_locks *fl = atomic_load(&f->inode->locks);
	struct record *r;
	int n = 0;

	if (!fl)
		return 0;
	LOCK_GUARD(&fl->lock);
	list_for_each(r, &fl->records, link)
		n++;
	list_for_each(r, &fl->whole, link)
		n++;
	return n;
}

void flock_rows(void (*show)(const struct flock_row *, void *), void *arg)
{
	struct file_locks *fl;
	struct record *r;

	LOCK_GUARD(&every_lock);
	list_for_each(fl, &every, every_link) {
		LOCK_GUARD(&fl->lock);
		list_for_each(r, &fl->records, link)
			show(&(struct flock_row){ fl->inode, r->ofd ? FLOCK_OFD : FLOCK_POSIX, r->pid, r->range }, arg);
		list_for_each(r, &fl->whole, link)
			show(&(struct flock_row){ fl->inode, FLOCK_WHOLE, r->pid, r->range }, arg);
	}
}
