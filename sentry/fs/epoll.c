/*
 * epoll(7). An item watches one file for one epoll. It waits on the file's queues; a wake puts it on the epoll's ready list, which is a
 * hint: whoever reads events looks at the file itself. Level-triggered items go back to the list when they are reported.
 *
 * Locks: `items_lock` (which epolls watch a file) before epoll.lock (the items) before the file's own; from a wake: the file's
 * queue, then epoll.ready_lock, then the epoll's own queue. An epoll in an epoll has ranks by depth.
 */
#include "sentry/fs/epoll.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "abi/cred.h"
#include "abi/epoll.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"

#define MAX_DEPTH 4
#define PRIVATE_BITS (LX_EPOLLWAKEUP | LX_EPOLLONESHOT | LX_EPOLLET | LX_EPOLLEXCLUSIVE)
#define ALWAYS (LX_EPOLLERR | LX_EPOLLHUP)
#define MAX_QUEUES 3 /* no file's readiness depends on more */

struct epoll {
	struct lock lock;       /* RANK_EPOLL by depth */
	/* protected by lock */
	struct item **table;    /* by (file, fd), chained; `buckets` is a power of two */
	uint32_t buckets, count;
	int depth;              /* 0: watches no epoll; changed under items_lock too */
	/* protected by ready_lock */
	struct lock ready_lock; /* RANK_EPOLL_READY */
	struct list ready;      /* of item.ready_link */
	struct waitq queue;     /* epoll_wait, and poll on the epoll itself */
	struct file *self;      /* immutable, no reference */
	struct lx_epoll_params params; /* kept and shown: there is no device to poll; protected by lock */
};

struct item {
	/* immutable after creation */
	struct epoll *ep;
	struct file *file;      /* no reference: epoll_file_gone() */
	int fd;
	/* protected by ep->lock */
	struct item *next;
	struct lx_epoll_event event; /* events 0: disarmed by ONESHOT */
	struct waiter waiters[MAX_QUEUES];
	uint32_t waiter_count;
	/* protected by ep->ready_lock */
	struct list ready_link; /* empty: not on the list */
	/* protected by items_lock */
	struct list file_link;  /* on file->epoll_items */
};

/* Which epolls watch which file; one lock for all, taken by epoll_ctl and the close of a watched file. */
static struct lock items_lock = LOCK_INIT(RANK_EPOLL_ITEMS, "epoll.items");

static const struct file_ops epoll_ops;

struct epoll *file_epoll(struct file *f)
{
	return f->ops == &epoll_ops ? f->priv : NULL;
}

/* --- readiness -------------------------------------------------------------------------------------------------------- */

static void make_ready(struct item *i, bool wake)
{
	struct epoll *ep = i->ep;

	lock_take(&ep->ready_lock);
	if (list_empty(&i->ready_link))
		list_push_back(&ep->ready, &i->ready_link);
	lock_drop(&ep->ready_lock);
	if (wake)
		waitq_wake(&ep->queue, LX_EPOLLIN | LX_EPOLLRDNORM);
}

static bool item_woken(struct waiter *w, uint32_t events)
{
	/* The waiter knows its item by the first of them: see watch_queue(). */
	struct item *i = container_of(w - w->index, struct item, waiters[0]);

	(void)events;
	make_ready(i, true);
	return true;
}

struct registration {
	struct poll_table table;
	struct item *item;
};

static int watch_queue(struct poll_table *table, struct waitq *q, uint32_t events)
{
	struct item *i = container_of(table, struct registration, table)->item;
	struct waiter *w = &i->waiters[i->waiter_count];

	if (i->waiter_count == MAX_QUEUES)
		return -ENOMEM;
	*w = (struct waiter){ .events = events | ALWAYS, .wake = item_woken, .index = i->waiter_count++ };
	waitq_add(q, w);
	return 0;
}

static void unwatch(struct item *i)
{
	for (uint32_t n = 0; n < i->waiter_count; n++)
		waitq_remove(&i->waiters[n]);
	i->waiter_count = 0;
}

/* (Re)registers with the file and looks; under ep->lock. */
static void watch(struct item *i)
{
	struct registration r = { .table = { .add = watch_queue, .events = (i->event.events & ~PRIVATE_BITS) | ALWAYS }, .item = i };

	unwatch(i);
	if (file_poll(i->file, &r.table) & r.table.events)
		make_ready(i, true);
}

static uint32_t item_events(const struct item *i)
{
	uint32_t wanted = i->event.events & ~PRIVATE_BITS;

	return wanted ? file_poll(i->file, NULL) & (wanted | ALWAYS) : 0;
}

/* --- items -------------------------------------------------------------------------------------------------------------- */

static struct item **bucket(struct epoll *ep, const struct file *f, int fd)
{
	return &ep->table[hash_u64((uintptr_t)f, (uint64_t)fd) & (ep->buckets - 1)];
}

static struct item *find(struct epoll *ep, const struct file *f, int fd)
{
	struct item *i = ep->buckets ? *bucket(ep, f, fd) : NULL;

	while (i && (i->file != f || i->fd != fd))
		i = i->next;
	return i;
}

static int grow(struct epoll *ep)
{
	uint32_t old = ep->buckets, buckets = old ? 2 * old : 8;
	struct item **table, **before = ep->table;

	if (ep->count < old)
		return 0;
	table = mem_calloc(buckets, sizeof(struct item *));
	if (!table)
		return -ENOMEM;
	ep->table = table;
	ep->buckets = buckets;
	for (uint32_t b = 0; b < old; b++)
		while (before[b]) {
			struct item *i = before[b], **to = bucket(ep, i->file, i->fd);

			before[b] = i->next;
			i->next = *to;
			*to = i;
		}
	mem_free(before);
	return 0;
}

/* Takes the item apart; items_lock and ep->lock held. */
static void drop(struct item *i)
{
	struct epoll *ep = i->ep;
	struct item **at = bucket(ep, i->file, i->fd);

	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	ep->count--;
	unwatch(i);
	lock_take(&ep->ready_lock);
	list_remove(&i->ready_link);
	lock_drop(&ep->ready_lock);
	list_remove(&i->file_link);
	mem_free(i);
}

void epoll_file_gone(struct file *f)
{
	LOCK_GUARD(&items_lock);
	while (!list_empty(&f->epoll_items)) {
		struct item *i = list_first(&f->epoll_items, struct item, file_link);
		struct epoll *ep = i->ep;

		lock_take(&ep->lock);
		drop(i);
		lock_drop(&ep->lock);
	}
}

static void set_depth(struct epoll *ep, int depth)
{
	ep->depth = depth;
	ep->lock.rank = (uint16_t)(RANK_EPOLL_LAST - depth);
	ep->queue.lock.rank = (uint16_t)(RANK_EPOLL_QUEUE + depth);
}

/* The longest chain of epolls that watch this one. */
static int height(const struct epoll *ep)
{
	struct item *i;
	int best = 0;

	list_for_each(i, &ep->self->epoll_items, file_link) {
		int h = 1 + height(i->ep);

		best = h > best ? h : best;
	}
	return best;
}

/* Is `ep` watched by `by`, directly or not? */
static bool watched_by(const struct epoll *ep, const struct epoll *by)
{
	struct item *i;

	list_for_each(i, &ep->self->epoll_items, file_link)
		if (i->ep == by || watched_by(i->ep, by))
			return true;
	return false;
}

/* `ep` is about to watch `inner`: no circles, no deeper than Linux allows. items_lock held, no epoll's. */
static int nest(struct epoll *ep, struct epoll *inner)
{
	struct item *i;

	if (ep == inner)
		return -EINVAL;
	if (watched_by(ep, inner) || inner->depth + 1 + height(ep) > MAX_DEPTH)
		return -ELOOP;
	if (ep->depth > inner->depth)
		return 0;
	set_depth(ep, inner->depth + 1);
	list_for_each(i, &ep->self->epoll_items, file_link)
		if (i->ep->depth <= ep->depth)
			nest(i->ep, ep);
	return 0;
}

/* Errors and hangups are told to whoever asked for anything or for nothing; only a shot that was fired waits for none of them. */
static struct lx_epoll_event armed(const struct lx_epoll_event *event)
{
	return (struct lx_epoll_event){ .events = event->events | ALWAYS, .data = event->data };
}

static int ctl_add(struct epoll *ep, struct file *f, int fd, const struct lx_epoll_event *event)
{
	struct item *i = mem_zalloc(sizeof(*i)), **at;

	if (!i || grow(ep) < 0) {
		mem_free(i);
		return -ENOMEM;
	}
	i->ep = ep;
	i->file = f;
	i->fd = fd;
	i->event = armed(event);
	list_init(&i->ready_link);
	list_push_back(&f->epoll_items, &i->file_link);
	at = bucket(ep, f, fd);
	i->next = *at;
	*at = i;
	ep->count++;
	watch(i);
	return 0;
}

static int ctl_mod(struct item *i, const struct lx_epoll_event *event)
{
	if ((i->event.events | event->events) & LX_EPOLLEXCLUSIVE)
		return -EINVAL;
	i->event = armed(event);
	watch(i);
	return 0;
}

int epoll_control(struct epoll *ep, struct file *f, int op, int fd, const struct lx_epoll_event *event)
{
	struct epoll *inner = file_epoll(f);
	struct item *i;
	int ret = 0;

	LOCK_GUARD(&items_lock);
	if (op == LX_EPOLL_CTL_ADD && inner)
		ret = nest(ep, inner);
	if (ret < 0)
		return ret;
	LOCK_GUARD(&ep->lock);
	i = find(ep, f, fd);
	switch (op) {
	case LX_EPOLL_CTL_ADD:
		return i ? -EEXIST : ctl_add(ep, f, fd, event);
	case LX_EPOLL_CTL_MOD:
		return i ? ctl_mod(i, event) : -ENOENT;
	case LX_EPOLL_CTL_DEL:
		if (!i)
			return -ENOENT;
		drop(i);
		return 0;
	}
	return -EINVAL;
}

/* --- the file ------------------------------------------------------------------------------------------------------------- */

/* Some item is ready. Looks at the files themselves: the list is a hint. */
static uint32_t epoll_poll(struct file *f, struct poll_table *table)
{
	struct epoll *ep = f->priv;
	struct item *i, *next;
	struct list seen;
	uint32_t events = 0;

	if (table && table->add(table, &ep->queue, table->events) < 0)
		return LX_EPOLLERR;
	list_init(&seen);
	LOCK_GUARD(&ep->lock);
	lock_take(&ep->ready_lock);
	list_splice(&seen, &ep->ready);
	lock_drop(&ep->ready_lock);
	list_for_each_safe(i, next, &seen, ready_link) {
		if (events)
			break;
		if (item_events(i)) {
			events = LX_EPOLLIN | LX_EPOLLRDNORM;
			break;
		}
		lock_take(&ep->ready_lock);
		list_remove(&i->ready_link);
		lock_drop(&ep->ready_lock);
	}
	lock_take(&ep->ready_lock);
	list_splice(&seen, &ep->ready); /* what came meanwhile goes behind */
	list_splice(&ep->ready, &seen);
	lock_drop(&ep->ready_lock);
	return events;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;

	lock_take(&items_lock);
	lock_take(&ep->lock);
	for (uint32_t b = 0; b < ep->buckets; b++)
		while (ep->table[b])
			drop(ep->table[b]);
	lock_drop(&ep->lock);
	lock_drop(&items_lock);
	mem_free(ep->table);
	mem_free(ep);
}

static void epoll_show(struct file *f, char *buf, size_t len)
{
	struct epoll *ep = f->priv;
	size_t used = 0;

	LOCK_GUARD(&ep->lock);
	for (uint32_t b = 0; b < ep->buckets; b++)
		for (struct item *i = ep->table[b]; i && used < len; i = i->next)
			used += (size_t)snprintf(buf + used, len - used, "tfd: %8d events: %8x data: %16llx\n", i->fd, i->event.events,
						 (unsigned long long)i->event.data);
}

static int64_t set_params(struct epoll *ep, struct task *t, uint64_t arg)
{
	struct lx_epoll_params p;

	if (copy_in(t, &p, uaddr(arg), sizeof(p)) < 0)
		return -EFAULT;
	if (p.pad || p.busy_poll_usecs > INT32_MAX || p.prefer_busy_poll > 1)
		return -EINVAL;
	if (p.busy_poll_budget > LX_NAPI_POLL_WEIGHT && !cred_capable(t->cred, LX_CAP_NET_ADMIN))
		return -EPERM;
	LOCK_GUARD(&ep->lock);
	ep->params = p;
	return 0;
}

static int64_t epoll_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	struct epoll *ep = f->priv;
	struct lx_epoll_params p;

	if (cmd == LX_EPIOCSPARAMS)
		return set_params(ep, t, arg);
	if (cmd != LX_EPIOCGPARAMS)
		return -EINVAL; /* as Linux says it here, not ENOTTY */
	lock_take(&ep->lock);
	p = ep->params;
	lock_drop(&ep->lock);
	return copy_out(t, uaddr(arg), &p, sizeof(p));
}

static const struct file_ops epoll_ops = {
	.ioctl = epoll_ioctl,
	.poll = epoll_poll,
	.release = epoll_release,
	.show_fdinfo = epoll_show,
	.name = "epoll",
};

/* --- for the calls -------------------------------------------------------------------------------------------------------- */

int epoll_open(struct task *t, struct file **out)
{
	struct epoll *ep = mem_zalloc(sizeof(*ep));
	int ret;

	if (!ep)
		return -ENOMEM;
	lock_init(&ep->lock, RANK_EPOLL, "epoll");
	lock_init(&ep->ready_lock, RANK_EPOLL_READY, "epoll.ready");
	list_init(&ep->ready);
	waitq_init(&ep->queue);
	set_depth(ep, 0);
	ret = anon_file(t, &epoll_ops, ep, LX_O_RDWR, out);
	if (ret < 0)
		mem_free(ep);
	else
		ep->self = *out;
	return ret;
}

struct waitq *epoll_queue(struct epoll *ep)
{
	return &ep->queue;
}

uint32_t epoll_count(const struct epoll *ep)
{
	return ep->count;
}

/* Level-triggered items that are reported go to the end of the list, as in Linux. */
int epoll_collect(struct epoll *ep, struct lx_epoll_event *out, int max)
{
	struct list seen, again;
	int n = 0;

	list_init(&seen);
	list_init(&again);
	LOCK_GUARD(&ep->lock);
	lock_take(&ep->ready_lock);
	list_splice(&seen, &ep->ready);
	while (!list_empty(&seen) && n < max) {
		struct item *i = list_first(&seen, struct item, ready_link);
		uint32_t events;

		list_remove(&i->ready_link);
		lock_drop(&ep->ready_lock);
		events = item_events(i);
		if (events) {
			out[n++] = (struct lx_epoll_event){ .events = events, .data = i->event.data };
			if (i->event.events & LX_EPOLLONESHOT)
				i->event.events &= PRIVATE_BITS;
		}
		lock_take(&ep->ready_lock);
		if (events && !(i->event.events & (LX_EPOLLET | LX_EPOLLONESHOT)) && list_empty(&i->ready_link))
			list_push_back(&again, &i->ready_link);
	}
	list_splice(&seen, &ep->ready);
	list_splice(&seen, &again);
	list_splice(&ep->ready, &seen);
	lock_drop(&ep->ready_lock);
	return n;
}
