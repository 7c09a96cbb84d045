/* File leases: see lease.h. */
#include "sentry/fs/lease.h"

#include <errno.h>
#include <stddef.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "abi/time.h"
#include "base/host.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/mem.h"
#include "sentry/fs/async.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/task.h"

struct lease {
	struct list link;
	struct file *file;  /* no reference: lease_file_gone() */
	int fd;
	int type;           /* LX_F_RDLCK or LX_F_WRLCK */
	int target;         /* what it is being broken to; type: it is not */
	int64_t deadline;   /* of that, monotonic ns */
};

/* What inode->leases leads to. */
struct leases {
	struct inode_part part;
	struct lock lock;   /* RANK_FILE_LOCKS */
	struct list all;    /* protected by lock */
	struct waitq wait;  /* one was given back, or made less */
};

static void leases_free(struct inode_part *part)
{
	struct leases *ls = container_of(part, struct leases, part);
	struct lease *l, *next;

	list_for_each_safe(l, next, &ls->all, link)
		mem_free(l);
	mem_free(ls);
}

static struct leases *leases_of(struct inode *i)
{
	void *seen = atomic_load(&i->leases);
	struct leases *ls;

	if (seen)
		return seen;
	ls = mem_zalloc(sizeof(*ls));
	if (!ls)
		return NULL;
	ls->part.free = leases_free;
	lock_init(&ls->lock, RANK_FILE_LOCKS, "leases");
	list_init(&ls->all);
	waitq_init(&ls->wait);
	if (atomic_compare_exchange_strong(&i->leases, &seen, (void *)ls))
		return ls;
	mem_free(ls);
	return seen;
}

static struct lease *find(struct leases *ls, const struct file *f)
{
	struct lease *l;

	list_for_each(l, &ls->all, link)
		if (l->file == f)
			return l;
	return NULL;
}

static void drop(struct leases *ls, struct lease *l)
{
	list_remove(&l->link);
	mem_free(l);
	waitq_wake(&ls->wait, ~0u);
}

/* --- having one --------------------------------------------------------------------------------------------------------------- */

/* Is the file open in a way that the lease is to speak of? */
static bool in_use(struct leases *ls, const struct file *f, int type)
{
	struct lease *l;

	if (type == LX_F_RDLCK && atomic_load(&f->inode->writers) > 0)
		return true;
	if (type == LX_F_WRLCK && atomic_load(&f->inode->openers) > 1)
		return true;
	list_for_each(l, &ls->all, link) {
		if (l->file != f && (type == LX_F_WRLCK || l->type == LX_F_WRLCK || l->target != l->type))
			return true;
		/* One that is being broken is not to be had back. */
		if (l->file == f && l->target != l->type && type != l->target)
			return true;
	}
	return false;
}

static int put_lease(struct leases *ls, struct file *f, int fd, int type, struct lease **fresh)
{
	struct lease *l;

	LOCK_GUARD(&ls->lock);
	if (in_use(ls, f, type))
		return -EAGAIN;
	l = find(ls, f);
	if (!l) {
		l = *fresh;
		*fresh = NULL;
		list_push_back(&ls->all, &l->link);
	}
	l->file = f;
	l->fd = fd;
	l->type = l->target = type;
	waitq_wake(&ls->wait, ~0u);
	return 0;
}

static int give_back(struct file *f)
{
	struct leases *ls = atomic_load(&f->inode->leases);
	struct lease *l;

	if (!ls)
		return -EAGAIN;
	LOCK_GUARD(&ls->lock);
	l = find(ls, f);
	if (!l)
		return -EAGAIN;
	drop(ls, l);
	return 0;
}

int lease_set(struct task *t, struct file *f, int fd, int type)
{
	struct lease *fresh;
	struct leases *ls;
	int ret;

	if (type != LX_F_RDLCK && type != LX_F_WRLCK && type != LX_F_UNLCK)
		return -EINVAL;
	if (t->cred->fsuid != f->inode->attr.uid && !cred_capable(t->cred, LX_CAP_LEASE))
		return -EACCES;
	if (f->inode->type != LX_S_IFREG)
		return -EINVAL;
	if (type == LX_F_UNLCK) {
		ret = give_back(f);
		/* As in Linux the owner and the signal go with the lease. */
		if (ret == 0 && async_set_signal(f, 0) == 0)
			async_set_owner(t, f, LX_F_OWNER_PID, 0, true);
		return ret;
	}
	ls = leases_of(f->inode);
	fresh = ls ? mem_zalloc(sizeof(*fresh)) : NULL;
	if (!fresh)
		return -ENOMEM;
	ret = async_set_owner(t, f, LX_F_OWNER_PID, task_pid(t), false);
	if (ret == 0)
		ret = put_lease(ls, f, fd, type, &fresh);
	mem_free(fresh);
	return ret;
}

int lease_get(struct file *f)
{
	struct leases *ls = atomic_load(&f->inode->leases);
	struct lease *l;

	if (!ls)
		return LX_F_UNLCK;
	LOCK_GUARD(&ls->lock);
	l = find(ls, f);
	return l ? l->target : LX_F_UNLCK;
}

void lease_file_gone(struct file *f)
{
	if (atomic_load_explicit(&f->inode->leases, memory_order_acquire))
		give_back(f);
}

/* --- breaking ------------------------------------------------------------------------------------------------------------------- */

static bool in_the_way(const struct lease *l, bool write)
{
	return write || l->type == LX_F_WRLCK;
}

/* Asks the holders of what is in the way; takes away what was asked for too long ago. The time to wait until, or 0: nothing is in the way. */
static int64_t ask(struct leases *ls, bool write)
{
	int64_t now = host_monotonic_ns(), until = 0;
	struct lease *l, *next;

	LOCK_GUARD(&ls->lock);
	list_for_each_safe(l, next, &ls->all, link) {
		if (!in_the_way(l, write))
			continue;
		if (l->target == l->type || (write && l->target == LX_F_RDLCK)) {
			l->target = write ? LX_F_UNLCK : LX_F_RDLCK;
			l->deadline = now + LEASE_BREAK_SECONDS * LX_NSEC_PER_SEC;
			async_post(l->file, l->fd, LX_POLL_MSG);
		}
		if (now < l->deadline) {
			until = until && until < l->deadline ? until : l->deadline;
		} else if (l->target == LX_F_RDLCK) {
			l->type = LX_F_RDLCK;
		} else {
			drop(ls, l);
		}
	}
	return until;
}

static void put_inode(void *i)
{
	inode_put(i);
}

int64_t lease_break(struct task *t, struct inode *i, bool write, bool nonblock)
{
	struct leases *ls = atomic_load_explicit(&i->leases, memory_order_acquire);
	int64_t until;

	if (!ls || i->type != LX_S_IFREG)
		return 0;
	until = ask(ls, write);
	if (!until)
		return 0;
	if (nonblock)
		return -EAGAIN;
	if (!t->blk.data) { /* the queue stays while it is waited on */
		t->blk.data = inode_get(i);
		t->blk.data_free = put_inode;
	}
	if (task_wait_on(t, &ls->wait, ~0u) < 0)
		return -ENOMEM;
	if (!ask(ls, write))
		return 0;
	task_set_deadline(t, until);
	until = task_block(t);
	return until == -ETIMEDOUT ? SYS_AGAIN : until;
}
