/* The seccomp allowlist of a waiting runtime: one row a call, each with its reason. */
#include "tools/runtime_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

/* The most frequent first: the filter compares from the top. */
static const struct runtime_allowed allowed[] = {
	{ SYS_poll, "waiting for the sandbox, the terminal's signals and the time limit" },
	{ SYS_ppoll, "the same, by another name of the C library" },
	{ SYS_recvmsg, "answers and events of the sentry" },
	{ SYS_sendmsg, "requests to the sentry" },
	{ SYS_read, "signalfd; cgroup statistics" },
	{ SYS_write, "messages, the log" },
	{ SYS_writev, "messages, the log" },
	{ SYS_close, "sockets and pidfds at the end" },
	{ SYS_epoll_ctl, "a process that has ended is watched no more" },
	{ SYS_waitid, "how sentry and gofer ended" },
	{ SYS_wait4, "reaping them" },
	{ SYS_kill, "ending them; stopping ourselves at Ctrl-Z" },
	{ SYS_getpid, "stopping ourselves" },
	{ SYS_ioctl, "window size and modes of the terminal" },
	{ SYS_rt_sigprocmask, "putting the mask back" },
	{ SYS_rt_sigaction, "the C library's abort" },
	{ SYS_rt_sigreturn, "return from a handler that the C library has set" },
	{ SYS_restart_syscall, "poll after a stop" },
	{ SYS_clock_gettime, "the time limit, where the vDSO has no clock" },
	{ SYS_clock_nanosleep, "waiting for a cgroup to empty" },
	{ SYS_openat, "cgroup statistics" },
	{ SYS_access, "the same" },
	{ SYS_rmdir, "removing the cgroup" },
	{ SYS_brk, "memory" },
	{ SYS_mmap, "memory" },
	{ SYS_munmap, "memory" },
	{ SYS_mremap, "memory" },
	{ SYS_madvise, "memory" },
	{ SYS_futex, "locks of the C library and the log" },
	{ SYS_gettid, "locks; abort" },
	{ SYS_tgkill, "abort" },
	{ SYS_newfstatat, "the first write to a stream" },
	{ SYS_lseek, "closing a stream" },
	{ SYS_exit_group, "the end" },
};

#define CALLS ARRAY_LEN(allowed)

const struct runtime_allowed *runtime_filter_list(size_t *count)
{
	*count = CALLS;
	return allowed;
}

/*
 * Root's runtime keeps what it needs: the sentry and the gofer have other ids, and it must be able to end them; and a cgroup below the
 * host's root group, whose directory nobody may write, must be removed.
 */
static void drop_capabilities(bool has_cgroup)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (geteuid() != 0)
		return;
	data[0].effective = data[0].permitted = 1u << CAP_KILL | (has_cgroup ? 1u << CAP_DAC_OVERRIDE : 0);
	if (syscall(SYS_capset, &head, data))
		log_info("the runtime keeps its capabilities: %s", strerror(errno));
}

void runtime_filter_install(bool has_cgroup)
{
	struct sock_filter code[CALLS + 6];
	size_t n = 0;

	drop_capabilities(has_cgroup);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, CALLS + 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)allowed[i].nr,
							 (unsigned char)(CALLS - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

	struct sock_fprog program = { .len = (unsigned short)n, .filter = code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		log_info("the runtime goes without a filter of its own: %s", strerror(errno));
}
