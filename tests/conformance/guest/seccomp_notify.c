/* seccomp: supervised calls. seccomp_unotify(2). The supervisor is the parent, the supervised a child that has sent its listener. */
#include "../tap.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define LD_NR BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)
#define RET(v) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(v))
#define KILLABLE (1u << 5)

static int pair[2];

static int listen_on(int nr, unsigned flags)
{
	struct sock_filter code[] = { LD_NR, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1), RET(SECCOMP_RET_USER_NOTIF),
				      RET(SECCOMP_RET_ALLOW) };
	struct sock_fprog prog = { 4, code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &prog);
}

static void send_fd(int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	MUST(sendmsg(pair[1], &m, 0) == 1);
}

static int receive_fd(void)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(pair[0], &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

/* A child that makes `nr` supervised and then runs the statements. */
#define CHILD(nr, flags, ...) ({ \
	pid_t child_ = tap_fork(); \
	if (child_ == 0) { \
		int l_ = listen_on(nr, flags); \
		MUST(l_ >= 0); \
		send_fd(l_); \
		close(l_); \
		__VA_ARGS__; \
		_exit(0); \
	} \
	child_; \
})

static struct seccomp_notif req;

static int take(int l)
{
	memset(&req, 0, sizeof(req));
	return ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &req);
}

static int answer(int l, long val, int error, unsigned flags)
{
	struct seccomp_notif_resp resp = { req.id, val, error, flags };

	return ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static int events(int l)
{
	struct pollfd p = { .fd = l, .events = POLLIN | POLLOUT };

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void answers(int nr)
{
	pid_t pid = CHILD(nr, 0, MUST(syscall(nr, 1, 2, 3, 4, 5, 6) == 1234); MUST(syscall(nr, 0) == -1 && errno == ENODEV);
			  MUST(syscall(nr, 0) == -1 && errno == 600); MUST(syscall(nr, 0) == -600000));
	int l = receive_fd();

	CHECK(l >= 0, "call %d: a listener", nr);
	CHECK_EQ(take(l), 0, "call %d: received", nr);
	CHECK(req.pid == (uint32_t)pid && req.data.nr == nr && req.data.args[0] == 1 && req.data.args[5] == 6, "call %d: told as made", nr);
	CHECK_EQ(answer(l, 1234, 0, 0), 0, "call %d: answered", nr);
	CHECK_EQ(take(l) ?: answer(l, 0, -ENODEV, 0), 0, "call %d: answered with an error", nr);
	CHECK_EQ(take(l) ?: answer(l, 0, -600, 0), 0, "call %d: answered with an odd error", nr);
	CHECK_EQ(take(l) ?: answer(l, -600000, 0, 0), 0, "call %d: answered with an odd value", nr);
	CHECK_EQ(tap_wait(pid), 0, "call %d: the child got the answers", nr);
	errno = 0;
	CHECK(take(l) == -1 && errno == ENOENT, "call %d: nobody is left", nr);
	CHECK(events(l) & POLLHUP, "call %d: POLLHUP", nr);
	close(l);
}

static void continues(void)
{
	pid_t pid = CHILD(SYS_mmap, 0, MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED));
	int l = receive_fd();

	CHECK_EQ(take(l) ?: answer(l, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), 0, "mmap continued");
	CHECK_EQ(tap_wait(pid), 0, "it has been made");
	close(l);
	pid = CHILD(SYS_fork, 0, pid_t p = syscall(SYS_fork); if (p == 0) syscall(SYS_exit_group, 3); MUST(p > 0); MUST(tap_wait(p) == EXITED(3)));
	l = receive_fd();
	CHECK_EQ(take(l) ?: answer(l, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), 0, "fork continued");
	CHECK_EQ(tap_wait(pid), 0, "it has been made");
	close(l);
	pid = CHILD(SYS_read, 0, int p[2]; char c; MUST(pipe(p) == 0); MUST(write(p[1], "y", 1) == 1); MUST(read(p[0], &c, 1) == 1 && c == 'y'));
	l = receive_fd();
	CHECK_EQ(take(l) ?: answer(l, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), 0, "read continued");
	CHECK_EQ(tap_wait(pid), 0, "it has been made");
	close(l);
	pid = CHILD(SYS_nanosleep, 0, struct timespec ts = { 0, 1000000 }; MUST(syscall(SYS_nanosleep, &ts, NULL) == 0));
	l = receive_fd();
	CHECK_EQ(take(l) ?: answer(l, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), 0, "nanosleep continued");
	CHECK_EQ(tap_wait(pid), 0, "it has slept");
	close(l);
	pid = CHILD(SYS_execve, 0, execl("/proc/self/exe", "x", "ok", (char *)NULL));
	l = receive_fd();
	CHECK_EQ(take(l) ?: answer(l, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), 0, "execve continued");
	CHECK_EQ(tap_wait(pid), EXITED(17), "it has been made");
	close(l);
}

static void refusals(void)
{
	pid_t pid = CHILD(SYS_getppid, 0, MUST(syscall(SYS_getppid) == 1));
	struct seccomp_notif_resp resp = { 0 };
	int l = receive_fd();
	uint64_t id;

	memset(&req, 1, sizeof(req));
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &req), EINVAL);
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, NULL), EFAULT);
	CHECK_EQ(take(l), 0, "received");
	CHECK_EQ(events(l), POLLOUT, "POLLOUT while it waits for its answer");
	id = req.id;
	CHECK_OK(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
	id += 77;
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &id), ENOENT);
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, NULL), EFAULT);
	resp.id = id;
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &resp), ENOENT);
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, NULL), EFAULT);
	CHECK_ERRNO(answer(l, 0, 0, 2), EINVAL);
	CHECK_ERRNO(answer(l, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), EINVAL);
	CHECK_ERRNO(answer(l, 0, -1, SECCOMP_USER_NOTIF_FLAG_CONTINUE), EINVAL);
	CHECK_ERRNO(ioctl(l, 0x1234, 0), EINVAL);
	CHECK_ERRNO(ioctl(l, _IOC(_IOC_WRITE, '!', 4, 8), 2L), EINVAL);
	CHECK_ERRNO(read(l, &id, 8), EINVAL);
	CHECK_OK(answer(l, 1, 0, 0));
	CHECK_EQ(tap_wait(pid), 0, "the child got its answer");
	close(l);
	CHECK_CHILD("one open listener a chain: EBUSY", int a = listen_on(SYS_getppid, 0); MUST(a >= 0);
		    MUST(listen_on(SYS_getppid, 0) == -1 && errno == EBUSY); close(a); MUST(listen_on(SYS_getppid, 0) >= 0));
	CHECK_CHILD("a closed listener: ENOSYS", close(listen_on(SYS_getppid, 0)); MUST(syscall(SYS_getppid) == -1 && errno == ENOSYS));
	CHECK_CHILD("the listener is close-on-exec", MUST(fcntl(listen_on(SYS_getppid, 0), F_GETFD) == FD_CLOEXEC));
	CHECK_CHILD("its name", char name[64] = ""; char path[32]; snprintf(path, sizeof(path), "/proc/self/fd/%d", listen_on(SYS_getppid, 0));
		    readlink(path, name, sizeof(name) - 1); MUST(!strcmp(name, "anon_inode:seccomp notify")));
}

/* The listener goes while a call waits for it. */
static void closing(int nr)
{
	pid_t pid = CHILD(nr, 0, MUST(syscall(nr, 0, 0, 0, 0, 0, 0) == -1 && errno == ENOSYS));
	int l = receive_fd();

	CHECK_EQ(take(l), 0, "call %d: received", nr);
	close(l);
	CHECK_EQ(tap_wait(pid), 0, "call %d: ENOSYS when the listener is closed", nr);
}

static void killed(int nr, unsigned flags)
{
	pid_t pid = CHILD(nr, flags, syscall(nr, 0));
	int l = receive_fd(), status;

	take(l);
	kill(pid, SIGKILL);
	status = tap_wait(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "call %d, flags %#x: killed while it waits", nr, flags);
	CHECK_ERRNO(answer(l, 0, 0, 0), ENOENT);
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &req.id), ENOENT);
	CHECK_EQ(events(l) & (POLLIN | POLLOUT | POLLHUP), POLLHUP, "call %d: only POLLHUP is left", nr);
	close(l);
}

static int handled;

static void on_usr1(int signo)
{
	(void)signo;
	handled++;
}

/* A signal meets a call that waits: EINTR, or once more with SA_RESTART; with WAIT_KILLABLE_RECV not at all. */
static void signalled(int nr)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	pid_t pid;
	int l;

	sigaction(SIGUSR1, &sa, NULL);
	pid = CHILD(nr, 0, MUST(syscall(nr, 0) == -1 && errno == EINTR); MUST(handled == 1));
	l = receive_fd();
	take(l);
	kill(pid, SIGUSR1);
	CHECK_EQ(tap_wait(pid), 0, "call %d: EINTR", nr);
	CHECK_ERRNO(answer(l, 0, 0, 0), ENOENT);
	close(l);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	pid = CHILD(nr, 0, MUST(syscall(nr, 0) == 5); MUST(handled == 1));
	l = receive_fd();
	take(l);
	uint64_t first = req.id;
	kill(pid, SIGUSR1);
	CHECK_EQ(take(l), 0, "call %d: received again", nr);
	CHECK(req.id != first, "call %d: under another id", nr);
	CHECK_EQ(answer(l, 5, 0, 0), 0, "call %d: answered", nr);
	CHECK_EQ(tap_wait(pid), 0, "call %d: restarted", nr);
	close(l);
	pid = CHILD(nr, KILLABLE, MUST(syscall(nr, 0) == 6); MUST(handled == 1));
	l = receive_fd();
	take(l);
	kill(pid, SIGUSR1);
	CHECK_EQ(answer(l, 6, 0, 0), 0, "call %d: not interrupted with WAIT_KILLABLE_RECV", nr);
	CHECK_EQ(tap_wait(pid), 0, "call %d: the answer came, and then the signal", nr);
	close(l);
}

static void fds(void)
{
	struct seccomp_notif_addfd add = { .srcfd = 0 };
	pid_t pid = CHILD(SYS_getppid, 0, int fd = syscall(SYS_getppid); struct stat st; MUST(fd > 2 && fstat(fd, &st) == 0 && st.st_size == 5);
			  MUST(fcntl(fd, F_GETFD) == FD_CLOEXEC); MUST(syscall(SYS_getppid) == 9); MUST(fstat(50, &st) == 0 && st.st_size == 5);
			  MUST(fcntl(50, F_GETFD) == 0));
	int l = receive_fd(), fd;

	tap_file("given", "five!");
	add.srcfd = fd = open("given", O_RDONLY);
	CHECK_EQ(take(l), 0, "received");
	add.id = req.id + 5;
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add), ENOENT);
	add.id = req.id;
	add.newfd = 3;
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EINVAL);
	add.newfd = 0;
	add.flags = 4;
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EINVAL);
	add.flags = 0;
	add.newfd_flags = O_NONBLOCK;
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EINVAL);
	add.newfd_flags = O_CLOEXEC;
	add.srcfd = 777;
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EBADF);
	add.srcfd = fd;
	CHECK_ERRNO(ioctl(l, _IOC(_IOC_WRITE, '!', 3, 8), &add), EINVAL);
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, NULL), EFAULT);
	int given = ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	CHECK(given > 2, "ADDFD gives the number in the child");
	CHECK_EQ(answer(l, given, 0, 0), 0, "the child is told");
	CHECK_EQ(take(l), 0, "received");
	add = (struct seccomp_notif_addfd){ .id = req.id, .srcfd = fd, .newfd = 0x7fffffff, .flags = SECCOMP_ADDFD_FLAG_SETFD };
	CHECK_ERRNO(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EBADF);
	add.newfd = 50;
	CHECK_EQ(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add), 50, "SETFD");
	CHECK_EQ(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add), 50, "SETFD over an open one");
	CHECK_EQ(answer(l, 9, 0, 0), 0, "the child goes on");
	CHECK_EQ(tap_wait(pid), 0, "it has both");
	close(l);
	pid = CHILD(SYS_mmap, 0, int n = syscall(SYS_mmap, 0, 0, 0, 0, 0, 0); struct stat st; MUST(fstat(n, &st) == 0 && st.st_size == 5));
	l = receive_fd();
	take(l);
	add = (struct seccomp_notif_addfd){ .id = req.id, .srcfd = fd, .flags = SECCOMP_ADDFD_FLAG_SEND };
	CHECK(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add) > 2, "SEND gives and answers at once");
	CHECK_EQ(tap_wait(pid), 0, "the child has it");
	close(l);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "ok"))
		return 17;
	tap_begin();
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	answers(SYS_getppid);
	answers(SYS_mmap);
	answers(444);
	continues();
	refusals();
	closing(SYS_getppid);
	closing(SYS_mmap);
	killed(SYS_getppid, 0);
	killed(SYS_mmap, 0);
	killed(SYS_getppid, KILLABLE);
	killed(SYS_mmap, KILLABLE);
	signalled(SYS_getppid);
	signalled(SYS_mmap);
	fds();
	return tap_end();
}
