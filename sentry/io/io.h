/*
 * Host I/O that may take long: the ring, or a pool of threads where the host has no io_uring, behind one interface. And the reactor: the
 * one thread that waits for both, for timers, for donated fds (terminals, pipes of the caller) and for the runtime's control messages.
 *
 * An operation is submitted from a handler and completes by waking the task, whose handler runs again and collects the result:
 *
 *	ret = io_submit(t, IO_OP_READ, fd, buf, len, offset);   first run: SYS_BLOCKED; rerun: bytes or negative errno
 *
 * The wait is not interruptible, as Linux's for a disk is not. The host writes to and reads from a buffer of the operation's own, so
 * that a task can die meanwhile; buf is filled (read) or taken over (write) in the handler's own run.
 *
 * A wake of the reactor is a signal to its thread (SIGUSR1, blocked but while it waits): it needs no fd, so that tracer threads can send it.
 */
#ifndef SENTRY_IO_IO_H
#define SENTRY_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/waitq.h"

struct io;
struct io_op;
struct kernel;
struct task;

enum io_backend { IO_AUTO, IO_RING, IO_THREADS };
/* Before lock-down, on the thread that will run the reactor. 0, or negative errno and a sentence in why. */
int io_create(struct kernel *, enum io_backend, struct io **out, char *why, size_t why_len);
const char *io_backend_name(const struct io *);
/* The reactor's loop: runs on the creating thread until io_stop(). After lock-down. */
void io_run(struct io *);
void io_stop(struct io *);   /* any thread */
/* Makes the reactor look at its queues. Any thread, tracers too. */
void io_wake(struct io *);

enum io_op_kind { IO_OP_READ, IO_OP_WRITE, IO_OP_FSYNC, IO_OP_FDATASYNC, IO_OP_FALLOCATE };
#define IO_OP_MAX (1u << 20) /* bytes moved by one operation at most: a longer one is cut short */
/* One at a time a call. Bytes (0 for fsync), negative errno, or SYS_BLOCKED. `mode` of FALLOCATE is passed as (intptr_t)buf. */
int64_t io_submit(struct task *, enum io_op_kind, int fd, void *buf, uint64_t len, int64_t offset);
/* The call ends: forgets its operation, which frees itself when the host is done with it. For sched.c. */
void io_op_abandon(struct task *);

/*
 * The same for nobody's call (aio): `done` is called once, on any thread of the main fd table and without locks. The operation lives until
 * io_op_free(), which may be called from `done` on; *out is set before it starts. 0 or -ENOMEM.
 */
int io_start(struct io *, enum io_op_kind, int fd, uint64_t len, int64_t offset, void (*done)(void *arg, int64_t result), void *arg,
	     struct io_op **out);
/* What a READ has brought: as many bytes as its result said. */
const char *io_op_data(const struct io_op *);
void io_op_free(struct io_op *);

/*
 * Readiness of a donated host fd (terminal, pipe, socket): the queue is woken with POLL* bits when the host says so.
 */
struct io_watch {
	struct waitq queue;
	int fd;               /* immutable after io_watch_add() */
	/* protected by the io's lock */
	struct list link;     /* on the io's watches */
	uint32_t wanted;      /* to be armed by the reactor */
	uint32_t armed;       /* what the host watches for now */
};
/* The watch must live until io_watch_remove() has returned, and that must be on a thread other than the reactor, or where no wait is under way. */
void io_watch_add(struct io *, struct io_watch *, int fd);
/* What of `events` (and errors) holds now: a fresh poll(2), not a cache. */
uint32_t io_watch_ready(const struct io_watch *, uint32_t events);
/* Asks to be told (queue woken) about these events once. Level is looked at again by the host, so that nothing is missed. */
void io_watch_arm(struct io *, struct io_watch *, uint32_t events);

/* Calls fn on the reactor thread whenever the fd is readable or closed (the control socket). One fd; before io_run(). */
void io_on_readable(struct io *, int fd, void (*fn)(struct kernel *));

#endif
