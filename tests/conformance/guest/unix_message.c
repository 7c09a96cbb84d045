/* Datagrams, sequenced packets, passed descriptors and credentials, many messages at once. */
#include "../tap.h"

#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

union control {
	char bytes[CMSG_SPACE(16 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

static struct sockaddr_un name_of(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	strcpy(sun.sun_path, path);
	return sun;
}

static int bound(int type, const char *path)
{
	struct sockaddr_un sun = name_of(path);
	int fd = socket(AF_UNIX, type, 0);

	return bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? fd : -1;
}

static ssize_t send_fds(int sock, const int *fds, int n, const char *text)
{
	union control control = {0};
	struct iovec iov = {(void *)text, strlen(text)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return sendmsg(sock, &msg, 0);
}

/* The passed fds; *n is room and then number. */
static ssize_t receive_fds(int sock, int *fds, int *n, int flags, int *msg_flags)
{
	union control control = {0};
	char text[64];
	struct iovec iov = {text, sizeof(text)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes};
	struct cmsghdr *c;
	ssize_t got;

	msg.msg_controllen = *n ? CMSG_LEN(*n * sizeof(int)) : 0;
	got = recvmsg(sock, &msg, flags);
	*n = 0;
	*msg_flags = msg.msg_flags;
	c = CMSG_FIRSTHDR(&msg);
	if (got >= 0 && c && c->cmsg_type == SCM_RIGHTS) {
		*n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), *n * sizeof(int));
	}
	return got;
}

static void datagrams(void)
{
	int server = bound(SOCK_DGRAM, "server"), client = bound(SOCK_DGRAM, "client"), other = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un to = name_of("server"), from, none = name_of("none");
	socklen_t len = sizeof(from);
	char buf[64];

	CHECK(server >= 0 && client >= 0, "two bound datagram sockets");
	CHECK_EQ(sendto(client, "one", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3, "sendto");
	CHECK_EQ(sendto(client, "", 0, 0, (struct sockaddr *)&to, sizeof(to)), 0, "an empty datagram");
	CHECK_EQ(sendto(client, "three", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5, "a third");
	CHECK_EQ(recvfrom(server, buf, 64, 0, (struct sockaddr *)&from, &len), 3, "recvfrom keeps borders");
	CHECK_STR(from.sun_path, "client", "and names the sender");
	CHECK_EQ(recv(server, buf, 64, 0), 0, "the empty one");
	CHECK_EQ(recv(server, buf, 2, MSG_TRUNC | MSG_PEEK), 5, "MSG_TRUNC gives the true length");
	CHECK_EQ(recv(server, buf, 2, 0), 2, "a short read");
	CHECK_ERRNO(recv(server, buf, 64, MSG_DONTWAIT), EAGAIN);
	CHECK_OK(connect(client, (struct sockaddr *)&to, sizeof(to)));
	CHECK_EQ(send(client, "conn", 4, 0), 4, "a connected datagram socket");
	CHECK_EQ(recv(server, buf, 64, 0), 4, "reaches its peer");
	CHECK_ERRNO(send(server, "x", 1, 0), ENOTCONN);
	CHECK_ERRNO(sendto(server, "x", 1, 0, (struct sockaddr *)&none, sizeof(none)), ENOENT);
	CHECK_EQ(sendto(other, "anon", 4, 0, (struct sockaddr *)&to, sizeof(to)), 4, "from an unnamed socket");
	len = sizeof(from);
	CHECK(recvfrom(server, buf, 64, 0, (struct sockaddr *)&from, &len) == 4 && len == 0, "the sender has no name");
	close(server);
	CHECK_ERRNO(send(client, "x", 1, 0), ECONNREFUSED);
	CHECK_ERRNO(sendto(other, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), ECONNREFUSED);
	close(client);
	close(other);
}

static void packets(void)
{
	int sv[2], big_fd[2];
	static char big[1 << 20];
	char buf[64];

	CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv));
	CHECK(send(sv[0], "first", 5, 0) == 5 && send(sv[0], "second", 6, 0) == 6, "two packets");
	CHECK_EQ(recv(sv[1], buf, 64, 0), 5, "keep their borders");
	CHECK_EQ(recv(sv[1], buf, 3, 0), 3, "a short read");
	CHECK_ERRNO(recv(sv[1], buf, 64, MSG_DONTWAIT), EAGAIN);
	close(sv[0]);
	CHECK_EQ(recv(sv[1], buf, 64, 0), 0, "the end");
	close(sv[1]);
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, big_fd));
	CHECK_ERRNO(send(big_fd[0], big, sizeof(big), 0), EMSGSIZE);
	CHECK_EQ(send(big_fd[0], big, 65536, 0), 65536, "64 KiB in one datagram");
	CHECK_EQ(recv(big_fd[1], big, sizeof(big), 0), 65536, "arrive");
	close(big_fd[0]);
	close(big_fd[1]);
}

static void rights(int type)
{
	int sv[2], p[2], got[16], n, flags, file = open("passed", O_RDWR | O_CREAT | O_TRUNC, 0600), ten[10], i;
	char buf[8];

	CHECK_OK(socketpair(AF_UNIX, type, 0, sv));
	CHECK_OK(pipe(p));
	CHECK_EQ(send_fds(sv[0], &p[1], 1, "w"), 1, "send a pipe's end");
	close(p[1]);
	n = 4;
	CHECK(receive_fds(sv[1], got, &n, 0, &flags) == 1 && n == 1, "it arrives");
	CHECK(write(got[0], "hi", 2) == 2 && read(p[0], buf, 8) == 2, "and works");
	CHECK_EQ(fcntl(got[0], F_GETFD), 0, "without close-on-exec");
	close(got[0]);
	CHECK_EQ(read(p[0], buf, 8), 0, "it was the last writer");
	CHECK_EQ(send_fds(sv[0], &file, 1, "f"), 1, "send a file");
	n = 1;
	receive_fds(sv[1], got, &n, MSG_CMSG_CLOEXEC, &flags);
	CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC, "MSG_CMSG_CLOEXEC");
	CHECK(write(got[0], "abc", 3) == 3 && lseek(file, 0, SEEK_CUR) == 3, "a passed file shares its offset");
	close(got[0]);
	for (i = 0; i < 10; i++)
		ten[i] = p[0];
	CHECK_EQ(send_fds(sv[0], ten, 10, "t"), 1, "ten at once");
	n = 10;
	CHECK(receive_fds(sv[1], got, &n, 0, &flags) == 1 && n == 10 && !(flags & MSG_CTRUNC), "arrive");
	for (i = 0; i < n; i++)
		close(got[i]);
	CHECK_EQ(send_fds(sv[0], ten, 3, "c"), 1, "three");
	n = 1;
	CHECK(receive_fds(sv[1], got, &n, 0, &flags) == 1 && n == 1 && (flags & MSG_CTRUNC), "room for one: MSG_CTRUNC");
	close(got[0]);
	send_fds(sv[0], ten, 1, "z");
	n = 0;
	CHECK(receive_fds(sv[1], got, &n, 0, &flags) == 1 && (flags & MSG_CTRUNC), "no room: MSG_CTRUNC");
	CHECK_ERRNO(send_fds(sv[0], &(int){999}, 1, "b"), EBADF);
	CHECK_EQ(send_fds(sv[0], &sv[0], 1, "s"), 1, "a socket over itself");
	n = 1;
	CHECK(receive_fds(sv[1], got, &n, 0, &flags) == 1 && n == 1, "arrives");
	CHECK(send(got[0], "via", 3, 0) == 3 && recv(sv[1], buf, 8, 0) == 3, "and works");
	close(got[0]);
	CHECK_EQ(send_fds(sv[0], &p[0], 1, "k"), 1, "peeking at a message with an fd");
	n = 1;
	CHECK(receive_fds(sv[1], got, &n, MSG_PEEK, &flags) == 1 && n == 1, "gives one");
	close(got[0]);
	n = 1;
	CHECK(receive_fds(sv[1], got, &n, 0, &flags) == 1 && n == 1, "and the read gives another");
	close(got[0]);
	send_fds(sv[0], &sv[1], 1, "cycle");
	close(sv[0]);
	close(sv[1]);
	close(p[0]);
	close(file);
}

static void across_processes(void)
{
	int sv[2], n = 1, fd, flags;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK_CHILD("a child sends a file that only it has", int own = open("own", O_RDWR | O_CREAT, 0600);
		    MUST(write(own, "child's", 7) == 7); MUST(send_fds(sv[1], &own, 1, "x") == 1));
	CHECK(receive_fds(sv[0], &fd, &n, 0, &flags) == 1 && n == 1, "after its end the parent receives it");
	char buf[8] = "";
	CHECK(pread(fd, buf, 7, 0) == 7 && !strcmp(buf, "child's"), "and reads it");
	close(fd);
	close(sv[0]);
	close(sv[1]);
}

static void credentials(void)
{
	union control control = {0};
	struct ucred *cred, mine = {getpid(), getuid(), getgid()}, forged = {getpid(), getuid() + 1, getgid()};
	char c;
	struct iovec iov = {&c, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	int sv[2], on = 1, i;

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	CHECK_OK(setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	CHECK_EQ(send(sv[0], "x", 1, 0), 1, "a plain send");
	CHECK_EQ(recvmsg(sv[1], &msg, 0), 1, "with SO_PASSCRED at the receiver");
	header = CMSG_FIRSTHDR(&msg);
	CHECK(header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS, "carries SCM_CREDENTIALS");
	cred = (struct ucred *)CMSG_DATA(header);
	CHECK(cred->pid == getpid() && cred->uid == getuid() && cred->gid == getgid(), "pid, uid and gid of the sender");
	for (i = 0; i < 2; i++) {
		memset(&control, 0, sizeof(control));
		msg.msg_controllen = CMSG_SPACE(sizeof(struct ucred));
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_CREDENTIALS;
		header->cmsg_len = CMSG_LEN(sizeof(struct ucred));
		memcpy(CMSG_DATA(header), i ? &forged : &mine, sizeof(mine));
		if (i == 0)
			CHECK_EQ(sendmsg(sv[0], &msg, 0), 1, "the own credentials may be written");
		else if (!tap_is_root())
			CHECK_ERRNO(sendmsg(sv[0], &msg, 0), EPERM);
	}
	header->cmsg_type = 77;
	CHECK_ERRNO(sendmsg(sv[0], &msg, 0), EINVAL);
	header->cmsg_len = 3;
	CHECK_ERRNO(sendmsg(sv[0], &msg, 0), EINVAL);
	close(sv[0]);
	close(sv[1]);
}

static void many(void)
{
	struct mmsghdr out[3] = {0}, in[3] = {0};
	char text[3][8] = {"a", "bb", "ccc"}, buf[3][8];
	struct iovec oiov[3], iiov[3];
	int sv[2], i;

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	for (i = 0; i < 3; i++) {
		oiov[i] = (struct iovec){text[i], i + 1};
		iiov[i] = (struct iovec){buf[i], 8};
		out[i].msg_hdr = (struct msghdr){.msg_iov = &oiov[i], .msg_iovlen = 1};
		in[i].msg_hdr = (struct msghdr){.msg_iov = &iiov[i], .msg_iovlen = 1};
	}
	CHECK_EQ(sendmmsg(sv[0], out, 3, 0), 3, "sendmmsg");
	CHECK(out[0].msg_len == 1 && out[2].msg_len == 3, "with each length");
	CHECK_EQ(recvmmsg(sv[1], in, 2, 0, NULL), 2, "recvmmsg of two");
	CHECK(in[0].msg_len == 1 && in[1].msg_len == 2 && !memcmp(buf[1], "bb", 2), "in order");
	CHECK_EQ(recvmmsg(sv[1], in, 3, MSG_DONTWAIT, NULL), 1, "what is there");
	CHECK_ERRNO(recvmmsg(sv[1], in, 3, MSG_DONTWAIT, NULL), EAGAIN);
	sendmmsg(sv[0], out, 1, 0);
	CHECK_EQ(recvmmsg(sv[1], in, 3, MSG_WAITFORONE, NULL), 1, "MSG_WAITFORONE");
	CHECK_ERRNO(sendmsg(sv[0], (void *)8, 0), EFAULT);
	CHECK_ERRNO(recvmsg(sv[1], (void *)8, MSG_DONTWAIT), EFAULT);
	out[0].msg_hdr.msg_iovlen = 2000;
	CHECK_ERRNO(sendmsg(sv[0], &out[0].msg_hdr, 0), EMSGSIZE);
	close(sv[0]);
	close(sv[1]);
}

int main(void)
{
	tap_begin();
	datagrams();
	packets();
	rights(SOCK_STREAM);
	rights(SOCK_DGRAM);
	rights(SOCK_SEQPACKET);
	across_processes();
	credentials();
	many();
	return tap_end();
}
