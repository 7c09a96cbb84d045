/*
 * The configuration's way from the runtime to the gofer: one SOCK_SEQPACKET message, a fixed part a root and a channel,
 * the paths behind, the fds attached in order (roots that have one, then channels, then the log). Both sides check the
 * same rules.
 */
#include "gofer/gofer.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "gofer/wire.h"

#define MAGIC	    0x47464331u /* "1CFG" */
#define FDS_MAX	    253		/* the kernel's SCM_MAX_FD */
#define MESSAGE_MAX (128u * 1024)

_Static_assert(GOFER_ROOTS_MAX + GOFER_CHANNELS_MAX + 1 <= FDS_MAX, "one message carries all fds");

struct wire_root {
	char name[GOFER_ROOT_NAME_MAX + 1];
	uint32_t flags;
	uint32_t path_len; /* 0: an fd is attached */
};

struct wire_config {
	uint32_t magic;
	uint32_t roots, channels;
	uint32_t has_log;
	int32_t log_level, log_format;
	uint32_t max_handles;
	uint32_t options;
	int32_t cpu[GOFER_CHANNELS_MAX];
	struct wire_root root[GOFER_ROOTS_MAX];
	/* the paths follow, without NULs */
};

#define OPTION_NO_CLONE 1u
#define OPTION_UNLOCKED 2u

void gofer_config_init(struct gofer_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	for (int i = 0; i < GOFER_ROOTS_MAX; i++)
		cfg->root[i].fd = cfg->root[i].index = -1;
	for (int i = 0; i < GOFER_CHANNELS_MAX; i++)
		cfg->channel[i] = (struct gofer_channel){ .fd = -1, .cpu = -1 };
	cfg->lifeline = -1;
	cfg->log_fd = -1;
}

void gofer_config_clear(struct gofer_config *cfg)
{
	for (int i = 0; i < GOFER_ROOTS_MAX; i++) {
		host_close(&cfg->root[i].fd);
		host_close(&cfg->root[i].index);
		mem_free(cfg->root[i].path);
	}
	for (int i = 0; i < GOFER_CHANNELS_MAX; i++)
		host_close(&cfg->channel[i].fd);
	host_close(&cfg->lifeline);
	host_close(&cfg->log_fd);
	gofer_config_init(cfg);
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static bool root_valid(const struct gofer_root *r)
{
	size_t n = strnlen(r->name, sizeof(r->name));

	if (n == 0 || n == sizeof(r->name) || r->flags & ~GOFER_ROOT_FLAGS)
		return false;
	if ((r->flags & GOFER_ROOT_IMMUTABLE) && (r->flags & GOFER_ROOT_EXCLUSIVE))
		return false;
	if (r->fd >= 0)
		return !r->path;
	return r->path && r->path[0] == '/' && strlen(r->path) <= GOFER_ROOT_PATH_MAX;
}

static bool config_valid(const struct gofer_config *cfg)
{
	if (cfg->roots < 0 || cfg->roots > GOFER_ROOTS_MAX || cfg->channels < 1 || cfg->channels > GOFER_CHANNELS_MAX)
		return false;
	if (cfg->log_level < LOG_ERROR || cfg->log_level > LOG_DEBUG ||
	    (cfg->log_format != LOG_TEXT && cfg->log_format != LOG_JSON))
		return false;
	for (int i = 0; i < cfg->roots; i++) {
		if (!root_valid(&cfg->root[i]))
			return false;
	}
	for (int i = 0; i < cfg->channels; i++) {
		if (cfg->channel[i].fd < 0 || cfg->channel[i].cpu < -1)
			return false;
	}
	return true;
}

/* Fills in the fixed part and `fds`; the number of fds. */
static int encode(const struct gofer_config *cfg, struct wire_config *w, int fds[FDS_MAX])
{
	int n = 0;

	*w = (struct wire_config){
		.magic = MAGIC,
		.roots = (uint32_t)cfg->roots,
		.channels = (uint32_t)cfg->channels,
		.has_log = cfg->log_fd >= 0,
		.log_level = cfg->log_level,
		.log_format = cfg->log_format,
		.max_handles = cfg->max_handles,
		.options = (cfg->no_clone ? OPTION_NO_CLONE : 0) | (cfg->unlocked ? OPTION_UNLOCKED : 0),
	};
	for (int i = 0; i < cfg->roots; i++) {
		const struct gofer_root *r = &cfg->root[i];

		memcpy(w->root[i].name, r->name, sizeof(r->name));
		w->root[i].flags = r->flags;
		w->root[i].path_len = r->path ? (uint32_t)strlen(r->path) : 0;
		if (r->fd >= 0)
			fds[n++] = r->fd;
	}
	for (int i = 0; i < cfg->channels; i++) {
		w->cpu[i] = cfg->channel[i].cpu;
		fds[n++] = cfg->channel[i].fd;
	}
	if (cfg->log_fd >= 0)
		fds[n++] = cfg->log_fd;
	return n;
}

int gofer_config_send(int sock, const struct gofer_config *cfg)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov[1 + GOFER_ROOTS_MAX];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1, .msg_control = control.buf };
	struct wire_config w;
	struct cmsghdr *c;
	int fds[FDS_MAX], n;
	int64_t r;

	if (!config_valid(cfg))
		return -EINVAL;
	n = encode(cfg, &w, fds);
	iov[0] = (struct iovec){ .iov_base = &w, .iov_len = sizeof(w) };
	for (int i = 0; i < cfg->roots; i++) {
		if (cfg->root[i].path)
			iov[msg.msg_iovlen++] = (struct iovec){ cfg->root[i].path, w.root[i].path_len };
	}
	msg.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
	c = CMSG_FIRSTHDR(&msg);
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS,
			       .cmsg_len = CMSG_LEN((size_t)n * sizeof(int)) };
	memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
	r = HOST_RETRY(sendmsg(sock, &msg, MSG_NOSIGNAL));
	return r < 0 ? (int)r : 0;
}

/* ---- receiving --------------------------------------------------------------------------------------------------- */

/* Copies the attached fds out; their number. */
static int take_fds(struct msghdr *msg, int fds[FDS_MAX])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t n;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	return (int)n;
}

static int decode_roots(struct gofer_config *cfg, const struct wire_config *w, const char *paths, size_t paths_len,
			int fds[FDS_MAX], int nfds, int *used)
{
	for (uint32_t i = 0; i < w->roots; i++) {
		const struct wire_root *wr = &w->root[i];
		struct gofer_root *r = &cfg->root[i];

		memcpy(r->name, wr->name, sizeof(r->name));
		r->flags = wr->flags;
		cfg->roots++;
		if (wr->path_len == 0) {
			if (*used == nfds)
				return -EINVAL;
			r->fd = fds[*used];
			fds[(*used)++] = -1;
			continue;
		}
		if (wr->path_len > paths_len || wr->path_len > GOFER_ROOT_PATH_MAX || memchr(paths, 0, wr->path_len))
			return -EINVAL;
		r->path = mem_strndup(paths, wr->path_len);
		if (!r->path)
			return -ENOMEM;
		paths += wr->path_len;
		paths_len -= wr->path_len;
	}
	return paths_len ? -EINVAL : 0;
}

static int decode(struct gofer_config *cfg, const struct wire_config *w, size_t len, int fds[FDS_MAX], int nfds)
{
	int used = 0, err;

	if (len < sizeof(*w) || w->magic != MAGIC || w->roots > GOFER_ROOTS_MAX || w->channels > GOFER_CHANNELS_MAX ||
	    w->has_log > 1 || w->options & ~(OPTION_NO_CLONE | OPTION_UNLOCKED))
		return -EINVAL;
	err = decode_roots(cfg, w, (const char *)(w + 1), len - sizeof(*w), fds, nfds, &used);
	if (err)
		return err;
	if ((uint32_t)(nfds - used) != w->channels + w->has_log)
		return -EINVAL;
	for (uint32_t i = 0; i < w->channels; i++) {
		cfg->channel[i] = (struct gofer_channel){ .fd = fds[used], .cpu = w->cpu[i] };
		fds[used++] = -1;
		cfg->channels++;
	}
	if (w->has_log) {
		cfg->log_fd = fds[used];
		fds[used] = -1;
	}
	cfg->log_level = w->log_level;
	cfg->log_format = w->log_format;
	cfg->max_handles = w->max_handles;
	cfg->no_clone = w->options & OPTION_NO_CLONE;
	cfg->unlocked = w->options & OPTION_UNLOCKED;
	return config_valid(cfg) ? 0 : -EINVAL;
}

int gofer_config_recv(int sock, struct gofer_config *cfg)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	AUTO_FREE void *buf = mem_alloc(MESSAGE_MAX);
	struct iovec iov = { .iov_base = buf, .iov_len = MESSAGE_MAX };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control)
	};
	int fds[FDS_MAX], nfds, err;
	int64_t n;

	gofer_config_init(cfg);
	if (!buf)
		return -ENOMEM;
	n = HOST_RETRY(recvmsg(sock, &msg, MSG_CMSG_CLOEXEC));
	if (n <= 0)
		return n < 0 ? (int)n : -EPIPE;
	nfds = take_fds(&msg, fds);
	err = msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EINVAL : decode(cfg, buf, (size_t)n, fds, nfds);
	for (int i = 0; i < nfds; i++)
		host_close(&fds[i]);
	if (err) {
		gofer_config_clear(cfg);
		return err;
	}
	cfg->lifeline = sock;
	return 0;
}
