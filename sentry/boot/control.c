/* The control protocol: packets and their checks. See control.h for what they mean. */
#define _GNU_SOURCE
#include "sentry/boot/control_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"

/* Type to body size: the whole truth about what a packet may look like. */
size_t control_body_size(uint32_t type)
{
	switch (type) {
	case CONTROL_BOOT:
	case CONTROL_EXEC:
		return CONTROL_TEXT_BODY;
	case CONTROL_SIGNAL:
		return sizeof(struct control_signal);
	case CONTROL_RESIZE:
		return sizeof(struct control_resize);
	case CONTROL_STARTED:
		return sizeof(struct control_started);
	case CONTROL_FAILED:
		return sizeof(struct control_failed);
	case CONTROL_DONE:
		return sizeof(struct control_done);
	case CONTROL_EXITED:
		return sizeof(struct control_exited);
	case CONTROL_STATS_IS:
	case CONTROL_END:
		return sizeof(struct control_stats);
	case CONTROL_DENIED:
		return sizeof(struct control_denied);
	case CONTROL_LIMIT:
		return sizeof(struct control_limit);
	case CONTROL_SYSCALLS:
		return sizeof(struct control_syscalls);
	case CONTROL_GAP:
		return sizeof(struct control_gap);
	default:
		return 0;
	}
}

bool control_known_type(uint32_t type)
{
	return (type >= CONTROL_BOOT && type <= CONTROL_KILL) || (type >= CONTROL_READY && type <= CONTROL_END);
}

/* --- sending --------------------------------------------------------------------------------------------------------- */

static int send_packet(int fd, struct control_header *head, const void *body, const int *fds, size_t nfds)
{
	char cbuf[CMSG_SPACE(CONTROL_MAX_FDS * sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov[2] = { { head, sizeof(*head) }, { (void *)(uintptr_t)body, head->body_len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = head->body_len ? 2 : 1 };

	head->magic = CONTROL_MAGIC;
	if (nfds) {
		msg.msg_control = cbuf;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	int64_t n = HOST_RETRY(sendmsg(fd, &msg, MSG_NOSIGNAL));
	if (n == -ECONNRESET)
		return -EPIPE;
	return n < 0 ? (int)n : 0;
}

static int send_plain(int fd, uint32_t type, uint32_t seq, const void *body)
{
	struct control_header head = { .type = type, .seq = seq, .body_len = (uint32_t)control_body_size(type) };

	return send_packet(fd, &head, body, NULL, 0);
}

static int text_memfd(const char *text, size_t len)
{
	int64_t fd = host_ret(memfd_create("picket-spec", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	if (fd < 0)
		return (int)fd;
	int64_t err = host_write_full((int)fd, text, len);

	if (err < 0) {
		close((int)fd);
		return (int)err;
	}
	fcntl((int)fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return (int)fd;
}

/* Sends JSON text with fds. fds[0] is free: there goes the memfd where one is needed. */
static int send_text(int fd, struct control_header *head, const char *text, int *fds, size_t nfds)
{
	AUTO_CLOSE int memfd = -1;
	size_t len = strlen(text);

	if (len > CONTROL_TEXT_MAX)
		return -E2BIG;
	head->text_len = (uint32_t)len;
	if (len <= CONTROL_INLINE_MAX) {
		head->body_len = (uint32_t)len;
		return send_packet(fd, head, text, fds + 1, nfds - 1);
	}
	memfd = text_memfd(text, len);
	if (memfd < 0)
		return memfd;
	head->in_memfd = 1;
	fds[0] = memfd;
	return send_packet(fd, head, NULL, fds, nfds);
}

static size_t push_stdio(struct control_header *head, int *fds, size_t n, const int stdio[3])
{
	for (int i = 0; i < 3; i++) {
		if (stdio[i] < 0)
			continue;
		head->stdio |= (uint8_t)(1u << i);
		fds[n++] = stdio[i];
	}
	return n;
}

int control_send_boot(int fd, uint32_t seq, const struct boot_spec *spec, const struct control_boot_fds *boot)
{
	struct control_header head = { .type = CONTROL_BOOT, .seq = seq, .has_log = boot->log >= 0 };
	int fds[CONTROL_MAX_FDS];
	size_t n = push_stdio(&head, fds, 1, boot->stdio);

	if (boot->gofer_count > CONTROL_MAX_GOFER_FDS)
		return -E2BIG;
	if (boot->log >= 0)
		fds[n++] = boot->log;
	memcpy(fds + n, boot->gofer, boot->gofer_count * sizeof(int));
	AUTO_FREE char *text = boot_spec_encode(spec);
	return text ? send_text(fd, &head, text, fds, n + boot->gofer_count) : -ENOMEM;
}

int control_send_exec(int fd, uint32_t seq, const struct boot_process *process, const int stdio[3])
{
	struct control_header head = { .type = CONTROL_EXEC, .seq = seq };
	int fds[4];
	size_t n = push_stdio(&head, fds, 1, stdio);
	AUTO_FREE char *text = boot_process_encode(process);

	return text ? send_text(fd, &head, text, fds, n) : -ENOMEM;
}

int control_send_start(int fd, uint32_t seq)
{
	return send_plain(fd, CONTROL_START, seq, NULL);
}

int control_send_stats(int fd, uint32_t seq)
{
	return send_plain(fd, CONTROL_STATS, seq, NULL);
}

int control_send_kill(int fd, uint32_t seq)
{
	return send_plain(fd, CONTROL_KILL, seq, NULL);
}

int control_send_signal(int fd, uint32_t seq, int32_t pid, int32_t signo)
{
	return send_plain(fd, CONTROL_SIGNAL, seq, &(struct control_signal){ .pid = pid, .signo = signo });
}

int control_send_resize(int fd, uint32_t seq, uint32_t rows, uint32_t columns)
{
	return send_plain(fd, CONTROL_RESIZE, seq, &(struct control_resize){ .rows = rows, .columns = columns });
}

int control_send_ready(int fd, uint32_t seq)
{
	return send_plain(fd, CONTROL_READY, seq, NULL);
}

int control_send_started(int fd, uint32_t seq, int32_t pid)
{
	return send_plain(fd, CONTROL_STARTED, seq, &(struct control_started){ .pid = pid });
}

int control_send_failed(int fd, uint32_t seq, int32_t err, enum control_stage stage, const char *fmt, ...)
{
	struct control_failed failed = { .err = err, .stage = stage };
	va_list args;

	va_start(args, fmt);
	vsnprintf(failed.text, sizeof(failed.text), fmt, args);
	va_end(args);
	return send_plain(fd, CONTROL_FAILED, seq, &failed);
}

int control_send_done(int fd, uint32_t seq, int32_t err)
{
	return send_plain(fd, CONTROL_DONE, seq, &(struct control_done){ .err = err });
}

int control_send_stats_is(int fd, uint32_t seq, const struct control_stats *stats)
{
	return send_plain(fd, CONTROL_STATS_IS, seq, stats);
}

int control_send_exited(int fd, const struct control_exited *exited)
{
	return send_plain(fd, CONTROL_EXITED, 0, exited);
}

int control_send_denied(int fd, const struct control_denied *denied)
{
	return send_plain(fd, CONTROL_DENIED, 0, denied);
}

int control_send_limit(int fd, const struct control_limit *limit)
{
	return send_plain(fd, CONTROL_LIMIT, 0, limit);
}

int control_send_syscalls(int fd, const struct control_syscalls *rows)
{
	return send_plain(fd, CONTROL_SYSCALLS, 0, rows);
}

int control_send_gap(int fd, const struct control_gap *gap)
{
	return send_plain(fd, CONTROL_GAP, 0, gap);
}

int control_send_end(int fd, const struct control_stats *stats)
{
	return send_plain(fd, CONTROL_END, 0, stats);
}

const char *control_denied_name(uint32_t what)
{
	static const char *const names[] = { "exec", "mmap", "mprotect", "preload", "write" };

	return what < ARRAY_LEN(names) ? names[what] : "unknown";
}
