/*
 * Making a platform: lanes, the pocket, threads. The first tracer unshares its fd table and empties it, which makes the
 * pocket; then it starts the other tracers, so that they share it. Each makes its zygote and reports through a socket
 * that both tables hold.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "platform/fast/fast.h"

enum {
	LANES_MAX = 64,
	TRACER_STACK = 256 * 1024,
	POCKET_FIRST = 64, /* fds below this are inert in the pocket: a stray write to an fd of the main table must not hit a mapped file */
	POCKET_ROOM = 1024, /* fds that the pocket has room for from the start */
};

/*
 * Children of tracers are reaped by tracers: no SIGCHLD for stops; and it must not be ignored, which would reap unseen.
 */
static int set_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };
	int err = (int)host_ret(sigaction(SIGCHLD, &sa, NULL));

	return err ? err : arch_waitcall_setup(PLATFORM_SIGNAL);
}

static int make_lanes(struct platform *p, int wanted)
{
	int cpus[LANES_MAX];
	int n = host_cpus(cpus, LANES_MAX);

	if (n <= 0)
		return n ? n : -ENODEV;
	p->lane_count = wanted > 0 && wanted <= LANES_MAX ? wanted : n;
	p->lanes = mem_calloc((size_t)p->lane_count, sizeof(p->lanes[0]));
	if (!p->lanes)
		return -ENOMEM;
	for (int i = 0; i < p->lane_count; i++) {
		struct lane *l = &p->lanes[i];

		l->platform = p;
		l->index = i;
		l->cpu = cpus[i % n];
		l->listener = -1;
		list_init(&l->tracees);
		list_init(&l->events);
		list_init(&l->requests);
		list_init(&l->calls);
		lock_init(&l->lock, RANK_PLATFORM, "lane");
	}
	return 0;
}

static struct platform *alloc_platform(const struct platform_ops *ops, const struct platform_config *cfg)
{
	struct platform *p = mem_zalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->ops = ops;
	p->handler = cfg->handler;
	p->log_fd = cfg->log_fd;
	p->self = getpid();
	p->self_pidfd = p->setup_socket[0] = p->setup_socket[1] = -1;
	for (size_t i = 0; i < cfg->stop_call_count; i++)
		if (cfg->stop_calls[i] < sizeof(p->stop_set) * 8)
			p->stop_set[cfg->stop_calls[i] / 64] |= 1ull << (cfg->stop_calls[i] % 64);
	void *table = mmap(NULL, TID_LIMIT * sizeof(p->by_tid[0]), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (table == MAP_FAILED) {
		mem_free(p);
		return NULL;
	}
	p->by_tid = table;
	return p;
}

/* Everything but `keep` is closed; low numbers are taken by something that can be neither read nor written. */
static int empty_table(const int *keep, int count)
{
	int inert = epoll_create1(EPOLL_CLOEXEC);

	if (inert < 0)
		return -errno;
	/*
	 * A table that grows while it is shared waits for an RCU grace period, 5 to 10 ms: it grows now, while it is
	 * ours alone.
	 */
	if (dup3(inert, POCKET_ROOM - 1, O_CLOEXEC) < 0)
		return -errno;
	for (int fd = 0; fd < POCKET_FIRST; fd++) {
		bool kept = fd == inert;

		for (int i = 0; i < count; i++)
			kept |= fd == keep[i];
		if (!kept && dup3(inert, fd, O_CLOEXEC) < 0)
			return -errno;
	}
	for (int from = POCKET_FIRST;;) {
		int next = INT32_MAX;

		for (int i = 0; i < count; i++)
			if (keep[i] >= from && keep[i] < next)
				next = keep[i];
		if (next > from)
			syscall(SYS_close_range, (unsigned)from, next == INT32_MAX ? ~0u : (unsigned)next - 1, 0);
		if (next == INT32_MAX)
			return 0;
		from = next + 1;
	}
}

static int make_pocket(struct platform *p)
{
	const int keep[] = { p->setup_socket[1], p->self_pidfd, p->log_fd };

	if (unshare(CLONE_FILES) < 0)
		return -errno;
	return empty_table(keep, p->log_fd > 0 ? 3 : 2);
}

struct lane_start {
	struct lane *lane;
	const struct platform_config *config;
};

static void *lane_main(void *arg);

static int start_tracer(struct lane *l, const struct platform_config *cfg)
{
	struct lane_start *start = mem_alloc(sizeof(*start));
	pthread_attr_t attr;

	if (!start)
		return -ENOMEM;
	*start = (struct lane_start){ l, cfg };
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, TRACER_STACK);
	int err = -pthread_create(&l->tracer, &attr, lane_main, start);

	pthread_attr_destroy(&attr);
	if (err)
		mem_free(start);
	else
		l->has_tracer = true;
	return err;
}

static int lane_setup(struct lane *l, const struct platform_config *cfg)
{
	struct platform *p = l->platform;
	int err = l->index == 0 ? make_pocket(p) : 0;

	for (int i = 1; !err && l->index == 0 && i < p->lane_count; i++)
		err = start_tracer(&p->lanes[i], cfg);
	return err ? err : zygote_create(l, cfg);
}

static void *lane_main(void *arg)
{
	struct lane_start start = *(struct lane_start *)arg;
	struct lane *l = start.lane;

	mem_free(arg);
	prctl(PR_SET_NAME, "picket-tracer");
	l->tracer_tid = host_gettid();
	platform_thread_setup(l);
	int err = lane_setup(l, start.config);

	if (err)
		host_send_fd(l->platform->setup_socket[1], -1, err);
	platform_wait_gate(l->platform);
	return tracer_main(l);
}

/* One message a lane: the lane's index with its listener, or an error. */
static int await_lanes(struct platform *p)
{
	for (int i = 0; i < p->lane_count; i++) {
		int64_t value;
		int fd;
		int err = host_receive_fd(p->setup_socket[0], &fd, &value);

		if (!err && value < 0)
			err = (int)value;
		if (err) {
			host_close(&fd);
			return err;
		}
		p->lanes[value].listener = fd;
		if (p->ops->adopt)
			err = p->ops->adopt(&p->lanes[value]);
		if (err)
			return err;
	}
	return 0;
}

static int make_threads(struct platform *p, const struct platform_config *cfg)
{
	int err = set_signals();

	if (!err)
		err = arch_clock_setup();
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->setup_socket) < 0)
		return -errno;
	p->self_pidfd = (int)host_ret(syscall(SYS_pidfd_open, p->self, 0));
	if (p->self_pidfd < 0)
		return p->self_pidfd;
	err = start_tracer(&p->lanes[0], cfg);
	if (!err)
		err = await_lanes(p);
	for (int i = 0; !err && i < p->lane_count; i++)
		err = worker_start(&p->lanes[i]);
	return err ? err : balance_start(p);
}

int platform_create(const struct platform_ops *ops, struct platform_config *cfg, struct platform **out, char *why, size_t why_len)
{
	struct platform *p = alloc_platform(ops, cfg);
	int err = p ? make_lanes(p, cfg->lanes) : -ENOMEM;

	if (!err)
		err = fast_create(p, cfg);

	if (!err)
		err = make_threads(p, cfg);
	if (err) {
		snprintf(why, why_len, "the %s platform cannot be used on this host: %s failed: %s", ops->name,
			 p && p->step ? p->step : "making its threads", strerror(-err));
		if (p)
			platform_destroy(p);
		return err;
	}
	cfg->address_limit = arch_address_limit();
	*out = p;
	return 0;
}
