/*
 * procfs: proc(5). The tables of its directories and what the files that fill them share.
 *
 * Locks: questions are asked with none held but the directory's and the open file's, which rank below the kernel's for that.
 */
#ifndef SENTRY_FS_PROC_PROC_H
#define SENTRY_FS_PROC_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/fs/pseudo.h"
#include "sentry/kernel/task.h"

struct cred;
struct fdtable;
struct fsctx;
struct mm;

#define CLOCK_TICKS 100 /* a second, as sysconf(_SC_CLK_TCK) says */

/* --- tables ------------------------------------------------------------------------------------------------------------ */

extern const struct pseudo_entry proc_root;        /* proc.c */
extern const struct pseudo_entry proc_process;     /* /proc/PID; pid.c */
extern const struct pseudo_entry proc_task;        /* /proc/PID/task/TID; pid.c */
extern const struct pseudo_dir proc_attr_dir;      /* pid_more.c */
extern const struct pseudo_dir proc_fd_dir, proc_fdinfo_dir, proc_ns_dir; /* fd.c, ns.c */
extern const struct pseudo_dir proc_sys_net_dir;   /* sysctl_net.c */
extern const struct pseudo_dir proc_sys_dir, proc_net_dir;   /* sysctl.c, net.c */

/* --- one process or thread (object.c) ---------------------------------------------------------------------------------------- */

/* The thread itself, or any live one of the process, its leader first. Referenced; NULL for a zombie. */
struct task *proc_obj_task(const struct pseudo_obj *);
/* What it runs in and with: referenced, NULL when it has none (any more). */
struct mm *proc_obj_mm(const struct pseudo_obj *);
struct fdtable *proc_obj_files(const struct pseudo_obj *);
struct fsctx *proc_obj_fs(const struct pseudo_obj *);
struct file *proc_obj_exe(const struct pseudo_obj *);
struct cred *proc_obj_cred(const struct pseudo_obj *);
/* The process whose /proc/PID this inode is, referenced; NULL for any other inode. */
struct process *proc_dir_process(struct inode *);
/* -ESRCH once it was waited for. */
int proc_obj_alive(const struct pseudo_obj *);
/* Bytes of its memory. As tracee_read(). */
int64_t proc_obj_read(const struct pseudo_obj *, void *dst, uint64_t addr, size_t n);
/* For entries whose contents are the process's own business: ptrace(2)'s access mode check for reading, simplified. */
int proc_check_private(const struct pseudo_req *);
/* As above, and -ESRCH for the dead. */
int proc_check_alive(const struct pseudo_req *);
void proc_obj_owner(const struct pseudo_obj *, uint32_t *uid, uint32_t *gid);

/* A consistent look at what status and stat show. */
struct proc_facts {
	int pid, tid, ppid, pgrp, session, tty_nr, tpgid;
	int threads, nice, policy, priority, exit_signal, exit_status;
	int tracer;
	char state; /* as ps shows it */
	char comm[17];
	uint32_t umask, fd_size;
	struct usage used, children;
	int64_t start_ns; /* after the sandbox's start */
	uint64_t sig_thread, sig_shared, sig_blocked, sig_ignored, sig_caught;
	uint64_t sig_queued, sig_limit;
	uint64_t cpus;
	int seccomp_mode, seccomp_filters;
	bool no_new_privs;
	struct cred *cred;  /* referenced, or NULL */
	struct mm *mm;      /* referenced, or NULL */
};
int proc_facts_get(const struct pseudo_obj *, struct proc_facts *out);
void proc_facts_put(struct proc_facts *);

/* CPU time of all guests, ended or not. */
uint64_t proc_guest_cpu_ns(struct kernel *);
/* The sandbox's memory limit, or the host's memory: bytes. */
void proc_memory(const struct kernel *, uint64_t *total, uint64_t *free_bytes);
/* Memory of an address space as far as the sentry knows it: mapped, and at most resident. */
struct proc_sizes {
	uint64_t total, resident, data, stack, code, locked; /* pages */
};
void proc_sizes(struct mm *, struct proc_sizes *out);

/* --- show functions, by file ------------------------------------------------------------------------------------------------- */

#define PROC_SHOW(name) int name(const struct pseudo_req *, struct textbuf *)

PROC_SHOW(proc_show_stat);      /* status.c */
PROC_SHOW(proc_show_statm);
PROC_SHOW(proc_show_status);
PROC_SHOW(proc_show_sched);     /* pid_more.c */
PROC_SHOW(proc_show_schedstat);
PROC_SHOW(proc_show_oom_score);
PROC_SHOW(proc_show_oom_adj);
int proc_store_oom_adj(const struct pseudo_req *, char *text, size_t len);
int proc_store_clear_refs(const struct pseudo_req *, char *text, size_t len);
PROC_SHOW(proc_show_cmdline);   /* image.c */
PROC_SHOW(proc_show_environ);
PROC_SHOW(proc_show_auxv);
PROC_SHOW(proc_show_maps);      /* maps.c */
PROC_SHOW(proc_show_smaps);
PROC_SHOW(proc_show_smaps_rollup);
int proc_open_mem(const struct pseudo_req *, struct inode *, const struct path *, uint32_t flags, struct file **out); /* mem.c */
PROC_SHOW(proc_show_numa_maps);
PROC_SHOW(proc_show_exe);       /* fd.c */
PROC_SHOW(proc_show_cwd);
PROC_SHOW(proc_show_root);
int proc_follow_exe(const struct pseudo_req *, struct path *out);
int proc_follow_cwd(const struct pseudo_req *, struct path *out);
int proc_follow_root(const struct pseudo_req *, struct path *out);
PROC_SHOW(proc_show_mounts);    /* mounts.c */
PROC_SHOW(proc_show_mountinfo);
PROC_SHOW(proc_show_mountstats);
int proc_watch_mounts(const struct pseudo_req *, struct pseudo_watch *);
PROC_SHOW(proc_show_id_map);    /* userns.c; arg: enum id_kind */
int proc_store_id_map(const struct pseudo_req *, char *text, size_t len);
PROC_SHOW(proc_show_setgroups);
int proc_store_setgroups(const struct pseudo_req *, char *text, size_t len);
PROC_SHOW(proc_show_meminfo);   /* machine.c */
PROC_SHOW(proc_show_cpuinfo);
PROC_SHOW(proc_show_system_stat);
PROC_SHOW(proc_show_loadavg);
PROC_SHOW(proc_show_uptime);
PROC_SHOW(proc_show_keys);
PROC_SHOW(proc_show_key_users);
PROC_SHOW(proc_show_version);
PROC_SHOW(proc_show_filesystems);
PROC_SHOW(proc_show_vmstat);
PROC_SHOW(proc_show_interrupts); /* machine_more.c */
PROC_SHOW(proc_show_softirqs);
PROC_SHOW(proc_show_locks);
PROC_SHOW(proc_show_zoneinfo);
#define PROC_NET_V6 16u         /* in the argument of proc_show_net_inet, beside enum netns_proto */
PROC_SHOW(proc_show_net_inet);  /* net_sockets.c */
PROC_SHOW(proc_show_net_unix);
PROC_SHOW(proc_show_net_netlink);
PROC_SHOW(proc_show_net_sockstat);
PROC_SHOW(proc_show_net_sockstat6);
PROC_SHOW(proc_show_net_dev);   /* net_counters.c */
PROC_SHOW(proc_show_net_snmp);
PROC_SHOW(proc_show_net_snmp6);
PROC_SHOW(proc_show_net_netstat);

#endif
