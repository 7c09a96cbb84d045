/* The probes themselves, a function each, and their table at the end. */
#include "tools/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

/* Newer than the headers of Debian 12. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#endif
#define NOTIF_SYNC_WAKE_UP 1ul
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#endif

static int result(long ret)
{
	return ret < 0 ? errno : 0;
}

/* --- namespaces ------------------------------------------------------------------------------------------------------- */

static int try_namespace(int flag)
{
	return result(unshare(CLONE_NEWUSER | flag));
}

static int try_user_ns(void)
{
	return try_namespace(0);
}

static int try_mount_ns(void)
{
	return try_namespace(CLONE_NEWNS);
}

static int try_pid_ns(void)
{
	return try_namespace(CLONE_NEWPID);
}

static int try_net_ns(void)
{
	return try_namespace(CLONE_NEWNET);
}

static int try_ipc_ns(void)
{
	return try_namespace(CLONE_NEWIPC);
}

static int try_uts_ns(void)
{
	return try_namespace(CLONE_NEWUTS);
}

static int try_cgroup_ns(void)
{
	return try_namespace(CLONE_NEWCGROUP);
}

/* --- mounts ------------------------------------------------------------------------------------------------------------ */

static int try_detached_tmpfs(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return errno;
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return errno;
	int mnt = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	return mnt < 0 || fchdir(mnt) || chroot(".") ? errno : 0;
}

static int try_mount_clone(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC };

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return errno;
	int tree = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return result(tree < 0 ? tree : mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
}

/* --- seccomp ----------------------------------------------------------------------------------------------------------- */

static int install_listener(unsigned long flags)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int try_filter(void)
{
	return result(install_listener(0));
}

static int try_listener(void)
{
	return result(install_listener(SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

static int try_killable_wait(void)
{
	return result(install_listener(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV));
}

static int try_sync_wake(void)
{
	int fd = install_listener(SECCOMP_FILTER_FLAG_NEW_LISTENER);

	return result(fd < 0 ? fd : ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, NOTIF_SYNC_WAKE_UP));
}

/* --- ptrace and memory ------------------------------------------------------------------------------------------------- */

/* A child that waits to be looked at. probe_run() ends it. */
static pid_t sleeping_child(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;)
		pause();
}

static int try_seize(void)
{
	pid_t pid = sleeping_child();

	return result(pid < 0 ? pid : ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP));
}

static int try_sysemu(void)
{
	pid_t pid = sleeping_child();
	int status;

	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_EXITKILL) || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) ||
	    waitpid(pid, &status, __WALL) < 0)
		return errno;
	return result(ptrace(PTRACE_SYSEMU, pid, NULL, NULL));
}

static int try_process_vm(void)
{
	static char theirs[8] = "picket!";
	char ours[8];
	pid_t pid = sleeping_child();
	struct iovec to = { ours, sizeof(ours) }, from = { theirs, sizeof(theirs) };

	return result(pid < 0 ? pid : process_vm_readv(pid, &to, 1, &from, 1, 0));
}

static int try_pidfd_getfd(void)
{
	pid_t pid = sleeping_child();
	int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);

	return result(pidfd < 0 ? pidfd : syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}

/* --- files and memory --------------------------------------------------------------------------------------------------- */

static int try_openat2(void)
{
	struct open_how how = { .flags = O_PATH, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS };
	int root = open("/", O_PATH | O_DIRECTORY);

	return result(root < 0 ? root : syscall(SYS_openat2, root, ".", &how, sizeof(how)));
}

static int try_statx(void)
{
	struct statx st;

	return result(statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &st));
}

static int try_memfd(void)
{
	int fd = memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return result(fd < 0 ? fd : fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

/* --- io_uring ---------------------------------------------------------------------------------------------------------- */

static int setup_ring(unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };

	return (int)syscall(SYS_io_uring_setup, 4, &params);
}

static int try_ring(void)
{
	return result(setup_ring(0));
}

static int try_deferred_ring(void)
{
	return result(setup_ring(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN));
}

static int try_restricted_ring(void)
{
	struct io_uring_restriction allow = { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ };
	int ring = setup_ring(IORING_SETUP_R_DISABLED);

	return result(ring < 0 ? ring : syscall(SYS_io_uring_register, ring, IORING_REGISTER_RESTRICTIONS, &allow, 1));
}

/* --- what is only reported ------------------------------------------------------------------------------------------------ */

static int try_kvm(void)
{
	return result(open("/dev/kvm", O_RDWR | O_CLOEXEC));
}

static int try_landlock(void)
{
	return result(syscall(__NR_landlock_create_ruleset, NULL, 0, 1u));
}

/* --- running one --------------------------------------------------------------------------------------------------------- */

int probe_run(const struct probe *p)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (!pid) {
		setpgid(0, 0);
		alarm(3);
		_exit(p->try());
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	kill(-pid, SIGKILL); /* a helper that the probe has left */
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? ETIMEDOUT : EFAULT;
	return WEXITSTATUS(status);
}

#define USERNS_MEND                                                                                                       \
	"sysctl user.max_user_namespaces=10000, kernel.unprivileged_userns_clone=1 (Debian), "                            \
	"kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container: run it with user namespaces allowed"
#define KERNEL(v) "a kernel of " v " or later, and no outer seccomp filter that hides it"
#define YAMA_MEND "sysctl kernel.yama.ptrace_scope=1 or lower; in a container: allow ptrace in its seccomp profile"
#define RING_MEND "sysctl kernel.io_uring_disabled=0; in a container: allow io_uring in its seccomp profile"

const struct probe probes[] = {
	{ "user namespace", "namespaces", PROBE_MUST, try_user_ns, "ids and capabilities of nobody", USERNS_MEND },
	{ "mount namespace", "namespaces", PROBE_MUST, try_mount_ns, "no file system in sight", USERNS_MEND },
	{ "pid namespace", "namespaces", PROBE_MUST, try_pid_ns, "guests die with their sentry", USERNS_MEND },
	{ "net namespace", "namespaces", PROBE_MUST, try_net_ns, "no network in sight", USERNS_MEND },
	{ "ipc namespace", "namespaces", PROBE_MUST, try_ipc_ns, "no shared memory of others", USERNS_MEND },
	{ "uts namespace", "namespaces", PROBE_MUST, try_uts_ns, "no host name", USERNS_MEND },
	{ "cgroup namespace", "namespaces", PROBE_BETTER, try_cgroup_ns, "no cgroup paths in sight", KERNEL("4.6") },
	{ "detached tmpfs as root", "namespaces", PROBE_MUST, try_detached_tmpfs, "an empty root", KERNEL("5.2") },
	{ "mount clone with flags", "namespaces", PROBE_BETTER, try_mount_clone, "read-only and noexec kept by the host too", KERNEL("5.12") },
	{ "seccomp filter", "traps", PROBE_MUST, try_filter, "allowlists", KERNEL("3.17") },
	{ "seccomp user notification", "traps", PROBE_SECCOMP, try_listener, "the trap of the seccomp platform",
	  KERNEL("5.0") "; EBUSY means that an outer sandbox has a listener already: nothing to mend, ptrace is used" },
	{ "WAIT_KILLABLE_RECV", "traps", PROBE_SECCOMP, try_killable_wait, "calls that signals don't tear", KERNEL("5.19") },
	{ "SYNC_WAKE_UP", "traps", PROBE_BETTER, try_sync_wake, "a trap in 1.7 instead of 7 microseconds", KERNEL("6.6") },
	{ "ptrace SEIZE", "traps", PROBE_MUST, try_seize, "control stops of both platforms", YAMA_MEND },
	{ "PTRACE_SYSEMU", "traps", PROBE_PTRACE, try_sysemu, "the trap of the ptrace platform", YAMA_MEND },
	{ "process_vm_readv", "traps", PROBE_MUST, try_process_vm, "guest memory", YAMA_MEND },
	{ "pidfd_getfd", "traps", PROBE_MUST, try_pidfd_getfd, "files mapped into guests", KERNEL("5.6") },
	{ "openat2", "files", PROBE_MUST, try_openat2, "walks that stay below their root", KERNEL("5.6") },
	{ "statx", "files", PROBE_MUST, try_statx, "attributes of files", KERNEL("4.11") },
	{ "memfd with seals", "files", PROBE_MUST, try_memfd, "in-memory files that are mapped", KERNEL("3.17") },
	{ "io_uring", "I/O", PROBE_RING, try_ring, "what blocks, and batches", RING_MEND },
	{ "io_uring DEFER_TASKRUN", "I/O", PROBE_BETTER, try_deferred_ring, "completions where they are wanted", KERNEL("6.1") },
	{ "io_uring restrictions", "I/O", PROBE_RING, try_restricted_ring, "a ring that can do nothing else", KERNEL("5.10") },
	{ "KVM", "unused", PROBE_UNUSED, try_kvm, "nothing yet", "" },
	{ "Landlock", "unused", PROBE_UNUSED, try_landlock, "nothing yet", "" },
};
const size_t probe_count = ARRAY_LEN(probes);
