/* Sockets without end: what is queued in the sentry counts against the sandbox's memory, and ends in an error. Section 8, line 7. */
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define STEPS 40000

static char data[60000];
static struct sockaddr_in server;

static int listener(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(server);

	server = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(fd, (struct sockaddr *)&server, len) || listen(fd, 4096) || getsockname(fd, (struct sockaddr *)&server, &len))
		return -1;
	return fd;
}

/* Connections that are closed before they are accepted, each with bytes: no fd of this process holds them. */
static bool abandoned(void)
{
	for (int i = 0; i < STEPS; i++) {
		int fd = i % 4000 ? 0 : listener(), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (fd < 0 || c < 0)
			return true;
		if (connect(c, (struct sockaddr *)&server, sizeof(server)) && errno != EINPROGRESS)
			return true;
		if (send(c, data, 4000, MSG_NOSIGNAL) < 0)
			return true;
		close(c);
	}
	return false;
}

/* Connections whose queues are full in both directions. */
static bool unread(void)
{
	int fd = listener();

	for (int i = 0; i < 400; i++) {
		int c = socket(AF_INET, SOCK_STREAM, 0), s;

		if (c < 0 || connect(c, (struct sockaddr *)&server, sizeof(server)) || (s = accept(fd, NULL, NULL)) < 0)
			return true;
		while (send(c, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			;
		if (errno != EAGAIN)
			return true;
		while (send(s, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			;
		if (errno != EAGAIN)
			return true;
	}
	return false;
}

/* Datagrams that nobody reads. */
static bool datagrams(void)
{
	for (int i = 0; i < 400; i++) {
		struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		socklen_t len = sizeof(a);

		if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || getsockname(fd, (struct sockaddr *)&a, &len))
			return true;
		for (int n = 0; n < 20; n++)
			if (sendto(fd, data, 20000, 0, (struct sockaddr *)&a, len) < 0)
				return true;
	}
	return false;
}

static void run(const char *name, bool (*flood)(void))
{
	int status = IN_CHILD(_exit(flood() ? 0 : 1));

	CHECK(status == 0 || status == EXITED(1) || WIFSIGNALED(status), "%s: refused, or there was room (%#x)", name, status);
}

static void still_works(void)
{
	int fd = listener(), c = socket(AF_INET, SOCK_STREAM, 0), s;
	char byte = 0;

	CHECK(connect(c, (struct sockaddr *)&server, sizeof(server)) == 0 && (s = accept(fd, NULL, NULL)) >= 0 && send(c, "x", 1, 0) == 1 &&
		      recv(s, &byte, 1, 0) == 1 && byte == 'x',
	      "and then a connection works as ever");
	close(fd);
	close(c);
}

int main(void)
{
	struct rlimit files = {2048, 2048};

	tap_begin();
	setrlimit(RLIMIT_NOFILE, &files);
	run("abandoned connections", abandoned);
	still_works();
	run("full queues", unread);
	still_works();
	run("datagrams", datagrams);
	still_works();
	return tap_end();
}
