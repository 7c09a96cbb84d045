/* Names of numbers: errnos, signals, and the sets of constants that the tracer decodes with (data in names_*.c). */
#ifndef SENTRY_TRACE_NAMES_H
#define SENTRY_TRACE_NAMES_H

#include <stdint.h>

/* "ENOENT" for 2 (and restart codes that never reach a guest); NULL for a number that has no name. */
const char *errno_name(int err);
/* "SIGINT" for 2, "SIGRT_3" for 35; "SIG_n" never: NULL for what is no signal. The result is static. */
const char *signal_name(int sig);
/* The number of "SIGINT", "INT" or "2"; 0 when there is none. */
int signal_by_name(const char *name);

/* A value has this name when (value & mask) == row.value. Rows of several bits stand before those of one. */
struct name_row {
	uint64_t mask, value;
	const char *name;
};
struct name_set {
	const struct name_row *rows; /* ended by a row without a name */
	const char *zero;            /* what no bit at all is called; NULL: 0 */
};

#define NAME_FLAG(x) { LX_##x, LX_##x, #x }
#define NAME_FIELD(mask, x) { (mask), LX_##x, #x } /* one of several values of some bits; may be zero */
#define NAME_ENUM(x) { 0xffffffffu, (uint32_t)LX_##x, #x }
#define NAME_END { 0, 0, 0 }
/* Defines names_SET from an array of rows. */
#define NAME_SET(set, none, ...)                                            \
	static const struct name_row set##_rows[] = { __VA_ARGS__, NAME_END }; \
	const struct name_set names_##set = { set##_rows, none }

extern const struct name_set names_none, names_seek, names_sighow, names_fcntl_cmd, names_ioctl_cmd,
	names_clockid, names_itimer_which, names_madvice, names_fadvice, names_epoll_op, names_idtype, names_ipc_cmd,
	names_kcmp_type, names_ptrace_request, names_prio_which, names_ioprio_who, names_rlimit_res, names_rusage_who, names_sched_policy,
	names_seccomp_op, names_prctl_op, names_arch_prctl_op, names_shut_how, names_sock_domain, names_sol_level,
	names_open_flags, names_at_flags, names_faccess_flags, names_unlink_flags, names_statx_flags, names_statx_mask,
	names_access_mode, names_rename_flags, names_falloc_mode, names_sync_range_flags, names_splice_flags,
	names_close_range_flags, names_flock_op, names_xattr_flags, names_rwf_flags, names_mount_flags,
	names_umount_flags, names_open_tree_flags, names_move_mount_flags, names_fspick_flags, names_mount_attr,
	names_listmount_flags, names_fsconfig_cmd, names_inotify_mask, names_inotify_flags, names_pipe_flags, names_efd_flags,
	names_sfd_flags, names_tfd_flags, names_tfd_timer_flags, names_timer_flags, names_epoll_create_flags,
	names_prot, names_map_flags, names_mremap_flags, names_msync_flags, names_mlock_flags, names_mcl_flags,
	names_mfd_flags, names_membarrier_cmd, names_grnd_flags, names_clone_flags, names_wait_options,
	names_rseq_flags, names_pidfd_flags, names_pidfd_signal_flags, names_futex_op, names_futex2_flags,
	names_sock_type, names_sock_flags, names_msg_flags, names_ipc_flags, names_shm_flags, names_sa_flags,
	names_sigev_notify, names_ss_flags, names_poll_events, names_epoll_events;
/* Used by formatters rather than by kinds. */
extern const struct name_set names_file_type, names_dirent_type, names_resolve_flags, names_lock_type,
	names_seal_flags, names_fd_flags, names_so_option, names_tcp_option, names_ip_option, names_ipv6_option, names_udp_option, names_scm_type, names_si_code,
	names_si_code_chld, names_si_code_segv, names_si_code_bus, names_fs_magic;

#endif
