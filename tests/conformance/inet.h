/* What the programs on internet sockets share: addresses on the loopback, connected pairs, poll bits. Include after tap.h. */
#ifndef PICKET_TEST_INET_H
#define PICKET_TEST_INET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

TAP_FN struct sockaddr_in in4(const char *ip, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

TAP_FN struct sockaddr_in6 in6(const char *ip, int port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	inet_pton(AF_INET6, ip, &a.sin6_addr);
	return a;
}

TAP_FN int bind4(int fd, const char *ip, int port)
{
	struct sockaddr_in a = in4(ip, port);

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

TAP_FN int connect4(int fd, const char *ip, int port)
{
	struct sockaddr_in a = in4(ip, port);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

TAP_FN int bind6(int fd, const char *ip, int port)
{
	struct sockaddr_in6 a = in6(ip, port);

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

TAP_FN int connect6(int fd, const char *ip, int port)
{
	struct sockaddr_in6 a = in6(ip, port);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

/* The port that the socket is bound to, whatever its family. */
TAP_FN int port_of(int fd)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	return getsockname(fd, (struct sockaddr *)&a, &len) < 0 ? -1 : ntohs(a.sin6_port);
}

TAP_FN int listener4(int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind4(fd, "127.0.0.1", 0) < 0 || listen(fd, backlog) < 0 ? -1 : fd;
}

/* sv[0] has connected, sv[1] was accepted. */
TAP_FN int tcp_pair(int sv[2])
{
	int fd = listener4(1);

	sv[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect4(sv[0], "127.0.0.1", port_of(fd)) < 0)
		return -1;
	sv[1] = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	close(fd);
	return sv[1] < 0 ? -1 : 0;
}

TAP_FN void close_pair(int sv[2])
{
	close(sv[0]);
	close(sv[1]);
}

#define ALL_EVENTS (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

TAP_FN short events_of(int fd)
{
	struct pollfd p = {fd, ALL_EVENTS, 0};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

/* Waits until the bits are there: over a network they come in their own time. The events, or -1. */
TAP_FN short await_events(int fd, short bits)
{
	struct pollfd p = {fd, bits, 0};

	for (int i = 0; i < 200; i++) {
		short now = events_of(fd);

		if ((now & bits) == bits)
			return now;
		poll(bits & (POLLHUP | POLLERR) ? NULL : &p, bits & (POLLHUP | POLLERR) ? 0 : 1, 10);
	}
	return -1;
}

TAP_FN int int_option(int fd, int level, int name)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	return getsockopt(fd, level, name, &v, &len) < 0 ? -errno : v;
}

TAP_FN int set_option(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof(v));
}

#endif
