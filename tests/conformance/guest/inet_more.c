/* More of TCP: MSG_FASTOPEN, half-closed readers, zero-copy sends, addresses that lead nowhere, what a loopback socket refuses. */
#include "../tap.h"
#include "../inet.h"

#include <linux/errqueue.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/uio.h>

static char buf[300000];

static void fast_open(void)
{
	int fd = listener4(5), c = socket(AF_INET, SOCK_STREAM, 0), s;
	struct sockaddr_in a = in4("127.0.0.1", port_of(fd));

	CHECK_EQ(sendto(c, "hello", 5, MSG_FASTOPEN, (struct sockaddr *)&a, sizeof(a)), 5, "MSG_FASTOPEN connects and sends");
	s = accept(fd, NULL, NULL);
	CHECK_EQ(recv(s, buf, 9, 0), 5, "arrives");
	close(s);
	close(c);
	close(fd);
}

static void half_reader(void)
{
	int sv[2];

	tcp_pair(sv);
	CHECK_OK(shutdown(sv[1], SHUT_RD));
	CHECK_EQ(events_of(sv[1]), POLLIN | POLLOUT | POLLRDHUP, "poll after SHUT_RD");
	CHECK_EQ(events_of(sv[0]), POLLOUT, "the other side is not told");
	CHECK_EQ(recv(sv[1], buf, 1, 0), 0, "reads end");
	CHECK_EQ(send(sv[0], "abc", 3, 0), 3, "it may still send");
	poll(NULL, 0, 20);
	CHECK_EQ(recv(sv[1], buf, 9, 0), 3, "and that is still read");
	CHECK_OK(shutdown(sv[1], SHUT_WR));
	CHECK_EQ(await_events(sv[0], POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP, "then the other half");
	CHECK_EQ(events_of(sv[1]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP, "shut both ways");
	CHECK_EQ(send(sv[0], "abc", 3, MSG_NOSIGNAL), 3, "what comes now is answered with a reset");
	CHECK(await_events(sv[0], POLLERR) & POLLHUP, "poll");
	CHECK(await_events(sv[1], POLLERR) & POLLHUP, "on both sides");
	CHECK_ERRNO(recv(sv[1], buf, 9, 0), ECONNRESET);
	CHECK_EQ(recv(sv[0], buf, 9, 0), 0, "the end had come before");
	CHECK_ERRNO(send(sv[0], "abc", 3, MSG_NOSIGNAL), EPIPE);
	close_pair(sv);

	tcp_pair(sv);
	send(sv[0], "x", 1, 0);
	send(sv[1], "y", 1, 0);
	await_events(sv[0], POLLIN);
	await_events(sv[1], POLLIN);
	close(sv[1]);
	CHECK(await_events(sv[0], POLLERR) != -1, "a reset does not take what was read in");
	CHECK_EQ(recv(sv[0], buf, 9, 0), 1, "data");
	CHECK_ERRNO(recv(sv[0], buf, 9, 0), ECONNRESET);
	CHECK_EQ(recv(sv[0], buf, 9, 0), 0, "the end");
	close(sv[0]);
}

static void zero_copy(void)
{
	char control[200] __attribute__((aligned(8)));
	struct msghdr h = {.msg_control = control, .msg_controllen = sizeof(control)};
	struct sock_extended_err *e;
	struct cmsghdr *m;
	int sv[2];

	tcp_pair(sv);
	CHECK_ERRNO(set_option(sv[0], SOL_SOCKET, SO_ZEROCOPY, 2), EINVAL);
	CHECK_OK(set_option(sv[0], SOL_SOCKET, SO_ZEROCOPY, 1));
	CHECK_EQ(send(sv[0], buf, 1000, MSG_ZEROCOPY), 1000, "MSG_ZEROCOPY");
	CHECK_EQ(send(sv[0], buf, 1000, MSG_ZEROCOPY), 1000, "twice");
	recv(sv[1], buf, 2000, MSG_WAITALL);
	CHECK(await_events(sv[0], POLLERR) & POLLERR, "is told of");
	poll(NULL, 0, 20);
	CHECK_EQ(recvmsg(sv[0], &h, MSG_ERRQUEUE), 0, "on the error queue");
	m = CMSG_FIRSTHDR(&h);
	e = m ? (struct sock_extended_err *)CMSG_DATA(m) : NULL;
	CHECK(e && e->ee_errno == 0 && e->ee_origin == SO_EE_ORIGIN_ZEROCOPY && e->ee_info == 0 && e->ee_data == 1, "both at once");
	CHECK_ERRNO(recv(sv[0], buf, 1, MSG_ERRQUEUE), EAGAIN);
	CHECK_EQ(events_of(sv[0]), POLLOUT, "and then no more");
	close_pair(sv);
}

static void nowhere(void)
{
	int fd = listener4(5), c = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0), n = -1;

	CHECK_OK(connect4(c, "0.0.0.0", port_of(fd)));
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(connect4(c, "255.255.255.255", 9), ENETUNREACH);
	CHECK_ERRNO(connect4(c, "127.0.0.1", 0), ECONNREFUSED);
	CHECK_ERRNO(connect4(u, "127.255.255.255", 9), EACCES);
	CHECK_ERRNO(ioctl(fd, FIONREAD, &n), EINVAL);
	CHECK_OK(ioctl(fd, SIOCATMARK, &n));
	CHECK_ERRNO(connect4(fd, "127.0.0.1", port_of(fd)), EISCONN);
	CHECK_ERRNO(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMP), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP), EPROTONOSUPPORT);
	CHECK_CHILD("a port below 1024 needs a capability", {
		int p = socket(AF_INET, SOCK_STREAM, 0);

		MUST(!tap_is_root() || (setgid(65534) == 0 && setuid(65534) == 0));
		MUST(bind4(p, "127.0.0.1", 81) == -1 && errno == EACCES);
		MUST(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) == -1 && errno == EPERM);
		MUST(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EPERM);
	});
	close(u);
	close(c);
	close(fd);
}

static void control_data(void)
{
	char control[CMSG_SPACE(4)] __attribute__((aligned(8))) = {0};
	struct iovec iov = {"z", 1};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *m = CMSG_FIRSTHDR(&h);
	int sv[2];

	tcp_pair(sv);
	m->cmsg_level = SOL_SOCKET;
	m->cmsg_type = SCM_RIGHTS;
	m->cmsg_len = CMSG_LEN(4);
	CHECK_EQ(sendmsg(sv[0], &h, 0), 1, "SCM_RIGHTS means nothing to TCP");
	m->cmsg_type = 77;
	CHECK_ERRNO(sendmsg(sv[0], &h, 0), EINVAL);
	iov.iov_base = buf;
	h.msg_controllen = sizeof(control);
	CHECK(recvmsg(sv[1], &h, 0) == 1 && h.msg_controllen == 0, "and no fd comes");
	close_pair(sv);
}

static void buffers(void)
{
	struct timeval tv = {0, 30000};
	int sv[2], small = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t n;

	CHECK_EQ(int_option(small, SOL_SOCKET, SO_RCVBUF), 131072, "SO_RCVBUF at first");
	CHECK_EQ(int_option(small, SOL_SOCKET, SO_SNDBUF), 16384, "SO_SNDBUF at first");
	CHECK_OK(set_option(small, SOL_SOCKET, SO_SNDBUF, 20000));
	CHECK_EQ(int_option(small, SOL_SOCKET, SO_SNDBUF), 40000, "is doubled");
	CHECK_OK(set_option(small, SOL_SOCKET, SO_RCVBUF, 1));
	CHECK_EQ(int_option(small, SOL_SOCKET, SO_RCVBUF), 2304, "and has a least size");
	close(small);
	tcp_pair(sv);
	set_option(sv[0], SOL_SOCKET, SO_SNDBUF, 20000);
	setsockopt(sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	do
		n = send(sv[0], buf, sizeof(buf), 0);
	while (n == sizeof(buf));
	CHECK(n == -1 ? errno == EAGAIN : n > 0 && n < (ssize_t)sizeof(buf), "SO_SNDTIMEO ends a send that waits, with what has gone");
	close_pair(sv);
}

int main(void)
{
	tap_begin();
	signal(SIGPIPE, SIG_IGN);
	fast_open();
	half_reader();
	zero_copy();
	nowhere();
	control_data();
	buffers();
	return tap_end();
}
