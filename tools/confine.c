/* Namespaces, empty root, ids and capabilities of a sandbox's processes: see confine.h. */
#include "tools/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "tools/spawn.h"

/* The pid and user namespaces came with the clone. A host without cgroup namespaces is fine: there is no cgroup mount to see. */
static int leave_namespaces(void)
{
	int flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

	if (!unshare(flags | CLONE_NEWCGROUP))
		return 0;
	return (int)host_ret(unshare(flags));
}

static int receive_go(int fd, struct spawn_go *go)
{
	int64_t n = HOST_RETRY(recv(fd, go, sizeof(*go), 0));

	if (n != sizeof(*go))
		return n < 0 ? (int)n : -EPIPE;
	return go->magic == SPAWN_GO_MAGIC ? 0 : -EBADMSG;
}

/* SIGKILL when the runtime goes. Credential changes clear it, so it is set after them. */
static int die_with_runtime(void)
{
	return (int)host_ret(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}

/*
 * Over the root of our own tree of mounts, which tells nobody, a mount lives as long as the tree. One that hangs nowhere is taken down
 * with its fd, which takes an RCU grace period, a millisecond; that is what happens where this is refused.
 */
static void keep_mount(int mnt)
{
	if (!mount(NULL, "/", NULL, MS_PRIVATE, NULL))
		(void)!move_mount(mnt, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
}

/* An empty tmpfs becomes the root: nothing is in it, and nothing can be. */
static int empty_root(void)
{
	AUTO_CLOSE int fs = (int)host_ret(fsopen("tmpfs", FSOPEN_CLOEXEC));
	if (fs < 0)
		return fs;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	AUTO_CLOSE int mnt = (int)host_ret(fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC |
								     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
	if (mnt < 0)
		return mnt;
	keep_mount(mnt);
	return fchdir(mnt) || chroot(".") ? -errno : 0;
}

/* Without a user namespace of its own, a root that changes its id keeps only what it asks to keep, and that not in effect. */
static int raise_permitted(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	return (int)host_ret(syscall(SYS_capset, &head, data));
}

static int change_ids(const struct spawn_go *go)
{
	if (!go->change_ids)
		return 0;
	/* Refused where the user namespace denies it; then there is nothing to drop but what the namespace does not map. */
	if (setgroups(0, NULL) && errno != EPERM)
		return -errno;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresgid(go->gid, go->gid, go->gid) || setresuid(go->uid, go->uid, go->uid))
		return -errno;
	int err = raise_permitted();
	if (err)
		return err;
	/* Changing ids made us undumpable; /proc and ptrace of our own children need it until the sentry locks itself down. */
	return (int)host_ret(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
					 SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
	for (unsigned long cap = 0; !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); cap++)
		;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	return (int)host_ret(syscall(SYS_capset, &head, none));
}

int confine_gofer(int control_fd, const char **what)
{
	struct spawn_go go;
	int err;

	*what = "making namespaces";
	err = leave_namespaces();
	if (err)
		return err;
	*what = "waiting for the runtime";
	err = receive_go(control_fd, &go);
	if (err)
		return err;
	*what = "changing ids"; /* capabilities are kept for opening the roots; gofer_main() drops them */
	err = change_ids(&go);
	if (err)
		return err;
	*what = "tying the process to the runtime's life";
	return die_with_runtime();
}

int confine_sentry(int control_fd, const char **what)
{
	struct spawn_go go;
	int err;

	*what = "making namespaces";
	err = leave_namespaces();
	if (err)
		return err;
	*what = "waiting for the runtime";
	err = receive_go(control_fd, &go);
	if (err)
		return err;
	*what = "changing ids";
	err = change_ids(&go);
	if (err)
		return err;
	*what = "making an empty root";
	err = empty_root();
	if (err)
		return err;
	*what = "dropping capabilities";
	err = drop_capabilities();
	if (!err)
		err = (int)host_ret(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (err)
		return err;
	*what = "tying the process to the runtime's life";
	return die_with_runtime();
}
