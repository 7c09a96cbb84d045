/*
 * Children that make much of everything and are gone: usage objects ROUNDS. What lives in the sentry afterwards must not depend on the number
 * of rounds; the script compares.
 */
#include "tap.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#define MANY 10

static void send_fd(int over, int fd)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	sendmsg(over, &m, 0);
}

/* A ring of sockets that travel in each other's queues: only a collector finds these. */
static void unix_sockets(void)
{
	struct sockaddr_un name = { AF_UNIX, "objects.sock" };
	int pair[2], listener = socket(AF_UNIX, SOCK_STREAM, 0);

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	send_fd(pair[0], pair[1]);
	send_fd(pair[1], pair[0]);
	bind(listener, (struct sockaddr *)&name, sizeof(name));
	listen(listener, 5);
	connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof(name)); /* never accepted */
	unlink(name.sun_path);
}

static void inet_sockets(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);

	bind(listener, (struct sockaddr *)&in, sizeof(in));
	getsockname(listener, (struct sockaddr *)&in, &len);
	listen(listener, 5);
	for (int i = 0; i < 3; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);

		connect(client, (struct sockaddr *)&in, sizeof(in));
		write(client, "unread", 6);
	}
	close(accept(listener, NULL, NULL));
	sendto(udp, "lost", 4, 0, (struct sockaddr *)&in, sizeof(in));
}

static void files(void)
{
	for (int i = 0; i < MANY; i++) {
		char name[40];
		int fd;

		snprintf(name, sizeof(name), "objects.%d", i);
		fd = open(name, O_CREAT | O_RDWR, 0600);
		write(fd, name, sizeof(name));
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		lockf(fd, F_LOCK, 10);
		unlink(name);
	}
	open("/bin/objects", O_RDONLY);
	open("/proc/self/maps", O_RDONLY);
	open("/proc/self/fd", O_RDONLY);
	open("/dev/ptmx", O_RDWR | O_NOCTTY);
	mkdir("objects.dir", 0700);
	open("objects.dir", O_RDONLY);
	rmdir("objects.dir");
	memfd_create("objects", 0);
}

static void specials(void)
{
	int pipes[2], ep = epoll_create1(0), inner = epoll_create1(0), notify = inotify_init();
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pipe(pipes);
	write(pipes[1], "unread", 6);
	epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &(struct epoll_event){ .events = EPOLLIN });
	epoll_ctl(ep, EPOLL_CTL_ADD, inner, &(struct epoll_event){ .events = EPOLLIN });
	inotify_add_watch(notify, ".", IN_ALL_EVENTS);
	eventfd(1, 0);
	timerfd_settime(timerfd_create(CLOCK_MONOTONIC, 0), 0, &(struct itimerspec){ .it_value = { 1000, 0 } }, NULL);
	signalfd(-1, &set, 0);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &(struct itimerspec){ .it_value = { 1000, 0 } }, NULL);
	syscall(SYS_pidfd_open, getppid(), 0);
	msgctl(msgget(IPC_PRIVATE, 0600), IPC_RMID, NULL);
}

static void *sleeper(void *arg)
{
	poll(arg, 1, -1);
	return NULL;
}

/* Dies by a signal, with threads and a child that wait. */
static void one_child(void)
{
	static struct pollfd never = { -1, POLLIN, 0 };
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, sleeper, &never);
	unix_sockets();
	inet_sockets();
	files();
	specials();
	if (fork() == 0)
		_exit(0);
	kill(getpid(), SIGKILL);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 0, good = 0;

	tap_begin();
	for (int i = 0; i < rounds; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			one_child();
		good += waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
		while (waitpid(-1, NULL, 0) > 0) /* its orphan */
			;
	}
	CHECK_EQ(good, rounds, "%d children came and went", rounds);
	return tap_end();
}
