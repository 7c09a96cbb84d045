/*
 * The control protocol between a runtime and its sentry, over one SOCK_SEQPACKET socket pair. One packet is one message: a
 * header, then the body that its type says. Neither side trusts the other: lengths, enums and strings are checked on receipt.
 *
 *   runtime → sentry                         answer
 *   BOOT     spec, fds                       READY, or FAILED            make the sandbox, look the program up, load it, hold it
 *   START                                    STARTED pid, or FAILED      let the first process go
 *   EXEC     process, stdio                  STARTED pid, or FAILED
 *   SIGNAL   pid (0: foreground group of     DONE err
 *            the terminal, or, where there
 *            is none, the first process;
 *            -1: every process), signo
 *   RESIZE   rows, columns                   DONE err                    and SIGWINCH to the foreground group
 *   STATS                                    STATS_IS
 *   KILL                                     none: every guest is killed; the EXITED and END events follow
 *
 *   sentry → runtime, unasked
 *   EXITED   pid, wait status, usage         once for each process that START or EXEC made
 *   DENIED   what was refused and why
 *   LIMIT    a limit was reached             at most once a second a kind
 *   GAP      what the program asked for in vain  before END, if the spec says profile
 *   SYSCALLS rows of name, count, refused    before END, as many messages as it takes; if the spec asks for it
 *   END      usage of the whole              last message; then the sentry exits 0. When the first process ends, all do.
 *
 * There is no WAIT: EXITED comes by itself and the runtime keeps it. Answers carry the request's `seq`; events carry 0.
 * When the socket reports end of file the sentry kills its guests and exits: its runtime is gone.
 */
#ifndef SENTRY_BOOT_CONTROL_H
#define SENTRY_BOOT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sentry/boot/spec.h"

#define CONTROL_MAX_GOFER_FDS 130
#define CONTROL_SYSCALL_ROWS 64

enum control_type {
	CONTROL_BOOT = 1,
	CONTROL_START,
	CONTROL_EXEC,
	CONTROL_SIGNAL,
	CONTROL_RESIZE,
	CONTROL_STATS,
	CONTROL_KILL,

	CONTROL_READY = 64,
	CONTROL_STARTED,
	CONTROL_FAILED,
	CONTROL_DONE,
	CONTROL_STATS_IS,
	CONTROL_EXITED,
	CONTROL_DENIED,
	CONTROL_LIMIT,
	CONTROL_SYSCALLS,
	CONTROL_GAP,
	CONTROL_END,
};

/* Where a BOOT, START or EXEC failed; the runtime makes its exit code from it. */
enum control_stage {
	CONTROL_STAGE_SPEC,     /* the spec itself is wrong */
	CONTROL_STAGE_PLATFORM, /* no platform can be had; `text` says what the host forbids */
	CONTROL_STAGE_LOCKDOWN,
	CONTROL_STAGE_MOUNT,
	CONTROL_STAGE_EXEC,     /* err says it: ENOENT → 127; EACCES, ENOEXEC, EISDIR, ... → 126 */
	CONTROL_STAGE_INTERNAL,
};

/* The fds that come with BOOT. Received ones are close-on-exec and belong to the receiver; -1 is "none". */
struct control_boot_fds {
	int stdio[3];
	int log;
	int gofer[CONTROL_MAX_GOFER_FDS]; /* in the order in which the gofer's header wants them */
	size_t gofer_count;
};

struct control_signal {
	int32_t pid, signo;
};

struct control_resize {
	uint32_t rows, columns;
};

struct control_started {
	int32_t pid;
};

struct control_done {
	int32_t err; /* 0 or a negative errno */
};

struct control_failed {
	int32_t err;    /* negative errno */
	uint32_t stage; /* enum control_stage */
	char text[512]; /* one sentence for the user */
};

struct control_usage {
	uint64_t user_ns, system_ns; /* CPU time */
	uint64_t max_rss;            /* bytes */
};

struct control_exited {
	int32_t pid;
	int32_t wait_status; /* as waitpid(2) gives it */
	struct control_usage usage;
};

struct control_stats {
	uint64_t memory_now, memory_peak; /* bytes of guest memory and in-memory files */
	uint64_t pids_now, pids_peak;
	uint64_t cpu_ns;                  /* guests and sentry */
	uint64_t calls;                   /* answered so far */
	uint64_t refused;                 /* of these, ENOSYS by a row's support level */
};

enum control_denied_what {
	CONTROL_DENIED_EXEC,     /* execve of a file on a noexec mount */
	CONTROL_DENIED_MMAP,     /* mmap with PROT_EXEC of one */
	CONTROL_DENIED_MPROTECT, /* mprotect to PROT_EXEC of a mapping of one */
	CONTROL_DENIED_PRELOAD,  /* the same, by the dynamic linker for LD_PRELOAD */
	CONTROL_DENIED_WRITE,    /* a write to a read-only mount */
};

struct control_denied {
	uint32_t what;     /* enum control_denied_what */
	int32_t pid;       /* guest pid */
	char program[64];  /* the guest program that tried */
	char file[512];    /* the guest's path of the file; the end is kept where it does not fit */
	char mount[128];   /* the mount's label */
	char rule[64];     /* "noexec", "read-only" */
};

enum control_limit_what { CONTROL_LIMIT_MEMORY, CONTROL_LIMIT_PIDS };

struct control_limit {
	uint32_t what; /* enum control_limit_what */
	int32_t pid;   /* that ran into it */
	uint64_t limit;
	bool killed;   /* it was killed for it */
	uint8_t pad[7];
};

struct control_syscall_row {
	char name[32];
	uint64_t count;
	uint64_t refused;
};

struct control_syscalls {
	uint32_t count;
	uint32_t pad;
	struct control_syscall_row row[CONTROL_SYSCALL_ROWS];
};

enum control_gap_kind {
	CONTROL_GAP_REFUSED,  /* a call that is not there */
	CONTROL_GAP_ARGUMENT, /* a call that is there in part, and said no */
	CONTROL_GAP_FILE,     /* a file of /proc, /sys or /dev that is not there */
};

#define CONTROL_GAP_NEXT 3

struct control_gap {
	uint32_t kind;     /* enum control_gap_kind */
	int32_t err;       /* negative errno */
	int32_t nr;        /* of the call */
	int32_t pid;       /* guest thread that met it first */
	uint64_t count;    /* how often */
	uint64_t call;     /* it was this one of all calls of the sandbox, counted from 1 */
	char program[16];
	char text[256];    /* the first such call, as --strace has it */
	char next[CONTROL_GAP_NEXT][144]; /* what that thread did next */
};

/* A received message. `fds` and the pointers belong to it until they are taken out (set to NULL or -1). */
struct control_msg {
	enum control_type type;
	uint32_t seq;
	struct control_boot_fds fds; /* BOOT: all; EXEC: stdio */
	union {
		struct boot_spec *spec;       /* BOOT */
		struct boot_process *process; /* EXEC */
		struct control_signal signal;
		struct control_resize resize;
		struct control_started started;
		struct control_done done;
		struct control_failed failed;
		struct control_exited exited;
		struct control_stats stats; /* STATS_IS, END */
		struct control_denied denied;
		struct control_limit limit;
		struct control_syscalls syscalls;
		struct control_gap gap;
	};
};

/*
 * Receives one message. `flags` is for recvmsg(2) (MSG_DONTWAIT). 0; -EPIPE when the other side is gone; -EAGAIN; -EBADMSG
 * with one sentence in `why` for a message that is not one (nothing of it is kept); -ENOMEM. Retries EINTR.
 */
int control_recv(int fd, int flags, struct control_msg *msg, char *why, size_t why_len);
/* Closes and frees what the message still owns. */
void control_msg_free(struct control_msg *msg);

/* All of these: 0, or a negative errno (-EPIPE: the other side is gone). Fds are borrowed. Safe from any thread. */
int control_send_boot(int fd, uint32_t seq, const struct boot_spec *spec, const struct control_boot_fds *fds);
int control_send_exec(int fd, uint32_t seq, const struct boot_process *process, const int stdio[3]);
int control_send_start(int fd, uint32_t seq);
int control_send_stats(int fd, uint32_t seq);
int control_send_kill(int fd, uint32_t seq);
int control_send_signal(int fd, uint32_t seq, int32_t pid, int32_t signo);
int control_send_resize(int fd, uint32_t seq, uint32_t rows, uint32_t columns);

int control_send_ready(int fd, uint32_t seq);
int control_send_started(int fd, uint32_t seq, int32_t pid);
int control_send_failed(int fd, uint32_t seq, int32_t err, enum control_stage stage, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
int control_send_done(int fd, uint32_t seq, int32_t err);
int control_send_stats_is(int fd, uint32_t seq, const struct control_stats *stats);
int control_send_exited(int fd, const struct control_exited *exited);
int control_send_denied(int fd, const struct control_denied *denied);
int control_send_limit(int fd, const struct control_limit *limit);
int control_send_syscalls(int fd, const struct control_syscalls *rows);
int control_send_gap(int fd, const struct control_gap *gap);
int control_send_end(int fd, const struct control_stats *stats);

/* "exec", "mmap", ... for messages and records. */
const char *control_denied_name(uint32_t what);

#endif
