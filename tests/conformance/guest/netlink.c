/* AF_NETLINK: sockets, names, options, acknowledgements and errors, messages between sockets. */
#include "../tap.h"

#include "../netlink.h"

#include <netinet/in.h>
#include <sys/ioctl.h>

static void sockets(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK }, b = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(a);
	int one, two, v;

	CHECK_ERRNO(socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, 31), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, 32), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
	CHECK_OK(one = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE));
	CHECK_OK(two = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	CHECK_ERRNO(bind(one, (void *)&a, 11), EINVAL);
	CHECK_ERRNO(bind(one, (void *)&(struct sockaddr_in){ .sin_family = AF_INET }, 16), EINVAL);
	CHECK_OK(getsockname(one, (void *)&a, &len));
	CHECK_EQ(a.nl_pid, 0, "no port before bind");
	CHECK_EQ(len, 12, "an address is 12 bytes long");
	a.nl_pid = 0;
	CHECK_OK(bind(one, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(one, (void *)&a, &len));
	CHECK_EQ(a.nl_pid, getpid(), "the first socket's port is the pid");
	CHECK_EQ(a.nl_groups, 0, "no groups");
	CHECK_ERRNO(bind(two, (void *)&a, sizeof(a)), EADDRINUSE);
	CHECK_OK(bind(two, (void *)&b, sizeof(b)));
	CHECK_OK(getsockname(two, (void *)&b, &len));
	CHECK(b.nl_pid != a.nl_pid && b.nl_pid, "the second has another");
	b.nl_pid ^= 1;
	CHECK_ERRNO(bind(two, (void *)&b, sizeof(b)), EINVAL);
	b.nl_pid ^= 1;
	b.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR;
	CHECK_OK(bind(two, (void *)&b, sizeof(b)));
	CHECK_OK(getsockname(two, (void *)&b, &len));
	CHECK_EQ(b.nl_groups, RTMGRP_LINK | RTMGRP_IPV4_IFADDR, "groups are kept");
	CHECK_OK(getpeername(two, (void *)&b, &len));
	CHECK_EQ(b.nl_pid, 0, "the peer is the kernel");
	CHECK_ERRNO(listen(two, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(two, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(shutdown(two, SHUT_RDWR), EOPNOTSUPP);
	CHECK_ERRNO(recv(two, buf, 16, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(recv(two, buf, 16, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(send(two, buf, 16, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(sendto(two, buf, 16, 0, (void *)&(struct sockaddr_in){ .sin_family = AF_INET }, 16), EINVAL);
	CHECK_ERRNO(ioctl(two, FIONREAD, &v), ENOTTY);
	len = sizeof(v);
	CHECK_OK(getsockopt(two, SOL_SOCKET, SO_DOMAIN, &v, &len));
	CHECK_EQ(v, AF_NETLINK, "SO_DOMAIN");
	CHECK_OK(getsockopt(two, SOL_SOCKET, SO_PROTOCOL, &v, &len));
	CHECK_EQ(v, NETLINK_ROUTE, "SO_PROTOCOL");
	CHECK_CHILD("without CAP_NET_ADMIN nobody but the kernel can be written to",
		    MUST(setgid(65534) == 0 && setuid(65534) == 0);
		    a.nl_pid = 4242;
		    MUST(sendto(two, buf, 16, 0, (void *)&a, sizeof(a)) < 0 && errno == EPERM);
		    MUST(connect(two, (void *)&a, sizeof(a)) < 0 && errno == EPERM));
	close(one);
	close(two);
}

static void options(void)
{
	static const int flags[] = { NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS, NETLINK_CAP_ACK, NETLINK_EXT_ACK,
				     NETLINK_GET_STRICT_CHK };
	int fd = nl_open(NETLINK_ROUTE), v;
	uint32_t groups[16];
	socklen_t len;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		len = sizeof(v);
		CHECK(getsockopt(fd, SOL_NETLINK, flags[i], &v, &len) == 0 && v == 0, "option %d is off", flags[i]);
		v = 5;
		CHECK(setsockopt(fd, SOL_NETLINK, flags[i], &v, sizeof(v)) == 0, "option %d is turned on", flags[i]);
		CHECK(getsockopt(fd, SOL_NETLINK, flags[i], &v, &len) == 0 && v == 1 && len == 4, "option %d is on", flags[i]);
	}
	v = 1;
	CHECK_ERRNO(setsockopt(fd, SOL_NETLINK, 99, &v, sizeof(v)), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET + 500, 1, &v, sizeof(v)), ENOPROTOOPT);
	len = sizeof(v);
	CHECK_ERRNO(getsockopt(fd, SOL_NETLINK, 99, &v, &len), ENOPROTOOPT);
	len = 1;
	CHECK_ERRNO(getsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &v, &len), EINVAL);
	v = RTNLGRP_IPV6_IFADDR;
	CHECK_OK(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
	len = sizeof(groups);
	CHECK_OK(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len));
	CHECK_EQ(groups[0], 1u << (RTNLGRP_IPV6_IFADDR - 1), "the group is listed");
	CHECK_OK(setsockopt(fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &v, sizeof(v)));
	v = 0;
	CHECK_ERRNO(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)), EINVAL);
	v = 5000;
	CHECK_ERRNO(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)), EINVAL);
	close(fd);
}

static void acks(void)
{
	struct ifinfomsg link = { .ifi_index = 1 };
	struct nlmsghdr *h = (void *)buf;
	int fd = nl_open(NETLINK_ROUTE), v = 1;
	char zero[8] = "";

	ask(fd, NLMSG_NOOP, NLM_F_ACK, &link, sizeof(link));
	CHECK_EQ(next_error(fd), 0, "NOOP is acknowledged");
	CHECK_EQ(h->nlmsg_len, 36, "an acknowledgement has the header alone");
	CHECK_EQ(h->nlmsg_flags, NLM_F_CAPPED, "and says so");
	CHECK_EQ(h->nlmsg_seq, 77, "with the request's number");
	CHECK_EQ(h->nlmsg_pid, getpid(), "and the asker's port");
	ask(fd, NLMSG_NOOP, 0, &link, sizeof(link));
	CHECK_ERRNO(recv(fd, buf, 16, MSG_DONTWAIT), EAGAIN);
	ask(fd, 200, 0, &link, sizeof(link));
	CHECK_EQ(next_error(fd), -EOPNOTSUPP, "an unknown type");
	CHECK_EQ(h->nlmsg_len, 36 + sizeof(link), "the error has the whole request");
	CHECK_EQ(h->nlmsg_flags, 0, "uncapped");
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &v, sizeof(v));
	ask(fd, 200, 0, &link, sizeof(link));
	CHECK_EQ(next_error(fd), -EOPNOTSUPP, "an unknown type, capped");
	CHECK_EQ(h->nlmsg_len, 36, "the error has the header alone");
	ask(fd, RTM_GETLINK, 0, &link, 4);
	CHECK_EQ(next_error(fd), -EINVAL, "a short header");
	link.ifi_index = 0;
	ask(fd, RTM_GETLINK, 0, &link, sizeof(link));
	CHECK_EQ(next_error(fd), -EINVAL, "no interface named");
	link.ifi_index = 99999;
	ask(fd, RTM_GETLINK, 0, &link, sizeof(link));
	CHECK_EQ(next_error(fd), -ENODEV, "no such interface");
	CHECK_EQ(send(fd, zero, 8, 0), 8, "less than a header is taken");
	CHECK_ERRNO(recv(fd, buf, 16, MSG_DONTWAIT), EAGAIN);
	CHECK_CHILD("changes are for CAP_NET_ADMIN", MUST(setgid(65534) == 0 && setuid(65534) == 0); int mine = nl_open(NETLINK_ROUTE);
		    link.ifi_index = 1; ask(mine, RTM_NEWLINK, 0, &link, sizeof(link)); MUST(next_error(mine) == -EPERM);
		    ask(mine, RTM_DELADDR, 0, zero, 8); MUST(next_error(mine) == -EPERM);
		    ask(mine, RTM_GETLINK, 0, &link, sizeof(link)); MUST(next_error(mine) == 1));
	close(fd);
}

static void between_sockets(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK }, from;
	int one = nl_open(NETLINK_USERSOCK), two = nl_open(NETLINK_USERSOCK);
	socklen_t len = sizeof(a);

	getsockname(two, (void *)&a, &len);
	CHECK_EQ(sendto(one, "hello", 5, 0, (void *)&a, sizeof(a)), 5, "user sockets talk");
	CHECK_EQ(recvfrom(two, buf, sizeof(buf), 0, (void *)&from, &len), 5, "and hear");
	CHECK_EQ(from.nl_pid, getpid(), "from whom");
	a.nl_pid = 0x7ffffff0;
	CHECK_ERRNO(sendto(one, "hello", 5, 0, (void *)&a, sizeof(a)), ECONNREFUSED);
	CHECK_ERRNO(send(one, "hello", 5, 0), ECONNREFUSED);
	CHECK_ERRNO(send(one, buf, 1 << 20, 0), EMSGSIZE);
	close(one);
	close(two);
	CHECK_OK(one = nl_open(NETLINK_KOBJECT_UEVENT));
	close(one);
}

int main(void)
{
	tap_begin();
	sockets();
	options();
	acks();
	between_sockets();
	return tap_end();
}
