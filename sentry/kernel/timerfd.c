/*
 * timerfd: a count of expiries. As on Linux an expiry is noted once and the next interval begins when it is read: until then what was missed is
 * computed, not counted.
 */
#include "sentry/kernel/timerfd.h"

#include <errno.h>
#include <stdio.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/time.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/timer.h"

struct timerfd {
	int clock;              /* immutable */
	struct lock lock;       /* RANK_PIPE */
	/* protected by lock */
	bool armed;
	int64_t expires, interval; /* CLOCK_MONOTONIC ns */
	uint64_t ticks;         /* expired and not yet read, but for what read computes */
	struct ktimer timer;
	struct waitq waiters;
};

static const struct file_ops timerfd_ops;

static void fired(struct ktimer *timer)
{
	struct timerfd *tf = container_of(timer, struct timerfd, timer);

	lock_take(&tf->lock);
	if (!tf->armed || host_monotonic_ns() < tf->expires) {
		lock_drop(&tf->lock);
		return;
	}
	tf->ticks++;
	if (!tf->interval)
		tf->armed = false;
	lock_drop(&tf->lock);
	waitq_wake(&tf->waiters, LX_POLLIN);
}

/* Intervals that have passed since the noted expiry; the timer runs on to the next. */
static void catch_up(struct timerfd *tf)
{
	int64_t now = host_monotonic_ns(), missed;

	if (!tf->armed || !tf->interval || now < tf->expires)
		return;
	missed = (now - tf->expires) / tf->interval;
	tf->ticks += (uint64_t)missed + (tf->ticks == 0);
	tf->expires = clock_add(tf->expires + missed * tf->interval, tf->interval);
	ktimer_arm(&tf->timer, tf->expires);
}

static int64_t timerfd_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct timerfd *tf = f->priv;
	uint64_t ticks;

	(void)t;
	(void)pos;
	if (u->left < sizeof(ticks))
		return -EINVAL;
	lock_take(&tf->lock);
	if (tf->ticks)
		catch_up(tf);
	ticks = tf->ticks;
	tf->ticks = 0;
	lock_drop(&tf->lock);
	return ticks ? uio_put(u, &ticks, sizeof(ticks)) : -EAGAIN;
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *table)
{
	struct timerfd *tf = f->priv;

	if (table && table->add(table, &tf->waiters, LX_POLLIN) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&tf->lock);
	return tf->ticks ? LX_POLLIN | LX_POLLRDNORM : 0;
}

static void show(struct timerfd *tf, struct timer_setting *out)
{
	int64_t left;

	catch_up(tf);
	left = tf->expires - host_monotonic_ns();
	*out = (struct timer_setting){ tf->armed ? left > 0 ? left : 1 : 0, tf->interval };
}

int timerfd_set(struct file *f, const struct timer_setting *new, bool absolute, struct timer_setting *old)
{
	struct timerfd *tf = f->priv;

	if (f->ops != &timerfd_ops)
		return -EINVAL;
	LOCK_GUARD(&tf->lock);
	show(tf, old);
	ktimer_cancel(&tf->timer);
	tf->ticks = 0;
	tf->armed = new->left != 0;
	tf->interval = new->interval;
	if (!tf->armed)
		return 0;
	tf->expires = clock_deadline(tf->clock, new->left, absolute);
	return ktimer_arm(&tf->timer, tf->expires);
}

int timerfd_get(struct file *f, struct timer_setting *out)
{
	struct timerfd *tf = f->priv;

	if (f->ops != &timerfd_ops)
		return -EINVAL;
	LOCK_GUARD(&tf->lock);
	show(tf, out);
	return 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *tf = f->priv;

	ktimer_cancel_sync(&tf->timer);
	mem_free(tf);
}

static void timerfd_show(struct file *f, char *buf, size_t len)
{
	struct timerfd *tf = f->priv;
	struct timer_setting s;

	LOCK_GUARD(&tf->lock);
	show(tf, &s);
	snprintf(buf, len, "clockid: %d\nticks: %llu\nsettime flags: 00\nit_value: (%lld, %lld)\nit_interval: (%lld, %lld)\n", tf->clock,
		 (unsigned long long)tf->ticks, (long long)(s.left / LX_NSEC_PER_SEC), (long long)(s.left % LX_NSEC_PER_SEC),
		 (long long)(s.interval / LX_NSEC_PER_SEC), (long long)(s.interval % LX_NSEC_PER_SEC));
}

int timerfd_file(struct task *t, int clock, uint32_t flags, struct file **out)
{
	struct timerfd *tf = mem_zalloc(sizeof(*tf));
	int err;

	if (!tf)
		return -ENOMEM;
	tf->clock = clock;
	lock_init(&tf->lock, RANK_PIPE, "timerfd");
	waitq_init(&tf->waiters);
	ktimer_init(&tf->timer, fired);
	err = anon_file(t, &timerfd_ops, tf, LX_O_RDWR | flags, out);
	if (err)
		mem_free(tf);
	return err;
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.show_fdinfo = timerfd_show,
	.name = "[timerfd]",
};
