/*
 * A second thread changes what a call's arguments point at while the call is under way. Section 8, lines 1, 3 and 7.
 * Usage: races RO-DIR RW-DIR. What is expected: each call acts on one consistent copy: what was checked is what is used. A file
 * below RO-DIR is never opened for writing, a count never exceeds its buffer, and the sandbox lives.
 */
#include "tap.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ROUNDS 3000

static atomic_bool stop;

/* Run `flip` in a thread beside `body`. */
static void against(void *(*flip)(void *), void *arg, void (*body)(void *))
{
	pthread_t thread;

	atomic_store(&stop, false);
	pthread_create(&thread, NULL, flip, arg);
	body(arg);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

struct paths {
	char now[256], ro[256], rw[256];
	ino_t good, forbidden;
	int opened, wrong;
};

static void *flip_path(void *arg)
{
	struct paths *p = arg;

	while (!stop) {
		memcpy(p->now, p->ro, sizeof(p->ro));
		memcpy(p->now, p->rw, sizeof(p->rw));
	}
	return NULL;
}

static void open_for_writing(void *arg)
{
	struct paths *p = arg;
	struct stat st;
	int i, fd;

	for (i = 0; i < ROUNDS; i++) {
		fd = open(p->now, O_RDWR);
		if (fd < 0)
			continue;
		p->opened++;
		if (fstat(fd, &st) == 0 && st.st_ino != p->good)
			p->wrong++;
		close(fd);
	}
}

static void write_by_path(void *arg)
{
	struct paths *p = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		chmod(p->now, i & 1 ? 0600 : 0644);
		truncate(p->now, 4);
		rename(p->now, p->now);
	}
}

static void *flip_terminator(void *arg)
{
	char *page = arg;

	while (!stop) {
		page[4095] = 'x';
		page[0] = '/';
		page[4095] = 0;
		page[0] = 0;
	}
	return NULL;
}

static int odd_results;

static void open_unterminated(void *arg)
{
	int i, fd;

	for (i = 0; i < ROUNDS; i++) {
		fd = open((char *)arg, O_RDONLY);
		if (fd >= 0)
			close(fd);
		else if (errno != ENOENT && errno != ENAMETOOLONG && errno != EFAULT && errno != ENOTDIR)
			odd_results++;
	}
}

struct vectors {
	struct iovec iov[2];
	char buf[2][64];
	int pipe[2];
	int wrong;
};

static void *flip_vector(void *arg)
{
	struct vectors *v = arg;

	while (!stop) {
		v->iov[0] = (struct iovec){v->buf[0], 8};
		v->iov[1] = (struct iovec){v->buf[1], 8};
		v->iov[0].iov_len = 1UL << 40;
		v->iov[1].iov_base = (void *)0xffffffff81000000;
		v->iov[0].iov_base = (void *)8;
		v->iov[1].iov_len = -1UL;
	}
	return NULL;
}

static void use_vectors(void *arg)
{
	struct vectors *v = arg;
	char drain[65536];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		ssize_t n = writev(v->pipe[1], v->iov, 2);

		if (n > 65536 || (n < 0 && errno != EFAULT && errno != EINVAL && errno != EAGAIN))
			v->wrong++;
		n = read(v->pipe[0], drain, sizeof(drain));
		if (write(v->pipe[1], drain, 40) == 40)
			n = readv(v->pipe[0], v->iov, 2);
		if (n > 65536)
			v->wrong++;
		while (read(v->pipe[0], drain, sizeof(drain)) > 0)
			;
	}
}

struct message {
	struct msghdr msg;
	struct iovec iov;
	char text[16];
	union {
		char bytes[128];
		struct cmsghdr header;
	} control;
	int sock[2];
};

static void *flip_message(void *arg)
{
	struct message *m = arg;

	while (!stop) {
		m->msg.msg_controllen = CMSG_SPACE(sizeof(int));
		m->control.header.cmsg_len = CMSG_LEN(sizeof(int));
		m->control.header.cmsg_len = -8UL;
		m->msg.msg_controllen = 1UL << 33;
		m->control.header.cmsg_len = CMSG_LEN(20 * sizeof(int));
		m->msg.msg_iovlen = 1 << 30;
		m->msg.msg_iovlen = 1;
	}
	return NULL;
}

static void send_messages(void *arg)
{
	struct message *m = arg;
	char buf[64];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		sendmsg(m->sock[0], &m->msg, MSG_DONTWAIT);
		while (recv(m->sock[1], buf, sizeof(buf), MSG_DONTWAIT) >= 0)
			;
		recvmsg(m->sock[1], &m->msg, MSG_DONTWAIT);
	}
}

static void *flip_mapping(void *arg)
{
	char *page = arg;

	while (!stop) {
		munmap(page, 8192);
		mmap(page, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		mprotect(page, 4096, PROT_NONE);
		mprotect(page, 8192, PROT_READ);
	}
	return NULL;
}

static void transfer(void *arg)
{
	int fd = open("/proc/self/exe", O_RDONLY), i;

	for (i = 0; i < ROUNDS; i++) {
		ssize_t n = pread(fd, arg, 8192, 0);

		if (n > 8192 || (n < 0 && errno != EFAULT))
			odd_results++;
	}
	close(fd);
}

static struct pollfd polled[4];

static void *flip_polls(void *arg)
{
	while (!stop)
		for (int i = 0; i < 4; i++) {
			polled[i].fd = i & 1 ? INT32_MAX : *(int *)arg;
			polled[i].events = -1;
			polled[i].fd = -1;
		}
	return NULL;
}

static void poll_all(void *arg)
{
	int i, n;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		n = poll(polled, 4, 0);
		if (n > 4 || n < 0)
			odd_results++;
	}
}

static char *arguments[3];

static void *flip_arguments(void *arg)
{
	while (!stop) {
		arguments[0] = arg;
		arguments[1] = (char *)8;
		arguments[1] = (char *)-1L;
		arguments[1] = NULL;
	}
	return NULL;
}

static int exec_failures;

static void exec_often(void *arg)
{
	char *env[] = {NULL};
	int i, status;

	(void)arg;
	for (i = 0; i < 60; i++) {
		/* vfork shares memory with the flipping thread. */
		pid_t pid = vfork();

		if (pid == 0) {
			execve("/proc/self/exe", arguments, env);
			_exit(errno == EFAULT ? 3 : 4);
		}
		status = tap_wait(pid);
		if (status != EXITED(2) && status != EXITED(3))
			exec_failures++;
	}
}

static void *flip_fds(void *arg)
{
	int file = *(int *)arg;

	while (!stop) {
		dup2(file, 60);
		close(60);
		dup2(1, 60);
		close(60);
	}
	return NULL;
}

static void stat_fds(void *arg)
{
	struct stat st;
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++)
		if (fstat(60, &st) < 0 && errno != EBADF)
			odd_results++;
}

static void races(const char *ro, const char *rw)
{
	static struct paths p;
	static struct vectors v;
	static struct message m;
	struct stat st;
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	snprintf(p.ro, sizeof(p.ro), "%s/file", ro);
	snprintf(p.rw, sizeof(p.rw), "%s/file", rw);
	p.forbidden = stat(p.ro, &st) == 0 ? st.st_ino : 0;
	p.good = stat(p.rw, &st) == 0 ? st.st_ino : 0;
	memcpy(p.now, p.rw, sizeof(p.rw));
	against(flip_path, &p, open_for_writing);
	CHECK(p.opened > 0, "a path that changes: the permitted file is opened");
	CHECK_EQ(p.wrong, 0, "a path that changes: never the forbidden one");
	against(flip_path, &p, write_by_path);
	CHECK(stat(p.ro, &st) == 0 && st.st_size == 9 && (st.st_mode & 0777) == 0644, "calls that write by path leave the forbidden file");
	memset(page, '/', 4096);
	page[4095] = 0;
	munmap(page + 4096, 4096);
	against(flip_terminator, page, open_unterminated);
	CHECK_EQ(odd_results, 0, "a path that loses its end");
	fcntl(pipe2(v.pipe, O_NONBLOCK), F_GETFD);
	against(flip_vector, &v, use_vectors);
	CHECK_EQ(v.wrong, 0, "vectors that change");
	socketpair(AF_UNIX, SOCK_DGRAM, 0, m.sock);
	m.iov = (struct iovec){m.text, 16};
	m.msg = (struct msghdr){.msg_iov = &m.iov, .msg_iovlen = 1, .msg_control = m.control.bytes};
	m.control.header.cmsg_level = SOL_SOCKET;
	m.control.header.cmsg_type = SCM_RIGHTS;
	against(flip_message, &m, send_messages);
	CHECK(true, "messages whose lengths change");
	mmap(page, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	odd_results = 0;
	against(flip_mapping, page, transfer);
	CHECK_EQ(odd_results, 0, "a buffer that is unmapped and mapped");
	fd = eventfd(0, 0);
	odd_results = 0;
	against(flip_polls, &fd, poll_all);
	CHECK_EQ(odd_results, 0, "a poll set that changes");
	arguments[0] = "races";
	against(flip_arguments, "races", exec_often);
	CHECK_EQ(exec_failures, 0, "exec arguments that change");
	odd_results = 0;
	against(flip_fds, &fd, stat_fds);
	CHECK_EQ(odd_results, 0, "a descriptor that is closed and replaced");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	tap_begin();
	alarm(100);
	races(argv[1], argv[2]);
	return tap_end();
}
