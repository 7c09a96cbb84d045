/* The reactor: see io.h. Operations and watches are queued by any thread and started here. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "platform/arch.h"
#include "sentry/io/io_impl.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/timers.h"

#define CLOCK_PAGE_PERIOD_NS 1000000000
#define ATTEMPTS_MAX 1000 /* of an operation that the host interrupts again and again */

/* --- waking ------------------------------------------------------------------------------------------------------ */

static void ignore_signal(int signo)
{
	(void)signo;
}

void io_wake(struct io *io)
{
	if (atomic_exchange(&io->asleep, false))
		syscall(SYS_tgkill, getpid(), io->reactor_tid, SIGUSR1);
}

/* timers.c and sched.c know no io: there is one reactor a sentry. */
static void wake_the_reactor(void)
{
	io_wake(the_kernel->io);
}

/* --- operations ----------------------------------------------------------------------------------------------------- */

static void collect(struct task *t, struct io_op *op, void *buf)
{
	t->blk.io = NULL;
	if (op->kind == IO_OP_READ && op->result > 0)
		memcpy(buf, op->buffer, (size_t)op->result);
}

static void enqueue(struct io *io, struct io_op *op)
{
	lock_take(&io->lock);
	list_push_back(&io->submitted, &op->link);
	op->queued = true;
	lock_drop(&io->lock);
	io_wake(io);
}

int64_t io_submit(struct task *t, enum io_op_kind kind, int fd, void *buf, uint64_t len, int64_t offset)
{
	struct io *io = t->k->io;
	struct io_op *op = t->blk.io;
	bool data = kind == IO_OP_READ || kind == IO_OP_WRITE;
	int64_t result;

	if (op) {
		if (!atomic_load(&op->done))
			return SYS_BLOCKED; /* woken for something else */
		collect(t, op, buf);
		result = op->result;
		mem_free(op);
		return result;
	}
	if (data && len > IO_OP_MAX)
		len = IO_OP_MAX;
	op = mem_alloc(sizeof(*op) + (data ? len : 0));
	if (!op)
		return -ENOMEM;
	*op = (struct io_op){ .kind = kind, .fd = fd, .len = len, .offset = offset, .size = data ? len : 0, .task = task_get(t) };
	if (kind == IO_OP_FALLOCATE)
		op->mode = (int)(intptr_t)buf;
	if (kind == IO_OP_WRITE)
		memcpy(op->buffer, buf, len);
	t->blk.io = op;
	enqueue(io, op);
	return SYS_BLOCKED;
}

int io_start(struct io *io, enum io_op_kind kind, int fd, uint64_t len, int64_t offset, void (*done)(void *, int64_t), void *arg,
	     struct io_op **out)
{
	uint64_t size = kind == IO_OP_READ ? len : 0;
	struct io_op *op = mem_alloc(sizeof(*op) + size);

	if (!op)
		return -ENOMEM;
	*out = op;
	*op = (struct io_op){ .kind = kind, .fd = fd, .len = len, .offset = offset, .size = size, .finished = done, .arg = arg };
	enqueue(io, op);
	return 0;
}

const char *io_op_data(const struct io_op *op)
{
	return op->buffer;
}

void io_op_free(struct io_op *op)
{
	mem_free(op);
}

void io_op_abandon(struct task *t)
{
	struct io *io = t->k->io;
	struct io_op *op = t->blk.io;
	struct task *owner;

	bool ours;

	t->blk.io = NULL;
	lock_take(&io->lock);
	owner = op->task;
	op->task = NULL;
	/* Not the host's yet, or not any more: else io_op_finish() will free it. */
	ours = op->queued || !owner;
	if (op->queued)
		list_remove(&op->link);
	lock_drop(&io->lock);
	if (owner)
		task_put(owner);
	if (ours)
		mem_free(op);
}

static struct io_op *take_submitted(struct io *io)
{
	struct io_op *op;

	LOCK_GUARD(&io->lock);
	if (list_empty(&io->submitted))
		return NULL;
	op = list_first(&io->submitted, struct io_op, link);
	list_remove(&op->link);
	op->queued = false;
	return op;
}

static void put_back(struct io *io, struct io_op *op)
{
	LOCK_GUARD(&io->lock);
	list_push_front(&io->submitted, &op->link);
	op->queued = true;
}

static bool moves_data(const struct io_op *op)
{
	return op->kind == IO_OP_READ || op->kind == IO_OP_WRITE;
}

void io_op_result(struct io *io, struct io_op *op, int64_t result)
{
	bool again = (result == -EINTR || result == -EAGAIN) && ++op->attempts < ATTEMPTS_MAX;

	if (moves_data(op) && result > 0) {
		op->moved += (uint64_t)result;
		again = op->moved < op->len;
	}
	if (!again) {
		io_op_finish(io, op, op->moved ? (int64_t)op->moved : result);
		return;
	}
	put_back(io, op);
}

void io_op_finish(struct io *io, struct io_op *op, int64_t result)
{
	struct task *t;

	if (op->finished) {
		op->finished(op->arg, result);
		return;
	}
	lock_take(&io->lock);
	t = op->task;
	op->task = NULL;
	op->result = result;
	atomic_store(&op->done, true);
	lock_drop(&io->lock);
	if (!t) {
		mem_free(op);
		return;
	}
	task_wake(t);
	task_put(t);
}

/* All of it: a short transfer goes on until the end of the file, or what the host takes. */
static int64_t transfer(struct io_op *op)
{
	while (op->moved < op->len) {
		char *at = op->buffer + op->moved;
		int64_t pos = op->offset + (int64_t)op->moved;
		int64_t n = op->kind == IO_OP_READ ? HOST_RETRY(pread(op->fd, at, op->len - op->moved, pos)) :
						     HOST_RETRY(pwrite(op->fd, at, op->len - op->moved, pos));

		if (n <= 0)
			return op->moved ? (int64_t)op->moved : n;
		op->moved += (uint64_t)n;
	}
	return (int64_t)op->moved;
}

int64_t io_op_perform(struct io_op *op)
{
	switch (op->kind) {
	case IO_OP_READ:
	case IO_OP_WRITE:
		return transfer(op);
	case IO_OP_FSYNC:
		return HOST_RETRY(fsync(op->fd));
	case IO_OP_FDATASYNC:
		return HOST_RETRY(fdatasync(op->fd));
	case IO_OP_FALLOCATE:
		return HOST_RETRY(fallocate(op->fd, op->mode, op->offset, (off_t)op->len));
	}
	return -EINVAL;
}

static void start_submitted(struct io *io)
{
	struct io_op *op;

	io->full = false;
	while ((op = take_submitted(io))) {
		if (io->ops->start(io, op))
			continue;
		put_back(io, op);
		io->full = true;
		return;
	}
}

/* --- watches --------------------------------------------------------------------------------------------------------- */

void io_watch_add(struct io *io, struct io_watch *w, int fd)
{
	waitq_init(&w->queue);
	w->fd = fd;
	w->wanted = w->armed = 0;
	LOCK_GUARD(&io->lock);
	list_push_back(&io->watches, &w->link);
}

uint32_t io_watch_ready(const struct io_watch *w, uint32_t events)
{
	struct pollfd p = { .fd = w->fd, .events = (short)events };

	return poll(&p, 1, 0) == 1 ? (uint32_t)(unsigned short)p.revents : 0;
}

void io_watch_arm(struct io *io, struct io_watch *w, uint32_t events)
{
	bool more;

	lock_take(&io->lock);
	more = (events & ~(w->wanted | w->armed)) != 0;
	w->wanted |= events & ~w->armed; /* what is armed fires for the newcomer too; left here it would pass for asked for after that */
	lock_drop(&io->lock);
	if (!more)
		return;
	atomic_store(&io->rearm, true);
	io_wake(io);
}

void io_watch_fire(struct io *io, struct io_watch *w, uint32_t events)
{
	lock_take(&io->lock);
	w->armed = 0;
	lock_drop(&io->lock);
	if (io->watches_full) {
		io->watches_full = false;
		atomic_store(&io->rearm, true);
	}
	if (w == &io->control) {
		io->on_control(io->k);
		io_watch_arm(io, w, POLLIN);
	} else {
		waitq_wake(&w->queue, events);
	}
}

/* A watch that is armed for less than is wanted is armed once more: a second wake of a queue is harmless. */
static void arm_wanted(struct io *io)
{
	struct io_watch *w;

	if (!atomic_exchange(&io->rearm, false))
		return;
	LOCK_GUARD(&io->lock);
	list_for_each(w, &io->watches, link) {
		if (!(w->wanted & ~w->armed))
			continue;
		if (!io->ops->watch(io, w, w->armed | w->wanted)) {
			io->watches_full = true;
			return;
		}
		w->armed |= w->wanted;
		w->wanted = 0;
	}
}

void io_on_readable(struct io *io, int fd, void (*fn)(struct kernel *))
{
	io->on_control = fn;
	io_watch_add(io, &io->control, fd);
	io_watch_arm(io, &io->control, POLLIN);
}

/* --- the loop ----------------------------------------------------------------------------------------------------------- */

int io_create(struct kernel *k, enum io_backend which, struct io **out, char *why, size_t why_len)
{
	struct io *io = mem_zalloc(sizeof(*io));
	sigset_t blocked;
	int ret;

	if (!io)
		return -ENOMEM;
	io->k = k;
	io->reactor_tid = gettid();
	lock_init(&io->lock, RANK_IO, "io");
	list_init(&io->submitted);
	list_init(&io->watches);
	signal(SIGUSR1, ignore_signal);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &io->waiting_mask);
	sigdelset(&io->waiting_mask, SIGUSR1);
	io->ops = which == IO_THREADS ? &io_threads_backend : &io_ring_backend;
	ret = io->ops->create(io, why, why_len);
	if (ret < 0 && which == IO_AUTO) {
		log_info("%s: files are read by a pool of threads", why);
		io->ops = &io_threads_backend;
		ret = io->ops->create(io, why, why_len);
	}
	if (ret < 0) {
		mem_free(io);
		return ret;
	}
	*out = io;
	timers_init(wake_the_reactor);
	sched_init(wake_the_reactor);
	return 0;
}

const char *io_backend_name(const struct io *io)
{
	return io->ops->name;
}

void io_run(struct io *io)
{
	int64_t clock_due = host_monotonic_ns(); /* at once: the guests' clock page is not valid before */

	while (!atomic_load(&io->stop)) {
		int64_t next, now = host_monotonic_ns();

		if (now >= clock_due) {
			arch_clock_update();
			clock_due = now + CLOCK_PAGE_PERIOD_NS;
		}
		next = timers_run(now);
		sched_run_deferred();
		start_submitted(io);
		arm_wanted(io);
		/* What is queued from here on sends a wake; what was queued before is seen by a last look. */
		atomic_store(&io->asleep, true);
		if (sched_has_deferred() || atomic_load(&io->rearm) || (!io->full && !list_empty(&io->submitted)) || timers_next() < next) {
			atomic_store(&io->asleep, false);
			continue;
		}
		io->ops->wait(io, next < clock_due ? next : clock_due);
		atomic_store(&io->asleep, false);
	}
}

void io_stop(struct io *io)
{
	atomic_store(&io->stop, true);
	io_wake(io);
}
