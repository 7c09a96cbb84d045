/* Flags of inodes: see fileattr.h. */
#include "sentry/fs/fileattr.h"

#include <errno.h>

#include "abi/cred.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"

#define SETTABLE (LX_FS_IMMUTABLE_FL | LX_FS_APPEND_FL | LX_FS_NODUMP_FL | LX_FS_NOATIME_FL)
#define INHERITED (LX_FS_NODUMP_FL | LX_FS_NOATIME_FL)

int fileattr_set(struct task *t, const struct path *p, uint32_t flags)
{
	static const struct setattr changed = { .valid = ATTR_CTIME };
	struct inode *i = path_inode(p);
	int ret = path_may_change(p);

	if (!i->super->fileattr)
		return -ENOTTY;
	if (ret < 0)
		return ret;
	if (!inode_owner_or_capable(t->cred, i))
		return -EPERM;
	if ((flags ^ fileattr(i)) & (LX_FS_IMMUTABLE_FL | LX_FS_APPEND_FL) && !cred_capable(t->cred, LX_CAP_LINUX_IMMUTABLE))
		return -EPERM;
	if (flags & ~(uint32_t)SETTABLE)
		return -EOPNOTSUPP;
	atomic_store(&i->fileattr, flags);
	return i->ops->setattr(i, &changed); /* which pins an overlay's inode as well */
}

void fileattr_inherit(const struct inode *dir, struct inode *made)
{
	if (made->type == LX_S_IFREG || made->type == LX_S_IFDIR)
		atomic_store(&made->fileattr, fileattr(dir) & INHERITED);
}
