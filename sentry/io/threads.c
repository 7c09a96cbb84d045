/* The backend for hosts without io_uring: a few threads make the calls, the reactor polls the watched fds. */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/io/io_impl.h"
#include "sentry/kernel/dispatch.h"

#define POOL_THREADS 4
#define MAX_WATCHES 192

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct list queue;      /* of io_op.link; protected by mutex */
	/* the reactor's own */
	struct pollfd polls[MAX_WATCHES];
	struct io_watch *watches[MAX_WATCHES];
	uint32_t watch_count;
};

static void *pool_thread(void *arg)
{
	struct io *io = arg;
	struct pool *p = io->backend;

	for (;;) {
		struct io_op *op;

		pthread_mutex_lock(&p->mutex);
		while (list_empty(&p->queue))
			pthread_cond_wait(&p->more, &p->mutex);
		op = list_first(&p->queue, struct io_op, link);
		list_remove(&op->link);
		pthread_mutex_unlock(&p->mutex);
		io_op_finish(io, op, io_op_perform(op));
		sched_drain();
	}
	return NULL;
}

static int threads_create(struct io *io, char *why, size_t why_len)
{
	struct pool *p = mem_zalloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->more, NULL);
	list_init(&p->queue);
	io->backend = p;
	for (int i = 0; i < POOL_THREADS; i++) {
		pthread_attr_t attr;
		pthread_t thread;
		int err;

		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 256 * 1024);
		err = pthread_create(&thread, &attr, pool_thread, io);
		pthread_attr_destroy(&attr);
		if (err) {
			snprintf(why, why_len, "no thread for file I/O (%s)", strerrordesc_np(err));
			return -err;
		}
		pthread_detach(thread);
	}
	return 0;
}

static bool threads_start(struct io *io, struct io_op *op)
{
	struct pool *p = io->backend;

	pthread_mutex_lock(&p->mutex);
	list_push_back(&p->queue, &op->link);
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->mutex);
	return true;
}

static bool threads_watch(struct io *io, struct io_watch *w, uint32_t events)
{
	struct pool *p = io->backend;

	for (uint32_t i = 0; i < p->watch_count; i++)
		if (p->watches[i] == w) {
			p->polls[i].events = (short)events;
			return true;
		}
	if (p->watch_count == MAX_WATCHES)
		return false;
	p->watches[p->watch_count] = w;
	p->polls[p->watch_count++] = (struct pollfd){ .fd = w->fd, .events = (short)events };
	return true;
}

static void threads_wait(struct io *io, int64_t deadline)
{
	struct pool *p = io->backend;
	int64_t left = deadline - host_monotonic_ns();
	struct timespec ts = { left / 1000000000, left % 1000000000 };

	if (left <= 0)
		ts = (struct timespec){ 0, 0 };
	if (ppoll(p->polls, p->watch_count, deadline == KTIMER_NEVER ? NULL : &ts, &io->waiting_mask) <= 0)
		return;
	for (uint32_t i = p->watch_count; i-- > 0;) {
		struct io_watch *w = p->watches[i];
		uint32_t events = (uint32_t)(unsigned short)p->polls[i].revents;

		if (!events)
			continue;
		/* Once: it is armed again by who still wants it. */
		p->watch_count--;
		p->polls[i] = p->polls[p->watch_count];
		p->watches[i] = p->watches[p->watch_count];
		io_watch_fire(io, w, events);
	}
}

const struct io_backend_ops io_threads_backend = {
	.name = "threads",
	.create = threads_create,
	.start = threads_start,
	.watch = threads_watch,
	.wait = threads_wait,
};
