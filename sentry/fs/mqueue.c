/* Messages of POSIX queues, and their open files: see mqueue.h. */
#include "sentry/fs/mqueue.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/signal.h"
#include "sentry/net/netlink.h"

enum { NOTIFY_WOKENUP = 1, NOTIFY_REMOVED = 2 }; /* the last byte of a cookie */

#define READABLE (LX_POLLIN | LX_POLLRDNORM)
#define WRITABLE (LX_POLLOUT | LX_POLLWRNORM)

struct mq_message *mq_message_new(uint64_t len)
{
	int64_t size = (int64_t)(sizeof(struct mq_message) + len);
	struct mq_message *m;

	if (memory_charge(the_kernel, size) < 0)
		return NULL;
	m = mem_alloc((size_t)size);
	if (m)
		*m = (struct mq_message){ .len = len };
	else
		memory_charge(the_kernel, -size);
	return m;
}

void mq_message_free(struct mq_message *m)
{
	if (!m)
		return;
	memory_charge(the_kernel, -(int64_t)(sizeof(*m) + m->len));
	mem_free(m);
}

void mqueue_init(struct mqueue *q)
{
	lock_init(&q->lock, RANK_PIPE, "mqueue");
	list_init(&q->on_dir);
	list_init(&q->messages);
	waitq_init(&q->queue);
	waitq_init(&q->receivers);
}

void mqueue_clear(struct mqueue *q)
{
	struct mq_message *m, *next;

	list_for_each_safe(m, next, &q->messages, link)
		mq_message_free(m);
	if (q->notify)
		process_put(q->notify);
	socket_put(q->thread.socket);
}

/* --- moving messages ----------------------------------------------------------------------------------------------------------- */

/* Behind all of its priority. Lock held. */
static void insert(struct mqueue *q, struct mq_message *m)
{
	struct list *at = q->messages.prev;

	while (at != &q->messages && list_entry(at, struct mq_message, link)->prio < m->prio)
		at = at->prev;
	list_insert(&m->link, at, at->next);
	q->count++;
	q->bytes += (int64_t)m->len;
}

/* Who has asked to be told of this message: it is the first, and nobody waits for it. Referenced. Lock held. */
static struct process *take_notify(struct mqueue *q, struct lx_sigevent *ev, struct mq_thread *th)
{
	struct process *p = q->notify;

	if (!p || q->count != 1 || waitq_active(&q->receivers))
		return NULL;
	*ev = q->event;
	*th = q->thread;
	q->notify = NULL;
	q->thread.socket = NULL;
	return p;
}

/* The C library's thread reads the cookie, its last byte saying what has happened. Drops the reference. */
static void tell_thread(struct mq_thread *th, char what)
{
	if (!th->socket)
		return;
	th->cookie[MQ_COOKIE - 1] = what;
	netlink_tell(th->socket, th->cookie, MQ_COOKIE);
	socket_put(th->socket);
}

static void tell(struct process *p, const struct lx_sigevent *ev, const struct task *sender)
{
	struct lx_siginfo info = { .si_signo = ev->sigev_signo, .si_code = LX_SI_MESGQ };

	info.u.rt.pid = task_pid(sender);
	info.u.rt.uid = sender->cred->uid;
	info.u.rt.value = ev->sigev_value;
	if (ev->sigev_notify == LX_SIGEV_SIGNAL)
		signal_send_process(p, &info);
	process_put(p);
}

int mq_send(struct task *t, struct mqueue *q, struct mq_message *m)
{
	struct mq_thread th = { NULL };
	struct lx_sigevent ev;
	struct process *p;

	lock_take(&q->lock);
	if (q->count >= q->max_messages) {
		lock_drop(&q->lock);
		return -EAGAIN;
	}
	insert(q, m);
	p = take_notify(q, &ev, &th);
	lock_drop(&q->lock);
	tell_thread(&th, NOTIFY_WOKENUP);
	waitq_wake(&q->receivers, READABLE);
	waitq_wake(&q->queue, READABLE);
	if (p)
		tell(p, &ev, t);
	return 0;
}

struct mq_message *mq_receive(struct mqueue *q)
{
	struct mq_message *m = NULL;

	lock_take(&q->lock);
	if (q->count) {
		m = list_first(&q->messages, struct mq_message, link);
		list_remove(&m->link);
		q->count--;
		q->bytes -= (int64_t)m->len;
	}
	lock_drop(&q->lock);
	if (m)
		waitq_wake(&q->queue, WRITABLE);
	return m;
}

int mq_notify(struct task *t, struct mqueue *q, const struct lx_sigevent *ev, const struct mq_thread *thread)
{
	struct mq_thread gone = { NULL };
	struct process *old = NULL;

	lock_take(&q->lock);
	if (ev && q->notify) {
		lock_drop(&q->lock);
		return -EBUSY;
	}
	if (ev) {
		q->event = *ev;
		q->notify = process_get(t->proc);
		q->thread = *thread;
		if (thread->socket)
			socket_get(thread->socket);
	} else if (q->notify == t->proc) {
		old = q->notify;
		q->notify = NULL;
		gone = q->thread;
		q->thread.socket = NULL;
	}
	lock_drop(&q->lock);
	tell_thread(&gone, NOTIFY_REMOVED);
	if (old)
		process_put(old);
	return 0;
}

void mq_attributes(struct mqueue *q, const struct file *f, struct lx_mq_attr *out)
{
	LOCK_GUARD(&q->lock);
	*out = (struct lx_mq_attr){ .mq_flags = atomic_load(&f->flags) & LX_O_NONBLOCK, .mq_maxmsg = q->max_messages,
				    .mq_msgsize = q->max_size, .mq_curmsgs = q->count };
}

/* --- the file -------------------------------------------------------------------------------------------------------------------- */

static struct mqueue *queue_of(const struct file *f)
{
	return container_of(f->inode, struct mqueue, inode);
}

static int64_t mqfile_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	struct mqueue *q = queue_of(f);
	char text[80];
	int64_t len, n;

	(void)t;
	lock_take(&q->lock);
	len = snprintf(text, sizeof(text), "QSIZE:%-10lld NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", (long long)q->bytes,
		       q->notify ? q->event.sigev_notify : 0, q->notify ? q->event.sigev_signo : 0, q->notify ? q->notify->pid : 0);
	lock_drop(&q->lock);
	if (*pos >= len)
		return 0;
	n = uio_put(u, text + *pos, (uint64_t)(len - *pos));
	if (n > 0)
		*pos += n;
	return n;
}

static int64_t mqfile_seek(struct file *f, int64_t offset, int whence)
{
	return file_seek_plain(f, offset, whence, -1);
}

static uint32_t mqfile_poll(struct file *f, struct poll_table *table)
{
	struct mqueue *q = queue_of(f);
	uint32_t events = 0;

	if (table && table->add(table, &q->queue, table->events) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&q->lock);
	if (q->count)
		events |= READABLE;
	if (q->count < q->max_messages)
		events |= WRITABLE;
	return events;
}

/* A process that closes the queue is no longer told of messages. */
static void mqfile_close_fd(struct file *f, struct task *t)
{
	if (t)
		mq_notify(t, queue_of(f), NULL, NULL);
}

static const struct file_ops mqueue_ops = {
	.read = mqfile_read,
	.poll = mqfile_poll,
	.seek = mqfile_seek,
	.close_fd = mqfile_close_fd,
	.name = "mqueue",
};

struct mqueue *file_mqueue(const struct file *f)
{
	return f->ops == &mqueue_ops ? queue_of(f) : NULL;
}

int mqueue_file(struct mqueue *q, const struct path *path, uint32_t flags, struct task *t, struct file **out)
{
	*out = file_new(&mqueue_ops, &q->inode, path, flags, t->cred, NULL);
	return *out ? 0 : -ENOMEM;
}
