/*
 * The sentry's whole state hangs off one struct kernel.
 *
 * Lock order: platform/base/lock.h, enum lock_rank; a lock is taken before those of greater rank only.
 */
#ifndef SENTRY_KERNEL_KERNEL_H
#define SENTRY_KERNEL_KERNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "sentry/boot/spec.h"
#include "sentry/kernel/load.h"
#include "sentry/kernel/task.h"

struct platform;
struct pid_table;
struct mount_ns;
struct netns;
struct ns_set;
struct trace;
struct io;
struct pipe_limits;

struct kernel {
	/* immutable after boot */
	struct platform *platform;
	struct boot_spec *spec;
	struct trace *trace;           /* --strace; NULL when off */
	struct io *io;                 /* the ring and the reactor */
	struct gofer_client *gofer;    /* NULL: no mount needs one */
	struct task *prepared;         /* the first process until START; owned by boot, then the reactor */
	int control_fd;                /* to the runtime */
	int cpus;
	int64_t boot_monotonic_ns;     /* the guest's uptime starts here */
	uint8_t boot_id[16];

	/* protected by lock (RANK_KERNEL) */
	struct lock lock;
	struct pid_table *pids;        /* kernel/pid.c */
	struct process *init;          /* pid 1; no reference */
	int process_count, task_count; /* live */
	struct session *no_session;

	/* immutable after boot */
	struct mount_ns *mounts;       /* the first mount namespace; fs/mount.h */
	struct netns *netns;           /* the first network namespace; net/netns.h; reached by task_netns() */
	struct ns_set *ns;             /* the first namespaces, of whatever the runtime starts; kernel/ns.h */

	/* limits and what was used of them; atomic */
	_Atomic int64_t memory_used, memory_peak; /* bytes charged: private writable mappings, tmpfs and overlay data */
	_Atomic int64_t file_bytes;    /* of these, the data of files in memory: fs/memquota.h */
	_Atomic int tasks_used, tasks_peak;
	_Atomic uint64_t denials;
	_Atomic int64_t guest_cpu_ns;  /* of processes that have ended, without what the sentry did for them */
	_Atomic uint64_t ended_user_ns, ended_system_ns; /* of processes that have ended, for /proc/stat */
	struct load_average load;      /* kernel/load.c */
	_Atomic int64_t limit_reported_ns[2]; /* by enum control_limit_what */
	atomic_bool shutting_down;
	struct call_counts *_Atomic call_counts; /* one block a thread; kernel.c */
};

/* --strace and the record's table of calls. */
void kernel_count_call(struct kernel *, int32_t nr);
/* Takes the last one back: it was not made after all. */
void kernel_uncount_call(struct kernel *, int32_t nr);
void kernel_count_refused(struct kernel *, int32_t nr);
/* The first process has ended: so does the sandbox. From process exit, once; returns. */
void kernel_init_exited(struct kernel *, int wait_status);
/* A process that the runtime asked for has ended: event EXITED. */
void kernel_process_exited(struct kernel *, int pid, int wait_status, const struct cpu_times *);
/* Any process has ended that used so much, of which the sentry itself did so much for it. */
void kernel_count_cpu(struct kernel *, const struct cpu_times *, uint64_t sentry_ns);
struct control_stats;
void kernel_stats(struct kernel *, struct control_stats *out);
/* The last messages to the runtime: SYSCALLS, END. */
void kernel_end(struct kernel *);
/* struct platform_handler's broken(): says so and ends the sentry. */
void kernel_platform_broken(const char *what, int err);

/* The one kernel of this process. Set once by main() before any thread starts. */
extern struct kernel *the_kernel;

/* Bytes of what the sandbox takes for its machine's memory: its limit, or the host's where that is less or there is none. */
uint64_t kernel_machine_memory(const struct kernel *);
/* Charges `bytes` (may be negative) against the sandbox's memory limit. 0, or -ENOMEM with nothing charged. */
int memory_charge(struct kernel *, int64_t bytes);
/* Tells the runtime, at most once a second a kind, that a limit was reached (enum control_limit_what). Any thread. */
void kernel_report_limit(struct kernel *, uint32_t what, int pid, uint64_t limit);
/* Tells the runtime that a rule refused the task something: event DENIED of the control protocol; also logged. Any thread. */
#define KERNEL_MAX_DENIALS 1000
void kernel_report_denied(struct task *, const char *what /* "execve", "mmap", "mprotect", "write" */, const char *file,
			  const char *mount_label, const char *rule);

#endif
