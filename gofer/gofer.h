/*
 * The gofer: the one process of a sandbox that can name a file. This is what the runtime (tools/) needs of it; what the
 * sentry needs is gofer/wire.h.
 *
 * How a runtime starts one:
 *
 *   1. socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC) for the configuration, and one more pair for each channel.
 *   2. Fork; in the child: namespaces, then exec of the picket binary, hidden subcommand, with its end of the first pair
 *      on a known fd. /proc must be mounted and be of this pid namespace or an outer one: the gofer opens /proc/self/fd
 *      once, before it locks itself down. The child must not chroot by itself: the gofer takes an empty root, drops its
 *      capabilities and closes what it does not know. As root, do not give it a user namespace that maps only uid 0:
 *      every other owner would be shown as nobody.
 *   3. In the child: gofer_config_recv(fd, &cfg), then exit with what gofer_main(&cfg) returns. Its filter is on then:
 *      no exit handler may make a call that is not in gofer/allowlist.c.
 *   4. In the parent: gofer_config_send(sock, &cfg), and close the channel ends that were sent. KEEP `sock` open while
 *      the sandbox lives: the gofer exits when it closes (the runtime has died) and when all of its channels have (the
 *      sentry has).
 *
 * Whether it is ready need not be waited for: requests wait in the channels. If it could not start, it says why in its
 * log and the channels end.
 *
 * Root fds are opened by whoever has the authority: O_PATH of a directory or a regular file, or an ordinary fd. Where
 * they are opened inside the mount namespace that the gofer lives in, and it still has CAP_SYS_ADMIN there, the gofer
 * clones the mount with the root's flags, so that the host refuses writes, device opens and executable mappings as
 * well. Where not, it says so (debug log, and GOFER_ROOT_HOST_NOEXEC missing in the attach reply) and its own checks
 * stand alone. To have roots opened in the new namespace give `path` instead of an fd: the gofer opens it itself before
 * its lock-down (absolute, symlinks followed: it is the runtime's own word, never a guest's).
 */
#ifndef GOFER_GOFER_H
#define GOFER_GOFER_H

#include <stdbool.h>
#include <stdint.h>

#define GOFER_ROOTS_MAX 96
#define GOFER_CHANNELS_MAX 128
#define GOFER_ROOT_NAME_MAX 63
#define GOFER_ROOT_PATH_MAX 4095
#define GOFER_HANDLES_DEFAULT 65536

struct gofer_root {
	char name[GOFER_ROOT_NAME_MAX + 1]; /* for messages: "rootfs", "vol0"; the sentry attaches by index */
	int fd;                             /* owned by the config; -1 where `path` says */
	char *path;                         /* allocated with mem_*; NULL where `fd` is */
	uint32_t flags;                     /* GOFER_ROOT_* of gofer/wire.h */
	int index;                          /* receiver: of a sealed tree, its index, opened by roots_prepare(); -1: none. Sender: unused */
};

struct gofer_channel {
	int fd;  /* SOCK_SEQPACKET, the gofer's end */
	int cpu; /* the CPU that this channel's thread is to stay on; -1: any */
};

struct gofer_config {
	struct gofer_root root[GOFER_ROOTS_MAX];
	int roots;
	struct gofer_channel channel[GOFER_CHANNELS_MAX];
	int channels;
	int lifeline;         /* receiver: the socket that the config came over; sender: unused */
	int log_fd;           /* -1: no log */
	int log_level;        /* enum log_level */
	int log_format;       /* enum log_format */
	uint32_t max_handles; /* 0: GOFER_HANDLES_DEFAULT; lowered to what RLIMIT_NOFILE's hard limit allows */
	bool no_clone;        /* leave mounts as they are (tests) */
	bool unlocked;        /* no lock-down (tests of the protocol in one process, debuggers); logged as an error */
};

/* All fds -1, all else zero. */
void gofer_config_init(struct gofer_config *);
/*
 * Sends it, copies of all its fds included; cfg still owns its own. 0 or negative errno; -EINVAL where
 * gofer_config_recv would.
 */
int gofer_config_send(int sock, const struct gofer_config *);
/*
 * Receives one into cfg (initialised here), every field checked, every fd close-on-exec. Takes `sock` as the lifeline.
 * 0, -EINVAL for a malformed one, -EPIPE at end of file, or a negative errno; then cfg owns nothing.
 */
int gofer_config_recv(int sock, struct gofer_config *);
/* Closes its fds (the lifeline too) and frees its paths. */
void gofer_config_clear(struct gofer_config *);

/*
 * The gofer's life. Takes over the process: namespaces must have been made, no other threads may run. Returns the exit
 * status: 0 when the sentry or the runtime went away, 1 when it could not start (logged).
 */
int gofer_main(struct gofer_config *);

#endif
