/* clone + exec of our own binary in fresh user and pid namespaces: see spawn.h. The one place of the tools that makes processes. */
#include "tools/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "tools/exit_codes.h"
#include "tools/failure.h"
#include "tools/ids.h"

#define CHILD_STACK (16u << 10)

/* Shared with the child until it execs: it has the parent's memory, and the parent waits. */
struct launch {
	const struct spawn_config *config;
	int exe_fd, null_fd;
	int err; /* errno of what went wrong in the child */
};

/* What tools/confine.c and the gofer's start need until they give everything up. */
static const unsigned char kept_capabilities[] = {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, /* opening the roots as the caller may */
	CAP_SETGID, CAP_SETUID, CAP_SETPCAP,                          /* becoming nobody */
	CAP_SYS_CHROOT, CAP_SYS_ADMIN,                                /* namespaces, mounts of the roots, the empty root */
	CAP_SYS_RESOURCE,                                             /* the limit of open files */
};

/*
 * An exec by an id that is not mapped yet loses every capability, unless they are ambient. The child gives them all up again
 * when it has made its namespaces. Each costs a copy of the credentials, so only those are raised that are needed.
 */
static void keep_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return;
	for (int i = 0; i < 2; i++)
		data[i].inheritable = data[i].permitted;
	if (syscall(SYS_capset, &head, data))
		return;
	for (size_t i = 0; i < ARRAY_LEN(kept_capabilities); i++)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)kept_capabilities[i], 0, 0);
}

/* In the child, on a stack of its own but in the parent's memory: host calls only. */
static int child_main(void *arg)
{
	struct launch *l = arg;
	const struct spawn_config *c = l->config;
	char *argv[] = { (char *)(uintptr_t)c->name, NULL };
	char *envp[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	if (setsid() < 0 || dup2(l->null_fd, 0) < 0 || dup2(l->null_fd, 1) < 0 ||
	    dup2(c->stderr_fd >= 0 ? c->stderr_fd : l->null_fd, 2) < 0)
		goto fail;
	if (c->control_fd == SPAWN_CONTROL_FD ? fcntl(c->control_fd, F_SETFD, 0) : dup2(c->control_fd, SPAWN_CONTROL_FD) < 0)
		goto fail;
	if (close_range(SPAWN_CONTROL_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC))
		goto fail;
	keep_capabilities();
	sigprocmask(SIG_SETMASK, &none, NULL);
	execveat(l->exe_fd, "", argv, envp, AT_EMPTY_PATH);
fail:
	l->err = errno;
	_exit(EXIT_PICKET);
}

static int clone_child(struct launch *l, int flags, struct spawned *out)
{
	char stack[CHILD_STACK] __attribute__((aligned(16)));
	sigset_t all, old;

	sigfillset(&all); /* a handler of ours must not run in the child, on our memory */
	sigprocmask(SIG_SETMASK, &all, &old);
	int64_t pid = host_ret(clone(child_main, stack + sizeof(stack), flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, l,
				     &out->pidfd));
	sigprocmask(SIG_SETMASK, &old, NULL);
	sanitize_reused(stack, sizeof(stack));
	if (pid < 0)
		return (int)pid;
	out->pid = (pid_t)pid;
	if (!l->err)
		return 0;
	spawn_end(out);
	return -l->err;
}

static int write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	AUTO_CLOSE int fd = (int)host_ret(open(path, O_WRONLY | O_CLOEXEC));
	if (fd < 0)
		return fd;
	return (int)host_write_full(fd, text, strlen(text));
}

/* What goes into the child's map files, and who it is to become. */
struct id_plan {
	char uids[IDS_RANGES * 36], gids[IDS_RANGES * 36];
	bool deny_groups; /* for a map of one id: also for callers without privilege */
	struct spawn_go go;
};

static void plan_ids(struct id_plan *plan, const struct spawn_config *config)
{
	bool root = geteuid() == 0;
	struct ids_map uids, gids;

	plan->go = (struct spawn_go){ .magic = SPAWN_GO_MAGIC, .uid = geteuid(), .gid = getegid() };
	if (root) {
		ids_read("/proc/self/uid_map", &uids);
		ids_read("/proc/self/gid_map", &gids);
	}
	if (root && config->ids == SPAWN_IDS_ALL) {
		if (ids_contains(&uids, config->uid) && ids_contains(&gids, config->gid)) {
			plan->go.uid = config->uid;
			plan->go.gid = config->gid;
			plan->go.change_ids = config->uid || config->gid;
		}
		ids_identity_text(&uids, plan->uids, sizeof(plan->uids));
		ids_identity_text(&gids, plan->gids, sizeof(plan->gids));
		return;
	}
	if (root) {
		plan->go.uid = plan->go.gid = ids_fresh(&uids, &gids, 0);
		plan->go.change_ids = plan->go.uid != 0;
	}
	plan->deny_groups = true;
	snprintf(plan->uids, sizeof(plan->uids), "%u %u 1\n", plan->go.uid, plan->go.uid);
	snprintf(plan->gids, sizeof(plan->gids), "%u %u 1\n", plan->go.gid, plan->go.gid);
}

static int write_maps(pid_t pid, const struct id_plan *plan)
{
	int err = plan->deny_groups ? write_file(pid, "setgroups", "deny") : 0;

	if (err < 0 && err != -ENOENT)
		return err;
	err = write_file(pid, "uid_map", plan->uids);
	return err < 0 ? err : write_file(pid, "gid_map", plan->gids);
}

static int explain_clone(struct failure *f, int err)
{
	if (err == -EPERM || err == -ENOSPC || err == -EUSERS || err == -EINVAL)
		return fail(f, err, EXIT_PICKET,
			    "the host does not allow user namespaces (%s): see user.max_user_namespaces, "
			    "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns, or `picket doctor`",
			    strerror(-err));
	return fail(f, err, EXIT_PICKET, "cannot start a process of the sandbox: %s", strerror(-err));
}

/* Root does without a user namespace where there is none; ids and capabilities are dropped all the same. */
static int clone_somehow(struct launch *l, struct spawned *out, bool *has_userns)
{
	int err = clone_child(l, CLONE_NEWUSER | CLONE_NEWPID, out);

	*has_userns = !err;
	if (!err || geteuid() != 0 || (err != -EPERM && err != -ENOSPC && err != -EUSERS && err != -EINVAL))
		return err;
	l->err = 0;
	return clone_child(l, CLONE_NEWPID, out);
}

/* Tells the child who it is, and lets it go. */
static int release(struct spawned *child, int our_fd, const struct id_plan *plan, bool has_userns, struct failure *f)
{
	int err = has_userns ? write_maps(child->pid, plan) : 0;

	if (err < 0)
		return fail(f, err, EXIT_PICKET, "cannot map the ids of a user namespace: %s", strerror(-err));
	if (send(our_fd, &plan->go, sizeof(plan->go), MSG_NOSIGNAL) < 0)
		return fail(f, -EPIPE, EXIT_PICKET, "a process of the sandbox died at its start");
	return 0;
}

int spawn(const struct spawn_config *config, int our_fd, struct spawned *out, struct failure *f)
{
	AUTO_CLOSE int exe_fd = (int)host_ret(open("/proc/self/exe", O_PATH | O_CLOEXEC));
	AUTO_CLOSE int exe_high = exe_fd < 0 ? -1 : fcntl(exe_fd, F_DUPFD_CLOEXEC, SPAWN_CONTROL_FD + 1);
	AUTO_CLOSE int null_fd = (int)host_ret(open("/dev/null", O_RDWR | O_CLOEXEC));
	struct launch launch = { .config = config, .exe_fd = exe_high, .null_fd = null_fd };
	struct id_plan plan = { .deny_groups = false };
	bool has_userns;

	memset(out, 0, sizeof(*out));
	if (exe_high < 0 || null_fd < 0)
		return fail(f, -ENOENT, EXIT_PICKET, "cannot open /proc/self/exe or /dev/null: mount /proc and /dev first");
	plan_ids(&plan, config);
	int err = clone_somehow(&launch, out, &has_userns);
	if (err)
		return explain_clone(f, err);
	err = release(out, our_fd, &plan, has_userns, f);
	if (err)
		spawn_end(out);
	return err;
}

void spawn_kill(const struct spawned *child)
{
	if (child->pid > 0)
		kill(child->pid, SIGKILL);
}

void spawn_end(struct spawned *child)
{
	if (child->pid > 0) {
		spawn_kill(child);
		HOST_RETRY(waitpid(child->pid, NULL, 0));
		host_close(&child->pidfd);
	}
	child->pid = 0;
}
