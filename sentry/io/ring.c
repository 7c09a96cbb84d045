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

/* user_data: an io_op, or a watch with the lowest bit set. */
#define WATCH_TAG 1ull

static const uint8_t allowed_ops[] = {
	IORING_OP_READ,     /* file data that is not in the page cache */
	IORING_OP_WRITE,    /* file data that must reach a disk */
	IORING_OP_FSYNC,    /* fsync, fdatasync */
	IORING_OP_FALLOCATE,
	IORING_OP_POLL_ADD, /* donated fds, the control socket */
};

static int restrict_ring(int fd)
{
	struct io_uring_restriction rows[ARRAY_LEN(allowed_ops)] = { 0 };
	int64_t ret;

	for (size_t i = 0; i < ARRAY_LEN(allowed_ops); i++) {
		rows[i].opcode = IORING_RESTRICTION_SQE_OP;
		rows[i].sqe_op = allowed_ops[i];
	}
	ret = host_ret(syscall(SYS_io_uring_register, fd, IORING_REGISTER_RESTRICTIONS, rows, ARRAY_LEN(rows)));
	if (ret < 0)
		return (int)ret;
	return (int)host_ret(syscall(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
}

static int ring_create(struct io *io, char *why, size_t why_len)
{
	static const unsigned flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, /* Linux 6.1 */
		0,
	};
	struct io_uring *ring = mem_zalloc(sizeof(*ring));
	int ret = -ENOMEM;

	for (size_t i = 0; ring && i < ARRAY_LEN(flags); i++) {
		struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED | flags[i] };

		ret = io_uring_queue_init_params(RING_ENTRIES, ring, &p);
		if (ret != -EINVAL)
			break;
	}
	if (ret == 0) {
		ret = restrict_ring(ring->ring_fd);
		if (ret < 0)
			io_uring_queue_exit(ring);
	}
	if (ret < 0) {
		snprintf(why, why_len, "this host gives no io_uring (%s)", strerrordesc_np(-ret));
		mem_free(ring);
		return ret;
	}
	io->backend = ring;
	return 0;
}

static struct io_uring_sqe *get_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (sqe)
		return sqe;
	io_uring_submit(ring); /* full: the host takes what is there */
	return io_uring_get_sqe(ring);
}

static void ring_start(struct io *io, struct io_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(io->backend);

	if (!sqe) {
		io_op_finish(io, op, io_op_perform(op));
		return;
	}
	switch (op->kind) {
	case IO_OP_READ:
		io_uring_prep_read(sqe, op->fd, op->buffer, (unsigned)op->len, (uint64_t)op->offset);
		break;
	case IO_OP_WRITE:
		io_uring_prep_write(sqe, op->fd, op->buffer, (unsigned)op->len, (uint64_t)op->offset);
		break;
	case IO_OP_FSYNC:
	case IO_OP_FDATASYNC:
		io_uring_prep_fsync(sqe, op->fd, op->kind == IO_OP_FDATASYNC ? IORING_FSYNC_DATASYNC : 0);
		break;
	case IO_OP_FALLOCATE:
		io_uring_prep_fallocate(sqe, op->fd, op->mode, op->offset, (off_t)op->len);
		break;
	}
	io_uring_sqe_set_data64(sqe, (uintptr_t)op);
}

static void ring_watch(struct io *io, struct io_watch *w)
{
	struct io_uring_sqe *sqe = get_sqe(io->backend);

	assert_that(sqe != NULL);
	io_uring_prep_poll_add(sqe, w->fd, w->armed);
	io_uring_sqe_set_data64(sqe, (uintptr_t)w | WATCH_TAG);
}

static void deliver(struct io *io, uint64_t data, int result)
{
	if (data & WATCH_TAG)
		io_watch_fire(io, (struct io_watch *)(uintptr_t)(data & ~WATCH_TAG), result < 0 ? POLLERR : (uint32_t)result);
	else
		io_op_finish(io, (struct io_op *)(uintptr_t)data, result);
}

static void ring_wait(struct io *io, int64_t deadline)
{
	struct io_uring *ring = io->backend;
	int64_t left = deadline - host_monotonic_ns();
	struct __kernel_timespec ts = { left / 1000000000, left % 1000000000 };
	struct io_uring_cqe *cqe;

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
