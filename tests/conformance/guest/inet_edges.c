/* TCP's corners: urgent data, epoll edges, full backlogs, listeners that share a port, self-connect, disconnect, TIME_WAIT. */
#include "../tap.h"
#include "../inet.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#ifndef SIOCATMARK
#define SIOCATMARK 0x8905
#endif

static char buf[1 << 20];

static int at_mark(int fd)
{
	int v = -1;

	return ioctl(fd, SIOCATMARK, &v) < 0 ? -1 : v;
}

static volatile int urgent;
static void on_urgent(int sig)
{
	urgent = sig;
}

static void out_of_band(void)
{
	int sv[2], n;

	tcp_pair(sv);
	signal(SIGURG, on_urgent);
	fcntl(sv[1], F_SETOWN, getpid());
	CHECK_ERRNO(recv(sv[1], buf, 1, MSG_OOB), EINVAL);
	CHECK_EQ(send(sv[0], "abc", 3, MSG_OOB), 3, "send with MSG_OOB");
	CHECK(await_events(sv[1], POLLPRI) == (POLLIN | POLLOUT | POLLPRI), "poll with urgent data");
	CHECK_EQ(urgent, SIGURG, "SIGURG");
	CHECK(ioctl(sv[1], FIONREAD, &n) == 0 && n == 2, "FIONREAD counts up to the mark");
	CHECK_EQ(at_mark(sv[1]), 0, "not at the mark");
	CHECK(recv(sv[1], buf, 1, MSG_OOB | MSG_PEEK) == 1 && buf[0] == 'c', "a peek at the urgent byte");
	CHECK(recv(sv[1], buf, 1, MSG_OOB) == 1 && buf[0] == 'c', "the urgent byte");
	CHECK_ERRNO(recv(sv[1], buf, 1, MSG_OOB), EINVAL);
	CHECK_EQ(events_of(sv[1]), POLLIN | POLLOUT, "POLLPRI is gone");
	send(sv[0], "def", 3, 0);
	CHECK_EQ(recv(sv[1], buf, 10, MSG_WAITALL | MSG_DONTWAIT), 2, "a read stops at the mark");
	CHECK_EQ(at_mark(sv[1]), 1, "at the mark");
	CHECK(recv(sv[1], buf, 10, 0) == 3 && !memcmp(buf, "def", 3), "the next goes past it, without the byte");
	CHECK_EQ(at_mark(sv[1]), 0, "past the mark");
	set_option(sv[1], SOL_SOCKET, SO_OOBINLINE, 1);
	send(sv[0], "x", 1, 0);
	send(sv[0], "yz", 2, MSG_OOB);
	CHECK(await_events(sv[1], POLLPRI) != -1, "urgent data in line");
	CHECK_ERRNO(recv(sv[1], buf, 1, MSG_OOB), EINVAL);
	CHECK(ioctl(sv[1], FIONREAD, &n) == 0 && n == 3, "FIONREAD counts all of them");
	CHECK_EQ(recv(sv[1], buf, 10, 0), 2, "up to the mark");
	CHECK(recv(sv[1], buf, 10, 0) == 1 && buf[0] == 'z', "and the urgent byte itself");
	close_pair(sv);
}

static uint32_t wait_epoll(int ep)
{
	struct epoll_event e = {0};

	return epoll_wait(ep, &e, 1, 20) == 1 ? e.events : 0;
}

static void edges(void)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	int sv[2], ep = epoll_create1(EPOLL_CLOEXEC), fd = listener4(8), c;

	tcp_pair(sv);
	epoll_ctl(ep, EPOLL_CTL_ADD, sv[1], &e);
	CHECK_EQ(wait_epoll(ep), EPOLLOUT, "EPOLLET: first writable");
	CHECK_EQ(wait_epoll(ep), 0, "once");
	send(sv[0], "a", 1, 0);
	CHECK_EQ(wait_epoll(ep), EPOLLIN | EPOLLOUT, "data");
	CHECK_EQ(wait_epoll(ep), 0, "told once, though unread");
	send(sv[0], "b", 1, 0);
	CHECK_EQ(wait_epoll(ep), EPOLLIN | EPOLLOUT, "more data is a new edge");
	recv(sv[1], buf, 1, 0);
	CHECK_EQ(wait_epoll(ep), 0, "reading a part is none");
	shutdown(sv[0], SHUT_WR);
	CHECK_EQ(wait_epoll(ep), EPOLLIN | EPOLLOUT | EPOLLRDHUP, "the other side's end");
	CHECK_EQ(wait_epoll(ep), 0, "once");
	shutdown(sv[1], SHUT_WR);
	CHECK_EQ(wait_epoll(ep), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP, "both ends");
	close_pair(sv);

	tcp_pair(sv);
	e.events = EPOLLOUT | EPOLLET;
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &e);
	wait_epoll(ep);
	while (send(sv[0], buf, sizeof(buf), 0) > 0)
		;
	for (int i = 0; i < 10 && recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT) > 0; i++)
		poll(NULL, 0, 5);
	CHECK_EQ(wait_epoll(ep), EPOLLOUT, "room after a full queue is an edge");
	send(sv[0], "x", 1, 0);
	setsockopt(sv[1], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	close(sv[1]);
	CHECK_EQ(wait_epoll(ep), EPOLLOUT | EPOLLERR | EPOLLHUP, "a reset");
	close(sv[0]);

	e.events = EPOLLIN;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	CHECK_EQ(wait_epoll(ep), 0, "a listener");
	c = socket(AF_INET, SOCK_STREAM, 0);
	connect4(c, "127.0.0.1", port_of(fd));
	CHECK_EQ(wait_epoll(ep), EPOLLIN, "with a connection");
	close(accept(fd, NULL, NULL));
	CHECK_EQ(wait_epoll(ep), 0, "accepted");
	close(c);
	close(fd);
	close(ep);
}

static void low_water(void)
{
	int sv[2];

	tcp_pair(sv);
	set_option(sv[1], SOL_SOCKET, SO_RCVLOWAT, 4);
	send(sv[0], "abc", 3, 0);
	poll(NULL, 0, 20);
	CHECK_EQ(events_of(sv[1]), POLLOUT, "SO_RCVLOWAT: not readable yet");
	send(sv[0], "d", 1, 0);
	CHECK(await_events(sv[1], POLLIN) != -1, "readable");
	CHECK_EQ(recv(sv[1], buf, 2, 0), 2, "a read of less does not wait");
	CHECK_EQ(recv(sv[1], buf, 10, MSG_DONTWAIT), 2, "nor does one that may not");
	close_pair(sv);
}

static void backlog(void)
{
	int fd = listener4(0), c[3], port = port_of(fd), s;

	for (int i = 0; i < 3; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect4(c[i], "127.0.0.1", port);
	}
	CHECK(await_events(c[0], POLLOUT) == POLLOUT, "a backlog of 0 takes one");
	poll(NULL, 0, 20);
	CHECK_EQ(events_of(c[2]), 0, "who finds it full waits");
	CHECK_ERRNO(connect4(c[2], "127.0.0.1", port), EALREADY);
	CHECK_ERRNO(send(c[2], "x", 1, MSG_NOSIGNAL), EAGAIN);
	CHECK_ERRNO(recv(c[2], buf, 1, 0), EAGAIN);
	s = accept(fd, NULL, NULL);
	close(s);
	for (int i = 0; i < 400 && events_of(c[1]) == 0; i++)
		poll(NULL, 0, 10);
	CHECK(events_of(c[1]) & POLLOUT, "and is let in when there is room");
	for (int i = 0; i < 3; i++)
		close(c[i]);
	close(fd);

	fd = listener4(5);
	c[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect4(c[0], "127.0.0.1", port_of(fd));
	close(fd);
	CHECK(await_events(c[0], POLLERR) != -1, "a listener closes with a connection that was not accepted");
	CHECK_ERRNO(recv(c[0], buf, 1, 0), ECONNRESET);
	close(c[0]);

	fd = listener4(5);
	c[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect4(c[0], "127.0.0.1", port_of(fd));
	send(c[0], "gone", 4, 0);
	close(c[0]);
	s = accept(fd, NULL, NULL);
	CHECK(s >= 0, "a connection whose client has gone is accepted");
	CHECK(recv(s, buf, 9, 0) == 4 && recv(s, buf, 9, 0) == 0, "and read to its end");
	close(s);
	CHECK_OK(shutdown(fd, SHUT_RD));
	CHECK_ERRNO(accept(fd, NULL, NULL), EINVAL);
	CHECK_OK(listen(fd, 5));
	close(fd);
}

static void sharing(void)
{
	int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0), c[40];

	set_option(a, SOL_SOCKET, SO_REUSEPORT, 1);
	bind4(a, "127.0.0.1", 0);
	CHECK_ERRNO(bind4(b, "127.0.0.1", port_of(a)), EADDRINUSE);
	set_option(b, SOL_SOCKET, SO_REUSEPORT, 1);
	CHECK_OK(bind4(b, "127.0.0.1", port_of(a)));
	CHECK(listen(a, 64) == 0 && listen(b, 64) == 0, "two listeners with SO_REUSEPORT");
	for (int i = 0; i < 40; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM, 0);
		connect4(c[i], "127.0.0.1", port_of(a));
	}
	CHECK(await_events(a, POLLIN) != -1 && await_events(b, POLLIN) != -1, "both get connections");
	for (int i = 0; i < 40; i++)
		close(c[i]);
	close(a);
	close(b);
}

static void turns(void)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = socket(AF_INET, SOCK_STREAM, 0), sv[2], port;
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	bind4(fd, "127.0.0.1", 0);
	CHECK_OK(connect4(fd, "127.0.0.1", port_of(fd)));
	CHECK_EQ(send(fd, "self", 4, 0), 4, "a socket that is connected to itself");
	CHECK_EQ(recv(fd, buf, 9, 0), 4, "reads what it writes");
	CHECK(getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && ntohs(peer.sin_port) == port_of(fd), "and is its own peer");
	CHECK_OK(shutdown(fd, SHUT_WR));
	CHECK_EQ(recv(fd, buf, 9, 0), 0, "to the end");
	close(fd);

	tcp_pair(sv);
	CHECK_OK(connect(sv[0], &none, sizeof(none)));
	CHECK_ERRNO(getpeername(sv[0], (struct sockaddr *)&peer, &len), ENOTCONN);
	CHECK(await_events(sv[1], POLLERR) != -1, "the other side");
	CHECK_ERRNO(recv(sv[1], buf, 1, 0), ECONNRESET);
	int_option(sv[0], SOL_SOCKET, SO_ERROR);
	fd = listener4(1);
	CHECK_OK(connect4(sv[0], "127.0.0.1", port_of(fd)));
	close(fd);
	close_pair(sv);

	fd = listener4(1);
	port = port_of(fd);
	sv[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect4(sv[0], "127.0.0.1", port);
	sv[1] = accept(fd, NULL, NULL);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(bind4(fd, "127.0.0.1", port), EADDRINUSE);
	close(sv[1]);
	while (recv(sv[0], buf, 1, 0) > 0)
		;
	close(sv[0]);
	CHECK_ERRNO(bind4(fd, "127.0.0.1", port), EADDRINUSE);
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	tcp_pair(sv);
	port = port_of(sv[0]);
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_ERRNO(bind4(fd, "127.0.0.1", port), EADDRINUSE);
	close(fd);
	close_pair(sv);
}

static void deferred(void)
{
	int fd = listener4(5), c = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_OK(set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5));
	CHECK_OK(connect4(c, "127.0.0.1", port_of(fd)));
	poll(NULL, 0, 20);
	CHECK_EQ(events_of(fd), 0, "TCP_DEFER_ACCEPT: not before data");
	send(c, "x", 1, 0);
	CHECK(await_events(fd, POLLIN) == POLLIN, "comes");
	close(accept(fd, NULL, NULL));
	close(c);
	close(fd);
}

int main(void)
{
	tap_begin();
	signal(SIGPIPE, SIG_IGN);
	out_of_band();
	edges();
	low_water();
	backlog();
	sharing();
	turns();
	deferred();
	return tap_end();
}
