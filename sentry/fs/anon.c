/* Inodes of files without a name: see anon.h. */
#include "sentry/fs/anon.h"

#include <errno.h>
#include <pthread.h>

#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"

static void own_inode_destroy(struct inode *i)
{
	mem_free(i);
}

static const struct inode_ops anon_inode_ops = { .destroy = own_inode_destroy };

static int anon_statfs(struct super *s, struct lx_statfs *out)
{
	(void)s;
	*out = (struct lx_statfs){ .f_type = LX_ANON_INODE_FS_MAGIC, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = LX_NAME_MAX };
	return 0;
}

static const struct super_ops anon_super_ops = { .statfs = anon_statfs };

/* One for the process and for ever: made before first use by setup(), never freed (each holds a reference to itself). */
static struct super super;
static struct inode shared_inode;
static struct dentry root_dentry;
static struct mount mount;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void setup(void)
{
	super_init(&super, &anon_super_ops, "anon_inodefs");
	inode_init(&shared_inode, &anon_inode_ops, &super, 0600, 0, 0);
	ref_init(&root_dentry.ref);
	root_dentry.inode = inode_get(&shared_inode);
	root_dentry.name = root_dentry.inl;
	list_init(&root_dentry.lru);
	ref_init(&mount.ref);
	mount.super = &super;
	mount.root = &root_dentry;
	mount.label = (char *)"anon";
	mount.source = (char *)"none";
	list_init(&mount.link);
}

struct inode *anon_inode(void)
{
	pthread_once(&once, setup);
	return inode_get(&shared_inode);
}

struct mount *anon_mount(void)
{
	pthread_once(&once, setup);
	return &mount;
}

struct inode *anon_inode_new(struct task *t, uint32_t mode)
{
	struct inode *i = mem_zalloc(sizeof(*i));

	pthread_once(&once, setup);
	if (i)
		inode_init(i, &anon_inode_ops, &super, mode, t->cred->fsuid, t->cred->fsgid);
	return i;
}

int anon_file_on(struct task *t, struct inode *i, const struct file_ops *ops, void *priv, uint32_t flags, struct file **out)
{
	static const struct path nowhere;

	*out = file_new(ops, i, &nowhere, flags, t->cred, priv);
	return *out ? 0 : -ENOMEM;
}

int anon_file(struct task *t, const struct file_ops *ops, void *priv, uint32_t flags, struct file **out)
{
	struct inode *i = anon_inode();
	int ret = anon_file_on(t, i, ops, priv, flags, out);

	inode_put(i);
	return ret;
}
