/*
 * Two sandboxes at once. Section 8, line 5.
 * `neighbour serve TAG`: makes one of everything that a process can make and that others might see, says "ready", stays.
 * `neighbour look TAG PID-LIMIT`: looks for all of it. What is expected: nothing is there.
 */
#include "tap.h"

#include <mqueue.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#define KEY 0x51c4e7
#define PORT 41923 /* on the loopback */

static socklen_t abstract(struct sockaddr_un *sun, const char *tag)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	strcpy(sun->sun_path + 1, tag);
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(tag);
}

/* Connects to, or listens at, the port on 127.0.0.1: 0, or -1 with errno. */
static int loopback(int type, bool serves)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type, 0);

	if (!serves)
		return connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 || send(fd, "x", 1, MSG_NOSIGNAL) < 0 || recv(fd, &in, 1, 0) < 0 ? -1 : 0;
	return bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 || (type == SOCK_STREAM && listen(fd, 5) < 0) ? -1 : 0;
}

static int serve(const char *tag)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, tag);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), path = socket(AF_UNIX, SOCK_STREAM, 0);
	char name[64];

	if (bind(fd, (struct sockaddr *)&sun, len) || listen(fd, 5))
		return 1;
	if (loopback(SOCK_STREAM, true) || loopback(SOCK_DGRAM, true))
		return 1;
	sun.sun_path[0] = 0;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/tmp/%s.sock", tag);
	if (bind(path, (struct sockaddr *)&sun, sizeof(sun)) || listen(path, 5))
		return 1;
	snprintf(name, sizeof(name), "/tmp/%s.file", tag);
	tap_file(name, tag);
	snprintf(name, sizeof(name), "/dev/shm/%s", tag);
	close(open(name, O_RDWR | O_CREAT, 0666));
	shmget(KEY, 4096, IPC_CREAT | 0666);
	msgget(KEY, IPC_CREAT | 0666);
	semget(KEY, 1, IPC_CREAT | 0666);
	snprintf(name, sizeof(name), "/%s", tag);
	mq_open(name, O_RDWR | O_CREAT, 0666, NULL);
	tap_file("/etc/changed-by-neighbour", tag);
	if (write(1, "ready\n", 6) != 6)
		return 1;
	for (;;)
		pause();
}

static int count_processes(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir)))
		n += atoi(entry->d_name) > 0;
	if (dir)
		closedir(dir);
	return n;
}

/* Does any process that can be seen carry the tag in its arguments? */
static bool seen_in_proc(const char *tag)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[300];
	bool found = false;

	while (dir && (entry = readdir(dir))) {
		if (atoi(entry->d_name) <= 0 || atoi(entry->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		found |= memmem(tap_text(path), 4096, "serve", 5) != NULL;
	}
	if (dir)
		closedir(dir);
	(void)tag;
	return found;
}

static void look(const char *tag, int limit)
{
	struct sockaddr_un sun;
	socklen_t len = abstract(&sun, tag);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), pid, alive = 0;
	char name[64];

	CHECK(connect(fd, (struct sockaddr *)&sun, len) == -1 && errno == ECONNREFUSED, "an abstract socket is not there");
	CHECK(bind(fd, (struct sockaddr *)&sun, len) == 0, "its name is free");
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/tmp/%s.sock", tag);
	CHECK(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 && errno == ENOENT, "a socket in /tmp is not there");
	snprintf(name, sizeof(name), "/tmp/%s.file", tag);
	CHECK_ERRNO(access(name, F_OK), ENOENT);
	snprintf(name, sizeof(name), "/dev/shm/%s", tag);
	CHECK(access(name, F_OK) == -1, "shared memory by name is not there");
	CHECK(shmget(KEY, 4096, 0666) == -1, "System V shared memory is not there");
	CHECK(msgget(KEY, 0666) == -1, "nor a message queue");
	CHECK(semget(KEY, 1, 0666) == -1, "nor a semaphore");
	snprintf(name, sizeof(name), "/%s", tag);
	CHECK(mq_open(name, O_RDWR) == (mqd_t)-1, "nor a POSIX queue");
	CHECK(loopback(SOCK_STREAM, false) == -1 && errno == ECONNREFUSED, "nobody listens on the loopback");
	CHECK(loopback(SOCK_DGRAM, false) == -1 && errno == ECONNREFUSED, "nor waits for datagrams");
	CHECK(access("/etc/changed-by-neighbour", F_OK) == -1, "a change to the root is the other's own");
	CHECK(!seen_in_proc(tag), "/proc shows none of its processes");
	CHECK(count_processes() <= 2, "/proc shows no process but our own");
	for (pid = 1; pid < limit; pid++)
		alive += pid != getpid() && kill(pid, 0) == 0;
	CHECK(alive <= 1, "no pid but our own can be signalled");
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc != 4)
		return 2;
	tap_begin();
	look(argv[2], atoi(argv[3]));
	return tap_end();
}
