/* The host calls of the platform that have no better home. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "platform/platform_impl.h"

pid_t host_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

int host_tgkill(pid_t tgid, pid_t tid, int sig)
{
	return (int)host_ret(syscall(SYS_tgkill, tgid, tid, sig));
}

void host_futex_wait(uint32_t *word, uint32_t expected)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void host_futex_wait_for(uint32_t *word, uint32_t expected, int64_t us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, us < 0 ? NULL : &ts, NULL, 0);
}

void host_futex_wake(uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/* Capabilities are a thread's own: every thread of the platform drops its own, before it does anything else. */
int host_drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	return (int)host_ret(syscall(SYS_capset, &header, none));
}

int host_pin(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return (int)host_ret(sched_setaffinity(tid, sizeof(set), &set));
}

/* The host keeps the cpuset's bounds itself: asking for all gives all that are allowed. */
int host_unpin(pid_t tid)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	return (int)host_ret(sched_setaffinity(tid, sizeof(set), &set));
}

int host_cpus(int *cpus, int max)
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	for (int i = 0; i < CPU_SETSIZE && n < max; i++)
		if (CPU_ISSET((size_t)i, &set))
			cpus[n++] = i;
	return n;
}

union fd_message {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int host_send_fd(int sock, int fd, int64_t value)
{
	struct iovec v = { &value, sizeof(value) };
	union fd_message control = { { 0 } };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	int64_t n = HOST_RETRY(sendmsg(sock, &m, MSG_NOSIGNAL));

	return n < 0 ? (int)n : 0;
}

int host_receive_fd(int sock, int *fd, int64_t *value)
{
	struct iovec v = { value, sizeof(*value) };
	union fd_message control;
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	int64_t n = HOST_RETRY(recvmsg(sock, &m, MSG_CMSG_CLOEXEC));

	*fd = -1;
	if (n != (int64_t)sizeof(*value))
		return n < 0 ? (int)n : -EPIPE;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return 0;
}

int64_t host_ptrace(int request, pid_t tid, uint64_t addr, uint64_t data)
{
	return host_ret(syscall(SYS_ptrace, (long)request, (long)tid, addr, data));
}
