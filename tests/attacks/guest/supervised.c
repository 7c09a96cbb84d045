/*
 * What a guest can do wrong with its own seccomp filters: actions that nobody knows, chains as long as they go, a listener whose owner dies,
 * targets that are killed while somebody decides for them. Section 8, line 7. It is the sandbox's first process, and reaps what it gets.
 */
#include "tap.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define RET(v) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(v))

static int install(struct sock_filter *code, unsigned short len, unsigned flags)
{
	struct sock_fprog prog = { len, code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

/* `verdict` for `nr`, everything else is allowed. */
static int on_call(int nr, uint32_t verdict, unsigned flags)
{
	struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1), RET(verdict),
				      RET(SECCOMP_RET_ALLOW) };

	return install(code, 4, flags);
}

static void reap(void)
{
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

/* Actions that are none kill; USER_NOTIF and TRACE without anybody there are ENOSYS. */
static void odd_actions(void)
{
	static const uint32_t actions[] = { 0x00010000, 0x12340000, 0x7ffd0000, 0x80010000, 0xffffffff, 0x00020001 };

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		int status = IN_CHILD({
			if (on_call(SYS_getppid, actions[i], 0))
				_exit(1);
			syscall(SYS_getppid);
			_exit(2);
		});

		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "action %#x kills", actions[i]);
	}
	CHECK(IN_CHILD(_exit(on_call(SYS_getppid, SECCOMP_RET_USER_NOTIF, 0) || syscall(SYS_getppid) != -1 || errno != ENOSYS)) == 0,
	      "USER_NOTIF without a listener is ENOSYS");
	CHECK(IN_CHILD(_exit(on_call(SYS_getppid, SECCOMP_RET_TRACE | 7, 0) || syscall(SYS_getppid) != -1 || errno != ENOSYS)) == 0,
	      "TRACE without a tracer is ENOSYS");
	CHECK(IN_CHILD(_exit(on_call(SYS_getppid, SECCOMP_RET_ERRNO | 0xffff, 0) || syscall(SYS_getppid) != -1 || errno != 4095)) == 0,
	      "ERRNO goes to 4095");
}

/* As many and as long filters as Linux takes; each call runs all of them. */
static void long_chains(void)
{
	int status = IN_CHILD({
		static struct sock_filter code[BPF_MAXINSNS];
		int n = 0;

		for (int i = 0; i < BPF_MAXINSNS - 1; i++)
			code[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (i % 16) * 4);
		code[BPF_MAXINSNS - 1] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
		while (install(code, BPF_MAXINSNS, 0) == 0)
			n++;
		for (int i = 0; i < 50; i++)
			syscall(SYS_getppid);
		_exit(n < 2 || n > 8 || errno != ENOMEM);
	});

	CHECK(status == 0, "a chain that is too long is ENOMEM");
}

static void send_fd(int over, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	sendmsg(over, &m, 0);
}

static int receive_fd(int over)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(over, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

/* A child that sends its listener, keeps none, and makes the supervised call for ever. */
static pid_t target(int over)
{
	pid_t pid = fork();

	if (pid == 0) {
		int listener = on_call(SYS_getppid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);

		send_fd(over, listener);
		close(listener);
		while (syscall(SYS_getppid) != -1 || errno != ENOSYS)
			;
		_exit(0);
	}
	return pid;
}

/* The supervisor takes a notification, or none, and dies without an answer: the target gets ENOSYS. */
static void owner_dies(int round)
{
	int pair[2], status;
	pid_t supervised, owner;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	supervised = target(pair[1]);
	owner = fork();
	if (owner == 0) {
		struct seccomp_notif req = { 0 };
		int listener = receive_fd(pair[0]);

		if (round % 2 == 0)
			ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req);
		kill(getpid(), SIGKILL);
	}
	close(pair[0]);
	close(pair[1]);
	waitpid(owner, NULL, 0);
	CHECK(waitpid(supervised, &status, 0) == supervised && WIFEXITED(status), "round %d: a dead owner's target goes on", round);
}

/* The listener travels in a queue that nobody reads, and the queue goes. */
static void lost_on_the_way(void)
{
	int pair[2], status;
	pid_t supervised;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	supervised = target(pair[1]);
	poll(&(struct pollfd){ pair[0], POLLIN, 0 }, 1, -1);
	close(pair[0]);
	close(pair[1]);
	CHECK(waitpid(supervised, &status, 0) == supervised && WIFEXITED(status), "a listener that is lost in a queue is closed");
}

/* The target dies before, while and after its call is taken; every answer is about nobody. */
static void target_dies(int round)
{
	struct seccomp_notif req = { 0 };
	struct seccomp_notif_resp resp = { 0 };
	int pair[2], listener, fd = -1;
	pid_t supervised;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	supervised = target(pair[1]);
	listener = receive_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	if (round % 3 == 0) {
		kill(supervised, SIGKILL);
	} else if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) == 0) {
		struct seccomp_notif_addfd add = { .id = req.id, .srcfd = 0 };

		kill(supervised, SIGKILL);
		if (round % 3 == 2)
			waitpid(supervised, NULL, 0);
		fd = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
		resp.id = req.id;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
	reap();
	errno = 0;
	CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) == -1 && errno == ENOENT, "round %d: nobody to answer", round);
	CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &req.id) == -1, "round %d: the id is not valid", round);
	close(listener);
	(void)fd;
}

int main(void)
{
	tap_begin();
	alarm(60);
	odd_actions();
	long_chains();
	for (int i = 0; i < 6; i++)
		owner_dies(i);
	lost_on_the_way();
	for (int i = 0; i < 9; i++)
		target_dies(i);
	CHECK(IN_CHILD(_exit(5)) == EXITED(5), "it still forks, exits and waits");
	return tap_end();
}
