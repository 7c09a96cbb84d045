/* Structures that arguments point at: made in a buffer, then put into the arena. Other kinds get words that are often edges. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "fuzz.h"

#define IOVECS 6

union any {
	uint64_t words[64];
	char text[512];
	struct timespec ts[2];
	struct itimerspec its;
	struct itimerval itv;
	struct timeval tv[2];
	struct iovec iov[IOVECS];
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct pollfd poll[16];
	struct epoll_event event;
	struct sigevent sigevent;
	struct rlimit rlimit;
	struct open_how how;
	struct clone_args clone;
	struct sock_filter filter[16];
	uint64_t pointer[8];
};

static uint64_t buffer(struct gen *g) { return one_in(g, 10) ? arena_bad(g) : arena_noise(g, 128); }

/* Short, so that what waits comes back. */
static struct timespec a_time(struct gen *g)
{
	struct timespec t = { .tv_nsec = below(g, 3000000) };

	if (one_in(g, 6))
		t = (struct timespec){ (time_t)value_edge(g), (long)value_edge(g) };
	return t;
}

static size_t fill_times(struct gen *g, enum kind k, union any *u)
{
	struct timespec a = a_time(g), b = a_time(g);

	if (k == KIND_TIMEVAL_IN || k == KIND_TIMEVAL2_IN || k == KIND_ITIMERVAL_IN) {
		a.tv_nsec /= 1000;
		b.tv_nsec /= 1000;
	}
	u->ts[0] = a;
	u->ts[1] = b;
	return sizeof(u->ts);
}

static size_t fill_iovecs(struct gen *g, union any *u)
{
	for (int i = 0; i < IOVECS; i++)
		u->iov[i] = (struct iovec){ (void *)buffer(g), value_size(g) };
	return sizeof(u->iov);
}

static size_t fill_sockaddr(struct gen *g, union any *u)
{
	static const char *const names[] = { "sock", "\0abstract", "", "missing/sock", "f0" };
	const char *name = names[below(g, LENGTH(names))];

	memset(u, 0, sizeof(*u));
	switch (below(g, 4)) {
	case 0:
		u->un.sun_family = AF_UNIX;
		memcpy(u->un.sun_path, name, *name ? strlen(name) + 1 : 9);
		return sizeof(u->un);
	case 1:
		u->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(4444 + below(g, 3)) };
		u->in6.sin6_addr.s6_addr[15] = (uint8_t)below(g, 2);
		return sizeof(u->in6);
	default:
		u->in = (struct sockaddr_in){ .sin_family = one_in(g, 8) ? below(g, 50) : AF_INET, .sin_port = htons(4444 + below(g, 3)) };
		u->in.sin_addr.s_addr = htonl(one_in(g, 4) ? (uint32_t)value_edge(g) : INADDR_LOOPBACK);
		return sizeof(u->in);
	}
}

static uint64_t control_message(struct gen *g, size_t *size)
{
	struct {
		struct cmsghdr head;
		int fd[4];
	} c = { { sizeof(c), SOL_SOCKET, one_in(g, 3) ? (int)below(g, 5) : SCM_RIGHTS }, { 0 } };

	for (int i = 0; i < 4; i++)
		c.fd[i] = (int)value_fd(g);
	if (one_in(g, 4))
		c.head.cmsg_len = value_size(g);
	*size = one_in(g, 4) ? value_size(g) : sizeof(c);
	return arena_put(g, &c, sizeof(c));
}

static void one_message(struct gen *g, struct msghdr *m)
{
	union any u;
	size_t n = fill_sockaddr(g, &u);

	memset(m, 0, sizeof(*m));
	if (one_in(g, 3)) {
		m->msg_name = (void *)arena_put(g, &u, n);
		m->msg_namelen = one_in(g, 4) ? (uint32_t)value_size(g) : (uint32_t)n;
	}
	n = fill_iovecs(g, &u);
	m->msg_iov = (void *)arena_put(g, &u, n);
	m->msg_iovlen = one_in(g, 12) ? value_edge(g) : below(g, IOVECS + 1);
	if (one_in(g, 2))
		m->msg_control = (void *)control_message(g, &m->msg_controllen);
	m->msg_flags = (int)value_edge(g);
}

static uint64_t messages(struct gen *g, size_t count)
{
	struct mmsghdr m[4];

	for (size_t i = 0; i < count; i++) {
		one_message(g, &m[i].msg_hdr);
		m[i].msg_len = (uint32_t)value_edge(g);
	}
	return arena_put(g, m, count == 1 ? sizeof(m[0].msg_hdr) : count * sizeof(m[0]));
}

static size_t fill_polls(struct gen *g, union any *u)
{
	for (size_t i = 0; i < LENGTH(u->poll); i++)
		u->poll[i] = (struct pollfd){ (int)value_fd(g), (short)draw(g), (short)draw(g) };
	return sizeof(u->poll);
}

static size_t fill_strings(struct gen *g, union any *u)
{
	size_t n = below(g, 6);

	for (size_t i = 0; i < n; i++) {
		const char *s = pool_path(g);

		u->pointer[i] = one_in(g, 12) ? arena_bad(g) : arena_put(g, s, strlen(s) + 1);
	}
	u->pointer[n] = 0;
	return (n + 1) * sizeof(uint64_t);
}

static size_t fill_clone(struct gen *g, union any *u)
{
	memset(u, 0, sizeof(*u));
	u->clone.flags = one_in(g, 3) ? value_named(g, &names_clone_flags) : 0;
	u->clone.exit_signal = value_signal(g);
	for (int i = 0; i < 3; i++)
		if (one_in(g, 4))
			u->words[1 + below(g, 10)] = value_edge(g);
	return sizeof(u->clone);
}

/* For setsockopt, seccomp, ioctl and prctl: a pointer to a filter of classic BPF, valid more often than not by its shape alone. */
static size_t fill_filter(struct gen *g, union any *u)
{
	static const uint16_t codes[] = { 0x20, 0x28, 0x30, 0x40, 0x06, 0x15, 0x25, 0x35, 0x05, 0x00, 0x01, 0x02, 0x03, 0x60, 0x61, 0x04, 0x14, 0x24, 0x34, 0x54, 0x64, 0x74, 0x07, 0x87, 0xb1 };
	uint64_t program[2] = { 1 + below(g, 16) };

	for (size_t i = 0; i < 16; i++)
		u->filter[i] = (struct sock_filter){ codes[below(g, LENGTH(codes))], (uint8_t)below(g, 4), (uint8_t)below(g, 4), (uint32_t)(one_in(g, 3) ? value_edge(g) : below(g, 16) * 4) };
	u->filter[program[0] - 1] = (struct sock_filter){ 0x06, 0, 0, 0x7fff0000 };
	program[1] = arena_put(g, u, sizeof(u->filter));
	memcpy(u, program, sizeof(program));
	return sizeof(program);
}

static size_t fill_noise(struct gen *g, union any *u)
{
	for (size_t i = 0; i < 16; i++)
		u->words[i] = one_in(g, 6) ? buffer(g) : one_in(g, 3) ? value_fd(g) : value_edge(g);
	return 128;
}

static size_t fill(struct gen *g, enum kind k, union any *u)
{
	switch (k) {
	case KIND_TIMESPEC_IN:
	case KIND_TIMESPEC2_IN:
	case KIND_TIMEVAL_IN:
	case KIND_TIMEVAL2_IN:
	case KIND_ITIMERSPEC_IN:
	case KIND_ITIMERVAL_IN:
	case KIND_FUTEX_TIMEOUT:
		return fill_times(g, k, u);
	case KIND_IOVEC_IN:
	case KIND_IOVEC_OUT:
		return fill_iovecs(g, u);
	case KIND_SOCKADDR_IN:
		return fill_sockaddr(g, u);
	case KIND_POLLFDS:
		return fill_polls(g, u);
	case KIND_ARGV:
	case KIND_ENVP:
		return fill_strings(g, u);
	case KIND_CLONE_ARGS_IN:
		return fill_clone(g, u);
	case KIND_SOCKOPT_IN:
	case KIND_HEXNUM:
	case KIND_PRCTL_ARG:
		return one_in(g, 2) ? fill_filter(g, u) : fill_noise(g, u);
	case KIND_EPOLL_EVENT_IN:
		u->event = (struct epoll_event){ .events = (uint32_t)value_named(g, &names_epoll_events), .data.u64 = draw(g) };
		return sizeof(u->event);
	case KIND_SIGEVENT_IN:
		memset(u, 0, sizeof(*u));
		u->sigevent = (struct sigevent){ .sigev_signo = (int)value_signal(g), .sigev_notify = (int)below(g, 6) };
		return sizeof(u->sigevent);
	case KIND_RLIMIT_IN: /* high ones: low ones would end the run */
		u->rlimit = (struct rlimit){ 1000 + below(g, 1000), one_in(g, 3) ? value_edge(g) : 4096 };
		return sizeof(u->rlimit);
	case KIND_SOCKLEN_INOUT:
		u->words[0] = value_size(g);
		return 4;
	case KIND_OPEN_HOW_IN:
		memset(u, 0, sizeof(*u));
		u->how = (struct open_how){ value_named(g, &names_open_flags), one_in(g, 2) ? 0 : 0644, one_in(g, 2) ? 0 : value_named(g, &names_resolve_flags) };
		return sizeof(u->how);
	default:
		return fill_noise(g, u);
	}
}

static uint64_t string(struct gen *g)
{
	static const char *const names[] = { "user.a", "user.b", "system.posix_acl_access", "trusted.x", "security.selinux", "f0", "tmpfs", "proc", "q", "name", "" };
	const char *s = one_in(g, 4) ? pool_path(g) : names[below(g, LENGTH(names))];

	return arena_put(g, s, strlen(s) + 1);
}

uint64_t struct_of(struct gen *g, enum kind k, uint64_t selector)
{
	union any u;
	const char *path;

	if (one_in(g, 14))
		return arena_bad(g);
	switch (k) {
	case KIND_PATH:
		path = pool_path(g);
		return arena_put(g, path, strlen(path) + 1);
	case KIND_STR:
		return string(g);
	case KIND_MSGHDR_IN:
	case KIND_MSGHDR_OUT:
		return messages(g, 1);
	case KIND_MMSGHDR_IN:
	case KIND_MMSGHDR_OUT:
		return messages(g, 4);
	case KIND_BUF_IN:
	case KIND_BUF_OUT:
		return one_in(g, 3) ? buffer(g) : arena_noise(g, selector && selector < 512 ? selector : 512);
	default:
		return arena_put(g, &u, fill(g, k, &u));
	}
}
