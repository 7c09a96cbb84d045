/*
 * Runs on the host, not in a sandbox: listens on an abstract name, a path and a fifo; whatever arrives becomes a line in a file.
 * Usage: host_listener ABSTRACT-NAME SOCKET-PATH FIFO-PATH RESULT-FILE. An argument "-" leaves its part out.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path, int abstract)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(sun.sun_path + abstract, path, sizeof(sun.sun_path) - 2);
	if (bind(fd, (struct sockaddr *)&sun, offsetof(struct sockaddr_un, sun_path) + abstract + strlen(path)) < 0 || listen(fd, 8) < 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	struct pollfd fds[3] = {{-1, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
	char buf[256];
	int out;

	if (argc != 5)
		return 2;
	out = open(argv[4], O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (strcmp(argv[1], "-"))
		fds[0].fd = listen_at(argv[1], 1);
	if (strcmp(argv[2], "-"))
		fds[1].fd = listen_at(argv[2], 0);
	if (strcmp(argv[3], "-"))
		fds[2].fd = open(argv[3], O_RDWR | O_NONBLOCK);
	dprintf(out, "listening\n");
	for (;;) {
		poll(fds, 3, -1);
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents & POLLIN) {
				close(accept(fds[i].fd, NULL, NULL));
				dprintf(out, "reached socket %d\n", i);
			}
		}
		if ((fds[2].revents & POLLIN) && read(fds[2].fd, buf, sizeof(buf)) > 0)
			dprintf(out, "reached fifo\n");
	}
}
