/*
 * A client that says anything to a gofer: two roots, one of them read-only, a file beside them that must stay as it is. An input is a
 * row of packets, each led by two bytes of length; a byte after that is an op, so that mutation finds the real ones soon.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/gofer.h"
#include "gofer/serve.h"

#define PACKETS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct server server;
static struct call call;
static char top[200]; /* below $FUZZ_DIR, which the script removes afterwards */

static int make_dir(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	mkdir(path, 0755);
	return open(path, O_PATH | O_CLOEXEC);
}

static void put(const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct gofer_config cfg;

	(void)argc;
	(void)argv;
	snprintf(top, sizeof(top), "%.180s/gofer-XXXXXX", getenv("FUZZ_DIR") ? getenv("FUZZ_DIR") : "/tmp");
	if (!mkdtemp(top))
		abort();
	gofer_config_init(&cfg);
	cfg.roots = 2;
	cfg.no_clone = cfg.unlocked = true;
	cfg.root[0].fd = make_dir("rw");
	cfg.root[1].fd = make_dir("ro");
	cfg.root[1].flags = GOFER_ROOT_READONLY | GOFER_ROOT_NOEXEC;
	put("canary", "untouched");
	put("ro/file", "untouched");
	put("rw/file", "text");
	if (roots_prepare(&cfg, server.root) < 0 || handles_init(&server.handles, 64) < 0)
		abort();
	server.roots = cfg.roots;
	server.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static void check_untouched(const char *name)
{
	char path[300], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof(text), f) || strcmp(text, "untouched") != 0)
		abort();
	fclose(f);
}

/* The fields that the server insists on are put right, so that what is behind them is reached. */
static size_t packet(uint8_t *out, const uint8_t *data, size_t size)
{
	struct gofer_request r = { 0 };
	size_t n = size < sizeof(r) ? size : sizeof(r);

	memcpy(&r, data, n);
	r.len = (uint32_t)(size > sizeof(r) ? size : sizeof(r));
	r.op %= GOFER_OP_COUNT;
	r.handle %= 16;
	memcpy(out, &r, sizeof(r));
	if (size > sizeof(r))
		memcpy(out + sizeof(r), data + sizeof(r), size - sizeof(r));
	return r.len;
}

static int drain(int fd)
{
	static uint8_t reply[GOFER_REPLY_MAX];
	_Alignas(struct cmsghdr) char control[64];
	struct iovec iov = { .iov_base = reply, .iov_len = sizeof(reply) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int got = 0;

	while (recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) > 0) {
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		if (c && c->cmsg_type == SCM_RIGHTS) {
			int fds[1];

			memcpy(fds, CMSG_DATA(c), sizeof(fds));
			close(fds[0]);
		}
		msg.msg_controllen = sizeof(control);
		got++;
	}
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[GOFER_REQUEST_MAX];
	int pair[2], room = 4 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	for (int i = 0; i < PACKETS && size > 2; i++) {
		size_t n = (size_t)(data[0] | data[1] << 8) % 2048;

		data += 2;
		size -= 2;
		if (n > size)
			n = size;
		(void)send(pair[0], out, packet(out, data, n), MSG_DONTWAIT | MSG_NOSIGNAL);
		data += n;
		size -= n;
	}
	shutdown(pair[0], SHUT_WR);
	serve_channel(&server, pair[1], &call);
	drain(pair[0]);
	close(pair[0]);
	/* Afresh for each input, so that one input always means the same. */
	handles_destroy(&server.handles);
	if (handles_init(&server.handles, 64) < 0)
		abort();
	check_untouched("canary");
	check_untouched("ro/file");
	return 0;
}
