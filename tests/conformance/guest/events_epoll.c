/* epoll(7)'s edges: nesting, exclusive waiters, edges and single shots, descriptors that were closed or doubled, the ioctls. */
#include "../tap.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct params {
	uint32_t usecs;
	uint16_t budget;
	uint8_t prefer, pad;
};
#define SET_PARAMS _IOW(0x8a, 1, struct params)
#define GET_PARAMS _IOR(0x8a, 2, struct params)

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, op, fd, &e);
}

/* How many are ready now, and what the first is ready for. */
static uint32_t last;
static int ready(int ep)
{
	struct epoll_event e[8];
	int n = epoll_wait(ep, e, 8, 0);

	last = n > 0 ? e[0].events : 0;
	return n;
}

static void put(int fd)
{
	uint64_t one = 1;

	MUST(write(fd, &one, 8) == 8);
}

static void take(int fd)
{
	uint64_t n;

	MUST(read(fd, &n, 8) == 8);
}

static void nesting(void)
{
	int chain[8], a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0), ev = eventfd(0, 0), n;

	CHECK_ERRNO(ctl(a, EPOLL_CTL_ADD, a, EPOLLIN), EINVAL);
	CHECK_OK(ctl(a, EPOLL_CTL_ADD, b, EPOLLIN));
	CHECK_ERRNO(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
	CHECK_OK(ctl(b, EPOLL_CTL_ADD, c, EPOLLIN));
	CHECK_ERRNO(ctl(c, EPOLL_CTL_ADD, a, EPOLLIN), ELOOP);
	CHECK_OK(ctl(c, EPOLL_CTL_ADD, ev, EPOLLIN));
	CHECK_EQ(ready(a), 0, "nothing at first");
	put(ev);
	CHECK_EQ(ready(a), 1, "an event comes up through two");
	CHECK_EQ(ready(b), 1, "and is there in between");
	take(ev);
	CHECK_EQ(ready(a), 0, "and goes");
	CHECK_OK(ctl(a, EPOLL_CTL_DEL, b, 0));
	CHECK_OK(ctl(b, EPOLL_CTL_DEL, c, 0));
	CHECK_OK(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN));
	for (n = 0; n < 8; n++)
		chain[n] = epoll_create1(0);
	for (n = 1; n < 8; n++)
		if (ctl(chain[n], EPOLL_CTL_ADD, chain[n - 1], EPOLLIN) < 0)
			break;
	CHECK_EQ(errno, ELOOP, "a chain has an end");
	CHECK_EQ(n, 5, "after four that watch others");
	for (n = 0; n < 8; n++)
		close(chain[n]);
	/* From the outer end inwards the limit is the same. */
	for (n = 0; n < 8; n++)
		chain[n] = epoll_create1(0);
	for (n = 6; n >= 0; n--)
		if (ctl(chain[n + 1], EPOLL_CTL_ADD, chain[n], EPOLLIN) < 0)
			break;
	CHECK_EQ(errno, ELOOP, "built from outside, too");
	CHECK_EQ(n, 2, "after as many");
	for (n = 0; n < 8; n++)
		close(chain[n]);
	close(a);
	close(b);
	close(c);
	close(ev);
}

static void exclusive(void)
{
	int ep = epoll_create1(0), inner = epoll_create1(0), ev = eventfd(0, 0);

	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN | EPOLLEXCLUSIVE));
	put(ev);
	CHECK_EQ(ready(ep), 1, "an exclusive waiter is woken");
	CHECK_EQ(last, EPOLLIN, "for what it waits for");
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, ev, EPOLLIN), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, ev, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_OK(ctl(ep, EPOLL_CTL_DEL, ev, 0));
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN | EPOLLPRI | EPOLLEXCLUSIVE), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN | EPOLLRDHUP | EPOLLEXCLUSIVE), EINVAL);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE));
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_OK(ctl(ep, EPOLL_CTL_DEL, ev, 0));
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN));
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, ev, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	close(ep);
	close(inner);
	close(ev);
}

static void edges(void)
{
	int ep = epoll_create1(0), ev = eventfd(0, 0), p[2];
	char buf[8];

	MUST(pipe2(p, O_NONBLOCK) == 0);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET));
	MUST(write(p[1], "a", 1) == 1);
	CHECK_EQ(ready(ep), 1, "an edge");
	CHECK_EQ(ready(ep), 0, "is told once");
	MUST(write(p[1], "b", 1) == 1);
	CHECK_EQ(ready(ep), 1, "more to read is another");
	MUST(read(p[0], buf, 1) == 1);
	CHECK_EQ(ready(ep), 0, "less to read is none");
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET));
	CHECK_EQ(ready(ep), 1, "MOD arms it again");
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
	CHECK_EQ(ready(ep), 1, "a single shot");
	MUST(write(p[1], "c", 1) == 1);
	CHECK_EQ(ready(ep), 0, "is one, whatever comes");
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
	CHECK_EQ(ready(ep), 1, "until it is armed again");
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
	close(p[1]);
	CHECK_EQ(ready(ep), 1, "a hangup comes with it");
	CHECK_EQ(last, EPOLLIN | EPOLLHUP, "both at once");
	CHECK_OK(ctl(ep, EPOLL_CTL_MOD, p[0], 0));
	CHECK_EQ(ready(ep), 1, "a hangup is told to who asked for nothing");
	CHECK_EQ(last, EPOLLHUP, "and only that");
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLOUT | EPOLLET));
	CHECK_EQ(ready(ep), 2, "room to write is an edge at the start");
	CHECK_EQ(ready(ep), 1, "and no more");
	close(ep);
	close(ev);
	close(p[0]);
}

/* Items belong to the open file and the number they were added by. */
static void descriptors(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), ev = eventfd(0, 0), two = dup(ev), file = open("f", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY);

	CHECK_EQ(fcntl(ep, F_GETFD), FD_CLOEXEC, "EPOLL_CLOEXEC");
	CHECK_ERRNO(epoll_create(0), EINVAL);
	CHECK_ERRNO(epoll_create1(1), EINVAL);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN));
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, ev, EPOLLIN), EEXIST);
	CHECK_OK(ctl(ep, EPOLL_CTL_ADD, two, EPOLLIN));
	put(ev);
	CHECK_EQ(ready(ep), 2, "a doubled descriptor is a second item");
	close(ev);
	CHECK_EQ(ready(ep), 2, "which stays while the file is open");
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_DEL, ev, 0), EBADF);
	close(two);
	CHECK_EQ(ready(ep), 0, "and goes with it");
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN), EPERM);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, dir, EPOLLIN), EPERM);
	CHECK_ERRNO(ctl(file, EPOLL_CTL_ADD, ep, EPOLLIN), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, -1, EPOLLIN), EBADF);
	CHECK_ERRNO(ctl(-1, EPOLL_CTL_ADD, ep, EPOLLIN), EBADF);
	ev = eventfd(0, 0);
	CHECK_ERRNO(ctl(ep, 9, ev, EPOLLIN), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, ev, EPOLLIN), ENOENT);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_DEL, ev, 0), ENOENT);
	CHECK_ERRNO(epoll_wait(file, &(struct epoll_event){ 0 }, 1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(-1, &(struct epoll_event){ 0 }, 1, 0), EBADF);
	CHECK_ERRNO(epoll_wait(ep, &(struct epoll_event){ 0 }, 0, 0), EINVAL);
	close(ep);
	close(ev);
	close(file);
	close(dir);
}

static void fairness(void)
{
	int ep = epoll_create1(0), ev[6], seen[6] = { 0 };
	struct epoll_event e[2];

	for (int i = 0; i < 6; i++) {
		ev[i] = eventfd(1, 0);
		MUST(epoll_ctl(ep, EPOLL_CTL_ADD, ev[i], &(struct epoll_event){ .events = EPOLLIN, .data.u32 = (uint32_t)i }) == 0);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(epoll_wait(ep, e, 2, 0), 2, "two at a time");
		seen[e[0].data.u32]++;
		seen[e[1].data.u32]++;
	}
	CHECK(seen[0] == 1 && seen[1] == 1 && seen[2] == 1 && seen[3] == 1 && seen[4] == 1 && seen[5] == 1, "each has its turn");
	for (int i = 0; i < 6; i++)
		close(ev[i]);
	close(ep);
}

static void parameters(void)
{
	int ep = epoll_create1(0);
	struct params p = { .usecs = 100, .budget = 8, .prefer = 1 };

	if (ioctl(ep, SET_PARAMS, &p) < 0 && errno == ENOTTY) {
		SKIP("EPIOCSPARAMS", "a host without network cards to poll");
		return;
	}
	memset(&p, 0, sizeof(p));
	CHECK_OK(ioctl(ep, GET_PARAMS, &p));
	CHECK(p.usecs == 100 && p.budget == 8 && p.prefer == 1 && !p.pad, "EPIOCGPARAMS gives what was set");
	p.pad = 1;
	CHECK_ERRNO(ioctl(ep, SET_PARAMS, &p), EINVAL);
	p.pad = 0;
	p.prefer = 2;
	CHECK_ERRNO(ioctl(ep, SET_PARAMS, &p), EINVAL);
	p.prefer = 0;
	p.usecs = UINT32_MAX;
	CHECK_ERRNO(ioctl(ep, SET_PARAMS, &p), EINVAL);
	CHECK_ERRNO(ioctl(ep, SET_PARAMS, (void *)8), EFAULT);
	CHECK_ERRNO(ioctl(ep, GET_PARAMS, (void *)8), EFAULT);
	CHECK_ERRNO(ioctl(ep, FIONREAD, &p), EINVAL);
	close(ep);
}

static int waited_on;

static void *waiter(void *arg)
{
	struct epoll_event e;

	(void)arg;
	return (void *)(intptr_t)epoll_wait(waited_on, &e, 1, 10000);
}

/* What is added, armed or closed while somebody waits. */
static void while_waiting(void)
{
	int ev = eventfd(1, 0);
	pthread_t thread;
	void *got;

	waited_on = epoll_create1(0);
	MUST(pthread_create(&thread, NULL, waiter, NULL) == 0);
	CHECK_OK(ctl(waited_on, EPOLL_CTL_ADD, ev, EPOLLIN));
	pthread_join(thread, &got);
	CHECK_EQ((intptr_t)got, 1, "what is added ready wakes who waits");
	CHECK_OK(ctl(waited_on, EPOLL_CTL_MOD, ev, 0));
	MUST(pthread_create(&thread, NULL, waiter, NULL) == 0);
	CHECK_OK(ctl(waited_on, EPOLL_CTL_MOD, ev, EPOLLIN));
	pthread_join(thread, &got);
	CHECK_EQ((intptr_t)got, 1, "and what is armed");
	close(ev);
	close(waited_on);
}

int main(void)
{
	tap_begin();
	nesting();
	exclusive();
	edges();
	descriptors();
	fairness();
	parameters();
	while_waiting();
	return tap_end();
}
