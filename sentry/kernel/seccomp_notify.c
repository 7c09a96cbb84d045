/* Supervised filters: notifications, and the listener's file. See seccomp.h; seccomp_unotify(2). */
#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/entry.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/seccomp_impl.h"
#include "sentry/mm/usermem.h"

enum notification_state {
	INIT,    /* nobody has received it */
	SENT,    /* received */
	GIVING,  /* its answer is an fd that is being put into the task's table */
	REPLIED,
};

struct notification {
	struct seccomp_filter *filter; /* immutable; referenced */
	struct task *task;             /* immutable; no reference: it is the task's own */
	uint64_t id;                   /* immutable */
	struct lx_seccomp_data data;   /* immutable */
	/* protected by the listener's lock */
	struct list link;
	enum notification_state state;
	int64_t value;
	int32_t error;
	uint32_t flags;
};

/* --- the task's side -------------------------------------------------------------------------------------------------- */

/* The call ends, or goes on. */
static void notification_drop(void *data)
{
	struct notification *n = data;
	struct seccomp_listener *l = n->filter->listener;

	lock_take(&l->lock);
	list_remove(&n->link);
	lock_drop(&l->lock);
	seccomp_filter_put(n->filter);
	mem_free(n);
}

bool seccomp_waits(const struct task *t)
{
	return t->blk.data && t->blk.data_free == notification_drop && !t->entry.passed;
}

void seccomp_abandon(struct task *t)
{
	if (seccomp_waits(t))
		block_end(t);
}

static struct notification *notification_new(struct task *t, struct seccomp_filter *f, const struct lx_seccomp_data *data)
{
	struct seccomp_listener *l = f->listener;
	struct notification *n = mem_zalloc(sizeof(*n));

	if (!n)
		return NULL;
	n->filter = seccomp_filter_get(f);
	n->task = t;
	n->data = *data;
	t->blk.data = n;
	t->blk.data_free = notification_drop;
	lock_take(&l->lock);
	n->id = l->next_id++;
	if (l->closed) {
		n->state = REPLIED;
		n->error = -ENOSYS;
	}
	list_push_back(&l->notifications, &n->link);
	lock_drop(&l->lock);
	waitq_wake(&l->queue, LX_POLLIN | LX_POLLRDNORM);
	return n;
}

/* The supervisor lets the call be made: its handler shall find everything as at a call's start. */
static void forget(struct task *t)
{
	block_end(t);
	block_begin(t);
}

static int64_t wait(struct task *t, bool killable)
{
	int64_t ret = SYS_BLOCKED;

	if (atomic_load(&t->work) & WORK_EXIT)
		return -ERESTARTSYS;
	if (!killable)
		ret = task_block(t);
	return ret == SYS_BLOCKED && t->in_stop ? SYS_HOLD : ret;
}

bool seccomp_notify(struct task *t, struct seccomp_filter *f, const struct lx_seccomp_data *data, int64_t *ret)
{
	struct notification *n = seccomp_waits(t) ? t->blk.data : NULL;
	struct notification now;

	if (!n) {
		if (f->listener)
			n = notification_new(t, f, data);
		if (!n) {
			*ret = entry_result(t, f->listener ? -ENOMEM : -ENOSYS);
			return false;
		}
	}
	lock_take(&n->filter->listener->lock);
	now = *n;
	lock_drop(&n->filter->listener->lock);
	if (now.state != REPLIED) {
		*ret = wait(t, now.filter->wait_killable && now.state != INIT);
		return false;
	}
	if (now.flags & LX_SECCOMP_USER_NOTIF_FLAG_CONTINUE) {
		forget(t);
		return true;
	}
	*ret = entry_result(t, now.error ? now.error : now.value);
	return false;
}

/* --- the supervisor's side: all with the listener's lock held, but for the ioctls themselves --------------------------- */

/* It has an answer, or another state to wait in. The task does not go away while its notification is on the list. */
static void reply(struct notification *n, int64_t value, int32_t error, uint32_t flags)
{
	n->state = REPLIED;
	n->value = value;
	n->error = error;
	n->flags = flags;
	task_notify(n->task);
}

static struct notification *find(struct seccomp_listener *l, uint64_t id)
{
	struct notification *n;

	list_for_each(n, &l->notifications, link)
		if (n->id == id)
			return n;
	return NULL;
}

static struct notification *first_in(struct seccomp_listener *l, enum notification_state state)
{
	struct notification *n;

	list_for_each(n, &l->notifications, link)
		if (n->state == state)
			return n;
	return NULL;
}

static bool all_zero(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const uint8_t *)p)[i])
			return false;
	return true;
}

static bool take_first(struct seccomp_listener *l, struct lx_seccomp_notif *out)
{
	struct notification *n;

	LOCK_GUARD(&l->lock);
	n = first_in(l, INIT);
	if (!n)
		return false;
	*out = (struct lx_seccomp_notif){ .id = n->id, .pid = (uint32_t)n->task->tid, .data = n->data };
	n->state = SENT;
	return true;
}

static void take_back(struct seccomp_listener *l, uint64_t id)
{
	struct notification *n;

	LOCK_GUARD(&l->lock);
	n = find(l, id);
	if (n && n->state == SENT)
		n->state = INIT;
}

static int64_t receive(struct file *f, struct task *t, uaddr_t arg)
{
	struct seccomp_filter *filter = f->priv;
	struct seccomp_listener *l = filter->listener;
	struct lx_seccomp_notif notif;

	if (copy_in(t, &notif, arg, sizeof(notif)) < 0)
		return -EFAULT;
	if (!all_zero(&notif, sizeof(notif)))
		return -EINVAL;
	if (!take_first(l, &notif))
		return atomic_load(&filter->users) ? task_wait_file(t, f, LX_POLLIN) : -ENOENT;
	if (copy_out(t, arg, &notif, sizeof(notif)) < 0) {
		take_back(l, notif.id);
		waitq_wake(&l->queue, LX_POLLIN | LX_POLLRDNORM);
		return -EFAULT;
	}
	waitq_wake(&l->queue, LX_POLLOUT | LX_POLLWRNORM);
	return 0;
}

static int64_t send(struct file *f, struct task *t, uaddr_t arg)
{
	struct seccomp_listener *l = ((struct seccomp_filter *)f->priv)->listener;
	struct lx_seccomp_notif_resp resp;
	struct notification *n;

	if (copy_in(t, &resp, arg, sizeof(resp)) < 0)
		return -EFAULT;
	if (resp.flags & ~LX_SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return -EINVAL;
	if (resp.flags && (resp.error || resp.val))
		return -EINVAL;
	LOCK_GUARD(&l->lock);
	n = find(l, resp.id);
	if (!n)
		return -ENOENT;
	if (n->state != SENT)
		return -EINPROGRESS;
	reply(n, resp.val, resp.error, resp.flags);
	return 0;
}

static int64_t id_valid(struct file *f, struct task *t, uaddr_t arg)
{
	struct seccomp_listener *l = ((struct seccomp_filter *)f->priv)->listener;
	struct notification *n;
	uint64_t id;

	if (copy_in(t, &id, arg, sizeof(id)) < 0)
		return -EFAULT;
	LOCK_GUARD(&l->lock);
	n = find(l, id);
	return n && n->state == SENT ? 0 : -ENOENT;
}

/* --- giving an fd ------------------------------------------------------------------------------------------------------- */

/*
 * The table that the fd goes into: that of the notification's task, as it blocks. With SEND nobody else can answer any more; the task is held
 * until give_end().
 */
static int give_begin(struct seccomp_listener *l, const struct lx_seccomp_notif_addfd *a, struct task **task, struct fdtable **files)
{
	struct notification *n;

	LOCK_GUARD(&l->lock);
	n = find(l, a->id);
	if (!n)
		return -ENOENT;
	if (n->state != SENT)
		return -EINPROGRESS;
	if (a->flags & LX_SECCOMP_ADDFD_FLAG_SEND)
		n->state = GIVING;
	*task = task_get(n->task);
	*files = fdtable_get(n->task->files);
	return 0;
}

static void give_end(struct seccomp_listener *l, uint64_t id, int fd)
{
	struct notification *n;

	LOCK_GUARD(&l->lock);
	n = find(l, id);
	if (!n || n->state != GIVING)
		return;
	if (fd < 0)
		n->state = SENT;
	else
		reply(n, fd, 0, 0);
}

/* A number that can be none is to be refused as one, not taken for "any". */
static int set_fd(uint32_t fd)
{
	return fd > INT32_MAX ? INT32_MAX : (int)fd;
}

static int64_t add_fd(struct file *f, struct task *t, uaddr_t arg, uint32_t size)
{
	struct seccomp_listener *l = ((struct seccomp_filter *)f->priv)->listener;
	struct lx_seccomp_notif_addfd a;
	struct fdtable *files;
	struct task *task;
	int ret;

	if (size < sizeof(a) || size >= 4096)
		return -EINVAL;
	ret = copy_in_struct(t, &a, sizeof(a), arg, size);
	if (ret < 0)
		return ret;
	if (a.newfd_flags & ~LX_O_CLOEXEC || a.flags & ~(LX_SECCOMP_ADDFD_FLAG_SETFD | LX_SECCOMP_ADDFD_FLAG_SEND) ||
	    (a.newfd && !(a.flags & LX_SECCOMP_ADDFD_FLAG_SETFD)))
		return -EINVAL;
	AUTO_FILE struct file *given = fd_get(t, (int)a.srcfd);

	if (!given)
		return -EBADF;
	ret = give_begin(l, &a, &task, &files);
	if (ret < 0)
		return ret;
	ret = fdtable_receive(files, task, a.flags & LX_SECCOMP_ADDFD_FLAG_SETFD ? set_fd(a.newfd) : -1, given, a.newfd_flags);
	if (a.flags & LX_SECCOMP_ADDFD_FLAG_SEND)
		give_end(l, a.id, ret);
	fdtable_put(files, task);
	task_put(task);
	return ret;
}

/* --- the file ------------------------------------------------------------------------------------------------------------ */

static int64_t listener_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case LX_SECCOMP_IOCTL_NOTIF_RECV:
		return receive(f, t, uaddr(arg));
	case LX_SECCOMP_IOCTL_NOTIF_SEND:
		return send(f, t, uaddr(arg));
	case LX_SECCOMP_IOCTL_NOTIF_ID_VALID:
	case LX_SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR:
		return id_valid(f, t, uaddr(arg));
	case LX_SECCOMP_IOCTL_NOTIF_SET_FLAGS: /* wakes are on the waker's CPU anyway */
		return arg & ~(uint64_t)LX_SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP ? -EINVAL : 0;
	default:
		/* Of whatever size, so that it can grow. */
		if ((cmd & 0xc000ffffu) == (LX_SECCOMP_IOCTL_NOTIF_ADDFD & 0xc000ffffu))
			return add_fd(f, t, uaddr(arg), cmd >> 16 & 0x3fff);
		return -EINVAL;
	}
}

static uint32_t listener_poll(struct file *f, struct poll_table *table)
{
	struct seccomp_filter *filter = f->priv;
	struct seccomp_listener *l = filter->listener;
	uint32_t events = 0;

	if (table && table->add(table, &l->queue, table->events) < 0)
		return LX_POLLERR;
	LOCK_GUARD(&l->lock);
	if (first_in(l, INIT))
		events |= LX_POLLIN | LX_POLLRDNORM;
	if (first_in(l, SENT))
		events |= LX_POLLOUT | LX_POLLWRNORM;
	if (!atomic_load(&filter->users))
		events |= LX_POLLHUP;
	return events;
}

static void listener_release(struct file *f)
{
	struct seccomp_filter *filter = f->priv;
	struct seccomp_listener *l = filter->listener;
	struct notification *n;

	lock_take(&l->lock);
	l->closed = true;
	list_for_each(n, &l->notifications, link)
		if (n->state != REPLIED)
			reply(n, 0, -ENOSYS, 0);
	lock_drop(&l->lock);
	seccomp_filter_put(filter);
}

static const struct file_ops listener_ops = {
	.poll = listener_poll,
	.ioctl = listener_ioctl,
	.release = listener_release,
	.name = "seccomp notify",
};

int seccomp_listener_new(struct seccomp_filter *f)
{
	struct seccomp_listener *l = mem_zalloc(sizeof(*l));

	if (!l)
		return -ENOMEM;
	lock_init(&l->lock, RANK_PIPE, "seccomp.listener");
	list_init(&l->notifications);
	waitq_init(&l->queue);
	l->next_id = 1;
	f->listener = l;
	return 0;
}

int seccomp_listener_file(struct task *t, struct seccomp_filter *f, struct file **out)
{
	int err = anon_file(t, &listener_ops, seccomp_filter_get(f), LX_O_RDWR, out);

	if (err)
		seccomp_filter_put(f);
	return err;
}

bool seccomp_listener_open(struct seccomp_filter *f)
{
	return f->listener && !atomic_load(&f->listener->closed);
}
