/* The host calls that a running gofer may make, each with its reason. Anything else ends the process. */
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "gofer/lockdown.h"

enum argument_rule {
	ANY,
	FIRST_IS_PROC, /* argument 0 is /proc/self/fd */
	FIRST_IS_LOG,  /* argument 0 is the log */
	SECOND_IS_DUP, /* argument 1 is F_DUPFD_CLOEXEC */
	THIRD_IS_FIFO, /* argument 2 has this file type */
	THIRD_IS_SOCK,
	THIRD_IS_REG,
};

struct allowed {
	int nr;
	enum argument_rule rule;
	const char *why;
};

/* clang-format off */
static const struct allowed allowlist[] = {
	{ SCMP_SYS(recvfrom),        ANY,           "requests; no control buffer, so that nobody can hand us an fd" },
	{ SCMP_SYS(sendto),          ANY,           "replies" },
	{ SCMP_SYS(sendmsg),         ANY,           "replies that donate an fd" },
	{ SCMP_SYS(openat2),         ANY,           "walks; each with RESOLVE_BENEATH and no links (beneath_open)" },
	{ SCMP_SYS(openat),          FIRST_IS_PROC, "from an O_PATH handle to an fd with access; no path but a number" },
	{ SCMP_SYS(close),           ANY,           "handles, and fds that have been donated" },
	{ SCMP_SYS(fcntl),           SECOND_IS_DUP, "a second handle for an inode" },
	{ SCMP_SYS(statx),           ANY,           "attributes" },
	{ SCMP_SYS(readlinkat),      ANY,           "symlink targets, for the sentry to follow" },
	{ SCMP_SYS(getdents64),      ANY,           "readdir" },
	{ SCMP_SYS(lseek),           ANY,           "readdir from a cookie" },
	{ SCMP_SYS(fstatfs),         ANY,           "statfs; is a filesystem below a root one of the kernel's own" },
	{ SCMP_SYS(fchmodat),        FIRST_IS_PROC, "setattr" },
	{ SCMP_SYS(fchownat),        ANY,           "setattr" },
	{ SCMP_SYS(ftruncate),       ANY,           "setattr" },
	{ SCMP_SYS(utimensat),       ANY,           "setattr" },
	{ SCMP_SYS(mkdirat),         ANY,           "mkdir" },
	{ SCMP_SYS(symlinkat),       ANY,           "symlink" },
	{ SCMP_SYS(mknodat),         THIRD_IS_FIFO, "mknod; never a device" },
	{ SCMP_SYS(mknodat),         THIRD_IS_SOCK, "mknod: the name of a socket that lives in the sentry" },
	{ SCMP_SYS(mknodat),         THIRD_IS_REG,  "mknod" },
	{ SCMP_SYS(linkat),          FIRST_IS_PROC, "link, from a handle" },
	{ SCMP_SYS(unlinkat),        ANY,           "unlink, rmdir" },
	{ SCMP_SYS(renameat2),       ANY,           "rename" },
	{ SCMP_SYS(fsync),           ANY,           "fsync of directories" },
	{ SCMP_SYS(fgetxattr),       ANY,           "getxattr" },
	{ SCMP_SYS(flistxattr),      ANY,           "listxattr" },
	{ SCMP_SYS(fsetxattr),       ANY,           "setxattr" },
	{ SCMP_SYS(fremovexattr),    ANY,           "removexattr" },
	{ SCMP_SYS(poll),            ANY,           "the main thread waits for the end" },
	{ SCMP_SYS(restart_syscall), ANY,           "that wait, after a stop and continue" },
	{ SCMP_SYS(write),           FIRST_IS_LOG,  "log lines" },
	{ SCMP_SYS(clock_gettime),   ANY,           "time stamps, where the vDSO has none" },
	{ SCMP_SYS(futex),           ANY,           "locks" },
	{ SCMP_SYS(gettid),          ANY,           "locks of debug builds know their owner" },
	{ SCMP_SYS(rt_sigprocmask),  ANY,           "a thread's end" },
	{ SCMP_SYS(madvise),         ANY,           "a thread's end gives its stack back" },
	{ SCMP_SYS(munmap),          ANY,           "memory is given back" },
	{ SCMP_SYS(exit),            ANY,           "a channel's end" },
	{ SCMP_SYS(exit_group),      ANY,           "the end" },
#ifdef __SANITIZE_ADDRESS__
	{ SCMP_SYS(mmap),            ANY,           "the sanitizer's heap" },
	{ SCMP_SYS(sched_yield),     ANY,           "its locks" },
	{ SCMP_SYS(getpid),          ANY,           "its reports" },
	{ SCMP_SYS(write),           ANY,           "the same" },
	{ SCMP_SYS(sigaltstack),     ANY,           "the sanitizer, at a thread's end" },
#endif
};
/* clang-format on */

static int add_rule(scmp_filter_ctx ctx, const struct allowed *a, int proc_fd, int log_fd)
{
	const scmp_datum_t type = S_IFMT;
	const struct scmp_arg_cmp cmp[] = {
		[FIRST_IS_PROC] = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)proc_fd),
		[FIRST_IS_LOG] = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)log_fd),
		[SECOND_IS_DUP] = SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC),
		[THIRD_IS_FIFO] = SCMP_A2(SCMP_CMP_MASKED_EQ, type, S_IFIFO),
		[THIRD_IS_SOCK] = SCMP_A2(SCMP_CMP_MASKED_EQ, type, S_IFSOCK),
		[THIRD_IS_REG] = SCMP_A2(SCMP_CMP_MASKED_EQ, type, S_IFREG),
	};

	if (a->rule == ANY)
		return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, a->nr, 0, NULL);
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, a->nr, 1, &cmp[a->rule]);
}

static int load(scmp_filter_ctx ctx, int proc_fd, int log_fd)
{
	int err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);

	for (size_t i = 0; err == 0 && i < ARRAY_LEN(allowlist); i++) {
		if (allowlist[i].rule == FIRST_IS_LOG && log_fd < 0)
			continue;
		err = add_rule(ctx, &allowlist[i], proc_fd, log_fd);
	}
	return err ? err : seccomp_load(ctx);
}

int lockdown_calls(int proc_fd, int log_fd)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!ctx)
		return -ENOMEM;
	err = load(ctx, proc_fd, log_fd);
	seccomp_release(ctx);
	if (err)
		log_error("the seccomp filter cannot be loaded: %s", strerror(-err));
	return err;
}
