/* netlink.h: asking the kernel over netlink, and reading its answers. Include it after tap.h. */
#ifndef PICKET_NETLINK_H
#define PICKET_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static char buf[65536] __attribute__((aligned(8)));

TAP_FN int nl_open(int protocol)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd >= 0 && bind(fd, (void *)&a, sizeof(a)) < 0)
		return -1;
	return fd;
}

TAP_FN ssize_t ask(int fd, int type, int flags, const void *body, size_t len)
{
	struct {
		struct nlmsghdr h;
		char body[256];
	} m = { .h = { .nlmsg_len = NLMSG_LENGTH(len), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 77 } };

	memcpy(m.body, body, len);
	return send(fd, &m, m.h.nlmsg_len, 0);
}

/* The error of the next message, 1 for another message than an error. */
TAP_FN int next_error(int fd)
{
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	struct nlmsghdr *h = (void *)buf;

	if (n < (ssize_t)sizeof(*h))
		return -10000;
	return h->nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)NLMSG_DATA(h))->error : 1;
}

TAP_FN void *attr(struct nlmsghdr *h, size_t fixed, int type, int *len)
{
	struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(fixed));
	int left = (int)(h->nlmsg_len - NLMSG_LENGTH(fixed));

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if ((a->rta_type & 0x3fff) == type) {
			*len = (int)RTA_PAYLOAD(a);
			return RTA_DATA(a);
		}
	*len = -1;
	return NULL;
}

#endif
