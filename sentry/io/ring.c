/*
 * The io_uring backend. The ring is made before lock-down, disabled, restricted to the operations below, then enabled; the reactor alone
 * submits to it. liburing 2.3 (Debian 12) lacks the wrappers for restrictions and newer flags: those are raw calls here.
 */
#include <errno.h>
#include <liburing.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/io/io_impl.h"

#define RING_ENTRIES 64
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1u << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1u << 13)
#endif

/*
 * Fixed files: every operation names a slot of a table, never an fd number, and the ring refuses anything else. The first slots are for
 * watches while they are armed, the others for operations while they last. What a slot held is let go when the reactor has nothing else to do.
 */
#define WATCH_SLOTS 192
#define OP_SLOTS 64
#define SLOTS (WATCH_SLOTS + OP_SLOTS)
_Static_assert(OP_SLOTS == 64, "a bit each of busy and stale");

/* user_data: an io_op, or a watch's slot, shifted, with the lowest bit set. */
#define WATCH_TAG 1ull

struct ring {
	struct io_uring uring;
	/* owned by the reactor */
	struct io_watch *watch[WATCH_SLOTS]; /* armed; NULL: the slot is free */
	uint64_t busy;                       /* a bit an operation's slot */
	uint64_t stale;                      /* free, but the table still holds a file */
};

static const uint8_t allowed_ops[] = {
	IORING_OP_READ,     /* file data that is not in the page cache */
	IORING_OP_WRITE,    /* file data that must reach a disk */
	IORING_OP_FSYNC,    /* fsync, fdatasync */
	IORING_OP_FALLOCATE,
	IORING_OP_POLL_ADD, /* donated fds, the control socket */
};

static int64_t ring_register(const struct ring *r, unsigned int op, const void *arg, unsigned int n)
{
	return host_ret(syscall(SYS_io_uring_register, r->uring.ring_fd, op, arg, n));
}

static int restrict_ring(const struct ring *r)
{
	struct io_uring_restriction rows[ARRAY_LEN(allowed_ops) + 2] = { 0 };
	size_t n = 0;
	int64_t ret;

	for (; n < ARRAY_LEN(allowed_ops); n++) {
		rows[n].opcode = IORING_RESTRICTION_SQE_OP;
		rows[n].sqe_op = allowed_ops[n];
	}
	rows[n].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	rows[n++].sqe_flags = IOSQE_FIXED_FILE;
	rows[n].opcode = IORING_RESTRICTION_REGISTER_OP;
	rows[n++].register_op = IORING_REGISTER_FILES_UPDATE;
	ret = ring_register(r, IORING_REGISTER_RESTRICTIONS, rows, (unsigned int)n);
	if (ret < 0)
		return (int)ret;
	return (int)ring_register(r, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

/* An empty table, while registering one is still allowed. */
static int make_table(const struct ring *r)
{
	int32_t none[SLOTS];

	for (int i = 0; i < SLOTS; i++)
		none[i] = -1;
	return (int)ring_register(r, IORING_REGISTER_FILES, none, SLOTS);
}

static int set_slot(const struct ring *r, uint32_t slot, int32_t fd)
{
	struct io_uring_files_update up = { .offset = slot, .fds = (uintptr_t)&fd };
	int64_t ret = ring_register(r, IORING_REGISTER_FILES_UPDATE, &up, 1);

	return ret == 1 ? 0 : ret < 0 ? (int)ret : -EIO;
}

static int setup(struct ring *r)
{
	static const unsigned flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, /* Linux 6.1 */
		0,
	};
	int ret = -EINVAL;

	for (size_t i = 0; i < ARRAY_LEN(flags) && ret == -EINVAL; i++) {
		struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED | flags[i] };

		ret = io_uring_queue_init_params(RING_ENTRIES, &r->uring, &p);
	}
	if (ret < 0)
		return ret;
	ret = make_table(r);
	if (ret >= 0)
		ret = restrict_ring(r);
	if (ret < 0)
		io_uring_queue_exit(&r->uring);
	return ret;
}

static int ring_create(struct io *io, char *why, size_t why_len)
{
	struct ring *r = mem_zalloc(sizeof(*r));
	int ret = r ? setup(r) : -ENOMEM;

	if (ret < 0) {
		snprintf(why, why_len, "this host gives no io_uring (%s)", strerrordesc_np(-ret));
		mem_free(r);
		return ret;
	}
	io->backend = r;
	return 0;
}

static struct io_uring_sqe *get_sqe(struct ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	if (sqe)
		return sqe;
	io_uring_submit(&r->uring); /* full: the host takes what is there */
	return io_uring_get_sqe(&r->uring);
}

static void prepare(struct io_uring_sqe *sqe, struct io_op *op)
{
	int slot = (int)op->slot;
	uint64_t pos = (uint64_t)op->offset + op->moved;
	unsigned left = (unsigned)(op->len - op->moved);

	switch (op->kind) {
	case IO_OP_READ:
		io_uring_prep_read(sqe, slot, op->buffer + op->moved, left, pos);
		break;
	case IO_OP_WRITE:
		io_uring_prep_write(sqe, slot, op->buffer + op->moved, left, pos);
		break;
	case IO_OP_FSYNC:
	case IO_OP_FDATASYNC:
		io_uring_prep_fsync(sqe, slot, op->kind == IO_OP_FDATASYNC ? IORING_FSYNC_DATASYNC : 0);
		break;
	case IO_OP_FALLOCATE:
		io_uring_prep_fallocate(sqe, slot, op->mode, op->offset, (off_t)op->len);
		break;
	}
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data64(sqe, (uintptr_t)op);
}

/* As many operations are with the host as there are slots: completions always have room in the ring. */
static bool ring_start(struct io *io, struct io_op *op)
{
	struct ring *r = io->backend;
	struct io_uring_sqe *sqe;
	uint32_t at;
	int ret;

	if (r->busy == UINT64_MAX)
		return false;
	at = (uint32_t)__builtin_ctzll(~r->busy);
	ret = set_slot(r, WATCH_SLOTS + at, op->fd);
	sqe = ret == 0 ? get_sqe(r) : NULL;
	if (!sqe) {
		io_op_finish(io, op, ret < 0 ? ret : io_op_perform(op));
		return true;
	}
	r->busy |= 1ull << at;
	op->slot = WATCH_SLOTS + at;
	prepare(sqe, op);
	return true;
}

static void release_slot(struct ring *r, const struct io_op *op)
{
	uint64_t bit = 1ull << (op->slot - WATCH_SLOTS);

	r->busy &= ~bit;
	r->stale |= bit;
}

/* Files that nothing uses any more are closed when there is time for it: the guest may have removed them. */
static void clear_stale(struct ring *r)
{
	r->stale &= ~r->busy;
	for (uint32_t i = 0; r->stale; i++) {
		if (r->stale >> i & 1)
			set_slot(r, WATCH_SLOTS + i, -1);
		r->stale &= ~(1ull << i);
	}
}

static bool ring_watch(struct io *io, struct io_watch *w, uint32_t events)
{
	struct ring *r = io->backend;
	struct io_uring_sqe *sqe;
	uint32_t slot = 0;

	while (slot < WATCH_SLOTS && r->watch[slot])
		slot++;
	if (slot == WATCH_SLOTS || set_slot(r, slot, w->fd) < 0)
		return false;
	sqe = get_sqe(r);
	if (!sqe)
		return false;
	r->watch[slot] = w;
	io_uring_prep_poll_add(sqe, (int)slot, events);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data64(sqe, (uint64_t)slot << 1 | WATCH_TAG);
	return true;
}

/* The slot is free from here on; that it still names the fd of a stream, which stays open anyway, does no harm. */
static void fire(struct io *io, uint64_t slot, int result)
{
	struct ring *r = io->backend;
	struct io_watch *w = r->watch[slot];

	r->watch[slot] = NULL;
	io_watch_fire(io, w, result < 0 ? POLLERR : (uint32_t)result);
}

static void deliver(struct io *io, uint64_t data, int result)
{
	struct io_op *op = (struct io_op *)(uintptr_t)data;

	if (data & WATCH_TAG) {
		fire(io, data >> 1, result);
		return;
	}
	release_slot(io->backend, op);
	io_op_result(io, op, result);
}

static void ring_wait(struct io *io, int64_t deadline)
{
	struct ring *r = io->backend;
	struct io_uring *ring = &r->uring;
	int64_t left = deadline - host_monotonic_ns();
	struct __kernel_timespec ts = { left / 1000000000, left % 1000000000 };
	struct io_uring_cqe *cqe;

	if (r->stale && !r->busy)
		clear_stale(r);
	if (left <= 0)
		ts = (struct __kernel_timespec){ 0, 0 };
	io_uring_submit_and_wait_timeout(ring, &cqe, 1, deadline == KTIMER_NEVER ? NULL : &ts, &io->waiting_mask);
	while (io_uring_peek_cqe(ring, &cqe) == 0) {
		uint64_t data = io_uring_cqe_get_data64(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(ring, cqe);
		deliver(io, data, result);
	}
}

const struct io_backend_ops io_ring_backend = {
	.name = "io_uring",
	.create = ring_create,
	.start = ring_start,
	.watch = ring_watch,
	.wait = ring_wait,
};
