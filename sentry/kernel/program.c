/* From a boot_process to a task with its image planned: see program.h. */
#include "sentry/kernel/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "abi/resource.h"
#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/boot/control.h"
#include "sentry/boot/spec.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/hostfd.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/tty.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/exec.h"

static int say(char *why, size_t why_len, int err, const char *what, const char *name)
{
	snprintf(why, why_len, "%s %s: %s", what, name, strerrordesc_np(-err));
	return err;
}

/* Why the host's rules let the program not run, in words; `name` as it was asked for. */
static int explain_exec(struct task *t, const char *name, int err, char *why, size_t why_len)
{
	AUTO_PATH struct path path = { 0 };
	const struct inode *inode;

	if (err != -EACCES || !strchr(name, '/') || vfs_walk(t, LX_AT_FDCWD, name, 0, &path) < 0)
		return say(why, why_len, err, "cannot run", name);
	inode = path_inode(&path);
	if (inode->type == LX_S_IFDIR)
		snprintf(why, why_len, "cannot run %s: it is a directory", name);
	else if (inode->type != LX_S_IFREG)
		snprintf(why, why_len, "cannot run %s: it is not a regular file", name);
	else if (path.mount->flags & MOUNT_NOEXEC)
		snprintf(why, why_len, "cannot run %s: it is on %s, which is noexec (permission denied)", name, path.mount->label);
	else if (!(inode->attr.mode & 0111))
		snprintf(why, why_len, "cannot run %s: its mode is %04o, which lets nobody execute it (permission denied)", name,
			 inode->attr.mode & 07777);
	else
		say(why, why_len, err, "cannot run", name);
	return err;
}

/* The standard streams. Where all three are one terminal, they are one file of the guest's too. */
static int open_stdio(struct task *t, bool terminal, const int stdio[3])
{
	int ret = 0;

	for (int i = 0; i < 3; i++) {
		struct file *f;

		if (stdio[i] < 0)
			continue;
		if (ret < 0) { /* what is left is still ours to close */
			close(stdio[i]);
			continue;
		}
		ret = terminal && host_fd_is_tty(stdio[i]) ? host_tty_open(t, stdio[i], true, &f) : hostfd_open(t, stdio[i], &f);
		if (ret == 0)
			ret = fd_replace(t, i, f, false);
	}
	return ret < 0 ? ret : 0;
}

static struct cred *make_cred(const struct boot_process *p)
{
	struct cred *c = cred_new(p->uid, p->gid, p->groups, (uint32_t)p->group_count);

	if (!c)
		return NULL;
	/* Nobody has a reference yet but us: still ours to shape. */
	c->cap_permitted = p->caps.permitted;
	c->cap_effective = p->caps.effective;
	c->cap_inheritable = p->caps.inheritable;
	c->cap_bounding = p->caps.bounding;
	c->cap_ambient = p->caps.ambient;
	c->no_new_privs = p->no_new_privs;
	return c;
}

static int enter_cwd(struct task *t, const char *cwd)
{
	struct path path = { 0 }, old;
	int ret = vfs_walk(t, LX_AT_FDCWD, cwd, WALK_DIRECTORY, &path);

	if (ret < 0)
		return ret;
	lock_take(&t->fs->lock);
	old = t->fs->cwd;
	t->fs->cwd = path;
	lock_drop(&t->fs->lock);
	path_put(&old);
	return 0;
}

/* execvp(3)'s search: the errno of the last candidate that was there but would not do counts more than "not found". */
static int64_t exec_search(struct task *t, const struct boot_process *p, const struct exec_args *args)
{
	const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *name = p->argv[0];
	int64_t ret = -ENOENT;

	if (strchr(name, '/'))
		return task_exec(t, LX_AT_FDCWD, name, 0, args);
	for (char **e = p->envp; e && *e; e++)
		if (!strncmp(*e, "PATH=", 5))
			path = *e + 5;
	while (ret != SYS_GONE) {
		size_t len = strcspn(path, ":");
		AUTO_FREE char *full = mem_printf("%.*s%s%s", (int)len, path, len ? "/" : "./", name);
		int64_t found = full ? task_exec(t, LX_AT_FDCWD, full, 0, args) : -ENOMEM;

		if (found != -ENOENT && found != -ENOTDIR)
			ret = found;
		if (!path[len])
			break;
		path += len + 1;
	}
	return ret;
}

static int64_t start_image(struct task *t, const struct boot_process *p)
{
	struct exec_args args = { .argv = p->argv, .envp = p->envp };
	static char *no_env[] = { NULL };

	if (!args.envp)
		args.envp = no_env;
	for (; args.argv[args.argc]; args.argc++)
		args.bytes += strlen(args.argv[args.argc]) + 1;
	for (; args.envp[args.envc]; args.envc++)
		args.bytes += strlen(args.envp[args.envc]) + 1;
	return exec_search(t, p, &args);
}

static int furnish(struct task *t, const struct boot_process *p)
{
	AUTO_PATH struct path root = { 0 };

	mount_ns_root(t->k->mounts, &root);
	t->fs = fsctx_new(&root);
	t->ns = ns_set_get(t->k->ns);
	t->files = fdtable_new();
	if (!t->fs || !t->files)
		return -ENOMEM;
	t->fs->umask = p->umask;
	for (size_t i = 0; i < p->rlimit_count; i++)
		if (p->rlimits[i].resource < LX_RLIM_NLIMITS)
			t->proc->limits[p->rlimits[i].resource] = (struct lx_rlimit){ p->rlimits[i].soft, p->rlimits[i].hard };
	return 0;
}

int program_prepare(struct kernel *k, const struct boot_process *p, const int stdio[3], bool first, struct task **out,
		    enum control_stage *stage, char *why, size_t why_len)
{
	struct cred *cred = make_cred(p);
	struct task *t = cred ? (first ? task_create_init(k, cred) : task_create_root(k, cred)) : NULL;
	int64_t ret = t ? 0 : -ENOMEM;

	*stage = CONTROL_STAGE_INTERNAL;
	cred_put(cred);
	if (!ret)
		ret = furnish(t, p);
	if (!ret)
		ret = open_stdio(t, p->terminal, stdio);
	else
		for (int i = 0; i < 3; i++)
			if (stdio[i] >= 0)
				close(stdio[i]);
	if (ret < 0) {
		say(why, why_len, (int)ret, "cannot set up the process for", p->argv[0]);
		goto fail;
	}
	*stage = CONTROL_STAGE_SPEC;
	ret = enter_cwd(t, p->cwd);
	if (ret < 0) {
		say(why, why_len, (int)ret, "working directory", p->cwd);
		goto fail;
	}
	*stage = CONTROL_STAGE_EXEC;
	ret = start_image(t, p);
	if (ret != SYS_GONE) {
		explain_exec(t, p->argv[0], (int)ret, why, why_len);
		goto fail;
	}
	*out = t;
	return 0;
fail:
	if (t) {
		task_exit(t, 127 << 8);
		task_put(t);
	}
	return (int)ret;
}
