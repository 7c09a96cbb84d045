/* mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr. */
#include <errno.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/time.h"
#include "base/log.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/mqueue.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/net/socket.h"
#include "sentry/syscalls/handlers.h"

#define OPEN_FLAGS (LX_O_ACCMODE | LX_O_CREAT | LX_O_EXCL | LX_O_NONBLOCK | LX_O_CLOEXEC)

int64_t sys_mq_open(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 1);
	struct lx_mq_attr attr;
	struct file *f;
	char name[LX_PATH_MAX];
	int64_t ret;

	if (arg_u64(a, 3) && copy_in(t, &attr, arg_addr(a, 3), sizeof(attr)) < 0)
		return -EFAULT;
	ret = copy_in_str(t, name, arg_addr(a, 0), sizeof(name));
	if (ret < 0)
		return ret;
	ret = mq_open(t, name, flags & OPEN_FLAGS, arg_mode(a, 2), arg_u64(a, 3) ? &attr : NULL, &f);
	return ret < 0 ? ret : fd_add(t, f, true);
}

int64_t sys_mq_unlink(struct task *t, const struct sysargs *a)
{
	char name[LX_PATH_MAX];
	int64_t ret = copy_in_str(t, name, arg_addr(a, 0), sizeof(name));

	return ret < 0 ? ret : mq_unlink(t, name);
}

static int queue_of(struct task *t, int fd, bool write, struct file **f, struct mqueue **q)
{
	*f = fd_get_io(t, fd);
	*q = *f ? file_mqueue(*f) : NULL;
	return *q && (write ? (*f)->writable : (*f)->readable) ? 0 : -EBADF;
}

/* An absolute time of the realtime clock, as a deadline of this call. */
static int set_deadline(struct task *t, uaddr_t at)
{
	struct lx_timespec ts;
	int ret;

	if (uaddr_null(at) || t->blk.rerun)
		return 0;
	ret = timespec_copy_in(t, at, &ts);
	if (ret == 0)
		task_set_deadline(t, clock_deadline(LX_CLOCK_REALTIME, timespec_to_ns(&ts), true));
	return ret;
}

/* Sends m, or gives it back with what the call then returns. */
static int64_t send_or_wait(struct task *t, struct file *f, struct mqueue *q, struct mq_message *m)
{
	int64_t ret = mq_send(t, q, m);

	if (ret != -EAGAIN || file_nonblock(f))
		return ret;
	if (task_wait_on_file(t, &q->queue, LX_POLLOUT, f) < 0)
		return -ENOMEM;
	ret = mq_send(t, q, m);
	return ret == -EAGAIN ? task_block(t) : ret;
}

int64_t sys_mq_timedsend(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	uint64_t len = arg_size(a, 2);
	struct mq_message *m;
	struct mqueue *q = NULL;
	int64_t ret = set_deadline(t, arg_addr(a, 4));

	if (ret == 0 && arg_u32(a, 3) >= MQ_PRIO_MAX)
		ret = -EINVAL;
	if (ret == 0)
		ret = queue_of(t, arg_fd(a, 0), true, &f, &q);
	if (ret != 0)
		return ret;
	assert_that(q != NULL);
	if (len > (uint64_t)q->max_size)
		return -EMSGSIZE;
	m = mq_message_new(len);
	if (!m)
		return -ENOMEM;
	m->prio = arg_u32(a, 3);
	ret = copy_in(t, m->text, arg_addr(a, 1), len);
	if (ret == 0)
		ret = send_or_wait(t, f, q, m);
	if (ret < 0)
		mq_message_free(m);
	return ret;
}

static int64_t receive_or_wait(struct task *t, struct file *f, struct mqueue *q, struct mq_message **m)
{
	*m = mq_receive(q);
	if (*m)
		return 0;
	if (file_nonblock(f))
		return -EAGAIN;
	if (task_wait_on_file(t, &q->receivers, LX_POLLIN, f) < 0)
		return -ENOMEM;
	*m = mq_receive(q);
	return *m ? 0 : task_block(t);
}

int64_t sys_mq_timedreceive(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	struct mq_message *m;
	struct mqueue *q = NULL;
	int64_t ret = set_deadline(t, arg_addr(a, 4));

	if (ret == 0)
		ret = queue_of(t, arg_fd(a, 0), false, &f, &q);
	if (ret != 0)
		return ret;
	assert_that(q != NULL);
	if (arg_size(a, 2) < (uint64_t)q->max_size)
		return -EMSGSIZE;
	ret = receive_or_wait(t, f, q, &m);
	if (ret < 0)
		return ret;
	ret = (int64_t)m->len;
	if (copy_out(t, arg_addr(a, 1), m->text, m->len) < 0 ||
	    (arg_u64(a, 3) && copy_out(t, arg_addr(a, 3), &m->prio, sizeof(m->prio)) < 0))
		ret = -EFAULT;
	mq_message_free(m);
	return ret;
}

/* SIGEV_THREAD: the C library's netlink socket, which a thread of its own reads, and what it wants to read there. */
static int thread_event(struct task *t, const struct lx_sigevent *ev, struct file **f, struct mq_thread *out)
{
	if (copy_in(t, out->cookie, uaddr(ev->sigev_value), MQ_COOKIE) < 0)
		return -EFAULT;
	*f = fd_get_io(t, ev->sigev_signo);
	if (!*f)
		return -EBADF;
	out->socket = file_socket(*f);
	if (!out->socket)
		return -ENOTSOCK;
	return out->socket->domain == LX_AF_NETLINK ? 0 : -EINVAL;
}

int64_t sys_mq_notify(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL, *thread = NULL;
	struct lx_sigevent ev = { .sigev_notify = LX_SIGEV_NONE };
	struct mq_thread mt = { NULL };
	struct mqueue *q;
	int ret;

	if (arg_u64(a, 1)) {
		if (copy_in(t, &ev, arg_addr(a, 1), sizeof(ev)) < 0)
			return -EFAULT;
		if (ev.sigev_notify != LX_SIGEV_NONE && ev.sigev_notify != LX_SIGEV_SIGNAL && ev.sigev_notify != LX_SIGEV_THREAD)
			return -EINVAL;
		if (ev.sigev_notify == LX_SIGEV_SIGNAL && (ev.sigev_signo < 1 || ev.sigev_signo > 64))
			return -EINVAL;
	}
	f = fd_get_io(t, arg_fd(a, 0));
	q = f ? file_mqueue(f) : NULL;
	if (!q)
		return -EBADF;
	ret = ev.sigev_notify == LX_SIGEV_THREAD ? thread_event(t, &ev, &thread, &mt) : 0;
	if (ret < 0)
		return ret;
	return mq_notify(t, q, arg_u64(a, 1) ? &ev : NULL, &mt);
}

int64_t sys_mq_getsetattr(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = NULL;
	struct lx_mq_attr now, wanted;
	struct mqueue *q;

	if (arg_u64(a, 1)) {
		if (copy_in(t, &wanted, arg_addr(a, 1), sizeof(wanted)) < 0)
			return -EFAULT;
		if (wanted.mq_flags & ~(int64_t)LX_O_NONBLOCK)
			return -EINVAL;
	}
	f = fd_get_io(t, arg_fd(a, 0));
	q = f ? file_mqueue(f) : NULL;
	if (!q)
		return -EBADF;
	mq_attributes(q, f, &now);
	if (arg_u64(a, 1) && wanted.mq_flags)
		atomic_fetch_or(&f->flags, LX_O_NONBLOCK);
	else if (arg_u64(a, 1))
		atomic_fetch_and(&f->flags, ~(uint32_t)LX_O_NONBLOCK);
	return arg_u64(a, 2) && copy_out(t, arg_addr(a, 2), &now, sizeof(now)) < 0 ? -EFAULT : 0;
}
