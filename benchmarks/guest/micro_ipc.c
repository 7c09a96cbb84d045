/* Between processes and threads: pipes, sockets, terminals, epoll. The other side echoes, or swallows. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "micro.h"

enum { STREAM_CHUNK = 65536 };

/* A child that echoes what comes until the end; it goes with its parent. */
static void echo_child(int in, int out)
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(in, &c, 1) == 1)
		if (write(out, &c, 1) != 1)
			break;
	_exit(0);
}

static void echo(int out, int in, long n)
{
	char c = 'x';

	while (n--)
		if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
			die("echo");
}

/* The last byte of the swallowed ones is answered, so that all have arrived. */
static void swallow_child(int fd)
{
	char *buf = malloc(STREAM_CHUNK);
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((n = read(fd, buf, STREAM_CHUNK)) > 0)
		if (buf[n - 1] == '!' && write(fd, "!", 1) != 1)
			break;
	_exit(0);
}

/* An operation is a chunk of 64 KiB. */
static void stream(int fd, long n)
{
	static char buf[STREAM_CHUNK];
	char c;

	while (n--) {
		buf[STREAM_CHUNK - 1] = n == 0 ? '!' : '.';
		for (size_t done = 0; done < STREAM_CHUNK;) {
			ssize_t put = write(fd, buf + done, STREAM_CHUNK - done);

			if (put <= 0)
				die("stream");
			done += (size_t)put;
		}
	}
	if (read(fd, &c, 1) != 1)
		die("stream's end");
}

static void do_pipe(long n)
{
	static int there[2] = { -1, -1 }, back[2];

	if (there[0] < 0) {
		if (pipe(there) < 0 || pipe(back) < 0)
			die("pipe");
		if (fork() == 0) {
			close(there[1]);
			close(back[0]);
			echo_child(there[0], back[1]);
		}
	}
	echo(there[1], back[0], n);
}

static void do_pipe_self(long n)
{
	static int p[2] = { -1, -1 };

	if (p[0] < 0 && pipe(p) < 0)
		die("pipe");
	echo(p[1], p[0], n);
}

static int unix_peer(void (*child)(int))
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		die("socketpair");
	if (fork() == 0) {
		close(pair[0]);
		child(pair[1]);
	}
	close(pair[1]);
	return pair[0];
}

static int tcp_peer(void (*child)(int))
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || server < 0 || bind(server, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(server, 1) < 0 ||
	    getsockname(server, (struct sockaddr *)&a, &len) < 0)
		die("tcp");
	if (fork() == 0) {
		int peer = accept(server, NULL, NULL);

		close(fd);
		setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		child(peer);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die("connect");
	close(server);
	return fd;
}

static void echo_on(int fd)
{
	echo_child(fd, fd);
}

static void do_unix(long n)
{
	static int fd = -1;

	if (fd < 0)
		fd = unix_peer(echo_on);
	echo(fd, fd, n);
}

static void do_tcp(long n)
{
	static int fd = -1;

	if (fd < 0)
		fd = tcp_peer(echo_on);
	echo(fd, fd, n);
}

static void do_unix_stream(long n)
{
	static int fd = -1;

	if (fd < 0)
		fd = unix_peer(swallow_child);
	stream(fd, n);
}

static void do_tcp_stream(long n)
{
	static int fd = -1;

	if (fd < 0)
		fd = tcp_peer(swallow_child);
	stream(fd, n);
}

static void do_unix_self(long n)
{
	static int pair[2] = { -1, -1 };

	if (pair[0] < 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		die("socketpair");
	echo(pair[0], pair[1], n);
}

static void do_epoll(long n)
{
	static int ep = -1, p[2];
	struct epoll_event e = { .events = EPOLLIN };

	if (ep < 0) {
		ep = epoll_create1(EPOLL_CLOEXEC);
		if (ep < 0 || pipe(p) < 0 || write(p[1], "x", 1) != 1 || epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) < 0)
			die("epoll");
	}
	while (n--)
		if (epoll_wait(ep, &e, 1, -1) != 1)
			die("epoll_wait");
}

/* A byte written to the terminal's master comes back by the line discipline's echo. */
static void do_pty(long n)
{
	static int master = -1, slave;
	struct termios raw;

	if (master < 0) {
		if (openpty(&master, &slave, NULL, NULL, NULL) < 0 || tcgetattr(slave, &raw) < 0)
			die("openpty");
		cfmakeraw(&raw);
		raw.c_lflag |= ECHO;
		tcsetattr(slave, TCSANOW, &raw);
	}
	for (long i = 0; i < n; i++) {
		echo(master, master, 1);
		if (i % 1024 == 0)
			tcflush(slave, TCIFLUSH);
	}
}

const struct work ipc_works[] = {
	{ "pipe", do_pipe, "a byte through a pipe to another process and back" },
	{ "pipe-self", do_pipe_self, "a byte into a pipe and out again" },
	{ "unix", do_unix, "a byte over a Unix socket to another process and back" },
	{ "unix-self", do_unix_self, "a byte into a Unix socket and out of its pair" },
	{ "unix-stream", do_unix_stream, "64 KiB over a Unix socket" },
	{ "tcp", do_tcp, "a byte over TCP on the loopback and back" },
	{ "tcp-stream", do_tcp_stream, "64 KiB over TCP on the loopback" },
	{ "epoll", do_epoll, "epoll_wait with an event ready" },
	{ "pty", do_pty, "a byte to a terminal and its echo" },
	{ NULL, NULL, NULL },
};
