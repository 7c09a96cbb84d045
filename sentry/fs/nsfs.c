/* nsfs: see nsfs.h. Linux: fs/nsfs.c. */
#include "sentry/fs/nsfs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/ns.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/mount.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/mm/usermem.h"

struct ns_inode {
	struct inode inode;
	struct ns *ns; /* referenced */
};

static const struct inode_ops ns_inode_ops;

static int ns_statfs(struct super *s, struct lx_statfs *out)
{
	(void)s;
	*out = (struct lx_statfs){ .f_type = LX_NSFS_MAGIC, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = LX_NAME_MAX };
	return 0;
}

static const struct super_ops ns_super_ops = { .statfs = ns_statfs };

/* One for the process and for ever, as the kernel's own mount of it is: made before first use, never freed. */
static struct super super;
static struct mount mount;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void setup(void)
{
	super_init(&super, &ns_super_ops, "nsfs");
	super.nodentries = true;
	ref_init(&mount.ref);
	mount.super = &super;
	mount.label = (char *)"nsfs";
	mount.source = (char *)"nsfs";
	list_init(&mount.link);
	list_init(&mount.children);
	list_init(&mount.sibling);
	list_init(&mount.peer_link);
	list_init(&mount.slave_link);
}

int nsfs_path(struct ns *ns, struct path *out)
{
	struct ns_inode *i = mem_zalloc(sizeof(*i));
	char name[48];
	int len;

	pthread_once(&once, setup);
	if (!i)
		return -ENOMEM;
	inode_init(&i->inode, &ns_inode_ops, &super, LX_S_IFREG | 0444, 0, 0);
	i->inode.attr.ino = ns->inum;
	i->ns = ns_get(ns);
	len = snprintf(name, sizeof(name), "%s:[%u]", ns_types[ns->kind].name, ns->inum);
	out->dentry = dentry_new(NULL, name, (uint32_t)len, &i->inode);
	inode_put(&i->inode);
	if (!out->dentry)
		return -ENOMEM;
	out->mount = mount_get(&mount);
	return 0;
}

static struct ns *inode_ns(const struct inode *i)
{
	return i && i->ops == &ns_inode_ops ? container_of(i, const struct ns_inode, inode)->ns : NULL;
}

struct ns *nsfs_path_ns(const struct path *p)
{
	return inode_ns(p->dentry->inode);
}

struct ns *nsfs_file_ns(struct file *f)
{
	return inode_ns(f->inode);
}

bool nsfs_is_path(const struct path *p)
{
	return nsfs_path_ns(p) != NULL;
}

bool nsfs_would_loop(struct task *t, const struct path *p)
{
	struct ns *ns = nsfs_path_ns(p);

	return ns && ns->kind == NS_MNT && container_of(ns, struct mount_ns, ns)->id >= task_mount_ns(t)->id;
}

/* --- ioctl_ns(2) --------------------------------------------------------------------------------------------------------- */

static int64_t open_ns(struct task *t, struct ns *ns)
{
	AUTO_PATH struct path p = { 0 };
	struct file *f;
	int fd, ret = nsfs_path(ns, &p);

	if (ret < 0)
		return ret;
	fd = fd_reserve(t, 0);
	if (fd < 0)
		return fd;
	ret = path_inode(&p)->ops->open(path_inode(&p), &p, LX_O_RDONLY, t, &f);
	if (ret < 0) {
		fd_unreserve(t, fd);
		return ret;
	}
	fd_install(t, fd, f, true);
	return fd;
}

/* The owner, or the parent, where the caller may see it: it must be its own namespace or below. */
static int64_t get_owner(struct task *t, struct ns *ns)
{
	if (!ns->owner || !user_ns_is_ancestor(t->cred->user_ns, ns->owner))
		return -EPERM;
	return open_ns(t, &ns->owner->ns);
}

static int64_t get_parent(struct task *t, struct ns *ns)
{
	if (ns->kind == NS_USER)
		return get_owner(t, ns);
	return -EINVAL;
}

static int64_t get_owner_uid(struct task *t, struct ns *ns, uint64_t arg)
{
	uint32_t uid;

	if (ns->kind != NS_USER)
		return -EINVAL;
	uid = id_shown(t->cred->user_ns, ID_USER, container_of(ns, struct user_ns, ns)->uid);
	return copy_out(t, uaddr(arg), &uid, sizeof(uid));
}

static int64_t get_mnt_id(struct task *t, struct ns *ns, uint64_t arg)
{
	uint64_t id;

	if (ns->kind != NS_MNT)
		return -EINVAL;
	id = container_of(ns, struct mount_ns, ns)->id;
	return copy_out(t, uaddr(arg), &id, sizeof(id));
}

static int64_t ns_ioctl(struct file *f, struct task *t, uint32_t cmd, uint64_t arg)
{
	struct ns *ns = nsfs_file_ns(f);

	switch (cmd) {
	case LX_NS_GET_USERNS:
		return get_owner(t, ns);
	case LX_NS_GET_PARENT:
		return get_parent(t, ns);
	case LX_NS_GET_NSTYPE:
		return ns_types[ns->kind].flag;
	case LX_NS_GET_OWNER_UID:
		return get_owner_uid(t, ns, arg);
	case LX_NS_GET_MNTNS_ID:
		return get_mnt_id(t, ns, arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_ops ns_file_ops = { .ioctl = ns_ioctl, .name = "nsfs" };

static int ns_open(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	*out = file_new(&ns_file_ops, i, p, flags, t->cred, NULL);
	return *out ? 0 : -ENOMEM;
}

static int ns_setattr(struct inode *i, const struct setattr *s)
{
	(void)i;
	(void)s;
	return -EPERM;
}

static void ns_inode_destroy(struct inode *i)
{
	struct ns_inode *n = container_of(i, struct ns_inode, inode);

	ns_put(n->ns);
	mem_free(n);
}

static const struct inode_ops ns_inode_ops = { .open = ns_open, .setattr = ns_setattr, .destroy = ns_inode_destroy };
