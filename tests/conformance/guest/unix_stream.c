/* Unix stream sockets: names, connections, data, ends. */
#include "../tap.h"

#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static char big[1 << 20];

/* An address: `path`, abstract where it begins with '@'. */
static socklen_t address(struct sockaddr_un *sun, const char *path)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	strcpy(sun->sun_path, path);
	if (path[0] == '@') {
		sun->sun_path[0] = 0;
		return offsetof(struct sockaddr_un, sun_path) + strlen(path);
	}
	return offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
}

static int do_bind(int fd, const char *path)
{
	struct sockaddr_un sun;
	socklen_t len = address(&sun, path);

	return bind(fd, (struct sockaddr *)&sun, len);
}

static int do_connect(int fd, const char *path)
{
	struct sockaddr_un sun;
	socklen_t len = address(&sun, path);

	return connect(fd, (struct sockaddr *)&sun, len);
}

static int stream(int flags)
{
	return socket(AF_UNIX, SOCK_STREAM | flags, 0);
}

static short events(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void creation(void)
{
	int sv[2], fd = stream(SOCK_CLOEXEC | SOCK_NONBLOCK), option;
	socklen_t len = sizeof(option);

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK), "socket with flags");
	CHECK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &option, &len) == 0 && option == SOCK_STREAM, "SO_TYPE");
	CHECK(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &option, &len) == 0 && option == AF_UNIX, "SO_DOMAIN");
	CHECK(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &option, &len) == 0 && option == 0, "SO_ACCEPTCONN before listen");
	CHECK(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &option, &len) == 0 && option > 4096, "SO_SNDBUF");
	CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &option, &len) == 0 && option == 0, "SO_ERROR");
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, 9999, &option, &len), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &option, 1), EINVAL);
	CHECK_ERRNO(read(fd, big, 1), EINVAL);
	CHECK_ERRNO(send(fd, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	CHECK_ERRNO(accept(fd, NULL, NULL), EINVAL);
	CHECK_ERRNO(getpeername(fd, (struct sockaddr *)big, &len), ENOTCONN);
	close(fd);
	CHECK_ERRNO(socket(AF_UNIX, 99, 0), EINVAL);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 99), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(9999, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8), EFAULT);
	CHECK_ERRNO(accept(open(".", O_RDONLY), NULL, NULL), ENOTSOCK);
	CHECK_ERRNO(listen(999, 1), EBADF);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	CHECK_EQ(fcntl(sv[1], F_GETFD), FD_CLOEXEC, "socketpair with flags");
	close(sv[0]);
	close(sv[1]);
}

static void pairs(void)
{
	struct iovec iov[2] = {{"ab", 2}, {"cd", 2}};
	int sv[2], n;
	char buf[32];

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK_EQ(events(sv[0]), POLLOUT, "a quiet pair is writable");
	CHECK_EQ(writev(sv[0], iov, 2), 4, "writev");
	CHECK(ioctl(sv[1], FIONREAD, &n) == 0 && n == 4, "FIONREAD");
	CHECK_EQ(events(sv[1]), POLLIN | POLLOUT, "the other end is readable");
	CHECK(recv(sv[1], buf, 2, MSG_PEEK) == 2 && !memcmp(buf, "ab", 2), "MSG_PEEK");
	CHECK(recv(sv[1], buf, 3, 0) == 3 && !memcmp(buf, "abc", 3), "leaves the data");
	CHECK_EQ(send(sv[0], "ef", 2, 0), 2, "send");
	CHECK(recv(sv[1], buf, 32, 0) == 3 && !memcmp(buf, "def", 3), "a stream has no borders");
	CHECK_ERRNO(recv(sv[1], buf, 1, MSG_DONTWAIT), EAGAIN);
	CHECK(write(sv[1], "back", 4) == 4 && read(sv[0], buf, 32) == 4, "both directions");
	CHECK_ERRNO(lseek(sv[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERRNO(do_connect(sv[0], "none"), ENOENT);
	struct timeval tick = {0, 2000};
	CHECK_OK(setsockopt(sv[1], SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)));
	CHECK_ERRNO(recv(sv[1], buf, 1, 0), EAGAIN);
	tick.tv_usec = 0;
	setsockopt(sv[1], SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	CHECK_CHILD("MSG_WAITALL waits for all", pid_t pid = fork();
		    if (pid == 0) { for (int i = 0; i < 10; i++) MUST(send(sv[0], "x", 1, 0) == 1); _exit(0); }
		    MUST(recv(sv[1], buf, 10, MSG_WAITALL) == 10); MUST(tap_wait(pid) == 0));
	CHECK_EQ(send(sv[0], "tr", 2, 0), 2, "two bytes");
	CHECK_EQ(recv(sv[1], buf, 2, MSG_TRUNC | MSG_DONTWAIT), 2, "MSG_TRUNC on a stream");
	close(sv[0]);
	close(sv[1]);
}

static void ends(void)
{
	int sv[2];
	char buf[8];

	signal(SIGPIPE, SIG_IGN);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK_EQ(write(sv[0], "end", 3), 3, "some bytes");
	CHECK_OK(shutdown(sv[0], SHUT_WR));
	CHECK_EQ(read(sv[1], buf, 8), 3, "are read after SHUT_WR");
	CHECK_EQ(read(sv[1], buf, 8), 0, "then the end");
	CHECK_EQ(events(sv[1]), POLLIN | POLLOUT | POLLRDHUP, "POLLRDHUP");
	CHECK_ERRNO(write(sv[0], "x", 1), EPIPE);
	CHECK(write(sv[1], "r", 1) == 1 && read(sv[0], buf, 8) == 1, "the other direction is open");
	CHECK_OK(shutdown(sv[1], SHUT_RDWR));
	CHECK_EQ(events(sv[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP, "both shut: POLLHUP");
	CHECK_ERRNO(shutdown(sv[0], 9), EINVAL);
	close(sv[0]);
	close(sv[1]);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK_EQ(write(sv[0], "unread", 6), 6, "unread data");
	close(sv[1]);
	CHECK_ERRNO(read(sv[0], buf, 8), ECONNRESET);
	CHECK_EQ(read(sv[0], buf, 8), 0, "once; then the end");
	CHECK_ERRNO(write(sv[0], "x", 1), EPIPE);
	close(sv[0]);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	close(sv[1]);
	CHECK_EQ(read(sv[0], buf, 8), 0, "a peer that closed with nothing unread: the end");
	CHECK_EQ(events(sv[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP, "and POLLHUP");
	close(sv[0]);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK_OK(shutdown(sv[0], SHUT_RD));
	CHECK_EQ(read(sv[0], buf, 8), 0, "SHUT_RD: reads end");
	CHECK_ERRNO(write(sv[1], "x", 1), EPIPE);
	close(sv[0]);
	close(sv[1]);
}

static void names(const char *path)
{
	int server = stream(0), client = stream(0), peer;
	struct sockaddr_un sun, want;
	socklen_t len = sizeof(sun), want_len = address(&want, path);
	struct ucred cred;
	char buf[8];

	CHECK(do_bind(server, path) == 0, "bind to %s", path[0] == '@' ? "an abstract name" : "a path");
	CHECK(getsockname(server, (struct sockaddr *)&sun, &len) == 0 && len == want_len && !memcmp(&sun, &want, len), "getsockname");
	CHECK_ERRNO(do_bind(server, "other"), EINVAL);
	CHECK_ERRNO(do_bind(client, path), EADDRINUSE);
	CHECK_ERRNO(do_connect(client, path), ECONNREFUSED);
	CHECK_OK(listen(server, 2));
	CHECK_EQ(events(server), 0, "a listening socket is quiet");
	CHECK_OK(do_connect(client, path));
	CHECK_EQ(events(server), POLLIN, "readable when a client waits");
	CHECK_ERRNO(do_connect(client, path), EISCONN);
	CHECK_EQ(write(client, "early", 5), 5, "a client writes before it is accepted");
	len = sizeof(sun);
	peer = accept4(server, (struct sockaddr *)&sun, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(peer >= 0 && len == sizeof(sa_family_t) && sun.sun_family == AF_UNIX, "accept4 gives an unnamed peer");
	CHECK(fcntl(peer, F_GETFD) == FD_CLOEXEC && (fcntl(peer, F_GETFL) & O_NONBLOCK), "with its flags");
	CHECK(read(peer, buf, 8) == 5 && !memcmp(buf, "early", 5), "and the data");
	len = sizeof(sun);
	CHECK(getpeername(client, (struct sockaddr *)&sun, &len) == 0 && len == want_len && !memcmp(&sun, &want, len), "getpeername");
	len = sizeof(cred);
	CHECK(getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid == getpid() && cred.uid == geteuid(), "SO_PEERCRED");
	CHECK_ERRNO(accept4(server, NULL, NULL, 0x100), EINVAL);
	fcntl(server, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(accept(server, NULL, NULL), EAGAIN);
	close(peer);
	close(client);
	close(server);
	client = stream(0);
	if (path[0] == '@') {
		CHECK_ERRNO(do_connect(client, path), ECONNREFUSED);
	} else {
		CHECK_ERRNO(do_connect(client, path), ECONNREFUSED);
		CHECK_ERRNO(do_bind(client, path), EADDRINUSE);
		CHECK_OK(unlink(path));
		CHECK_ERRNO(do_connect(client, path), ENOENT);
	}
	close(client);
}

static void path_errors(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "x"};
	struct stat st;
	int fd = stream(0), dgram = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t len;

	tap_file("plain", "");
	CHECK_ERRNO(do_connect(fd, "plain"), ECONNREFUSED);
	CHECK_ERRNO(do_connect(fd, "plain/x"), ENOTDIR);
	CHECK_ERRNO(do_bind(fd, "none/x"), ENOENT);
	CHECK_ERRNO(do_bind(fd, "plain"), EADDRINUSE);
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&sun, 1), EINVAL);
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&sun, 200), EINVAL);
	sun.sun_family = AF_INET;
	CHECK_ERRNO(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), EINVAL);
	CHECK_ERRNO(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), EINVAL);
	CHECK_ERRNO(bind(fd, (struct sockaddr *)8, sizeof(sun)), EFAULT);
	umask(027);
	CHECK(do_bind(dgram, "dsock") == 0 && stat("dsock", &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0750,
	      "bind makes a socket file by the umask");
	umask(022);
	CHECK_ERRNO(do_connect(fd, "dsock"), EPROTOTYPE);
	CHECK_ERRNO(listen(dgram, 1), EOPNOTSUPP);
	sun.sun_family = AF_UNIX;
	CHECK_OK(bind(fd, (struct sockaddr *)&sun, sizeof(sa_family_t)));
	len = sizeof(sun);
	CHECK(getsockname(fd, (struct sockaddr *)&sun, &len) == 0 && len == sizeof(sa_family_t) + 6 && sun.sun_path[0] == 0,
	      "autobind: an abstract name of five digits");
	len = 4;
	memset(&sun, 0x55, sizeof(sun));
	CHECK(getsockname(fd, (struct sockaddr *)&sun, &len) == 0 && len == sizeof(sa_family_t) + 6 && sun.sun_path[2] == 0x55,
	      "a short buffer is not overrun, the length is the true one");
	close(fd);
	close(dgram);
}

static void large(void)
{
	int sv[2];
	size_t total = 0;
	ssize_t n;
	pid_t pid;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	pid = tap_fork();
	if (pid == 0) {
		for (size_t i = 0; i < sizeof(big); i++)
			big[i] = i * 31 >> 5;
		close(sv[0]);
		_exit(send(sv[1], big, sizeof(big), 0) == sizeof(big) ? 0 : 1);
	}
	close(sv[1]);
	while ((n = read(sv[0], big + total, sizeof(big) - total)) > 0)
		total += n;
	CHECK_EQ(tap_wait(pid), 0, "a megabyte in one send");
	CHECK(total == sizeof(big) && big[12345] == (char)(12345 * 31 >> 5) && big[1000000] == (char)(1000000 * 31 >> 5), "arrives unchanged");
	close(sv[0]);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv));
	for (total = 0; (n = write(sv[0], big, 65536)) > 0; total += n)
		;
	CHECK(n == -1 && errno == EAGAIN && total >= 65536, "a nonblocking socket fills up");
	CHECK(!(events(sv[0]) & POLLOUT), "and is not writable");
	for (n = 0; total > 0 && (n = read(sv[1], big, 65536)) > 0; total -= n)
		;
	CHECK(total == 0 && (events(sv[0]) & POLLOUT), "until it is drained");
	close(sv[0]);
	close(sv[1]);
}

int main(void)
{
	char abstract[64];

	tap_begin();
	creation();
	pairs();
	ends();
	names("path");
	snprintf(abstract, sizeof(abstract), "@picket-guest-%d", getpid());
	names(abstract);
	path_errors();
	large();
	return tap_end();
}
