/* TCP streams over the loopback: names, connections, data, ends. */
#include "../tap.h"
#include "../inet.h"

#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

static char big[1 << 20];

static void names(void)
{
	struct sockaddr_in a = in4("127.0.0.1", 0), got;
	int fd = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(got);

	CHECK(getsockname(fd, (struct sockaddr *)&got, &len) == 0 && len == 16 && got.sin_port == 0 && got.sin_addr.s_addr == 0, "no name");
	CHECK_ERRNO(getpeername(fd, (struct sockaddr *)&got, &len), ENOTCONN);
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, 4), EINVAL);
	CHECK_ERRNO(bind4(fd, "192.0.2.1", 0), EADDRNOTAVAIL);
	a.sin_family = AF_INET6;
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	a.sin_family = AF_UNSPEC;
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	CHECK_OK(bind4(fd, "127.0.0.1", 0));
	CHECK(port_of(fd) >= 1024, "an ephemeral port");
	CHECK_ERRNO(bind4(fd, "127.0.0.1", 0), EINVAL);
	CHECK_ERRNO(bind4(other, "127.0.0.1", port_of(fd)), EADDRINUSE);
	CHECK_ERRNO(bind4(other, "0.0.0.0", port_of(fd)), EADDRINUSE);
	CHECK_OK(bind4(other, "127.0.0.2", port_of(fd)));
	close(other);
	other = socket(AF_INET, SOCK_STREAM, 0);
	set_option(other, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_ERRNO(bind4(other, "127.0.0.1", port_of(fd)), EADDRINUSE);
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_OK(bind4(other, "127.0.0.1", port_of(fd)));
	CHECK_OK(listen(fd, 1));
	CHECK_ERRNO(listen(other, 1), EADDRINUSE);
	close(other);
	close(fd);
}

static void connecting(void)
{
	struct sockaddr_in a = in4("127.0.0.1", 1), got;
	int fd = listener4(2), c = socket(AF_INET, SOCK_STREAM, 0), s;
	socklen_t len = sizeof(got);

	CHECK_EQ(events_of(c), POLLOUT | POLLHUP, "poll of a fresh socket");
	CHECK_EQ(events_of(fd), 0, "poll of a listener");
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, 1), EINVAL);
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, 8), EINVAL);
	a.sin_family = AF_UNIX;
	CHECK_ERRNO(connect(c, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	CHECK_ERRNO(connect4(c, "127.0.0.1", 1), ECONNREFUSED);
	CHECK_ERRNO(connect4(c, "224.0.0.1", 1), ENETUNREACH);
	CHECK_ERRNO(connect4(fd, "127.0.0.1", 1), EISCONN);
	CHECK_ERRNO(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(recv(c, big, 1, 0), ENOTCONN);
	CHECK_ERRNO(recv(fd, big, 1, 0), ENOTCONN);
	CHECK_ERRNO(shutdown(c, SHUT_WR), ENOTCONN);
	CHECK_ERRNO(accept(c, NULL, NULL), EINVAL);
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_OK(connect4(c, "127.0.0.1", port_of(fd)));
	CHECK_ERRNO(connect4(c, "127.0.0.1", port_of(fd)), EISCONN);
	CHECK_ERRNO(listen(c, 1), EINVAL);
	CHECK(await_events(fd, POLLIN) == POLLIN, "poll of a listener with a connection");
	s = accept4(fd, (struct sockaddr *)&got, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(s >= 0 && len == sizeof(got) && ntohs(got.sin_port) == port_of(c), "accept4 names the client");
	CHECK(fcntl(s, F_GETFL) & O_NONBLOCK && fcntl(s, F_GETFD) == FD_CLOEXEC, "accept4's flags");
	CHECK_EQ(port_of(s), port_of(fd), "an accepted socket has the listener's port");
	CHECK_OK(getpeername(c, (struct sockaddr *)&got, &len));
	CHECK_EQ(ntohs(got.sin_port), port_of(fd), "getpeername");
	CHECK_EQ(events_of(c), POLLOUT, "poll of a connection");
	CHECK_ERRNO(read(s, big, 1), EAGAIN);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(accept(fd, NULL, NULL), EAGAIN);
	CHECK_ERRNO(accept4(fd, NULL, NULL, 1), EINVAL);
	close(c);
	close(s);
	close(fd);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_OK(listen(c, 1));
	CHECK(port_of(c) >= 1024, "listen without bind takes a port");
	close(c);
}

static void nonblocking(void)
{
	int fd = listener4(2), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), port = port_of(fd);

	CHECK_ERRNO(connect4(c, "127.0.0.1", port), EINPROGRESS);
	CHECK(await_events(c, POLLOUT) == POLLOUT, "a connection that is made becomes writable");
	CHECK_EQ(int_option(c, SOL_SOCKET, SO_ERROR), 0, "SO_ERROR of a connection");
	CHECK_OK(connect4(c, "127.0.0.1", port));
	CHECK_ERRNO(connect4(c, "127.0.0.1", port), EISCONN);
	close(c);
	close(fd);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_ERRNO(connect4(c, "127.0.0.1", port), EINPROGRESS);
	CHECK_EQ(await_events(c, POLLHUP), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP, "poll of a refused connection");
	CHECK_EQ(int_option(c, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "SO_ERROR of a refused connection");
	CHECK_EQ(int_option(c, SOL_SOCKET, SO_ERROR), 0, "SO_ERROR is cleared");
	CHECK_ERRNO(connect4(c, "127.0.0.1", port), ECONNABORTED);
	close(c);
}

static void data(void)
{
	struct iovec iov[2] = {{big, 3}, {big + 3, 5}};
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int sv[2], n = 0, fd;
	off_t at = 0;

	tcp_pair(sv);
	CHECK_EQ(send(sv[0], "hello", 5, 0), 5, "send");
	CHECK_EQ(write(sv[0], " you", 4), 4, "write");
	CHECK(await_events(sv[1], POLLIN) == (POLLIN | POLLOUT), "poll with data");
	CHECK(ioctl(sv[1], FIONREAD, &n) == 0 && n == 9, "FIONREAD");
	CHECK_EQ(recv(sv[1], big, 4, MSG_PEEK), 4, "MSG_PEEK");
	CHECK_EQ(recv(sv[1], NULL, 2, MSG_TRUNC), 2, "MSG_TRUNC discards");
	CHECK(readv(sv[1], iov, 2) == 7 && !memcmp(big, "llo you", 7), "readv");
	CHECK_ERRNO(recv(sv[1], big, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(recv(sv[1], big, 0, MSG_DONTWAIT), EAGAIN);
	send(sv[0], "x", 1, MSG_MORE);
	send(sv[0], "y", 1, 0);
	CHECK_EQ(recv(sv[1], big, 2, MSG_WAITALL), 2, "MSG_MORE, MSG_WAITALL");
	send(sv[0], "z", 1, 0);
	CHECK(recvfrom(sv[1], big, 9, 0, (struct sockaddr *)&from, &len) == 1 && len == 0, "recvfrom gives no name");
	CHECK_EQ(sendto(sv[0], "z", 1, 0, (struct sockaddr *)&(struct sockaddr_in){0}, 16), 1, "sendto ignores the name");
	recv(sv[1], big, 1, 0);
	CHECK_ERRNO(send(sv[0], (void *)8, 5, 0), EFAULT);
	tap_file("f", "from a file");
	fd = open("f", O_RDONLY);
	CHECK(sendfile(sv[0], fd, &at, 100) == 11 && recv(sv[1], big, 11, MSG_WAITALL) == 11 && !memcmp(big, "from a file", 11), "sendfile");
	close(fd);
	CHECK_CHILD("a megabyte through, with blocking on both sides", {
		if (tap_fork() == 0) {
			for (int i = 0; i < 4; i++)
				MUST(send(sv[0], big, sizeof(big), 0) == sizeof(big));
			_exit(0);
		}
		for (int i = 0; i < 4; i++)
			MUST(recv(sv[1], big, sizeof(big), MSG_WAITALL) == sizeof(big));
	});
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	while (send(sv[0], big, sizeof(big), 0) > 0)
		n++;
	CHECK(errno == EAGAIN && n > 0, "a full queue");
	CHECK_EQ(events_of(sv[0]) & POLLOUT, 0, "is not writable");
	while (recv(sv[1], big, sizeof(big), MSG_DONTWAIT) > 0 || (poll(&(struct pollfd){sv[1], POLLIN, 0}, 1, 50) == 1))
		;
	CHECK(await_events(sv[0], POLLOUT) == POLLOUT, "and is again when it was read");
	close_pair(sv);
}

static void ends(void)
{
	int sv[2];

	tcp_pair(sv);
	send(sv[0], "last", 4, 0);
	CHECK_OK(shutdown(sv[0], SHUT_WR));
	CHECK(await_events(sv[1], POLLRDHUP) == (POLLIN | POLLOUT | POLLRDHUP), "poll after the other side's end");
	CHECK_EQ(events_of(sv[0]), POLLOUT, "poll after one's own end");
	CHECK_EQ(recv(sv[1], big, 10, 0), 4, "data before the end");
	CHECK_EQ(recv(sv[1], big, 10, 0), 0, "the end");
	CHECK_ERRNO(send(sv[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(send(sv[1], "back", 4, 0), 4, "the other half is open");
	CHECK_EQ(recv(sv[0], big, 10, 0), 4, "and is read");
	CHECK_OK(shutdown(sv[1], SHUT_WR));
	CHECK(await_events(sv[0], POLLHUP) == (POLLIN | POLLOUT | POLLHUP | POLLRDHUP), "poll after both ends");
	CHECK_ERRNO(shutdown(sv[1], SHUT_WR), ENOTCONN);
	CHECK_ERRNO(shutdown(sv[1], 3), EINVAL);
	close_pair(sv);

	tcp_pair(sv);
	CHECK_CHILD("SIGPIPE", {
		signal(SIGPIPE, SIG_DFL);
		shutdown(sv[0], SHUT_WR);
		if (tap_fork() == 0) {
			send(sv[0], "x", 1, 0);
			_exit(0);
		}
		int status;
		MUST(wait(&status) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	});
	close(sv[1]);
	close(sv[0]);

	tcp_pair(sv);
	send(sv[0], "x", 1, 0);
	await_events(sv[1], POLLIN);
	close(sv[1]);
	CHECK(await_events(sv[0], POLLERR | POLLHUP) != -1, "closed with unread data: an error");
	CHECK_ERRNO(recv(sv[0], big, 1, 0), ECONNRESET);
	CHECK_EQ(recv(sv[0], big, 1, 0), 0, "then the end");
	CHECK_ERRNO(send(sv[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	close(sv[0]);

	tcp_pair(sv);
	close(sv[1]);
	CHECK(await_events(sv[0], POLLRDHUP) == (POLLIN | POLLOUT | POLLRDHUP), "closed: the end");
	CHECK_EQ(send(sv[0], "x", 1, MSG_NOSIGNAL), 1, "one more goes");
	CHECK(await_events(sv[0], POLLHUP) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR), "and is answered with a reset");
	CHECK_ERRNO(send(sv[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(recv(sv[0], big, 1, 0), 0, "reads still end");
	close(sv[0]);

	tcp_pair(sv);
	send(sv[1], "kept", 4, 0);
	await_events(sv[0], POLLIN);
	setsockopt(sv[1], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	close(sv[1]);
	CHECK(await_events(sv[0], POLLERR) != -1, "SO_LINGER 0: a reset");
	CHECK_EQ(recv(sv[0], big, 10, 0), 4, "what came before is read");
	CHECK_ERRNO(recv(sv[0], big, 1, 0), ECONNRESET);
	close(sv[0]);
}

static void waiting(void)
{
	struct timeval tv = {0, 30000};
	int sv[2], fd = listener4(1);

	tcp_pair(sv);
	setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	CHECK_ERRNO(recv(sv[0], big, 1, 0), EAGAIN);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	CHECK_ERRNO(accept(fd, NULL, NULL), EAGAIN);
	CHECK_CHILD("a reader that waits is woken", {
		pid_t pid = tap_fork();

		if (pid == 0) {
			MUST(read(sv[1], big, 10) == 2);
			_exit(0);
		}
		send(sv[0], "hi", 2, 0);
		MUST(tap_wait(pid) == 0);
	});
	CHECK_CHILD("shutdown ends an accept that waits", {
		pid_t pid = tap_fork();

		if (pid == 0) {
			tv.tv_usec = 0;
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
			MUST(accept(fd, NULL, NULL) == -1 && errno == EINVAL);
			_exit(0);
		}
		usleep(30000);
		MUST(shutdown(fd, SHUT_RD) == 0);
		MUST(tap_wait(pid) == 0);
	});
	close_pair(sv);
	close(fd);
}

int main(void)
{
	tap_begin();
	signal(SIGPIPE, SIG_IGN);
	names();
	connecting();
	nonblocking();
	data();
	ends();
	waiting();
	return tap_end();
}
