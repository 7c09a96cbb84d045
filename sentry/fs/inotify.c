/* An inotify instance: a file whose bytes are events. inotify(7). */
#include "sentry/fs/inotify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/ioctl.h"
#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"

#define MAX_EVENTS 16384u    /* fs.inotify.max_queued_events */
#define MAX_INSTANCES 128u   /* fs.inotify.max_user_instances */

static atomic_uint instances;

struct event {
	struct list link;
	struct lx_inotify_event e; /* e.name follows, padded with zeros to e.len bytes */
};

/* A name takes up whole event headers, its NUL included. */
static uint32_t padded(const char *name)
{
	uint32_t unit = sizeof(struct lx_inotify_event);

	return name ? ((uint32_t)strlen(name) + unit) / unit * unit : 0;
}

static struct event *event_new(int wd, uint32_t mask, uint32_t cookie, const char *name)
{
	uint32_t len = padded(name);
	int64_t size = (int64_t)sizeof(struct event) + len;
	struct event *ev;

	if (memory_charge(the_kernel, size) < 0)
		return NULL;
	ev = mem_zalloc((size_t)size);
	if (!ev) {
		memory_charge(the_kernel, -size);
		return NULL;
	}
	ev->e = (struct lx_inotify_event){ .wd = wd, .mask = mask, .cookie = cookie, .len = len };
	if (name)
		memcpy(ev->e.name, name, strlen(name));
	return ev;
}

static bool same(const struct event *a, const struct event *b)
{
	return a->e.wd == b->e.wd && a->e.mask == b->e.mask && a->e.len == b->e.len && memcmp(a->e.name, b->e.name, a->e.len) == 0;
}

static void event_free(struct event *ev)
{
	if (!ev)
		return;
	memory_charge(the_kernel, -((int64_t)sizeof(*ev) + ev->e.len));
	mem_free(ev);
}

/* Appends, unless it is what the last one says already, or there are too many: then the queue ends with one that says so. */
static bool append(struct inotify *in, struct event *ev)
{
	struct event *last = list_entry(in->events.prev, struct event, link);

	if (!list_empty(&in->events) && same(last, ev))
		return false;
	if (in->queued >= MAX_EVENTS && ev->e.mask != LX_IN_Q_OVERFLOW)
		return false;
	list_push_back(&in->events, &ev->link);
	in->queued++;
	in->bytes += (uint32_t)sizeof(ev->e) + ev->e.len;
	return true;
}

void inotify_queue(struct inotify *in, int wd, uint32_t mask, uint32_t cookie, const char *name)
{
	struct event *ev;
	bool queued;

	lock_take(&in->lock);
	ev = in->queued < MAX_EVENTS ? event_new(wd, mask, cookie, name) : event_new(-1, LX_IN_Q_OVERFLOW, 0, NULL);
	queued = ev && append(in, ev);
	lock_drop(&in->lock);
	if (queued)
		waitq_wake(&in->queue, LX_POLLIN | LX_POLLRDNORM);
	else
		event_free(ev);
}

static struct event *take_fitting(struct inotify *in, uint64_t room, int *err)
{
	struct event *ev;

	*err = -EAGAIN;
	LOCK_GUARD(&in->lock);
	if (list_empty(&in->events))
		return NULL;
	ev = list_first(&in->events, struct event, link);
	*err = -EINVAL;
	if (sizeof(ev->e) + ev->e.len > room)
		return NULL;
	list_remove(&ev->link);
	in->queued--;
	in->bytes -= (uint32_t)sizeof(ev->e) + ev->e.len;
	return ev;
}

static int64_t inotify_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct inotify *in = f->priv;
	int64_t done = 0;
	struct event *ev;
	int err;

	(void)t;
	(void)pos;
	while ((ev = take_fitting(in, u->left, &err))) {
		uint64_t size = sizeof(ev->e) + ev->e.len;
		int64_t put = uio_put(u, &ev->e, size);

		event_free(ev);
		if (put < (int64_t)size)
			return done ? done : -EFAULT;
		done += put;
	}
	return done ? done : err;
}

static uint32_t inotify_poll(struct file *f, struct poll_table *table)
{
	struct inotify *in = f->priv;

	if (table && table->add(table, &in->queue, table->events) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&in->lock);
	return list_empty(&in->events) ? 0 : LX_POLLIN | LX_POLLRDNORM;
}

static int64_t inotify_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	struct inotify *in = f->priv;
	int32_t n;

	if (cmd != LX_FIONREAD)
		return -ENOTTY;
	lock_take(&in->lock);
	n = (int32_t)in->bytes;
	lock_drop(&in->lock);
	return copy_out(t, uaddr(arg), &n, sizeof(n));
}

static void inotify_show(struct file *f, char *buf, size_t len)
{
	struct inotify *in = f->priv;
	size_t at = 0;

	buf[0] = 0;
	LOCK_GUARD(&watch_lock);
	for (int wd = 1; wd <= in->last_wd && at < len; wd++) {
		const struct watch *w = in->by_wd[wd];

		if (w)
			at += (size_t)snprintf(buf + at, len - at, "inotify wd:%x ino:%llx sdev:%llx mask:%x ignored_mask:0\n", (unsigned)wd,
					       (unsigned long long)w->inode->attr.ino, (unsigned long long)w->inode->super->dev, w->mask);
	}
}

static void inotify_release(struct file *f)
{
	struct inotify *in = f->priv;
	struct event *ev, *next;

	watch_remove_all(in);
	list_for_each_safe(ev, next, &in->events, link)
		event_free(ev);
	mem_free(in);
	atomic_fetch_sub(&instances, 1);
}

static const struct file_ops inotify_ops = {
	.fasync = true,
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.show_fdinfo = inotify_show,
	.release = inotify_release,
	.name = "inotify",
};

struct inotify *file_inotify(const struct file *f)
{
	return f->ops == &inotify_ops ? f->priv : NULL;
}

int inotify_file(struct task *t, uint32_t flags, struct file **out)
{
	struct inotify *in = mem_zalloc(sizeof(*in));
	int ret = in ? 0 : -ENOMEM;

	if (in) {
		lock_init(&in->lock, RANK_PIPE, "inotify");
		list_init(&in->events);
		waitq_init(&in->queue);
	}
	if (atomic_fetch_add(&instances, 1) >= MAX_INSTANCES)
		ret = -EMFILE;
	if (ret == 0)
		ret = anon_file(t, &inotify_ops, in, LX_O_RDONLY | flags, out);
	if (ret < 0) {
		atomic_fetch_sub(&instances, 1);
		mem_free(in);
	}
	return ret;
}
