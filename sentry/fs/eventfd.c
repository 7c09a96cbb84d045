/* eventfd(2): a counter that can be waited for. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/eventfd.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/task.h"
#include "sentry/syscalls/handlers.h"

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
	struct lock lock; /* RANK_PIPE */
	uint64_t count;   /* protected by lock */
	bool semaphore;   /* immutable */
	struct waitq queue;
};

static int64_t eventfd_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value;
	int64_t ret;

	(void)t;
	(void)pos;
	if (u->left < sizeof(value))
		return -EINVAL;
	lock_take(&e->lock);
	if (!e->count) {
		lock_drop(&e->lock);
		return -EAGAIN;
	}
	value = e->semaphore ? 1 : e->count;
	e->count -= value;
	lock_drop(&e->lock);
	waitq_wake(&e->queue, LX_POLLOUT);
	ret = uio_put(u, &value, sizeof(value));
	return ret < 0 ? ret : (int64_t)sizeof(value);
}

static int64_t eventfd_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t value;
	int64_t got;

	(void)t;
	(void)pos;
	if (u->left < sizeof(value))
		return -EINVAL;
	got = uio_get(u, &value, sizeof(value));
	if (got != sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	lock_take(&e->lock);
	if (value > COUNT_MAX - e->count) {
		lock_drop(&e->lock);
		return -EAGAIN;
	}
	e->count += value;
	lock_drop(&e->lock);
	if (value)
		waitq_wake(&e->queue, LX_POLLIN);
	return sizeof(value);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *table)
{
	struct eventfd *e = f->priv;
	uint32_t events = 0;

	if (table && table->add(table, &e->queue, table->events) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&e->lock);
	if (e->count)
		events |= LX_POLLIN;
	if (e->count < COUNT_MAX)
		events |= LX_POLLOUT;
	return events;
}

static void eventfd_show(struct file *f, char *buf, size_t len)
{
	struct eventfd *e = f->priv;

	LOCK_GUARD(&e->lock);
	snprintf(buf, len, "eventfd-count: %16llx\n", (unsigned long long)e->count);
}

static void eventfd_release(struct file *f)
{
	mem_free(f->priv);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.show_fdinfo = eventfd_show,
	.release = eventfd_release,
	.name = "eventfd",
};

bool file_is_eventfd(const struct file *f)
{
	return f->ops == &eventfd_ops;
}

void eventfd_signal(struct file *f)
{
	struct eventfd *e = f->priv;

	lock_take(&e->lock);
	if (e->count < COUNT_MAX)
		e->count++;
	lock_drop(&e->lock);
	waitq_wake(&e->queue, LX_POLLIN);
}

static int64_t make(struct task *t, uint32_t count, uint32_t flags)
{
	struct eventfd *e;
	struct file *f;
	int ret;

	if (flags & ~(uint32_t)(LX_EFD_SEMAPHORE | LX_EFD_NONBLOCK | LX_EFD_CLOEXEC))
		return -EINVAL;
	e = mem_zalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	lock_init(&e->lock, RANK_PIPE, "eventfd");
	waitq_init(&e->queue);
	e->count = count;
	e->semaphore = flags & LX_EFD_SEMAPHORE;
	ret = anon_file(t, &eventfd_ops, e, LX_O_RDWR | (flags & LX_EFD_NONBLOCK), &f);
	if (ret < 0) {
		mem_free(e);
		return ret;
	}
	return fd_add(t, f, flags & LX_EFD_CLOEXEC);
}

int64_t sys_eventfd(struct task *t, const struct sysargs *a)
{
	return make(t, arg_u32(a, 0), 0);
}

int64_t sys_eventfd2(struct task *t, const struct sysargs *a)
{
	return make(t, arg_u32(a, 0), arg_u32(a, 1));
}
