/* clone(2), clone3(2), unshare(2), scheduling policies and attributes, rseq(2). */
#ifndef ABI_SCHED_H
#define ABI_SCHED_H

#include <stdint.h>

#define LX_CSIGNAL 0x000000ffull
#define LX_CLONE_VM 0x00000100ull
#define LX_CLONE_FS 0x00000200ull
#define LX_CLONE_FILES 0x00000400ull
#define LX_CLONE_SIGHAND 0x00000800ull
#define LX_CLONE_PIDFD 0x00001000ull
#define LX_CLONE_PTRACE 0x00002000ull
#define LX_CLONE_VFORK 0x00004000ull
#define LX_CLONE_PARENT 0x00008000ull
#define LX_CLONE_THREAD 0x00010000ull
#define LX_CLONE_NEWNS 0x00020000ull
#define LX_CLONE_SYSVSEM 0x00040000ull
#define LX_CLONE_SETTLS 0x00080000ull
#define LX_CLONE_PARENT_SETTID 0x00100000ull
#define LX_CLONE_CHILD_CLEARTID 0x00200000ull
#define LX_CLONE_DETACHED 0x00400000ull
#define LX_CLONE_UNTRACED 0x00800000ull
#define LX_CLONE_CHILD_SETTID 0x01000000ull
#define LX_CLONE_NEWCGROUP 0x02000000ull
#define LX_CLONE_NEWUTS 0x04000000ull
#define LX_CLONE_NEWIPC 0x08000000ull
#define LX_CLONE_NEWUSER 0x10000000ull
#define LX_CLONE_NEWPID 0x20000000ull
#define LX_CLONE_NEWNET 0x40000000ull
#define LX_CLONE_IO 0x80000000ull
#define LX_CLONE_NEWTIME 0x00000080ull /* unshare and clone3 only: overlaps CSIGNAL */
#define LX_CLONE_CLEAR_SIGHAND 0x100000000ull
#define LX_CLONE_INTO_CGROUP 0x200000000ull

#define LX_CLONE_NS_MASK                                                                                      \
	(LX_CLONE_NEWNS | LX_CLONE_NEWCGROUP | LX_CLONE_NEWUTS | LX_CLONE_NEWIPC | LX_CLONE_NEWUSER |          \
	 LX_CLONE_NEWPID | LX_CLONE_NEWNET | LX_CLONE_NEWTIME)

struct lx_clone_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack;
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};
_Static_assert(sizeof(struct lx_clone_args) == 88, "struct clone_args");
#define LX_CLONE_ARGS_SIZE_VER0 64
#define LX_CLONE_ARGS_SIZE_VER1 80
#define LX_CLONE_ARGS_SIZE_VER2 88

#define LX_SCHED_NORMAL 0
#define LX_SCHED_FIFO 1
#define LX_SCHED_RR 2
#define LX_SCHED_BATCH 3
#define LX_SCHED_IDLE 5
#define LX_SCHED_DEADLINE 6
#define LX_SCHED_EXT 7
#define LX_SCHED_RESET_ON_FORK 0x40000000

struct lx_sched_param {
	int32_t sched_priority;
};
struct lx_sched_attr {
	uint32_t size;
	uint32_t sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime;
	uint64_t sched_deadline;
	uint64_t sched_period;
	uint32_t sched_util_min;
	uint32_t sched_util_max;
};
_Static_assert(sizeof(struct lx_sched_attr) == 56, "struct sched_attr");
#define LX_SCHED_ATTR_SIZE_VER0 48
#define LX_SCHED_FLAG_RESET_ON_FORK 0x01
#define LX_SCHED_FLAG_KEEP_POLICY 0x08
#define LX_SCHED_FLAG_KEEP_PARAMS 0x10
#define LX_SCHED_FLAG_UTIL_CLAMP_MIN 0x20
#define LX_SCHED_FLAG_UTIL_CLAMP_MAX 0x40
#define LX_SCHED_FLAG_ALL 0x7full

#define LX_IOPRIO_WHO_PROCESS 1
#define LX_IOPRIO_WHO_PGRP 2
#define LX_IOPRIO_WHO_USER 3

struct lx_rseq {
	uint32_t cpu_id_start;
	uint32_t cpu_id;
	uint64_t rseq_cs;
	uint32_t flags;
	uint32_t node_id;
	uint32_t mm_cid;
	uint32_t pad;
};
_Static_assert(sizeof(struct lx_rseq) == 32, "struct rseq");
#define LX_RSEQ_FLAG_UNREGISTER 1

#define LX_KCMP_FILE 0
#define LX_KCMP_VM 1
#define LX_KCMP_FILES 2
#define LX_KCMP_FS 3
#define LX_KCMP_SIGHAND 4
#define LX_KCMP_IO 5
#define LX_KCMP_SYSVSEM 6
#define LX_KCMP_EPOLL_TFD 7

#endif
