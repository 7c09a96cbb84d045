/*
 * Host I/O that may take long: the ring, or a pool of threads where the host has no io_uring, behind one interface. And the reactor: the
 * one thread that waits for both, for timers, for donated fds (terminals, pipes of the caller) and for the runtime's control messages.
 *
 * An operation is submitted from a handler and completes by waking the task, whose handler runs again and collects the result:
 *
 *	ret = io_read(t, fd, iov, n, offset);   first run: SYS_BLOCKED; rerun: bytes or negative errno
 */
#ifndef SENTRY_IO_IO_H
#define SENTRY_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sentry/kernel/sched.h"
#include "sentry/kernel/waitq.h"

struct io;
struct kernel;
struct iovec;
struct task;

enum io_backend { IO_AUTO, IO_RING, IO_THREADS };
/* Before lock-down. 0, or negative errno and a sentence in why. */
int io_create(struct kernel *, enum io_backend, struct io **out, char *why, size_t why_len);
const char *io_backend_name(const struct io *);
/* The reactor's loop: runs on the calling thread until io_stop(). After lock-down. */
void io_run(struct io *);
void io_stop(struct io *);
void io_destroy(struct io *);

enum io_op { IO_OP_READ, IO_OP_WRITE, IO_OP_FSYNC, IO_OP_FDATASYNC, IO_OP_FALLOCATE };
/* The buffer is the sentry's and must live until the call has ended (t->blk.data). Results as above. */
int64_t io_submit(struct task *, enum io_op, int fd, void *buf, uint64_t len, int64_t offset);

/*
 * Readiness of a donated host fd (terminal, pipe, socket): the queue is woken with POLL* bits when the host says so. io_watch starts watching; the events
 * that held at the last look are io_watch_ready() (a fresh poll(2), not a cache).
 */
struct io_watch {
	struct waitq queue;
	int fd;
	void *priv;
};
int io_watch_add(struct io *, struct io_watch *, int fd);
void io_watch_remove(struct io *, struct io_watch *);
uint32_t io_watch_ready(struct io_watch *, uint32_t events);
/* Asks to be told (queue woken) about these events once. Level is looked at again by the host. */
void io_watch_arm(struct io_watch *, uint32_t events);

/* Calls fn on the reactor thread whenever the fd is readable (the control socket). */
int io_on_readable(struct io *, int fd, void (*fn)(struct kernel *));

#endif
