/* Watches on inodes, and what happens to these: see notify.h and inotify.h. */
#include "sentry/fs/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/fs/async.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/dnotify.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/inotify.h"
#include "sentry/kernel/task.h"

#define MAX_WATCHES 65536u /* fs.inotify.max_user_watches */

struct lock watch_lock = LOCK_INIT(RANK_SOCKET_NAMES, "inotify watches");
atomic_uint notify_watches;
static atomic_uint last_cookie;

/* What inode->watches leads to. */
struct watch_list {
	struct inode_part part;
	struct list watches; /* of watch.on_inode; protected by watch_lock */
	struct list signals; /* of struct dn; the same */
};

/* F_NOTIFY: counted in notify_watches as well. */
struct dn {
	struct list link;
	struct file *file;         /* no reference: ends with the fd's close */
	const struct fdtable *ft;  /* compared only */
	int fd;
	uint32_t events;           /* LX_DN_* */
};

uint32_t notify_cookie(void)
{
	return atomic_fetch_add(&last_cookie, 1) + 1;
}

/* --- watches --------------------------------------------------------------------------------------------------------------- */

static void list_free(struct inode_part *part)
{
	mem_free(container_of(part, struct watch_list, part));
}

static struct watch_list *list_of(struct inode *i)
{
	void *seen = atomic_load(&i->watches);
	struct watch_list *fresh;

	if (seen)
		return seen;
	fresh = mem_zalloc(sizeof(*fresh));
	if (!fresh)
		return NULL;
	fresh->part.free = list_free;
	list_init(&fresh->watches);
	list_init(&fresh->signals);
	if (atomic_compare_exchange_strong(&i->watches, &seen, (void *)fresh))
		return fresh;
	mem_free(fresh);
	return seen;
}

static struct watch *find(struct watch_list *l, const struct inotify *owner)
{
	struct watch *w;

	list_for_each(w, &l->watches, on_inode)
		if (w->owner == owner)
			return w;
	return NULL;
}

static bool room_for_wd(struct inotify *in, int wd)
{
	uint32_t wds = in->wds ? in->wds * 2 : 16;
	struct watch **by_wd;

	if ((uint32_t)wd < in->wds)
		return true;
	by_wd = mem_realloc_array(in->by_wd, wds, sizeof(struct watch *));
	if (!by_wd)
		return false;
	memset(by_wd + in->wds, 0, (wds - in->wds) * sizeof(struct watch *));
	in->by_wd = by_wd;
	in->wds = wds;
	return true;
}

static int watch_new(struct inotify *in, struct watch_list *l, struct inode *i, uint32_t mask)
{
	struct watch *w;

	if (atomic_load(&notify_watches) >= MAX_WATCHES || in->last_wd == INT32_MAX)
		return -ENOSPC;
	w = room_for_wd(in, in->last_wd + 1) ? mem_zalloc(sizeof(*w)) : NULL;
	if (!w)
		return -ENOMEM;
	*w = (struct watch){ .owner = in, .inode = inode_get(i), .wd = ++in->last_wd, .mask = mask };
	in->by_wd[w->wd] = w;
	list_push_back(&l->watches, &w->on_inode);
	atomic_fetch_add(&notify_watches, 1);
	return w->wd;
}

int watch_add(struct inotify *in, struct inode *i, uint32_t mask)
{
	struct watch_list *l = list_of(i);
	struct watch *w;

	if (!l)
		return -ENOMEM;
	LOCK_GUARD(&watch_lock);
	w = find(l, in);
	if (!w)
		return watch_new(in, l, i, mask & ~(LX_IN_MASK_ADD | LX_IN_MASK_CREATE));
	if (mask & LX_IN_MASK_CREATE)
		return -EEXIST;
	if (mask & LX_IN_MASK_ADD)
		w->mask |= mask & ~LX_IN_MASK_ADD;
	else
		w->mask = mask;
	return w->wd;
}

/* Unties a watch; its memory and reference are the caller's to free, after watch_lock. */
static void untie(struct watch *w)
{
	w->owner->by_wd[w->wd] = NULL;
	list_remove(&w->on_inode);
	atomic_fetch_sub(&notify_watches, 1);
	inotify_queue(w->owner, w->wd, LX_IN_IGNORED, 0, NULL);
}

static void watch_free(struct watch *w)
{
	inode_put(w->inode);
	mem_free(w);
}

int watch_remove(struct inotify *in, int wd)
{
	struct watch *w;

	lock_take(&watch_lock);
	w = wd > 0 && (uint32_t)wd < in->wds ? in->by_wd[wd] : NULL;
	if (w)
		untie(w);
	lock_drop(&watch_lock);
	if (!w)
		return -EINVAL;
	watch_free(w);
	return 0;
}

void watch_remove_all(struct inotify *in)
{
	for (int wd = 1; wd <= in->last_wd; wd++)
		watch_remove(in, wd);
	mem_free(in->by_wd);
}

/* --- F_NOTIFY --------------------------------------------------------------------------------------------------------------- */

static struct dn *dn_find(struct watch_list *l, const struct file *f, const struct fdtable *ft)
{
	struct dn *d;

	list_for_each(d, &l->signals, link)
		if (d->file == f && d->ft == ft)
			return d;
	return NULL;
}

static void dn_drop(struct dn *d)
{
	list_remove(&d->link);
	atomic_fetch_sub(&notify_watches, 1);
	mem_free(d);
}

void dnotify_closed(struct file *f, struct fdtable *ft)
{
	struct watch_list *l = f->inode->type == LX_S_IFDIR ? atomic_load(&f->inode->watches) : NULL;
	struct dn *d;

	if (!l)
		return;
	LOCK_GUARD(&watch_lock);
	d = dn_find(l, f, ft);
	if (d)
		dn_drop(d);
}

int dnotify_set(struct task *t, struct file *f, int fd, uint32_t events)
{
	struct watch_list *l;
	struct dn *d;
	int ret;

	if (!(events & ~LX_DN_MULTISHOT)) {
		dnotify_closed(f, t->files);
		return 0;
	}
	if (f->inode->type != LX_S_IFDIR)
		return -ENOTDIR;
	ret = async_set_owner(t, f, LX_F_OWNER_PID, task_pid(t), false);
	l = ret == 0 ? list_of(f->inode) : NULL;
	if (!l)
		return ret < 0 ? ret : -ENOMEM;
	LOCK_GUARD(&watch_lock);
	d = dn_find(l, f, t->files);
	if (!d) {
		d = mem_zalloc(sizeof(*d));
		if (!d)
			return -ENOMEM;
		d->file = f;
		d->ft = t->files;
		list_push_back(&l->signals, &d->link);
		atomic_fetch_add(&notify_watches, 1);
	}
	d->fd = fd;
	d->events |= events;
	return 0;
}

static uint32_t dn_events(uint32_t mask)
{
	static const struct {
		uint32_t in, dn;
	} rows[] = {
		{ LX_IN_ACCESS, LX_DN_ACCESS }, { LX_IN_MODIFY, LX_DN_MODIFY }, { LX_IN_ATTRIB, LX_DN_ATTRIB },
		{ LX_IN_CREATE | LX_IN_MOVED_TO, LX_DN_CREATE }, { LX_IN_DELETE | LX_IN_MOVED_FROM, LX_DN_DELETE },
		{ LX_IN_MOVED_FROM, LX_DN_RENAME },
	};
	uint32_t dn = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		dn |= mask & rows[i].in ? rows[i].dn : 0;
	return dn;
}

/* watch_lock held. Who did not ask for more than one event is told once. */
static void tell_signals(struct watch_list *l, uint32_t mask)
{
	struct dn *d, *next;

	list_for_each_safe(d, next, &l->signals, link) {
		if (!(d->events & dn_events(mask)))
			continue;
		async_post(d->file, d->fd, LX_POLL_MSG);
		if (!(d->events & LX_DN_MULTISHOT))
			dn_drop(d);
	}
}

/* --- events ------------------------------------------------------------------------------------------------------------------ */

struct happening {
	uint32_t mask, cookie;
	const char *name;  /* NULL: to the inode itself */
	bool unlinked;     /* of a name that is no more: IN_EXCL_UNLINK leaves it out */
	bool last;         /* the watches end */
};

static bool wants(const struct watch *w, const struct happening *h)
{
	if (h->unlinked && w->mask & LX_IN_EXCL_UNLINK)
		return false;
	return w->mask & h->mask & LX_IN_ALL_EVENTS;
}

static void tell(struct inode *i, const struct happening *h)
{
	struct watch_list *l = atomic_load(&i->watches);
	struct list gone = LIST_INIT(gone);
	struct watch *w, *next;

	if (!l)
		return;
	lock_take(&watch_lock);
	if (h->name)
		tell_signals(l, h->mask);
	list_for_each_safe(w, next, &l->watches, on_inode) {
		bool wanted = wants(w, h);

		if (wanted)
			inotify_queue(w->owner, w->wd, h->mask, h->cookie, h->name);
		if (h->last || (wanted && w->mask & LX_IN_ONESHOT)) {
			untie(w);
			list_push_back(&gone, &w->on_inode);
		}
	}
	lock_drop(&watch_lock);
	list_for_each_safe(w, next, &gone, on_inode)
		watch_free(w);
}

void notify_inode_slow(struct inode *i, uint32_t mask)
{
	struct happening h = { .mask = mask | (i->type == LX_S_IFDIR ? LX_IN_ISDIR : 0u) };

	tell(i, &h);
}

void notify_name_slow(struct inode *dir, const char *name, bool is_dir, uint32_t mask, uint32_t cookie)
{
	struct happening h = { .mask = mask | (is_dir ? LX_IN_ISDIR : 0u), .cookie = cookie, .name = name };

	tell(dir, &h);
}

/* The directory that the path's last name stands in hears of it. */
static void tell_parent(const struct path *p, uint32_t mask)
{
	struct dentry *parent = dentry_parent(p->dentry);
	struct happening h = { .mask = mask, .unlinked = atomic_load(&p->dentry->unlinked) };
	char buf[300], *names;

	if (!parent)
		return;
	if (parent->inode && atomic_load(&parent->inode->watches)) {
		buf[sizeof(buf) - 1] = 0;
		names = dentry_names(p->dentry, parent, buf, sizeof(buf) - 1);
		h.name = names ? strrchr(names, '/') : NULL;
		if (h.name) {
			h.name++;
			tell(parent->inode, &h);
		}
	}
	dentry_put(parent);
}

static void tell_path(const struct path *p, struct inode *i, uint32_t mask)
{
	struct happening h = { .mask = mask | (i->type == LX_S_IFDIR ? LX_IN_ISDIR : 0u) };

	tell_parent(p, h.mask);
	h.unlinked = atomic_load(&p->dentry->unlinked);
	tell(i, &h);
}

void notify_path_slow(const struct path *p, uint32_t mask)
{
	if (p->dentry && p->dentry->inode)
		tell_path(p, p->dentry->inode, mask);
}

void notify_file_slow(const struct file *f, uint32_t mask)
{
	/* Not the file that an overlay has opened below its own: that has the same path and another inode. */
	if (f->path.dentry && f->path.dentry->inode == f->inode)
		tell_path(&f->path, f->inode, mask);
}

void notify_unlinked_slow(struct inode *i)
{
	struct happening h = { .mask = LX_IN_DELETE_SELF, .last = true };
	struct attr a;

	if (!atomic_load(&i->watches))
		return;
	if (i->ops->getattr ? i->ops->getattr(i, &a) < 0 : (inode_attr(i, &a), false))
		a.nlink = 0;
	if (i->type != LX_S_IFDIR)
		notify_inode_slow(i, LX_IN_ATTRIB);
	if (a.nlink == 0 || i->type == LX_S_IFDIR)
		tell(i, &h);
}
