/*
 * What an exec makes of credentials: set-id bits, and capabilities(7), "Transformation of capabilities during execve()". Without file
 * capabilities: no program here has any.
 */
#include "sentry/kernel/cred_exec.h"

#include <stddef.h>

#include "abi/cred.h"
#include "abi/stat.h"
#include "sentry/fs/file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/cred_change.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/seccomp.h"

/* Somebody with fewer rights could turn the new image to his ends: by tracing it, or by the root and directory that he shares. */
static bool unsafe(struct task *t)
{
	return ptrace_is_traced(t) || atomic_load(&t->fs->ref.count) > t->proc->live_tasks;
}

static void take_ids(struct task *t, const struct file *program, struct cred *new)
{
	const struct attr *a = &program->inode->attr;

	if (!program->path.mount || program->path.mount->flags & MOUNT_NOSUID || task_no_new_privs(t) || unsafe(t))
		return;
	if (a->mode & LX_S_ISUID)
		new->euid = a->uid;
	if ((a->mode & (LX_S_ISGID | LX_S_IXGRP)) == (LX_S_ISGID | LX_S_IXGRP))
		new->egid = a->gid;
}

static void take_capabilities(struct cred *new, bool set_id)
{
	bool root = !(new->securebits & LX_SECBIT_NOROOT) && (new->euid == 0 || new->uid == 0);

	if (set_id)
		new->cap_ambient = 0;
	new->cap_permitted = new->cap_ambient;
	if (root)
		new->cap_permitted |= new->cap_inheritable | new->cap_bounding;
	new->cap_effective = root && new->euid == 0 ? new->cap_permitted : new->cap_ambient;
}

struct cred *cred_exec(struct task *t, const struct file *program, bool *secure)
{
	struct cred *new = cred_prepare(t);
	bool set_id;

	if (!new)
		return NULL;
	take_ids(t, program, new);
	set_id = new->euid != t->cred->euid || new->egid != t->cred->egid;
	new->suid = new->fsuid = new->euid;
	new->sgid = new->fsgid = new->egid;
	new->keep_caps = false;
	take_capabilities(new, set_id);
	*secure = set_id || new->uid != new->euid || new->gid != new->egid;
	return new;
}
