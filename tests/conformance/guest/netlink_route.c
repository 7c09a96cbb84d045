/* NETLINK_ROUTE and SOCK_DIAG: what they answer, what the C library makes of it, SIGEV_THREAD of mq_notify. */
#include "../tap.h"

#include "../netlink.h"

#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>

static void link_and_peek(void)
{
	struct sockaddr_nl from;
	struct iovec v = { buf, 16 };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &v, .msg_iovlen = 1 };
	struct ifinfomsg link = { .ifi_index = 1 }, *got;
	struct nlmsghdr *h = (void *)buf;
	int fd = nl_open(NETLINK_ROUTE), len;
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	ssize_t n;
	char *s;

	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT, "nothing to read yet");
	ask(fd, RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT), "an answer to read");
	n = recvmsg(fd, &m, MSG_PEEK | MSG_TRUNC);
	CHECK(n > 500 && m.msg_flags & MSG_TRUNC, "peeked: the whole length");
	CHECK_EQ(m.msg_namelen, 12, "with a sender");
	CHECK(from.nl_family == AF_NETLINK && !from.nl_pid && !from.nl_groups, "the kernel");
	CHECK_EQ(recv(fd, buf, sizeof(buf), 0), n, "then it is read");
	CHECK_EQ(h->nlmsg_len, n, "one message");
	CHECK_EQ(h->nlmsg_type, RTM_NEWLINK, "a link");
	CHECK_EQ(h->nlmsg_flags, 0, "not one of many");
	got = NLMSG_DATA(h);
	CHECK_EQ(got->ifi_type, 772, "loopback");
	CHECK_EQ(got->ifi_index, 1, "number 1");
	CHECK_EQ(got->ifi_flags & ~IFF_RUNNING, (IFF_UP | IFF_LOOPBACK | 0x10000) & ~IFF_RUNNING, "up");
	s = attr(h, sizeof(*got), IFLA_IFNAME, &len);
	CHECK_STR(s, "lo", "called lo");
	s = attr(h, sizeof(*got), IFLA_MTU, &len);
	CHECK(s && len == 4 && *(int *)s == 65536, "MTU");
	s = attr(h, sizeof(*got), IFLA_ADDRESS, &len);
	CHECK_EQ(len, 6, "hardware address");
	s = attr(h, sizeof(*got), IFLA_STATS64, &len);
	CHECK(len >= 184, "statistics");
	s = attr(h, sizeof(*got), IFLA_QDISC, &len);
	CHECK_STR(s, "noqueue", "queueing discipline");
	s = attr(h, sizeof(*got), IFLA_AF_SPEC, &len);
	CHECK(s != NULL, "by family");
	CHECK_EQ(next_error(fd), 0, "then the acknowledgement");
	close(fd);
}

/* A dump's messages of one type: how many; -1: its end was not as it should be. */
static int dump(int fd, int type, const void *body, size_t size, int want, struct nlmsghdr *keep)
{
	int count = 0;

	if (ask(fd, type, NLM_F_DUMP, body, size) < 0)
		return -2;
	for (;;) {
		struct nlmsghdr *h = (void *)buf;
		int n = (int)recv(fd, buf, sizeof(buf), 0);

		for (; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return h->nlmsg_len == 20 && h->nlmsg_flags & NLM_F_MULTI && !*(int *)NLMSG_DATA(h) ? count : -1;
			if (h->nlmsg_type != want || !(h->nlmsg_flags & NLM_F_MULTI) || h->nlmsg_seq != 77)
				return -3;
			if (!count++ && keep)
				memcpy(keep, h, h->nlmsg_len < 2048 ? h->nlmsg_len : 2048);
		}
	}
}

static void dumps(void)
{
	static char first[2048] __attribute__((aligned(8)));
	struct nlmsghdr *h = (void *)first;
	struct ifaddrmsg *a = NLMSG_DATA(h);
	char zero[32] = "", four[32] = { AF_INET }, six[32] = { AF_INET6 };
	int fd = nl_open(NETLINK_ROUTE), len;
	unsigned char *s;

	CHECK(dump(fd, RTM_GETLINK, zero, 4, RTM_NEWLINK, h) >= 1, "links, with the shortest question");
	CHECK_STR(attr(h, sizeof(struct ifinfomsg), IFLA_IFNAME, &len), "lo", "lo is the first");
	CHECK(dump(fd, RTM_GETADDR, four, 8, RTM_NEWADDR, h) >= 1, "IPv4 addresses");
	CHECK(a->ifa_family == AF_INET && a->ifa_prefixlen == 8 && a->ifa_index == 1 && a->ifa_scope == RT_SCOPE_HOST, "127.0.0.1/8");
	s = attr(h, sizeof(*a), IFA_LOCAL, &len);
	CHECK(s && len == 4 && s[0] == 127 && s[3] == 1, "its address");
	CHECK_STR(attr(h, sizeof(*a), IFA_LABEL, &len), "lo", "its label");
	attr(h, sizeof(*a), IFA_CACHEINFO, &len);
	CHECK_EQ(len, 16, "its life");
	CHECK(dump(fd, RTM_GETADDR, six, 8, RTM_NEWADDR, h) >= 0, "IPv6 addresses");
	CHECK(dump(fd, RTM_GETADDR, zero, 8, RTM_NEWADDR, NULL) >= 1, "all addresses");
	CHECK(dump(fd, RTM_GETROUTE, zero, 12, RTM_NEWROUTE, NULL) >= 3, "routes");
	CHECK(dump(fd, RTM_GETROUTE, four, 12, RTM_NEWROUTE, NULL) >= 3, "IPv4 routes");
	CHECK(dump(fd, RTM_GETNEIGH, zero, 12, RTM_NEWNEIGH, NULL) >= 0, "neighbours");
	CHECK(dump(fd, RTM_GETRULE, four, 12, RTM_NEWRULE, NULL) >= 3, "rules");
	CHECK(dump(fd, RTM_GETQDISC, zero, 20, RTM_NEWQDISC, NULL) >= 1, "queueing disciplines");
	ask(fd, RTM_GETLINK, NLM_F_DUMP, zero, 4);
	recv(fd, buf, sizeof(buf), 0);
	CHECK_OK(recv(fd, buf, sizeof(buf), 0));
	CHECK_ERRNO(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	close(fd);
}

static void one_route(void)
{
	struct {
		struct rtmsg m;
		struct rtattr a;
		unsigned char dst[4];
	} q = { { .rtm_family = AF_INET, .rtm_dst_len = 32 }, { 8, RTA_DST }, { 127, 0, 0, 1 } };
	int fd = nl_open(NETLINK_ROUTE), len, *oif;
	struct nlmsghdr *h = (void *)buf;
	unsigned char *src;

	ask(fd, RTM_GETROUTE, 0, &q, sizeof(q));
	CHECK_EQ(next_error(fd), 1, "a route to 127.0.0.1");
	CHECK_EQ(h->nlmsg_type, RTM_NEWROUTE, "is a route");
	CHECK_EQ(((struct rtmsg *)NLMSG_DATA(h))->rtm_type, RTN_LOCAL, "local");
	oif = attr(h, sizeof(q.m), RTA_OIF, &len);
	CHECK(oif && *oif == 1, "over lo");
	src = attr(h, sizeof(q.m), RTA_PREFSRC, &len);
	CHECK(src && src[0] == 127 && src[3] == 1, "from 127.0.0.1");
	q.m.rtm_family = AF_UNSPEC;
	ask(fd, RTM_GETROUTE, 0, &q, sizeof(q));
	CHECK_EQ(next_error(fd), -EOPNOTSUPP, "of no family there is none");
	close(fd);
}

static void diag(void)
{
	struct inet_diag_req_v2 q = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1 << 10 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = nl_open(NETLINK_SOCK_DIAG), tcp = socket(AF_INET, SOCK_STREAM, 0), found = 0;
	socklen_t len = sizeof(a);
	struct stat st;
	bool done = false;

	bind(tcp, (void *)&a, len);
	listen(tcp, 7);
	getsockname(tcp, (void *)&a, &len);
	fstat(tcp, &st);
	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof(q));
	while (!done) {
		int n = (int)recv(fd, buf, sizeof(buf), 0);

		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			struct inet_diag_msg *m = NLMSG_DATA(h);

			done |= h->nlmsg_type != SOCK_DIAG_BY_FAMILY;
			if (!done && m->id.idiag_sport == a.sin_port && m->idiag_inode == st.st_ino && m->idiag_state == 10)
				found += m->idiag_wqueue == 7 && m->id.idiag_src[0] == a.sin_addr.s_addr;
		}
	}
	CHECK_EQ(found, 1, "a listener is found");
	q.sdiag_family = 200;
	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof(q));
	CHECK_EQ(next_error(fd), -EINVAL, "of no such family");
	ask(fd, 100, NLM_F_DUMP, &q, sizeof(q));
	CHECK_EQ(next_error(fd), -EINVAL, "no such question");
	close(fd);
	close(tcp);
}

static void library(void)
{
	struct if_nameindex *names = if_nameindex();
	struct ifaddrs *all = NULL;
	int lo4 = 0, packet = 0, fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct ifreq r = { .ifr_name = "lo" };

	CHECK(names && names[0].if_index == 1 && !strcmp(names[0].if_name, "lo"), "if_nameindex");
	CHECK_EQ(getifaddrs(&all), 0, "getifaddrs");
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		lo4 += i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !strcmp(i->ifa_name, "lo") && i->ifa_flags & IFF_LOOPBACK;
		packet += i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET && i->ifa_data;
	}
	CHECK(lo4 >= 1 && packet >= 1, "has 127.0.0.1 and the device");
	CHECK_EQ(if_nametoindex("lo"), 1, "if_nametoindex");
	CHECK_OK(ioctl(fd, SIOCGIFFLAGS, &r));
	CHECK(r.ifr_flags & IFF_UP, "a unix socket shows interfaces");
	CHECK_ERRNO(ioctl(fd, SIOCGIFADDR, &r), ENOTTY);
	close(fd);
}

static int told[2];

static void tell(union sigval v)
{
	char c = (char)v.sival_int;

	if (write(told[1], &c, 1) != 1)
		_exit(97);
}

static void queue_thread(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell, .sigev_value.sival_int = 'k' };
	struct mq_attr size = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	char name[64], c = 0;
	mqd_t q;

	snprintf(name, sizeof(name), "/picket-netlink-%d", getpid());
	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &size);
	if (pipe(told) < 0)
		return;
	CHECK_OK(mq_notify(q, &ev));
	CHECK_ERRNO(mq_notify(q, &ev), EBUSY);
	CHECK_OK(mq_send(q, "x", 1, 0));
	CHECK(read(told[0], &c, 1) == 1 && c == 'k', "a thread of the library tells of the message");
	ev.sigev_signo = 999;
	ev.sigev_value.sival_ptr = name;
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &ev), EBADF);
	mq_unlink(name);
}

int main(void)
{
	tap_begin();
	link_and_peek();
	dumps();
	one_route();
	diag();
	library();
	queue_thread();
	return tap_end();
}
