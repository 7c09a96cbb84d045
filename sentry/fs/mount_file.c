/* Trees of mounts held by a file descriptor: what open_tree(2) and fsmount(2) return. */
#include <errno.h>

#include "abi/fcntl.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/mount.h"
#include "sentry/kernel/kernel.h"

/* Linux: dissolve_on_fput(). A tree that was mounted has left the namespace, which is empty then. */
static void tree_release(struct file *f)
{
	mount_ns_free(f->priv);
}

static const struct file_ops tree_ops = { .release = tree_release, .name = "mount tree" };

int mount_tree_file(struct task *t, const struct path *p, struct mount_ns *ns, struct file **out)
{
	*out = file_new(&tree_ops, path_inode(p), p, LX_O_PATH, t->cred, ns);
	return *out ? 0 : -ENOMEM;
}
