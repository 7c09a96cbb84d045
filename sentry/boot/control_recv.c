/* The receiving half of the control protocol: nothing of a packet is believed before its size, type and strings are checked. */
#define _GNU_SOURCE
#include "sentry/boot/control_wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"

/* One packet as it came, before it is judged. */
struct packet {
	struct control_header head;
	union {
		char text[CONTROL_INLINE_MAX];
		struct control_syscalls syscalls; /* the largest fixed body */
	} body;
	size_t body_len;
	int fds[CONTROL_MAX_FDS];
	size_t nfds, fds_used;
};

static void packet_close(struct packet **pp)
{
	struct packet *p = *pp;

	if (!p)
		return;
	for (size_t i = p->fds_used; i < p->nfds; i++)
		close(p->fds[i]);
	mem_free(p);
}

static void take_fds(struct packet *p, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		memcpy(p->fds + p->nfds, CMSG_DATA(c), n * sizeof(int)); /* the buffer has room for no more than fds[] */
		p->nfds += n;
	}
}

static int bad(char *why, size_t why_len, const char *text)
{
	snprintf(why, why_len, "%s", text);
	return -EBADMSG;
}

static int recv_packet(int fd, int flags, struct packet *p, char *why, size_t why_len)
{
	char cbuf[CMSG_SPACE(CONTROL_MAX_FDS * sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov[2] = { { &p->head, sizeof(p->head) }, { &p->body, sizeof(p->body) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = cbuf, .msg_controllen = sizeof(cbuf) };
	int64_t n = HOST_RETRY(recvmsg(fd, &msg, flags | MSG_CMSG_CLOEXEC));

	if (n == -ECONNRESET) /* the other side died with messages of ours unread. Said once, before what it had sent: that comes now */
		n = HOST_RETRY(recvmsg(fd, &msg, flags | MSG_CMSG_CLOEXEC));
	if (n == 0 || n == -ECONNRESET)
		return -EPIPE;
	if (n < 0)
		return (int)n;
	take_fds(p, &msg);
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return bad(why, why_len, "a control message that is too long");
	if ((size_t)n < sizeof(p->head) || p->head.magic != CONTROL_MAGIC || !control_known_type(p->head.type))
		return bad(why, why_len, "a control message of no known type");
	p->body_len = (size_t)n - sizeof(p->head);
	size_t want = control_body_size(p->head.type);
	if (p->body_len != p->head.body_len || (want != CONTROL_TEXT_BODY && p->body_len != want))
		return bad(why, why_len, "a control message of the wrong size");
	if (want != CONTROL_TEXT_BODY && p->nfds)
		return bad(why, why_len, "a control message with fds that it may not have");
	return 0;
}

/* The JSON text of a BOOT or EXEC: in the body, or in the memfd that comes first. A copy either way. */
static char *packet_text(struct packet *p)
{
	uint32_t len = p->head.text_len;
	if (len > CONTROL_TEXT_MAX || (!p->head.in_memfd && len != p->body_len) || (p->head.in_memfd && !p->nfds))
		return NULL;
	if (!p->head.in_memfd)
		return mem_dup(p->body.text, len);
	AUTO_CLOSE int memfd = p->fds[p->fds_used++];
	char *text = mem_alloc(len + 1);

	if (text && pread(memfd, text, len, 0) != (ssize_t)len) {
		mem_free(text);
		return NULL;
	}
	return text;
}

/* Sorts the fds into their places. False when there are fewer or more than the header promises. */
static bool place_fds(struct packet *p, struct control_boot_fds *fds)
{
	for (int i = 0; i < 3; i++) {
		if (!(p->head.stdio >> i & 1))
			continue;
		if (p->fds_used == p->nfds)
			return false;
		fds->stdio[i] = p->fds[p->fds_used++];
	}
	if (p->head.has_log) {
		if (p->fds_used == p->nfds)
			return false;
		fds->log = p->fds[p->fds_used++];
	}
	if (p->nfds - p->fds_used > (p->head.type == CONTROL_BOOT ? CONTROL_MAX_GOFER_FDS : 0))
		return false;
	while (p->fds_used < p->nfds)
		fds->gofer[fds->gofer_count++] = p->fds[p->fds_used++];
	return true;
}

static int judge_text(struct packet *p, struct control_msg *msg, char *why, size_t why_len)
{
	AUTO_FREE char *text = packet_text(p);
	if (!text)
		return bad(why, why_len, "a control message whose text cannot be read");
	if (!place_fds(p, &msg->fds))
		return bad(why, why_len, "a control message with the wrong number of fds");
	int err = msg->type == CONTROL_BOOT ? boot_spec_decode(text, p->head.text_len, &msg->spec, why, why_len) :
					      boot_process_decode(text, p->head.text_len, &msg->process, why, why_len);
	return err == -EINVAL ? -EBADMSG : err;
}

#define TERMINATED(s) (memchr((s), '\0', sizeof(s)) != NULL)

/* Enums in range and strings that end: the body can be used without a second look. */
static bool body_sound(const struct control_msg *msg)
{
	switch (msg->type) {
	case CONTROL_FAILED:
		return msg->failed.err < 0 && msg->failed.stage <= CONTROL_STAGE_INTERNAL && TERMINATED(msg->failed.text);
	case CONTROL_DENIED:
		return msg->denied.what <= CONTROL_DENIED_WRITE && TERMINATED(msg->denied.program) &&
		       TERMINATED(msg->denied.file) && TERMINATED(msg->denied.mount) && TERMINATED(msg->denied.rule);
	case CONTROL_LIMIT:
		return msg->limit.what <= CONTROL_LIMIT_PIDS;
	case CONTROL_GAP:
		for (int i = 0; i < CONTROL_GAP_NEXT; i++)
			if (!TERMINATED(msg->gap.next[i]))
				return false;
		return msg->gap.kind <= CONTROL_GAP_FILE && TERMINATED(msg->gap.program) && TERMINATED(msg->gap.text);
	case CONTROL_SYSCALLS:
		if (msg->syscalls.count > CONTROL_SYSCALL_ROWS)
			return false;
		for (uint32_t i = 0; i < msg->syscalls.count; i++)
			if (!TERMINATED(msg->syscalls.row[i].name))
				return false;
		return true;
	default:
		return true;
	}
}

static int judge(struct packet *p, struct control_msg *msg, char *why, size_t why_len)
{
	msg->type = (enum control_type)p->head.type;
	msg->seq = p->head.seq;
	if (control_body_size(p->head.type) == CONTROL_TEXT_BODY)
		return judge_text(p, msg, why, why_len);
	/* Every fixed body is the union member of its type, and the union is as large as the largest. */
	memcpy(&msg->syscalls, &p->body, p->body_len);
	return body_sound(msg) ? 0 : bad(why, why_len, "a control message with a value out of range");
}

int control_recv(int fd, int flags, struct control_msg *msg, char *why, size_t why_len)
{
	__attribute__((cleanup(packet_close))) struct packet *p = mem_alloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->nfds = p->fds_used = 0;
	memset(msg, 0, offsetof(struct control_msg, syscalls) + sizeof(void *));
	msg->fds.stdio[0] = msg->fds.stdio[1] = msg->fds.stdio[2] = msg->fds.log = -1;

	int err = recv_packet(fd, flags, p, why, why_len);
	if (!err)
		err = judge(p, msg, why, why_len);
	if (err && err != -EPIPE && err != -EAGAIN)
		control_msg_free(msg);
	return err;
}

void control_msg_free(struct control_msg *msg)
{
	for (int i = 0; i < 3; i++)
		host_close(&msg->fds.stdio[i]);
	host_close(&msg->fds.log);
	for (size_t i = 0; i < msg->fds.gofer_count; i++)
		host_close(&msg->fds.gofer[i]);
	msg->fds.gofer_count = 0;
	if (msg->type == CONTROL_BOOT) {
		boot_spec_free(msg->spec);
		msg->spec = NULL;
	} else if (msg->type == CONTROL_EXEC) {
		boot_process_free(msg->process);
		msg->process = NULL;
	}
}
