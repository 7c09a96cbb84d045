/* epoll, poll, ppoll, select, pselect. */
#include "../tap.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>

static int control(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return epoll_ctl(ep, op, fd, &ev);
}

/* Events now: their number; the first in *first. */
static int ready(int ep, struct epoll_event *first)
{
	struct epoll_event ev[8];
	int n = epoll_wait(ep, ev, 8, 0);

	if (n > 0 && first)
		*first = ev[0];
	return n;
}

static void level(void)
{
	struct epoll_event ev;
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2];
	char c;

	CHECK(ep >= 0 && fcntl(ep, F_GETFD) == FD_CLOEXEC, "epoll_create1");
	CHECK_OK(pipe(p));
	CHECK_OK(control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 0x1122334455667788));
	CHECK_EQ(ready(ep, NULL), 0, "nothing is ready");
	CHECK_EQ(write(p[1], "ab", 2), 2, "a write");
	CHECK(ready(ep, &ev) == 1 && ev.events == EPOLLIN && ev.data.u64 == 0x1122334455667788, "makes it so, with its 64 bits of data");
	CHECK(ready(ep, NULL) == 1 && read(p[0], &c, 1) == 1 && ready(ep, NULL) == 1, "level: as long as there is data");
	CHECK(read(p[0], &c, 1) == 1 && ready(ep, NULL) == 0, "and no longer");
	CHECK_OK(control(ep, EPOLL_CTL_MOD, p[0], 0, 5));
	CHECK(write(p[1], "c", 1) == 1 && ready(ep, NULL) == 0, "no events asked, none given");
	CHECK_OK(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 6));
	CHECK(ready(ep, &ev) == 1 && ev.data.u64 == 6, "EPOLL_CTL_MOD looks at once, with new data");
	CHECK_OK(control(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 7));
	CHECK_EQ(ready(ep, NULL), 2, "two fds");
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
	CHECK_EQ(ready(ep, NULL), 1, "one is taken away");
	CHECK(read(p[0], &c, 1) == 1, "drain");
	close(p[1]);
	CHECK(ready(ep, &ev) == 1 && ev.events == EPOLLHUP, "EPOLLHUP unasked");
	close(p[0]);
	CHECK_EQ(ready(ep, NULL), 0, "a closed fd leaves the set");
	close(ep);
}

static void edge(void)
{
	struct epoll_event ev;
	int ep = epoll_create1(0), p[2], e;

	CHECK_OK(pipe(p));
	CHECK_OK(control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1));
	CHECK(write(p[1], "a", 1) == 1 && ready(ep, NULL) == 1, "edge: a write is told");
	CHECK_EQ(ready(ep, NULL), 0, "once");
	CHECK(write(p[1], "b", 1) == 1 && ready(ep, NULL) == 1, "a second write again");
	CHECK_OK(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 1));
	CHECK_EQ(ready(ep, NULL), 1, "EPOLL_CTL_MOD arms it again");
	CHECK_OK(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 2));
	CHECK(ready(ep, &ev) == 1 && ev.data.u64 == 2, "EPOLLONESHOT fires");
	CHECK(ready(ep, NULL) == 0 && write(p[1], "c", 1) == 1 && ready(ep, NULL) == 0, "once, whatever comes");
	CHECK_OK(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 3));
	CHECK_EQ(ready(ep, NULL), 1, "until it is armed again");
	e = eventfd(1, 0);
	CHECK_OK(control(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLOUT | EPOLLET, 4));
	CHECK(ready(ep, &ev) == 1 && ev.events == (EPOLLIN | EPOLLOUT), "adding a ready fd tells at once");
	close(e);
	close(p[0]);
	close(p[1]);
	close(ep);
}

static void nested(void)
{
	int inner = epoll_create1(0), outer = epoll_create1(0), e = eventfd(0, 0);
	struct pollfd p = {outer, POLLIN, 0};

	CHECK_OK(control(inner, EPOLL_CTL_ADD, e, EPOLLIN, 1));
	CHECK_OK(control(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 2));
	CHECK_EQ(ready(outer, NULL), 0, "nested and quiet");
	CHECK(write(e, &(uint64_t){1}, 8) == 8 && ready(outer, NULL) == 1, "an event goes through two levels");
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN, "and through poll");
	CHECK_ERRNO(control(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 3), ELOOP);
	CHECK_ERRNO(control(inner, EPOLL_CTL_ADD, inner, EPOLLIN, 3), EINVAL);
	close(inner);
	close(outer);
	close(e);
}

static void errors(void)
{
	struct epoll_event ev;
	int ep = epoll_create1(0), e = eventfd(0, 0), file = open("file", O_RDWR | O_CREAT, 0600), other;

	CHECK_OK(control(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1));
	CHECK_ERRNO(control(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1), EEXIST);
	CHECK_ERRNO(control(ep, EPOLL_CTL_ADD, file, EPOLLIN, 1), EPERM);
	CHECK_ERRNO(control(ep, EPOLL_CTL_ADD, 999, EPOLLIN, 1), EBADF);
	CHECK_ERRNO(control(999, EPOLL_CTL_ADD, e, EPOLLIN, 1), EBADF);
	CHECK_ERRNO(control(e, EPOLL_CTL_ADD, ep, EPOLLIN, 1), EINVAL);
	CHECK_ERRNO(control(ep, 99, e, EPOLLIN, 1), EINVAL);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, e, (void *)8), EFAULT);
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL));
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL), ENOENT);
	CHECK_ERRNO(control(ep, EPOLL_CTL_MOD, e, EPOLLIN, 1), ENOENT);
	CHECK_ERRNO(epoll_wait(ep, &ev, 0, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(ep, &ev, -1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(e, &ev, 1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(999, &ev, 1, 0), EBADF);
	CHECK_ERRNO(epoll_create1(0x100), EINVAL);
	CHECK_ERRNO(epoll_create(0), EINVAL);
	CHECK_OK(control(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1));
	CHECK(write(e, &(uint64_t){1}, 8) == 8, "an event");
	CHECK_ERRNO(epoll_wait(ep, (void *)8, 1, 0), EFAULT);
	CHECK_EQ(ready(ep, NULL), 1, "a failed wait loses nothing");
	other = dup(e);
	close(e);
	CHECK_EQ(ready(ep, NULL), 1, "a set holds the open file, not the number");
	close(other);
	CHECK_EQ(ready(ep, NULL), 0, "until its last fd is closed");
	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &ev, 1, &(struct timespec){0, 1000000}, NULL, 8), 0, "epoll_pwait2 times out");
	close(ep);
	close(file);
}

static volatile sig_atomic_t handled;

static void on_usr1(int sig)
{
	handled = sig;
}

static void polls(void)
{
	int p[2], q[2];
	struct pollfd fds[3];
	sigset_t set, old, none;
	pid_t pid;

	CHECK_OK(pipe(p));
	CHECK_OK(pipe(q));
	fds[0] = (struct pollfd){p[0], POLLIN, 0x55};
	fds[1] = (struct pollfd){-1, POLLIN, 0x55};
	fds[2] = (struct pollfd){999, POLLIN, 0x55};
	CHECK_EQ(poll(fds, 3, -1), 1, "a closed fd counts as ready");
	CHECK(fds[0].revents == 0 && fds[1].revents == 0 && fds[2].revents == POLLNVAL, "with POLLNVAL; -1 is skipped");
	CHECK_EQ(poll(NULL, 0, 0), 0, "poll of nothing");
	CHECK_EQ(poll(fds, 1, 1), 0, "poll times out");
	pid = tap_fork();
	if (pid == 0) {
		MUST(write(p[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(poll(fds, 2, -1) == 1 && fds[0].revents == POLLIN, "poll is woken by a child's write");
	tap_wait(pid);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGUSR1, on_usr1);
	raise(SIGUSR1);
	fds[0].fd = q[0];
	CHECK_ERRNO(ppoll(fds, 1, NULL, &none), EINTR);
	CHECK_EQ(handled, SIGUSR1, "ppoll lets a pending signal in");
	CHECK_EQ(ppoll(fds, 1, &(struct timespec){0, 1000}, &set), 0, "ppoll times out");
	CHECK_ERRNO(ppoll(fds, 1, &(struct timespec){0, -1}, NULL), EINVAL);
	CHECK_ERRNO(poll((void *)8, 1, 0), EFAULT);
	CHECK_CHILD("more fds than RLIMIT_NOFILE: EINVAL", struct rlimit limit = {2, 2}; setrlimit(RLIMIT_NOFILE, &limit);
		    MUST(poll(fds, 3, 0) == -1 && errno == EINVAL));
	fds[0] = (struct pollfd){p[0], POLLOUT, 0};
	fds[1] = (struct pollfd){p[0], POLLIN, 0};
	CHECK(poll(fds, 2, 0) == 1 && fds[0].revents == 0 && fds[1].revents == POLLIN, "one fd twice");
	handled = 0;
	raise(SIGUSR1);
	fd_set reads;
	FD_ZERO(&reads);
	FD_SET(q[0], &reads);
	CHECK_ERRNO(pselect(q[0] + 1, &reads, NULL, NULL, NULL, &none), EINTR);
	CHECK_EQ(handled, SIGUSR1, "pselect lets a pending signal in");
	struct epoll_event ev;
	int ep = epoll_create1(0);
	handled = 0;
	raise(SIGUSR1);
	CHECK_ERRNO(epoll_pwait(ep, &ev, 1, -1, &none), EINTR);
	CHECK_EQ(handled, SIGUSR1, "epoll_pwait lets a pending signal in");
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(ep);
	close(p[0]);
	close(p[1]);
	close(q[0]);
	close(q[1]);
}

static void selects(void)
{
	struct timeval tv = {0, 1000}, bad = {0, -1};
	fd_set r, w, x;
	int p[2];

	CHECK_OK(pipe(p));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &x);
	CHECK_EQ(select(p[1] + 1, &r, &w, &x, NULL), 1, "select: the writer is ready");
	CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w) && !FD_ISSET(p[0], &x), "and only it");
	FD_SET(p[0], &r);
	CHECK_EQ(select(p[0] + 1, &r, NULL, NULL, &tv), 0, "select times out");
	CHECK(!FD_ISSET(p[0], &r) && tv.tv_usec == 0, "empties the set and the time");
	CHECK(write(p[1], "x", 1) == 1, "a byte");
	FD_SET(p[0], &r);
	CHECK_EQ(select(p[1] + 1, &r, &w, NULL, NULL), 2, "two bits are counted");
	CHECK_ERRNO(select(-1, NULL, NULL, NULL, NULL), EINVAL);
	CHECK_ERRNO(select(1, NULL, NULL, NULL, &bad), EINVAL);
	CHECK_ERRNO(select(1, (void *)8, NULL, NULL, NULL), EFAULT);
	FD_ZERO(&r);
	FD_SET(50, &r);
	CHECK_ERRNO(select(51, &r, NULL, NULL, NULL), EBADF);
	CHECK_EQ(select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}), 0, "select as a sleep");
	close(p[1]);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	CHECK_EQ(select(p[0] + 1, &r, NULL, NULL, NULL), 1, "the end of a pipe is readable");
	close(p[0]);
}

int main(void)
{
	tap_begin();
	level();
	edge();
	nested();
	errors();
	polls();
	selects();
	return tap_end();
}
