/* UDP over the loopback: names, messages, errors that come back, what is told beside the bytes, multicast. */
#include "../tap.h"
#include "../inet.h"

#include <linux/errqueue.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <time.h>

static char buf[70000];

static int udp(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int bound(const char *ip)
{
	int fd = udp();

	return bind4(fd, ip, 0) < 0 ? -1 : fd;
}

static ssize_t send4(int fd, const void *data, size_t len, const char *ip, int port)
{
	struct sockaddr_in a = in4(ip, port);

	return sendto(fd, data, len, 0, (struct sockaddr *)&a, sizeof(a));
}

/* Receives with control data; the first message of that kind, or NULL. */
static struct cmsghdr *receive(int fd, int flags, int level, int type)
{
	static char control[512] __attribute__((aligned(8)));
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

	if (recvmsg(fd, &h, flags) < 0)
		return NULL;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			return c;
	return NULL;
}

static void messages(void)
{
	struct sockaddr_in from, a = in4("127.0.0.1", 0);
	int s = bound("127.0.0.1"), c = udp(), n = -1;
	socklen_t len = sizeof(from);

	CHECK_EQ(events_of(c), POLLOUT, "poll of a fresh socket");
	CHECK_ERRNO(send(c, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERRNO(sendto(c, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), EINVAL);
	CHECK_ERRNO(sendto(c, "x", 1, 0, (struct sockaddr *)&a, 4), EINVAL);
	CHECK_ERRNO(getpeername(c, (struct sockaddr *)&from, &len), ENOTCONN);
	CHECK_EQ(send4(c, "hello", 5, "127.0.0.1", port_of(s)), 5, "sendto");
	CHECK(port_of(c) > 0, "sending takes a port");
	CHECK_ERRNO(bind4(c, "127.0.0.1", 0), EINVAL);
	send4(c, "", 0, "127.0.0.1", port_of(s));
	send4(c, "third", 5, "127.0.0.1", port_of(s));
	CHECK(await_events(s, POLLIN) == (POLLIN | POLLOUT), "poll with a message");
	CHECK(ioctl(s, FIONREAD, &n) == 0 && n == 5, "FIONREAD is of the first message");
	CHECK_EQ(recv(s, buf, 9, MSG_PEEK), 5, "MSG_PEEK");
	CHECK_EQ(recv(s, buf, 2, MSG_PEEK | MSG_TRUNC), 5, "MSG_TRUNC gives the true length");
	len = sizeof(from);
	CHECK(recvfrom(s, buf, 9, 0, (struct sockaddr *)&from, &len) == 5 && !memcmp(buf, "hello", 5), "recvfrom");
	CHECK(len == sizeof(from) && ntohs(from.sin_port) == port_of(c) && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "and from whom");
	CHECK_EQ(recv(s, buf, 9, 0), 0, "an empty message");
	CHECK_EQ(recv(s, buf, 2, 0), 2, "a message is cut");
	CHECK_ERRNO(recv(s, buf, 9, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(send4(c, buf, 65508, "127.0.0.1", port_of(s)), EMSGSIZE);
	CHECK_EQ(send4(c, buf, 65507, "127.0.0.1", port_of(s)), 65507, "the longest message");
	CHECK_EQ(recv(s, buf, sizeof(buf), 0), 65507, "arrives");
	CHECK_ERRNO(send4(c, (void *)8, 5, "127.0.0.1", port_of(s)), EFAULT);
	CHECK_ERRNO(listen(c, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(c, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(send(c, "x", 1, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(shutdown(c, SHUT_RD), ENOTCONN);
	close(s);
	close(c);
}

static void connected(void)
{
	int s = bound("127.0.0.1"), c = udp(), other = bound("127.0.0.1"), port;
	struct sockaddr un = {.sa_family = AF_UNSPEC};
	struct sockaddr_in name;
	socklen_t len = sizeof(name);

	CHECK_OK(connect4(c, "127.0.0.1", port_of(s)));
	CHECK(getsockname(c, (struct sockaddr *)&name, &len) == 0 && name.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "connect chooses an address");
	CHECK_EQ(send(c, "x", 1, 0), 1, "send without a name");
	CHECK_EQ(recv(s, buf, 9, 0), 1, "arrives");
	send4(other, "alien", 5, "127.0.0.1", port_of(c));
	send4(s, "mine", 4, "127.0.0.1", port_of(c));
	CHECK_EQ(recv(c, buf, 9, 0), 4, "only the peer's messages come");
	port = port_of(s);
	close(s);
	CHECK_EQ(send(c, "x", 1, 0), 1, "to a closed port");
	CHECK(await_events(c, POLLERR) & POLLERR, "is found out");
	CHECK_ERRNO(recv(c, buf, 9, MSG_DONTWAIT), ECONNREFUSED);
	CHECK_ERRNO(recv(c, buf, 9, MSG_DONTWAIT), EAGAIN);
	send(c, "x", 1, 0);
	await_events(c, POLLERR);
	CHECK_EQ(int_option(c, SOL_SOCKET, SO_ERROR), ECONNREFUSED, "SO_ERROR");
	send(c, "x", 1, 0);
	await_events(c, POLLERR);
	CHECK_ERRNO(send(c, "x", 1, 0), ECONNREFUSED);
	CHECK_EQ(send4(other, "x", 1, "127.0.0.1", port), 1, "who is not connected");
	CHECK_ERRNO(recv(other, buf, 9, MSG_DONTWAIT), EAGAIN);
	CHECK_OK(connect(c, &un, sizeof(un)));
	CHECK_ERRNO(getpeername(c, (struct sockaddr *)&name, &len), ENOTCONN);
	CHECK_EQ(port_of(c), 0, "connect(AF_UNSPEC) gives the port back");
	CHECK_ERRNO(send(c, "x", 1, 0), EDESTADDRREQ);
	CHECK(port_of(c) > 0, "even a send that fails takes one");
	CHECK_OK(connect4(c, "127.0.0.1", port_of(other)));
	CHECK_OK(shutdown(c, SHUT_WR));
	CHECK_ERRNO(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_OK(shutdown(c, SHUT_RD));
	CHECK_EQ(recv(c, buf, 9, 0), 0, "the end after shutdown");
	CHECK_EQ(events_of(c), POLLIN | POLLOUT | POLLRDHUP | POLLHUP, "poll after shutdown");
	close(c);
	close(other);
}

static void ports(void)
{
	int a = bound("127.0.0.1"), b = udp(), c = bound("0.0.0.0"), d = udp();

	CHECK_ERRNO(bind4(b, "127.0.0.1", port_of(a)), EADDRINUSE);
	CHECK_ERRNO(bind4(b, "0.0.0.0", port_of(a)), EADDRINUSE);
	CHECK_OK(bind4(b, "127.0.0.2", port_of(a)));
	close(b);
	b = udp();
	set_option(b, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_ERRNO(bind4(b, "127.0.0.1", port_of(a)), EADDRINUSE);
	set_option(a, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_OK(bind4(b, "127.0.0.1", port_of(a)));
	send4(d, "x", 1, "127.0.0.1", port_of(a));
	CHECK(await_events(b, POLLIN) != -1 && events_of(a) == POLLOUT, "the last that was bound gets it");
	CHECK_EQ(send4(d, "y", 1, "127.0.0.9", port_of(c)), 1, "any address of the loopback");
	CHECK_EQ(recv(c, buf, 9, 0), 1, "a wildcard takes it");
	close(a);
	close(b);
	close(c);
	a = udp();
	b = udp();
	set_option(a, SOL_SOCKET, SO_REUSEPORT, 1);
	set_option(b, SOL_SOCKET, SO_REUSEPORT, 1);
	bind4(a, "127.0.0.1", 0);
	CHECK_OK(bind4(b, "127.0.0.1", port_of(a)));
	for (int i = 0; i < 64; i++) {
		close(d);
		d = udp();
		send4(d, "x", 1, "127.0.0.1", port_of(a));
	}
	CHECK(await_events(a, POLLIN) != -1 && await_events(b, POLLIN) != -1, "SO_REUSEPORT shares them out");
	close(a);
	close(b);
	close(d);
}

static void told(void)
{
	int s = bound("0.0.0.0"), c = udp(), size, ttl = 7;
	struct sock_extended_err *ee;
	struct cmsghdr *m;
	struct timespec ts;

	set_option(s, IPPROTO_IP, IP_PKTINFO, 1);
	set_option(s, IPPROTO_IP, IP_RECVTTL, 1);
	set_option(s, IPPROTO_IP, IP_RECVTOS, 1);
	CHECK_OK(set_option(s, SOL_SOCKET, SO_TIMESTAMPNS, 1));
	set_option(c, IPPROTO_IP, IP_TTL, 33);
	set_option(c, IPPROTO_IP, IP_TOS, 0x10);
	for (int i = 0; i < 4; i++)
		send4(c, "x", 1, "127.0.0.5", port_of(s));
	m = receive(s, 0, IPPROTO_IP, IP_PKTINFO);
	CHECK(m && ((struct in_pktinfo *)CMSG_DATA(m))->ipi_addr.s_addr == inet_addr("127.0.0.5"), "IP_PKTINFO");
	m = receive(s, 0, IPPROTO_IP, IP_TTL);
	CHECK(m && *(int *)CMSG_DATA(m) == 33, "IP_RECVTTL");
	m = receive(s, 0, IPPROTO_IP, IP_TOS);
	CHECK(m && m->cmsg_len == CMSG_LEN(1) && *CMSG_DATA(m) == 0x10, "IP_RECVTOS");
	m = receive(s, 0, SOL_SOCKET, SCM_TIMESTAMPNS);
	clock_gettime(CLOCK_REALTIME, &ts);
	CHECK(m && ts.tv_sec - ((struct timespec *)CMSG_DATA(m))->tv_sec <= 5, "SO_TIMESTAMPNS");
	set_option(s, SOL_SOCKET, SO_TIMESTAMPNS, 0);
	CHECK_ERRNO(ioctl(s, SIOCGSTAMP_OLD, &ts), ENOENT);
	send4(c, "x", 1, "127.0.0.5", port_of(s));
	recv(s, buf, 9, 0);
	CHECK_OK(ioctl(s, SIOCGSTAMP_OLD, &ts));
	close(c);

	c = udp();
	set_option(c, IPPROTO_IP, IP_RECVERR, 1);
	size = port_of(s);
	close(s);
	send4(c, "lost", 4, "127.0.0.1", size);
	CHECK(await_events(c, POLLERR) & POLLERR, "IP_RECVERR: an error without a connection");
	m = receive(c, MSG_ERRQUEUE, IPPROTO_IP, IP_RECVERR);
	ee = m ? (struct sock_extended_err *)CMSG_DATA(m) : NULL;
	CHECK(ee && ee->ee_errno == ECONNREFUSED && ee->ee_origin == SO_EE_ORIGIN_ICMP && ee->ee_type == 3 && ee->ee_code == 3, "MSG_ERRQUEUE");
	CHECK(!memcmp(buf, "lost", 4), "with the message that was lost");
	CHECK_ERRNO(recv(c, buf, 9, MSG_ERRQUEUE), EAGAIN);
	CHECK_ERRNO(setsockopt(c, IPPROTO_IP, IP_TTL, &(int){300}, 4), EINVAL);
	CHECK_ERRNO(setsockopt(c, IPPROTO_IP, IP_TTL, &(int){0}, 4), EINVAL);
	CHECK(setsockopt(c, IPPROTO_IP, IP_TTL, &ttl, 1) == 0 && int_option(c, IPPROTO_IP, IP_TTL) == 7, "an option of one byte");
	CHECK_ERRNO(setsockopt(c, IPPROTO_IP, 9999, &ttl, 4), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &ttl, 4), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(c, IPPROTO_IPV6, IPV6_V6ONLY, &ttl, 4), ENOPROTOOPT);
	close(c);
}

static void spoken(void)
{
	char control[64] __attribute__((aligned(8))) = {0};
	struct cmsghdr *m = (struct cmsghdr *)control;
	struct iovec iov = {"abcdef", 6};
	struct mmsghdr many[3] = {0};
	struct sockaddr_in a;
	struct msghdr h = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			   .msg_controllen = CMSG_SPACE(4)};
	int s = bound("127.0.0.1"), c = udp();

	a = in4("127.0.0.1", port_of(s));
	set_option(s, IPPROTO_IP, IP_RECVTTL, 1);
	m->cmsg_level = IPPROTO_IP;
	m->cmsg_type = IP_TTL;
	m->cmsg_len = CMSG_LEN(4);
	*(int *)CMSG_DATA(m) = 44;
	CHECK_EQ(sendmsg(c, &h, 0), 6, "a TTL of its own");
	m = receive(s, 0, IPPROTO_IP, IP_TTL);
	CHECK(m && *(int *)CMSG_DATA(m) == 44, "is used");
	m = (struct cmsghdr *)control;
	*(int *)CMSG_DATA(m) = 0;
	CHECK_ERRNO(sendmsg(c, &h, 0), EINVAL);
	m->cmsg_type = 99;
	CHECK_ERRNO(sendmsg(c, &h, 0), EINVAL);
	m->cmsg_level = SOL_UDP;
	m->cmsg_type = UDP_SEGMENT;
	m->cmsg_len = CMSG_LEN(2);
	*(uint16_t *)CMSG_DATA(m) = 4;
	CHECK_EQ(sendmsg(c, &h, 0), 6, "UDP_SEGMENT");
	CHECK(recv(s, buf, 9, 0) == 4 && recv(s, buf, 9, 0) == 2, "makes two of it");

	connect4(c, "127.0.0.1", port_of(s));
	CHECK_OK(set_option(c, IPPROTO_UDP, UDP_CORK, 1));
	send(c, "ab", 2, 0);
	send(c, "cd", 2, 0);
	CHECK_ERRNO(recv(s, buf, 9, MSG_DONTWAIT), EAGAIN);
	CHECK_OK(set_option(c, IPPROTO_UDP, UDP_CORK, 0));
	CHECK_EQ(recv(s, buf, 9, 0), 4, "UDP_CORK");
	send(c, "ab", 2, MSG_MORE);
	send(c, "c", 1, 0);
	CHECK_EQ(recv(s, buf, 9, 0), 3, "MSG_MORE");
	for (int i = 0; i < 3; i++)
		many[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	CHECK(sendmmsg(c, many, 3, 0) == 3 && many[2].msg_len == 6, "sendmmsg");
	iov.iov_base = buf;
	CHECK(recvmmsg(s, many, 3, 0, NULL) == 3 && many[1].msg_len == 6, "recvmmsg");
	close(s);
	close(c);
}

static void many(void)
{
	struct ip_mreq join = {.imr_multiaddr.s_addr = inet_addr("239.1.2.3"), .imr_interface.s_addr = htonl(INADDR_LOOPBACK)};
	struct sock_filter only_a[] = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, 8}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'a'},
				       {BPF_RET | BPF_K, 0, 0, 0xffff}, {BPF_RET | BPF_K, 0, 0, 0}};
	struct sock_fprog prog = {4, only_a};
	int s = udp(), c = bound("127.0.0.1"), sent = 0;

	CHECK_ERRNO(send4(c, "x", 1, "127.255.255.255", 9), EACCES);
	set_option(s, SOL_SOCKET, SO_REUSEADDR, 1);
	bind4(s, "0.0.0.0", 0);
	set_option(c, SOL_SOCKET, SO_BROADCAST, 1);
	CHECK_EQ(send4(c, "x", 1, "127.255.255.255", port_of(s)), 1, "SO_BROADCAST");
	CHECK_EQ(recv(s, buf, 9, 0), 1, "arrives");
	CHECK_OK(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)));
	CHECK_ERRNO(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)), EADDRINUSE);
	CHECK_OK(setsockopt(c, IPPROTO_IP, IP_MULTICAST_IF, &join.imr_interface, 4));
	CHECK_EQ(send4(c, "m", 1, "239.1.2.3", port_of(s)), 1, "to a group");
	CHECK_EQ(recv(s, buf, 9, 0), 1, "a member gets it");
	CHECK_OK(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &join, sizeof(join)));
	CHECK_ERRNO(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &join, sizeof(join)), EADDRNOTAVAIL);
	join.imr_multiaddr.s_addr = inet_addr("10.0.0.1");
	CHECK_ERRNO(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)), EINVAL);
	CHECK_EQ(int_option(c, IPPROTO_IP, IP_MULTICAST_TTL), 1, "IP_MULTICAST_TTL");
	CHECK_EQ(int_option(c, IPPROTO_IP, IP_MULTICAST_LOOP), 1, "IP_MULTICAST_LOOP");
	CHECK_OK(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
	send4(c, "b", 1, "127.0.0.1", port_of(s));
	send4(c, "a", 1, "127.0.0.1", port_of(s));
	CHECK(recv(s, buf, 9, 0) == 1 && buf[0] == 'a', "SO_ATTACH_FILTER");
	CHECK_OK(set_option(s, SOL_SOCKET, SO_DETACH_FILTER, 0));
	CHECK_ERRNO(set_option(s, SOL_SOCKET, SO_DETACH_FILTER, 0), ENOENT);
	prog.filter = only_a + 3;
	prog.len = 0;
	CHECK_ERRNO(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), EINVAL);
	set_option(s, SOL_SOCKET, SO_RXQ_OVFL, 1);
	for (int i = 0; i < 3000; i++)
		sent += send4(c, "f", 1, "127.0.0.1", port_of(s)) == 1;
	while (recv(s, buf, 9, MSG_DONTWAIT) == 1)
		sent--;
	CHECK(sent > 0, "a full queue drops");
	send4(c, "f", 1, "127.0.0.1", port_of(s));
	struct cmsghdr *m = receive(s, 0, SOL_SOCKET, SO_RXQ_OVFL);
	CHECK(m && *(int *)CMSG_DATA(m) == sent + 1, "SO_RXQ_OVFL counts them, and what a filter dropped");
	close(s);
	close(c);
}

int main(void)
{
	tap_begin();
	messages();
	connected();
	ports();
	told();
	spoken();
	many();
	return tap_end();
}
