/* Unix sockets where it gets tight: full queues, closing while somebody waits, cycles of sockets in flight, filters of senders. */
#include "../tap.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static socklen_t abstract(struct sockaddr_un *sun, const char *name)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	return offsetof(struct sockaddr_un, sun_path) + 1 + sprintf(sun->sun_path + 1, "picket-edge-%d-%s", getpid(), name);
}

static int bound(int type, const char *name)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, name);
	int fd = socket(AF_UNIX, type, 0);

	return bind(fd, (struct sockaddr *)&sun, len) == 0 ? fd : -1;
}

static int join(int fd, const char *name)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, name);

	return connect(fd, (struct sockaddr *)&sun, len);
}

static int ready(int fd, short events, int ms)
{
	struct pollfd p = {fd, events, 0};

	return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

static void send_fds(int sock, int a, int b)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {"x", 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fds[2] = {a, b};

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	CHECK_EQ(sendmsg(sock, &msg, 0), 1, "two fds on their way");
}

/* The pipe's other end goes with the sockets that hold it. Linux looks for such sockets when others are made and closed, and not always at once. */
static bool hangs_up(int fd, int type)
{
	int other[2];

	for (int i = 0; i < 500; i++) {
		if (ready(fd, POLLIN, 10) & POLLHUP)
			return true;
		if (socketpair(AF_UNIX, type, 0, other) < 0)
			return false;
		close(other[0]);
		close(other[1]);
	}
	return false;
}

/* Sockets that only their own queues hold are closed, and what else is in those queues is, too. */
static void cycles(int type)
{
	int sv[2], other[2], p[2];

	CHECK_OK(socketpair(AF_UNIX, type, 0, sv));
	CHECK_OK(pipe(p));
	send_fds(sv[0], sv[1], p[1]);
	close(sv[0]);
	close(sv[1]);
	close(p[1]);
	CHECK(hangs_up(p[0], type), "a socket in its own queue goes, and the pipe's end with it");
	close(p[0]);

	CHECK_OK(socketpair(AF_UNIX, type, 0, sv));
	CHECK_OK(socketpair(AF_UNIX, type, 0, other));
	CHECK_OK(pipe(p));
	send_fds(sv[0], other[1], p[1]);
	send_fds(other[0], sv[1], p[1]);
	close(p[1]);
	close(sv[1]);
	close(other[0]);
	CHECK_EQ(ready(p[0], POLLIN, 50), 0, "of two in each other's queues nothing goes while one is open");
	close(other[1]);
	close(sv[0]);
	CHECK(hangs_up(p[0], type), "then both go");
	close(p[0]);
}

/* A socket in the queue of one that nobody has accepted yet. */
static void unaccepted(void)
{
	int server = bound(SOCK_STREAM, "lst"), client = socket(AF_UNIX, SOCK_STREAM, 0), p[2];

	CHECK_OK(listen(server, 1));
	CHECK_OK(join(client, "lst"));
	CHECK_OK(pipe(p));
	send_fds(client, server, p[1]);
	close(p[1]);
	close(server);
	close(client);
	CHECK(ready(p[0], POLLIN, 5000) & POLLHUP, "a listener in the queue of its own backlog goes, too");
	close(p[0]);
}

static void *read_one(void *fd)
{
	char c;

	return (void *)read(*(int *)fd, &c, 1);
}

static void closing(void)
{
	int sv[2];
	pthread_t thread;
	void *got;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	pthread_create(&thread, NULL, read_one, &sv[0]);
	usleep(200000);
	int keep = sv[0];
	close(keep);
	CHECK_EQ(write(sv[1], "z", 1), 1, "a read that waits keeps the socket that another thread closes");
	pthread_join(thread, &got);
	CHECK_EQ((long)got, 1, "and gets its byte");
	CHECK_EQ(ready(sv[1], POLLIN, 5000) & POLLHUP, POLLHUP, "after that it is closed");
	close(sv[1]);
}

static void filters(void)
{
	int server = bound(SOCK_DGRAM, "srv"), a = bound(SOCK_DGRAM, "a"), b = socket(AF_UNIX, SOCK_DGRAM, 0), n;
	struct sockaddr unspec = {.sa_family = AF_UNSPEC};
	struct timeval tick = {0, 2000};
	char buf[8];

	CHECK_OK(join(server, "a"));
	CHECK_ERRNO(join(b, "srv"), EPERM);
	CHECK(join(a, "srv") == 0 && send(a, "ok", 2, 0) == 2 && recv(server, buf, 8, 0) == 2, "its own peer may send");
	CHECK_OK(connect(server, &unspec, sizeof(unspec)));
	CHECK_OK(join(b, "srv"));
	for (n = 0; send(b, "x", 1, MSG_DONTWAIT) == 1; n++)
		;
	CHECK(n > 0 && errno == EAGAIN && !(ready(b, POLLOUT, 0) & POLLOUT), "a full queue: EAGAIN, not writable");
	setsockopt(b, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick));
	CHECK_ERRNO(send(b, "x", 1, 0), EAGAIN);
	CHECK(recv(server, buf, 8, 0) == 1 && (ready(b, POLLOUT, 1000) & POLLOUT), "writable when one was taken");
	CHECK_OK(shutdown(server, SHUT_RD));
	CHECK_ERRNO(send(b, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(server);
	CHECK_ERRNO(send(b, "x", 1, 0), ECONNREFUSED);
	CHECK_ERRNO(send(b, "x", 1, 0), ENOTCONN);
	close(a);
	close(b);
}

static void backlog(void)
{
	int server = bound(SOCK_SEQPACKET, "seq"), c[3], i, peer;
	char buf[8];

	CHECK_OK(listen(server, 0));
	for (i = 0; i < 3; i++)
		c[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	CHECK_OK(join(c[0], "seq"));
	CHECK_ERRNO(join(c[1], "seq"), EAGAIN);
	peer = accept(server, NULL, NULL);
	CHECK(peer >= 0 && join(c[1], "seq") == 0, "room after accept");
	CHECK(send(peer, "pkt", 3, 0) == 3 && recv(c[0], buf, 8, 0) == 3, "sequenced packets of a connection");
	CHECK_ERRNO(recv(c[2], buf, 8, 0), ENOTCONN);
	close(server);
	CHECK_ERRNO(recv(c[1], buf, 8, 0), ECONNRESET);
	CHECK_ERRNO(join(c[2], "seq"), ECONNREFUSED);
	close(peer);
	for (i = 0; i < 3; i++)
		close(c[i]);
}

int main(void)
{
	tap_begin();
	cycles(SOCK_STREAM);
	cycles(SOCK_DGRAM);
	unaccepted();
	closing();
	filters();
	backlog();
	return tap_end();
}
