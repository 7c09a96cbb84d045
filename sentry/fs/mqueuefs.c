/* The names of POSIX message queues: one directory, which mq_open(3) uses without a path and a mount may show. See mqueue.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "abi/resource.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/dirfile.h"
#include "sentry/fs/file.h"
#include "sentry/fs/fstypes.h"
#include "sentry/fs/mqueue.h"
#include "sentry/fs/permission.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"

#define MAX_QUEUES 256u            /* fs.mqueue.queues_max */
#define MAX_MESSAGES 10            /* fs.mqueue.msg_max, for who has no CAP_SYS_RESOURCE */
#define MAX_SIZE 8192              /* fs.mqueue.msgsize_max */
#define HARD_MAX_MESSAGES 65536
#define HARD_MAX_SIZE (16 << 20)

struct mq_root {
	struct inode inode;
	struct list queues; /* of mqueue.on_dir, each a reference; protected by dir_lock */
	uint32_t count;     /* by dir_lock */
};

static struct mq_root *root_of(struct inode *dir)
{
	return container_of(dir, struct mq_root, inode);
}

static struct mqueue *find(struct mq_root *r, const char *name)
{
	struct mqueue *q;

	list_for_each(q, &r->queues, on_dir)
		if (strcmp(q->name, name) == 0)
			return q;
	return NULL;
}

/* --- a queue ------------------------------------------------------------------------------------------------------------- */

static void queue_destroy(struct inode *i)
{
	struct mqueue *q = container_of(i, struct mqueue, inode);

	mqueue_clear(q);
	mem_free(q);
}

static int queue_setattr(struct inode *i, const struct setattr *s)
{
	if (s->valid & ATTR_SIZE)
		return -EINVAL;
	inode_apply(i, s);
	return 0;
}

static int queue_open(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	return mqueue_file(container_of(i, struct mqueue, inode), p, flags, t, out);
}

static const struct inode_ops queue_ops = { .open = queue_open, .setattr = queue_setattr, .destroy = queue_destroy };

/* dir_lock held. *out borrowed: the directory has the reference. */
static int make(struct mq_root *r, const char *name, const struct create_how *how, const struct lx_mq_attr *a, struct mqueue **out)
{
	struct mqueue *q;

	if (r->count >= MAX_QUEUES)
		return -ENOSPC;
	q = mem_zalloc(sizeof(*q));
	if (!q)
		return -ENOMEM;
	inode_init(&q->inode, &queue_ops, r->inode.super, LX_S_IFREG | (how->mode & 0777), how->uid, how->gid);
	q->inode.attr.size = 80;
	mqueue_init(q);
	q->max_messages = a ? a->mq_maxmsg : MQ_DEFAULT_MESSAGES;
	q->max_size = a ? a->mq_msgsize : MQ_DEFAULT_SIZE;
	snprintf(q->name, sizeof(q->name), "%s", name);
	list_push_back(&r->queues, &q->on_dir);
	r->count++;
	*out = q;
	return 0;
}

static void forget(struct mq_root *r, struct mqueue *q)
{
	list_remove(&q->on_dir);
	r->count--;
	lock_take(&q->inode.lock);
	q->inode.attr.nlink = 0;
	lock_drop(&q->inode.lock);
}

/* --- the directory, for paths ------------------------------------------------------------------------------------------------ */

static int root_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct mqueue *q = find(root_of(dir), name);

	if (!q)
		return -ENOENT;
	*out = inode_get(&q->inode);
	return 0;
}

static int root_create(struct inode *dir, const char *name, const struct create_how *how, struct task *t, struct inode **out)
{
	struct mqueue *q;
	int ret = (how->mode & LX_S_IFMT) == LX_S_IFREG ? make(root_of(dir), name, how, NULL, &q) : -EPERM;

	(void)t;
	if (ret == 0)
		*out = inode_get(&q->inode);
	return ret;
}

static int root_unlink(struct inode *dir, const char *name, struct inode *victim)
{
	(void)name;
	forget(root_of(dir), container_of(victim, struct mqueue, inode));
	inode_put(victim); /* the caller has another */
	return 0;
}

static int root_list(struct inode *dir, struct task *t, struct dirlist *l)
{
	struct mqueue *q;
	int ret = 0;

	(void)t;
	list_for_each(q, &root_of(dir)->queues, on_dir)
		if (ret == 0)
			ret = dirlist_add(l, q->name, (uint32_t)strlen(q->name), q->inode.attr.ino, LX_DT_REG);
	return ret;
}

static int root_setattr(struct inode *i, const struct setattr *s)
{
	inode_apply(i, s);
	return 0;
}

static void root_destroy(struct inode *dir)
{
	struct mqueue *q, *next;

	list_for_each_safe(q, next, &root_of(dir)->queues, on_dir) {
		forget(root_of(dir), q);
		inode_put(&q->inode);
	}
	mem_free(root_of(dir));
}

static const struct inode_ops root_ops = {
	.lookup = root_lookup,
	.create = root_create,
	.unlink = root_unlink,
	.list = root_list,
	.open = dirfile_open,
	.setattr = root_setattr,
	.destroy = root_destroy,
};

static int mq_statfs(struct super *s, struct lx_statfs *out)
{
	(void)s;
	*out = (struct lx_statfs){ .f_type = 0x19800202, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = LX_NAME_MAX };
	return 0;
}

static const struct super_ops super_ops = { .statfs = mq_statfs };

/* One sandbox has one set of queues, wherever it is mounted: made at first need, never freed. */
static struct super *the_super(void)
{
	static struct super *_Atomic instance;
	struct super *s = atomic_load(&instance), *none = NULL;
	struct mq_root *r;

	if (s)
		return s;
	s = mem_zalloc(sizeof(*s));
	r = mem_zalloc(sizeof(*r));
	if (!s || !r) {
		mem_free(s);
		mem_free(r);
		return NULL;
	}
	super_init(s, &super_ops, "mqueue");
	s->nodentries = true; /* mq_unlink goes past the cache of names */
	inode_init(&r->inode, &root_ops, s, LX_S_IFDIR | LX_S_ISVTX | 0777, 0, 0);
	list_init(&r->queues);
	s->root = &r->inode;
	if (atomic_compare_exchange_strong(&instance, &none, s))
		return s;
	mem_free(r);
	mem_free(s);
	return none;
}

struct super *mqueue_create(struct kernel *k)
{
	struct super *s = the_super();

	(void)k;
	return s ? super_get(s) : NULL;
}

/* --- mq_open, mq_unlink --------------------------------------------------------------------------------------------------------- */

static int check_attr(struct task *t, const struct lx_mq_attr *a)
{
	bool privileged = cred_capable(t->cred, LX_CAP_SYS_RESOURCE);
	uint64_t limit = t->proc->limits[LX_RLIMIT_MSGQUEUE].rlim_cur;

	if (a->mq_maxmsg <= 0 || a->mq_msgsize <= 0)
		return -EINVAL;
	if (a->mq_maxmsg > (privileged ? HARD_MAX_MESSAGES : MAX_MESSAGES) || a->mq_msgsize > (privileged ? HARD_MAX_SIZE : MAX_SIZE))
		return -EINVAL;
	if (limit != LX_RLIM_INFINITY && (uint64_t)a->mq_maxmsg * ((uint64_t)a->mq_msgsize + 48) > limit)
		return -EMFILE;
	return 0;
}

static int check_name(const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return -ENOENT;
	if (len > LX_NAME_MAX)
		return -ENAMETOOLONG;
	return strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -EACCES : 0;
}

static uint32_t wanted(uint32_t flags)
{
	switch (flags & LX_O_ACCMODE) {
	case LX_O_RDONLY:
		return MAY_READ;
	case LX_O_WRONLY:
		return MAY_WRITE;
	default:
		return MAY_READ | MAY_WRITE;
	}
}

/* Finds or makes it; *out referenced. */
static int find_or_make(struct task *t, struct mq_root *r, const char *name, uint32_t flags, uint32_t mode, const struct lx_mq_attr *a,
			struct mqueue **out)
{
	struct create_how how = { .mode = mode & ~fsctx_umask(t->fs), .uid = t->cred->fsuid, .gid = t->cred->fsgid };
	int ret = 0;

	LOCK_GUARD(&r->inode.dir_lock);
	*out = find(r, name);
	if (*out) {
		if ((flags & (LX_O_CREAT | LX_O_EXCL)) == (LX_O_CREAT | LX_O_EXCL))
			return -EEXIST;
		ret = inode_permission(t->cred, &(*out)->inode, wanted(flags));
	} else {
		if (!(flags & LX_O_CREAT))
			return -ENOENT;
		ret = a ? check_attr(t, a) : 0;
		if (ret == 0)
			ret = make(r, name, &how, a, out);
	}
	if (ret == 0)
		inode_get(&(*out)->inode);
	return ret;
}

int mq_open(struct task *t, const char *name, uint32_t flags, uint32_t mode, const struct lx_mq_attr *attr, struct file **out)
{
	struct super *s = the_super();
	AUTO_PATH struct path p = { 0 };
	char shown[260];
	struct mqueue *q;
	int ret = check_name(name);

	if (ret < 0)
		return ret;
	if (!s)
		return -ENOMEM;
	if ((flags & LX_O_ACCMODE) == LX_O_ACCMODE)
		return -EINVAL;
	ret = find_or_make(t, root_of(s->root), name, flags, mode, attr, &q);
	if (ret < 0)
		return ret;
	/* A dentry of its own, as memfds have: the name is shown by /proc/PID/fd. */
	snprintf(shown, sizeof(shown), "/%s", name);
	p.dentry = dentry_new(NULL, shown, (uint32_t)strlen(shown), &q->inode);
	inode_put(&q->inode);
	if (!p.dentry)
		return -ENOMEM;
	p.mount = anon_mount();
	ref_get(&p.mount->ref);
	return mqueue_file(q, &p, flags & (LX_O_ACCMODE | LX_O_NONBLOCK), t, out);
}

int mq_unlink(struct task *t, const char *name)
{
	struct super *s = the_super();
	struct mqueue *q;
	int ret = check_name(name);

	if (ret < 0)
		return ret;
	if (!s)
		return -ENOMEM;
	lock_take(&s->root->dir_lock);
	q = find(root_of(s->root), name);
	ret = q ? may_delete(t->cred, s->root, &q->inode, false) : -ENOENT;
	if (ret == 0)
		forget(root_of(s->root), q);
	lock_drop(&s->root->dir_lock);
	if (ret == 0)
		inode_put(&q->inode);
	return ret;
}
