/*
 * The gofer's life: prepare the roots, give everything else away, one thread a channel, wait for the end.
 *
 * The threads are made before the filter, which reaches them all at once (TSYNC), and wait at a gate until it is in
 * place: no byte of a client is looked at by a thread that may do more than serve.
 */
#include "gofer/gofer.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "gofer/lockdown.h"
#include "gofer/serve.h"

#define STACK_SIZE   (128 * 1024)
#define FDS_RESERVED 64 /* fds that are not handles: roots, channels, what calls under way hold */

struct gofer {
	struct server server;
	pthread_barrier_t
		started;    /* a new thread makes calls of its own (rseq, robust list) that the filter does not have */
	struct lock gate;   /* held by the main thread until the lock-down is complete */
	atomic_int running; /* threads */
	int end[2];	    /* a socket pair: end[1] is shut when the last thread ends */
};

struct worker {
	struct gofer *gofer;
	int fd;
	int cpu;
	struct call call; /* large; pages are touched as they are used */
};

/* ---- a channel's thread ------------------------------------------------------------------------------------------ */

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct gofer *g = w->gofer;

	pthread_barrier_wait(&g->started);
	lock_take(&g->gate);
	lock_drop(&g->gate);
	serve_channel(&g->server, w->fd, &w->call);
	if (atomic_fetch_sub(&g->running, 1) == 1)
		host_close(&g->end[1]);
	return NULL;
}

/* Same CPU as the sentry's threads that use the channel: a wake across CPUs costs more than all the rest of a call. */
static void set_cpu(pthread_attr_t *attr, int cpu)
{
	cpu_set_t set, allowed;

	if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(allowed), &allowed) < 0 ||
	    !CPU_ISSET(cpu, &allowed))
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_setaffinity_np(attr, sizeof(set), &set);
}

static int start_worker(struct gofer *g, struct gofer_channel *ch)
{
	struct worker *w = mem_alloc(sizeof(*w));
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (!w)
		return -ENOMEM;
	w->gofer = g;
	w->fd = ch->fd;
	w->cpu = ch->cpu;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	set_cpu(&attr, ch->cpu);
	atomic_fetch_add(&g->running, 1);
	err = pthread_create(&thread, &attr, worker_main, w);
	pthread_attr_destroy(&attr);
	if (err)
		return -err;
	ch->fd = -1;
	return 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static uint32_t handle_limit(const struct gofer_config *cfg)
{
	uint32_t want = cfg->max_handles ? cfg->max_handles : GOFER_HANDLES_DEFAULT;
	uint64_t reserved = FDS_RESERVED + (uint64_t)cfg->roots + 4 * (uint64_t)cfg->channels;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur == RLIM_INFINITY)
		return want;
	if (rl.rlim_cur <= reserved)
		return 1;
	return want < rl.rlim_cur - reserved ? want : (uint32_t)(rl.rlim_cur - reserved);
}

/* Until the runtime is gone (the lifeline ends) or the sentry is (all channels have). */
static void wait_for_end(struct gofer *g, int lifeline)
{
	struct pollfd fds[2] = { { .fd = lifeline, .events = POLLIN }, { .fd = g->end[0], .events = POLLIN } };

	while (HOST_RETRY(poll(fds, 2, -1)) > 0) {
		if (fds[0].revents || fds[1].revents)
			return;
	}
}

static int start(struct gofer *g, struct gofer_config *cfg)
{
	int err = roots_prepare(cfg, g->server.root);

	if (err)
		return err;
	g->server.roots = cfg->roots;
	err = lockdown_process(cfg, &g->server.proc_fd);
	if (!err)
		err = handles_init(&g->server.handles, handle_limit(cfg));
	if (!err && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, g->end) < 0)
		err = -errno;
	if (!err)
		err = -pthread_barrier_init(&g->started, NULL, (unsigned int)cfg->channels + 1);
	for (int i = 0; !err && i < cfg->channels; i++)
		err = start_worker(g, &cfg->channel[i]);
	if (err)
		return err;
	pthread_barrier_wait(&g->started);
	return cfg->unlocked ? 0 : lockdown_calls(g->server.proc_fd, cfg->log_fd);
}

int gofer_main(struct gofer_config *cfg)
{
	struct gofer *g = mem_zalloc(sizeof(*g));
	int err = g ? 0 : -ENOMEM;

	log_setup(cfg->log_fd, cfg->log_format, cfg->log_level, "gofer");
	if (!err) {
		lock_init(&g->gate, RANK_SANDBOX, "gofer gate");
		lock_take(&g->gate);
		err = start(g, cfg);
	}
	if (err) {
		log_error("the gofer cannot start: %s", strerror(-err));
		return 1; /* threads at the gate and their memory go with the process */
	}
	lock_drop(&g->gate);
	wait_for_end(g, cfg->lifeline);
	return 0;
}
