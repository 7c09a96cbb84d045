/* Asynchronous I/O: what each opcode of io_submit(2) starts. See aio.h. */
#include <errno.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/uio.h"
#include "base/mem.h"
#include "sentry/fs/aio.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/io/io.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"

#define RWF_KNOWN (LX_RWF_HIPRI | LX_RWF_DSYNC | LX_RWF_SYNC | LX_RWF_NOWAIT | LX_RWF_APPEND | LX_RWF_NOAPPEND)
#define IOPRIO_CLASSES 3

/* --- what the host does ------------------------------------------------------------------------------------------------------ */

static void host_done(void *arg, int64_t result)
{
	struct aio_req *req = arg;

	/* A write that is synced now has its count already; a failed sync is the write's failure. */
	aio_complete(req, result == 0 && req->result > 0 && !req->has_uio ? req->result : result);
}

/* Hands the request over to the host. 0, or -EAGAIN without memory for its bytes. */
static int start_host(struct task *t, struct aio_req *req, enum io_op_kind kind, int fd, uint64_t len)
{
	int64_t bytes = kind == IO_OP_READ ? (int64_t)len : 0;

	if (memory_charge(t->k, bytes) < 0)
		return -EAGAIN;
	req->charged += bytes;
	aio_activate(req);
	/* It may be done, and fetched, before io_start() returns. */
	ref_get(&req->ref);
	if (io_start(t->k->io, kind, fd, len, req->iocb.aio_offset, host_done, req, &req->op) < 0)
		aio_complete(req, -ENOMEM);
	aio_req_put(req);
	return 0;
}

/* --- reads and writes ---------------------------------------------------------------------------------------------------------- */

static int prepare(struct task *t, struct aio_req *req, bool write, bool vector)
{
	const struct lx_iocb *c = &req->iocb;
	struct file *f = req->file;

	if (c->aio_flags & LX_IOCB_FLAG_IOPRIO && (uint16_t)c->aio_reqprio >> 13 > IOPRIO_CLASSES)
		return -EINVAL;
	if (c->aio_rw_flags & ~(uint32_t)RWF_KNOWN)
		return -EOPNOTSUPP;
	if (!(write ? f->writable : f->readable))
		return -EBADF;
	if (f->inode->type == LX_S_IFDIR || !(write ? f->ops->write : f->ops->read))
		return -EINVAL;
	if (c->aio_offset < 0 && f->ops->seek)
		return -EINVAL;
	if (vector) {
		int ret = uio_init_iovec(&req->uio, t, uaddr(c->aio_buf), c->aio_nbytes);

		if (ret < 0)
			return ret;
	} else {
		uio_init_guest(&req->uio, t, uaddr(c->aio_buf), c->aio_nbytes);
	}
	req->has_uio = true;
	return 0;
}

static int64_t *position(struct file *f, int64_t *pos)
{
	return f->ops->seek ? pos : NULL;
}

static int64_t start_read(struct task *t, struct aio_req *req)
{
	int64_t pos = req->iocb.aio_offset, n;
	uint64_t want = req->uio.left;
	int fd = file_host_fd(req->file);

	req->uio.nowait = fd >= 0 && want <= IO_OP_MAX;
	n = file_read(req->file, t, &req->uio, position(req->file, &pos));
	if (req->uio.nowait && (n == -EAGAIN || (n > 0 && (uint64_t)n < want && pos < req->file->inode->attr.size))) {
		if (n > 0) /* a part was cached: the host reads all of it once more */
			uio_rewind(&req->uio, (uint64_t)n);
		return start_host(t, req, IO_OP_READ, fd, want);
	}
	if (n == -EAGAIN && !file_nonblock(req->file))
		return task_wait_file(t, req->file, LX_POLLIN);
	if (n == SYS_BLOCKED || n == SYS_AGAIN)
		return n;
	aio_complete(req, n);
	return 0;
}

static int64_t start_write(struct task *t, struct aio_req *req)
{
	uint32_t flags = atomic_load(&req->file->flags), rwf = req->iocb.aio_rw_flags;
	int64_t pos = req->iocb.aio_offset, n;
	int fd;

	req->uio.append = rwf & LX_RWF_APPEND;
	req->uio.noappend = rwf & LX_RWF_NOAPPEND;
	n = file_write(req->file, t, &req->uio, position(req->file, &pos));
	if (n == -EAGAIN && !file_nonblock(req->file))
		return task_wait_file(t, req->file, LX_POLLOUT);
	if (n == SYS_BLOCKED || n == SYS_AGAIN)
		return n;
	fd = file_host_fd(req->file);
	if (n > 0 && fd >= 0 && (flags & LX_O_DSYNC || rwf & (LX_RWF_DSYNC | LX_RWF_SYNC))) {
		uio_done(&req->uio);
		req->has_uio = false;
		req->result = n;
		return start_host(t, req, rwf & LX_RWF_SYNC || (flags & LX_O_SYNC) == LX_O_SYNC ? IO_OP_FSYNC : IO_OP_FDATASYNC, fd, 0);
	}
	aio_complete(req, n);
	return 0;
}

static int64_t start_sync(struct task *t, struct aio_req *req, bool data_only)
{
	const struct lx_iocb *c = &req->iocb;
	int fd = file_host_fd(req->file);

	if (c->aio_buf || c->aio_offset || c->aio_nbytes || c->aio_rw_flags || !req->file->ops->fsync)
		return -EINVAL;
	if (fd >= 0 && req->file->writable)
		return start_host(t, req, data_only ? IO_OP_FDATASYNC : IO_OP_FSYNC, fd, 0);
	aio_complete(req, req->file->ops->fsync(req->file, t, data_only));
	return 0;
}

/* --- poll -------------------------------------------------------------------------------------------------------------------------- */

struct aio_table {
	struct poll_table table;
	struct aio_req *req;
};

static void leave_queues(struct aio_req *req)
{
	for (int i = 0; i < req->queues; i++)
		waitq_remove(&req->waiters[i]);
}

static uint32_t ready(struct aio_req *req)
{
	return file_poll(req->file, NULL) & (req->events | LX_POLLERR | LX_POLLHUP);
}

bool aio_poll_stop(struct aio_req *req)
{
	atomic_store(&req->cancelled, true);
	if (atomic_exchange(&req->fired, true))
		return false; /* a look is under way, and sees it */
	leave_queues(req);
	return true;
}

static void finish_poll(struct aio_req *req, uint32_t mask)
{
	leave_queues(req);
	aio_complete(req, (int64_t)mask);
}

/* The look that a wake-up has asked for. `fired` is ours; the reference came with the wake-up. */
static void look(struct work *w)
{
	struct aio_req *req = container_of(w, struct aio_req, work);
	uint32_t mask = ready(req);

	if (!mask && !atomic_load(&req->cancelled)) {
		atomic_store(&req->fired, false);
		/* What became true, or was asked for, before that store had nobody to tell. */
		mask = ready(req);
		if ((!mask && !atomic_load(&req->cancelled)) || atomic_exchange(&req->fired, true)) {
			aio_req_put(req);
			return;
		}
	}
	finish_poll(req, atomic_load(&req->cancelled) ? 0 : mask);
	aio_req_put(req);
}

static bool on_wake(struct waiter *w, uint32_t events)
{
	struct aio_req *req = container_of(w - w->index, struct aio_req, waiters[0]);

	(void)events;
	if (atomic_exchange(&req->fired, true))
		return true;
	ref_get(&req->ref);
	req->work.fn = look;
	sched_defer(&req->work);
	return true;
}

static int join_queue(struct poll_table *table, struct waitq *q, uint32_t events)
{
	struct aio_req *req = container_of(table, struct aio_table, table)->req;
	struct waiter *w;

	if (req->queues == AIO_POLL_QUEUES)
		return -ENOMEM;
	w = &req->waiters[req->queues];
	*w = (struct waiter){ .events = events | LX_POLLERR | LX_POLLHUP, .index = (uint32_t)req->queues++, .wake = on_wake };
	waitq_add(q, w);
	return 0;
}

static int64_t start_poll(struct aio_req *req)
{
	const struct lx_iocb *c = &req->iocb;
	struct aio_table at = { .table = { .add = join_queue }, .req = req };
	uint32_t mask;

	if (c->aio_buf > UINT16_MAX || c->aio_offset || c->aio_nbytes || c->aio_rw_flags || !req->file->ops->poll)
		return -EINVAL;
	at.table.events = req->events = (uint32_t)c->aio_buf;
	atomic_store(&req->fired, true); /* nobody else looks before this function has */
	aio_activate(req);
	mask = file_poll(req->file, &at.table) & (req->events | LX_POLLERR | LX_POLLHUP);
	if (!mask) {
		ref_get(&req->ref);
		/* From here on as after a wake-up that found nothing. */
		look(&req->work);
		return 0;
	}
	finish_poll(req, mask);
	return 0;
}

/* --- all ------------------------------------------------------------------------------------------------------------------------------ */

int64_t aio_start(struct task *t, struct aio_req *req)
{
	uint16_t op = req->iocb.aio_lio_opcode;
	bool write = op == LX_IOCB_CMD_PWRITE || op == LX_IOCB_CMD_PWRITEV;
	int ret;

	switch (op) {
	case LX_IOCB_CMD_PREAD:
	case LX_IOCB_CMD_PREADV:
	case LX_IOCB_CMD_PWRITE:
	case LX_IOCB_CMD_PWRITEV:
		ret = prepare(t, req, write, op == LX_IOCB_CMD_PREADV || op == LX_IOCB_CMD_PWRITEV);
		if (ret < 0)
			return ret;
		return write ? start_write(t, req) : start_read(t, req);
	case LX_IOCB_CMD_FSYNC:
	case LX_IOCB_CMD_FDSYNC:
		return start_sync(t, req, op == LX_IOCB_CMD_FDSYNC);
	case LX_IOCB_CMD_POLL:
		return start_poll(req);
	default:
		return -EINVAL;
	}
}
