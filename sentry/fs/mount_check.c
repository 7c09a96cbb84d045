/* Who may change mounts, and what a mount may not show. Linux: fs/namespace.c, may_mount(), mount_too_revealing(). */
#include <errno.h>

#include "abi/cred.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/mount.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"

int mount_may(struct task *t)
{
	/* A Landlock domain says what may be done below which place: places must not move. */
	if (t->cred->landlock && t->cred->landlock->any_fs)
		return -EPERM;
	return ns_capable(t->cred, task_mount_ns(t)->ns.owner, LX_CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* A directory of such a filesystem that is there to be mounted on, and empty without that. */
static bool hides_nothing(const struct mount *child)
{
	const struct dentry *at = child->at.dentry;

	return at->inode->type == LX_S_IFDIR && at->inode->attr.nlink == 2 && !at->inode->ops->lookup;
}

static bool wholly_visible(const struct mount *m)
{
	const struct mount *c;

	if (m->root->inode != m->super->root)
		return false;
	list_for_each(c, &m->children, sibling)
		if (c->locked & MOUNT_LOCKED && !hides_nothing(c))
			return false;
	return true;
}

bool mount_reveals_too_much(struct task *t, const struct super *s, uint32_t flags, uint32_t *locked)
{
	struct mount_ns *ns = task_mount_ns(t);
	const struct mount *m;

	*locked = 0;
	if (ns->ns.owner == &first_user_ns)
		return false;
	LOCK_GUARD(&mount_lock);
	list_for_each(m, &ns->mounts, link) {
		uint32_t ro = m->locked & MOUNT_READONLY;

		if (m->super->fstype != s->fstype || !wholly_visible(m) || (ro && !(flags & MOUNT_READONLY)))
			continue;
		*locked = ro | (m->locked & MOUNT_LOCK_ATIME);
		return false;
	}
	return true;
}
