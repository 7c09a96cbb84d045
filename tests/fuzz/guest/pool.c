/* Descriptors of every kind, and paths of every kind. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"

#define FDS_MAX 64
static int fds[FDS_MAX];
static _Atomic int fd_count;
static char too_long[5000], long_name[300], deep[2100];

static const char *const paths[] = {
	"f0", "f1", "f2", "new0", "new1", "d", "d/x", "d/y", "d/../f0", ".", "..", "", "/", "loop", "loop/x", "link", "dlink", "dlink/x", "hard", "fifo", "sock",
	"missing", "missing/x", "f0/x", "d/", "./d/./x", "//tmp//f0", "/bin/fuzz", "/bin", "/etc/passwd", "/tmp", "/tmp/.", "/ro/data", "/ro",
	"/proc", "/proc/self", "/proc/self/maps", "/proc/self/status", "/proc/self/mem", "/proc/self/fd", "/proc/self/fd/0", "/proc/self/fd/9", "/proc/self/exe",
	"/proc/self/cwd", "/proc/self/root", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/stat", "/proc/self/statm", "/proc/self/smaps",
	"/proc/self/smaps_rollup", "/proc/self/limits", "/proc/self/mountinfo", "/proc/self/task", "/proc/self/ns/pid", "/proc/self/ns/net", "/proc/self/comm",
	"/proc/self/oom_score_adj", "/proc/self/auxv", "/proc/self/syscall", "/proc/self/wchan", "/proc/self/io", "/proc/self/fdinfo/3", "/proc/self/fdinfo",
	"/proc/self/cgroup", "/proc/self/uid_map", "/proc/self/pagemap", "/proc/self/timers", "/proc/1/maps", "/proc/1/status", "/proc/meminfo", "/proc/cpuinfo",
	"/proc/stat", "/proc/uptime", "/proc/loadavg", "/proc/mounts", "/proc/net/tcp", "/proc/net/unix", "/proc/net/udp", "/proc/net/dev", "/proc/sys/kernel/pid_max",
	"/proc/sys/kernel/hostname", "/proc/sysvipc/shm", "/proc/locks", "/proc/filesystems", "/proc/thread-self", "/proc/99999", "/dev/null", "/dev/zero", "/dev/full",
	"/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts/0", "/dev/pts", "/dev/shm", "/dev/shm/s", "/dev/mqueue", "/dev/mqueue/q", "/dev/fd/1", "/sys", "/sys/devices",
	"/sys/fs/cgroup", "/sys/kernel/mm", "/dev/fuse", too_long, long_name, deep,
};

const char *pool_path(struct gen *g) { return paths[below(g, LENGTH(paths))]; }

static void make_file(const char *name, size_t size)
{
	static const char text[] = "#!/bin/fuzz\nsome text\n";
	int fd = open(name, O_CREAT | O_RDWR, 0755);

	write(fd, text, sizeof(text));
	ftruncate(fd, (off_t)size);
	close(fd);
}

void pool_make(void)
{
	memset(too_long, 'x', sizeof(too_long) - 1);
	for (size_t i = 50; i < sizeof(too_long) - 1; i += 50)
		too_long[i] = '/';
	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 0; i + 2 < sizeof(deep); i += 2)
		memcpy(deep + i, "./", 2);
	umask(0);
	make_file("f0", 23);
	make_file("f1", 10000);
	make_file("f2", 1 << 20);
	mkdir("d", 0777);
	make_file("d/x", 0);
	symlink("loop", "loop");
	symlink("f0", "link");
	symlink("d", "dlink");
	link("f1", "hard");
	mkfifo("fifo", 0666);
}

static void add(int fd)
{
	if (fd >= 0 && fd_count < FDS_MAX)
		fds[fd_count++] = fd;
}

static void add_pair(const int pair[2])
{
	add(pair[0]);
	add(pair[1]);
}

static void open_sockets(void)
{
	static const int stream_or_dgram[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(4444) };
	int pair[2], listener;

	for (size_t i = 0; i < LENGTH(stream_or_dgram); i++)
		if (!socketpair(AF_UNIX, stream_or_dgram[i] | SOCK_NONBLOCK, 0, pair))
			add_pair(pair);
	add(socket(AF_UNIX, SOCK_STREAM, 0));
	add(listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	bind(listener, (struct sockaddr *)&in, sizeof(in));
	listen(listener, 4);
	add(pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	connect(pair[0], (struct sockaddr *)&in, sizeof(in));
	add(accept(listener, NULL, NULL));
	add(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	add(socket(AF_INET6, SOCK_STREAM, 0));
	add(socket(AF_INET6, SOCK_DGRAM, 0));
	add(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	add(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	add(socket(AF_NETLINK, SOCK_RAW, 0));
}

static void open_specials(void)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	sigset_t usr;
	int pair[2], ep = epoll_create1(0);

	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR2);
	if (!pipe2(pair, O_NONBLOCK))
		add_pair(pair);
	if (!pipe(pair))
		add_pair(pair);
	for (int i = 0; i < fd_count && i < 8; i++)
		epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &(struct epoll_event){ .events = EPOLLIN | EPOLLOUT, .data.fd = fds[i] });
	add(ep);
	add(epoll_create1(0));
	add(eventfd(1, EFD_NONBLOCK));
	add(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	add(signalfd(-1, &usr, SFD_NONBLOCK));
	add((int)syscall(SYS_pidfd_open, getpid(), 0));
	add(memfd_create("fuzz", MFD_ALLOW_SEALING));
	add(inotify_init1(IN_NONBLOCK));
	add((int)syscall(SYS_mq_open, "q", O_CREAT | O_RDWR | O_NONBLOCK, 0666, &attr));
	add(posix_openpt(O_RDWR | O_NOCTTY));
	if (fd_count > 0) {
		grantpt(fds[fd_count - 1]);
		unlockpt(fds[fd_count - 1]);
		add((int)syscall(SYS_ioctl, fds[fd_count - 1], 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY));
	}
}

void pool_open(void)
{
	static const struct {
		const char *path;
		int flags;
	} files[] = {
		{ "f0", O_RDWR }, { "f1", O_RDONLY }, { "f2", O_RDWR | O_APPEND }, { "f2", O_RDWR }, { "d", O_RDONLY | O_DIRECTORY }, { ".", O_RDONLY | O_DIRECTORY }, { "f1", O_PATH },
		{ "/proc/self/maps", O_RDONLY }, { "/proc/self/mem", O_RDWR }, { "/proc", O_RDONLY }, { "/proc/self/fd", O_RDONLY }, { "/dev/zero", O_RDWR },
		{ "/dev/null", O_RDWR }, { "/ro/data", O_RDONLY }, { "/", O_PATH }, { "fifo", O_RDWR | O_NONBLOCK },
	};

	fd_count = 0;
	for (size_t i = 0; i < LENGTH(files); i++)
		add(open(files[i].path, files[i].flags));
	open_sockets();
	open_specials();
}

int pool_fd(struct gen *g)
{
	int n = fd_count;

	return n > 0 ? fds[below(g, (uint32_t)n)] : 3;
}
