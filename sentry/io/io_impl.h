/* Between the reactor and its two backends. */
#ifndef SENTRY_IO_IO_IMPL_H
#define SENTRY_IO_IO_IMPL_H

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/lock.h"
#include "sentry/io/io.h"

struct io_op {
	struct list link;       /* on io->submitted; protected by io->lock */
	enum io_op_kind kind;   /* immutable, as all down to `size` */
	int fd;
	int mode;
	uint64_t len;
	int64_t offset;
	uint64_t size;          /* of buffer */
	void (*finished)(void *arg, int64_t result); /* of io_start(): instead of a task to wake */
	void *arg;
	/* owned by the backend while it has the operation */
	uint64_t moved;         /* bytes of an earlier, short attempt */
	uint32_t attempts;
	uint32_t slot;          /* the ring's: the fixed file that it uses */
	/* written by the backend before `done` */
	int64_t result;
	atomic_bool done;
	/* protected by io->lock */
	struct task *task;      /* referenced; NULL when abandoned */
	bool queued;            /* on io->submitted: the host knows nothing of it yet */
	char buffer[];
};

struct io_backend_ops {
	const char *name;
	/* Before lock-down. 0, or negative errno and a sentence. */
	int (*create)(struct io *, char *why, size_t why_len);
	/*
	 * On the reactor thread: starts an operation; io_op_result() or io_op_finish() follows, from any thread. False: the host has as much as
	 * it takes; the operation is offered again after the next completion.
	 */
	bool (*start)(struct io *, struct io_op *);
	/* On the reactor thread: has the host watch for these events; io_watch_fire() follows. False: no room until another has fired. */
	bool (*watch)(struct io *, struct io_watch *, uint32_t events);
	/* Waits for anything, until `deadline` (monotonic ns, KTIMER_NEVER) or a wake, and delivers what has come. */
	void (*wait)(struct io *, int64_t deadline);
};

struct io {
	/* immutable after creation */
	struct kernel *k;
	const struct io_backend_ops *ops;
	void *backend;             /* the backend's own */
	pid_t reactor_tid;
	sigset_t waiting_mask;     /* the reactor's signal mask while it waits: SIGUSR1 open */
	struct io_watch control;
	void (*on_control)(struct kernel *);

	struct lock lock;          /* RANK_IO */
	/* protected by lock */
	struct list submitted;     /* operations not started yet */
	struct list watches;

	/* atomic */
	atomic_bool asleep;        /* the reactor waits, or is about to: a wake must be sent */
	atomic_bool stop;
	atomic_bool rearm;         /* some watch wants more than is armed */

	/* owned by the reactor */
	bool full;                 /* the backend takes no more operations before one is done */
	bool watches_full;         /* nor watches before one has fired */
};

extern const struct io_backend_ops io_ring_backend, io_threads_backend;

/*
 * What one attempt came to: short transfers and EINTR and EAGAIN go on with another attempt, here and nowhere else; what is done is finished.
 * The reactor thread.
 */
void io_op_result(struct io *, struct io_op *, int64_t result);
/* The operation is done: any thread. */
void io_op_finish(struct io *, struct io_op *, int64_t result);
/* The host says that `events` hold: the reactor thread. */
void io_watch_fire(struct io *, struct io_watch *, uint32_t events);
/* Makes the whole operation by plain calls; its result. For the pool, and for what the ring lacks. */
int64_t io_op_perform(struct io_op *);

#endif
