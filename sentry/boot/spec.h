/*
 * All that a sentry is told about the sandbox it is: made by the runtime, sent once in the BOOT message (control.h), never
 * changed afterwards. Nothing here gives authority: files come as gofer roots by index, stdio and channels as donated fds.
 */
#ifndef SENTRY_BOOT_SPEC_H
#define SENTRY_BOOT_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum boot_mount_type {
	BOOT_MOUNT_GOFERFS,  /* gofer_root as it is */
	BOOT_MOUNT_OVERLAY,  /* gofer_root below, never written; memory above */
	BOOT_MOUNT_TMPFS,
	BOOT_MOUNT_PROC,
	BOOT_MOUNT_SYSFS,
	BOOT_MOUNT_DEVTMPFS,
	BOOT_MOUNT_DEVPTS,
	BOOT_MOUNT_MQUEUE,
};

/* Who else changes the files below; decides what may be cached (design.md, section 5). */
enum boot_cache { BOOT_CACHE_IMMUTABLE, BOOT_CACHE_EXCLUSIVE, BOOT_CACHE_SHARED };
enum boot_platform { BOOT_PLATFORM_AUTO, BOOT_PLATFORM_SECCOMP, BOOT_PLATFORM_PTRACE };
enum boot_quick { BOOT_QUICK_AUTO, BOOT_QUICK_OFF, BOOT_QUICK_FORCE }; /* calls without a trap: platform/fast/fast.h */
enum boot_io { BOOT_IO_AUTO, BOOT_IO_URING, BOOT_IO_THREADS };
enum boot_log_level { BOOT_LOG_ERROR, BOOT_LOG_WARNING, BOOT_LOG_INFO, BOOT_LOG_DEBUG }; /* as enum log_level */
enum boot_log_format { BOOT_LOG_TEXT, BOOT_LOG_JSON };                                  /* as enum log_format */

/* Mounts are made in the order of the array; the first has target "/". A missing mount point is made in the overlay. */
struct boot_mount {
	char *target;      /* absolute, without "." and ".." */
	int type;          /* enum boot_mount_type */
	int32_t gofer_root; /* index in the gofer's list of roots; -1 where the type has none */
	bool readonly, noexec, nosuid, nodev;
	int cache;         /* enum boot_cache */
	char *label;       /* for messages to people: "input collect.raw", "volume /data", "rootfs" */
	char *source;      /* what /proc/mounts shows first; NULL: the type's name */
	uint64_t size;     /* tmpfs, overlay: bytes that may be stored; 0: the sandbox's memory limit alone */
	uint32_t mode;     /* tmpfs: of its root; 0: 01777 */
	bool file;         /* the gofer root is one regular file, not a directory */
};

struct boot_rlimit {
	uint32_t resource; /* RLIMIT_*, the guest ABI's number */
	uint64_t soft, hard;
};

struct boot_caps {
	uint64_t effective, permitted, inheritable, bounding, ambient;
};

/* One program to run: the sandbox's first process, or what EXEC adds. */
struct boot_process {
	char **argv;       /* argv[0] without a slash is looked up in the PATH of envp, inside the sandbox */
	char **envp;
	char *cwd;         /* absolute */
	uint32_t uid, gid;
	uint32_t *groups;
	size_t group_count;
	struct boot_caps caps;
	bool no_new_privs;
	uint32_t umask;
	bool terminal;     /* stdio is a terminal: the process leads a session with it as controlling terminal */
	struct boot_rlimit *rlimits; /* what is not named: unlimited, but NOFILE 1024:1048576 and STACK 8 MiB */
	size_t rlimit_count;
};

struct boot_spec {
	struct boot_process process;
	char *id;          /* of the sandbox, for log lines */
	char *hostname;
	char *domainname;
	struct boot_mount *mounts;
	size_t mount_count;
	uint64_t memory_limit; /* bytes of guest memory and in-memory files; 0: none */
	uint64_t pid_limit;    /* threads and processes; 0: none */
	char **strace;         /* NULL: off; empty: every call; else names */
	int platform;          /* enum boot_platform */
	int quick_calls;       /* enum boot_quick */
	int io;                /* enum boot_io */
	uint32_t lanes;        /* CPUs to use; 0: as many as allowed */
	int log_level;         /* enum boot_log_level */
	int log_format;        /* enum boot_log_format */
	bool profile;          /* keep and send what was asked for in vain: GAP */
	bool report_syscalls;  /* send SYSCALLS at the end */
};

/* JSON text (mem_free it), or NULL when memory is out. */
char *boot_spec_encode(const struct boot_spec *spec);
/* A new spec (boot_spec_free). 0, -ENOMEM, or -EINVAL with one sentence in `why`. */
int boot_spec_decode(const char *text, size_t len, struct boot_spec **out, char *why, size_t why_len);
void boot_spec_free(struct boot_spec *spec);
/* Frees what it holds and zeroes it, but not the struct itself. */
void boot_spec_clear(struct boot_spec *spec);

char *boot_process_encode(const struct boot_process *process);
int boot_process_decode(const char *text, size_t len, struct boot_process **out, char *why, size_t why_len);
void boot_process_free(struct boot_process *process);

/* The names that the JSON form uses; for messages. */
const char *boot_mount_type_name(int type);
const char *boot_platform_name(int platform);
const char *boot_quick_name(int quick);
const char *boot_io_name(int io);

#endif
