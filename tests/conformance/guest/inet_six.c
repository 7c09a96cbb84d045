/* IPv6 and both at once; ICMP echo and raw sockets; the interface; options of all levels. */
#include "../tap.h"
#include "../inet.h"

#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <sys/ioctl.h>

static char buf[4096];

static void six(void)
{
	int s = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET6, SOCK_STREAM, 0), fd;
	struct sockaddr_in6 a = in6("::1", 0), got;
	socklen_t len = sizeof(got);

	CHECK_ERRNO(bind(s, (struct sockaddr *)&a, 16), EINVAL);
	a.sin6_family = AF_INET;
	CHECK_ERRNO(bind(s, (struct sockaddr *)&a, sizeof(a)), EAFNOSUPPORT);
	CHECK_ERRNO(bind6(s, "2001:db8::1", 0), EADDRNOTAVAIL);
	CHECK_ERRNO(bind6(s, "ff02::1", 0), EINVAL);
	CHECK_OK(bind6(s, "::1", 0));
	CHECK_OK(listen(s, 5));
	CHECK_OK(connect6(c, "::1", port_of(s)));
	fd = accept(s, (struct sockaddr *)&got, &len);
	CHECK(len == sizeof(got) && IN6_IS_ADDR_LOOPBACK(&got.sin6_addr) && ntohs(got.sin6_port) == port_of(c), "accept names ::1");
	CHECK(send(c, "six", 3, 0) == 3 && recv(fd, buf, 9, 0) == 3, "data over ::1");
	close(fd);
	close(c);
	close(s);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	CHECK_ERRNO(connect6(c, "::1", 1), ECONNREFUSED);
	close(c);
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	c = socket(AF_INET6, SOCK_DGRAM, 0);
	bind6(s, "::1", 0);
	a = in6("::1", port_of(s));
	CHECK_EQ(sendto(c, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1, "UDP over ::1");
	CHECK_EQ(recvfrom(s, buf, 9, 0, (struct sockaddr *)&got, &len), 1, "arrives");
	CHECK(ntohs(got.sin6_port) == port_of(c) && IN6_IS_ADDR_LOOPBACK(&got.sin6_addr), "from there");
	close(s);
	close(c);
}

static void both(void)
{
	int s = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct sockaddr_in6 got;
	socklen_t len = sizeof(got);

	CHECK_EQ(int_option(s, IPPROTO_IPV6, IPV6_V6ONLY), 0, "IPV6_V6ONLY is off");
	CHECK_OK(bind6(s, "::", 0));
	listen(s, 5);
	CHECK_ERRNO(set_option(s, IPPROTO_IPV6, IPV6_V6ONLY, 1), EINVAL);
	CHECK_ERRNO(bind4(other, "127.0.0.1", port_of(s)), EADDRINUSE);
	CHECK_OK(connect4(c, "127.0.0.1", port_of(s)));
	fd = accept(s, (struct sockaddr *)&got, &len);
	CHECK(got.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&got.sin6_addr), "an IPv4 client is shown as mapped");
	getsockname(fd, (struct sockaddr *)&got, &len);
	CHECK(IN6_IS_ADDR_V4MAPPED(&got.sin6_addr), "and so is the own end");
	close(fd);
	close(c);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	CHECK_OK(connect6(c, "::ffff:127.0.0.1", port_of(s)));
	close(c);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	set_option(c, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	CHECK_ERRNO(connect6(c, "::ffff:127.0.0.1", port_of(s)), ENETUNREACH);
	close(c);
	close(s);
	s = socket(AF_INET6, SOCK_STREAM, 0);
	set_option(s, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	CHECK_ERRNO(bind6(s, "::ffff:127.0.0.1", 0), EINVAL);
	bind6(s, "::", 0);
	CHECK_OK(bind4(other, "0.0.0.0", port_of(s)));
	close(other);
	close(s);
}

static void pinging(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), six;
	struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.sequence = htons(7)}, *reply = (struct icmphdr *)buf;
	struct sockaddr_in to = in4("127.0.0.1", 0), from;
	uint32_t filter = ~(1u << ICMP_ECHOREPLY);
	struct icmp6_hdr echo6 = {.icmp6_type = ICMP6_ECHO_REQUEST};
	socklen_t len = sizeof(from);

	if (fd < 0 || raw < 0) {
		SKIP("ICMP", "this user may not");
		return;
	}
	CHECK_OK(setsockopt(raw, SOL_RAW, 1 /* ICMP_FILTER */, &filter, sizeof(filter)));
	CHECK_ERRNO(sendto(fd, &echo, 4, 0, (struct sockaddr *)&to, sizeof(to)), EINVAL);
	echo.type = ICMP_TIMESTAMP;
	CHECK_ERRNO(sendto(fd, &echo, 8, 0, (struct sockaddr *)&to, sizeof(to)), EINVAL);
	echo.type = ICMP_ECHO;
	CHECK_EQ(sendto(fd, &echo, 8, 0, (struct sockaddr *)&to, sizeof(to)), 8, "an echo request");
	CHECK(await_events(fd, POLLIN) != -1, "is answered");
	CHECK_EQ(recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 8, "with as much");
	CHECK(reply->type == ICMP_ECHOREPLY && reply->un.echo.sequence == htons(7), "a reply with the same number");
	CHECK_EQ(ntohs(reply->un.echo.id), port_of(fd), "for this socket");
	CHECK(from.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && from.sin_port == 0, "from whom");
	await_events(raw, POLLIN);
	CHECK_EQ(recv(raw, buf, sizeof(buf), 0), 28, "a raw socket sees the packet");
	CHECK(((struct iphdr *)buf)->protocol == IPPROTO_ICMP && ((struct iphdr *)buf)->ihl == 5, "with its header");
	CHECK_EQ(((struct icmphdr *)(buf + 20))->type, ICMP_ECHOREPLY, "ICMP_FILTER keeps the request away");
	CHECK_ERRNO(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 9999), EINVAL);
	CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}), EOPNOTSUPP);
	close(fd);
	close(raw);
	six = socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	connect6(six, "::1", 0);
	CHECK_EQ(send(six, &echo6, 8, 0), 8, "an ICMPv6 echo request");
	CHECK(await_events(six, POLLIN) != -1 && recv(six, buf, sizeof(buf), 0) == 8, "is answered");
	CHECK_EQ(buf[0] & 0xff, ICMP6_ECHO_REPLY, "with a reply");
	close(six);
}

/* Made by hand: an IP header of one's own, a UDP datagram behind it. */
static void raw_udp(void)
{
	struct {
		struct iphdr ip;
		uint16_t udp[4];
		char data[4];
	} p = {.ip = {.version = 4, .ihl = 5, .ttl = 9, .protocol = IPPROTO_UDP}, .data = "raw"};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = in4("127.0.0.1", 0);

	if (fd < 0) {
		SKIP("IP_HDRINCL", "this user may not");
		return;
	}
	bind4(s, "127.0.0.1", 0);
	p.ip.daddr = to.sin_addr.s_addr;
	p.ip.tot_len = htons(sizeof(p));
	p.udp[0] = htons(5);
	p.udp[1] = htons(port_of(s));
	p.udp[2] = htons(12);
	CHECK_EQ(int_option(fd, IPPROTO_IP, IP_HDRINCL), 1, "IPPROTO_RAW includes the header");
	CHECK_EQ(sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(p), "a packet made by hand");
	CHECK(await_events(s, POLLIN) != -1 && recv(s, buf, 9, 0) == 4 && !strcmp(buf, "raw"), "reaches a UDP socket");
	CHECK_ERRNO(recv(fd, buf, 9, MSG_DONTWAIT), EAGAIN);
	close(fd);
	close(s);
}

static void interface(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), n;
	struct ifreq r = {.ifr_name = "lo"};
	struct ifconf c = {.ifc_len = sizeof(buf), .ifc_buf = buf};

	CHECK(ioctl(fd, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & (IFF_UP | IFF_LOOPBACK)) == (IFF_UP | IFF_LOOPBACK), "SIOCGIFFLAGS");
	CHECK(ioctl(fd, SIOCGIFADDR, &r) == 0 && ((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK), "SIOCGIFADDR");
	CHECK(ioctl(fd, SIOCGIFNETMASK, &r) == 0 && ((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr == htonl(0xff000000), "SIOCGIFNETMASK");
	CHECK(ioctl(fd, SIOCGIFINDEX, &r) == 0 && r.ifr_ifindex == 1, "SIOCGIFINDEX");
	CHECK(ioctl(fd, SIOCGIFMTU, &r) == 0 && r.ifr_mtu == 65536, "SIOCGIFMTU");
	CHECK(ioctl(fd, SIOCGIFHWADDR, &r) == 0 && r.ifr_hwaddr.sa_family == 772, "SIOCGIFHWADDR");
	r.ifr_ifindex = 1;
	memset(r.ifr_name, 0, sizeof(r.ifr_name));
	CHECK(ioctl(fd, SIOCGIFNAME, &r) == 0 && !strcmp(r.ifr_name, "lo"), "SIOCGIFNAME");
	strcpy(r.ifr_name, "nosuch0");
	CHECK_ERRNO(ioctl(fd, SIOCGIFFLAGS, &r), ENODEV);
	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0 && c.ifc_len >= (int)sizeof(r) && !strcmp(c.ifc_req->ifr_name, "lo"), "SIOCGIFCONF");
	CHECK_ERRNO(ioctl(fd, 0x5401, &n), ENOTTY);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	socklen_t len = sizeof(buf);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, buf, &len) == 0 && len == 3 && !strcmp(buf, "lo"), "SO_BINDTODEVICE");
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nosuch0", 8), ENODEV);
	close(fd);
}

static void options(void)
{
	static const struct {
		int level, name, initial, set, shown;
	} numbers[] = {
		{IPPROTO_TCP, TCP_NODELAY, 0, 5, 1}, {IPPROTO_TCP, TCP_CORK, 0, 1, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 7200, 60, 60},
		{IPPROTO_TCP, TCP_KEEPINTVL, 75, 7, 7}, {IPPROTO_TCP, TCP_KEEPCNT, 9, 3, 3}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 5000, 5000},
		{IPPROTO_TCP, TCP_SYNCNT, 6, 2, 2}, {IPPROTO_TCP, TCP_FASTOPEN, 0, 5, 5}, {IPPROTO_TCP, TCP_MAXSEG, 536, 1000, -12345},
		{SOL_SOCKET, SO_KEEPALIVE, 0, 1, 1}, {SOL_SOCKET, SO_OOBINLINE, 0, 1, 1}, {SOL_SOCKET, SO_PRIORITY, 0, 3, 3},
		{SOL_SOCKET, SO_DONTROUTE, 0, 1, 1}, {SOL_SOCKET, SO_ZEROCOPY, 0, 1, 1}, {IPPROTO_IP, IP_TTL, 64, 9, 9},
		{IPPROTO_IP, IP_FREEBIND, 0, 1, 1}, {IPPROTO_IP, IP_RECVERR, 0, 1, 1}, {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0, 1, 1},
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), sv[2] = {-1, -1};
	struct tcp_info info;
	uint64_t cookie = 0;
	socklen_t len;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		CHECK_EQ(int_option(fd, numbers[i].level, numbers[i].name), numbers[i].initial, "option %d.%d at first", numbers[i].level,
			 numbers[i].name);
		CHECK(set_option(fd, numbers[i].level, numbers[i].name, numbers[i].set) == 0, "option %d.%d is set", numbers[i].level,
		      numbers[i].name);
		if (numbers[i].shown != -12345)
			CHECK_EQ(int_option(fd, numbers[i].level, numbers[i].name), numbers[i].shown, "and shown");
	}
	CHECK_ERRNO(set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 0), EINVAL);
	CHECK_ERRNO(set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 40000), EINVAL);
	CHECK_ERRNO(set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, -1), EINVAL);
	CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, buf, 1), EINVAL);
	CHECK_ERRNO(set_option(fd, IPPROTO_TCP, 9999, 1), ENOPROTOOPT);
	CHECK_ERRNO(set_option(fd, IPPROTO_UDP, 1, 1), ENOPROTOOPT);
	CHECK_ERRNO(set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1), EINVAL);
	CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6), ENOENT);
	len = sizeof(buf);
	CHECK(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, buf, &len) == 0 && len == 16, "TCP_CONGESTION");
	len = sizeof(cookie);
	CHECK(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 && cookie != 0, "SO_COOKIE");
	CHECK_EQ(int_option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "SO_DOMAIN");
	CHECK_EQ(int_option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP, "SO_PROTOCOL");
	tcp_pair(sv);
	send(sv[0], "hello", 5, 0);
	recv(sv[1], buf, 9, 0);
	len = sizeof(info);
	CHECK(getsockopt(sv[1], IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == TCP_ESTABLISHED, "TCP_INFO");
	CHECK(len == sizeof(info) || len >= 104, "its length");
	close_pair(sv);
	close(fd);
}

int main(void)
{
	tap_begin();
	signal(SIGPIPE, SIG_IGN);
	six();
	both();
	pinging();
	raw_udp();
	interface();
	options();
	return tap_end();
}
