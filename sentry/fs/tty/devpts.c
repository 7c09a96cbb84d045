/* devpts: the directory of terminals by number. Nodes are made as they are looked up, and live as long as their terminal. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/dirent.h"
#include "abi/types.h"
#include "base/mem.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/dirfile.h"
#include "sentry/fs/fstypes.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/mountfs.h"
#include "sentry/fs/tty/impl.h"
#include "sentry/kernel/kernel.h"

#define PTMX_INO 2

static const struct inode_ops node_ops;

/* Owner and mode may be changed; it is all that there is to a device. */
static int node_setattr(struct inode *i, const struct setattr *s)
{
	inode_apply(i, s);
	return 0;
}

static void node_destroy(struct inode *i)
{
	mem_free(i);
}

static struct inode *node_new(struct super *s, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t rdev, uint64_t ino)
{
	struct inode *i = mem_zalloc(sizeof(*i));

	if (!i)
		return NULL;
	inode_init(i, &node_ops, s, mode, uid, gid);
	i->attr.rdev = rdev;
	i->attr.ino = ino;
	return i;
}

static struct inode *node_of(struct super *s, struct tty *tty)
{
	struct inode *i = tty_node(tty);
	uint32_t uid, gid, mode;

	if (i)
		return i;
	tty_owner(tty, &uid, &gid, &mode);
	i = node_new(s, LX_S_IFCHR | mode, uid, gid, tty_device(tty), (uint64_t)tty->index + 3);
	if (i)
		tty_set_node(tty, i);
	return i;
}

/* A super that was mounted by a guest is an instance of its own: priv is set. Boot's is the first, which /dev/ptmx is for as well. */
static uint64_t instance_of(const struct super *s)
{
	return s->priv ? s->dev : 0;
}

static bool shows(const struct super *s, int n)
{
	struct tty *tty = tty_find(the_kernel, n);
	bool shown = tty && tty->instance == instance_of(s);

	tty_put(tty);
	return shown;
}

static int devpts_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct tty *tty;
	char *end;
	long n;

	if (!strcmp(name, "ptmx")) {
		*out = node_new(dir->super, LX_S_IFCHR | (dir->super->priv ? (uint32_t)(uintptr_t)dir->super->priv & 0777 : 0666), 0, 0, dev_make(TTY_MAJOR_AUX, 2), PTMX_INO);
		return *out ? 0 : -ENOMEM;
	}
	if (*name < '0' || *name > '9' || (*name == '0' && name[1]))
		return -ENOENT;
	n = strtol(name, &end, 10);
	tty = *end || n > INT32_MAX ? NULL : tty_find(the_kernel, (int)n);
	if (tty && tty->instance != instance_of(dir->super)) {
		tty_put(tty);
		return -ENOENT;
	}
	if (!tty)
		return -ENOENT;
	*out = node_of(dir->super, tty);
	tty_put(tty);
	return *out ? 0 : -ENOMEM;
}

static int devpts_list(struct inode *dir, struct task *t, struct dirlist *l)
{
	int ret = dirlist_add(l, "ptmx", 4, PTMX_INO, LX_DT_CHR);

	for (int n = tty_next(t->k, 0); n >= 0 && ret == 0; n = tty_next(t->k, n + 1)) {
		char name[16];
		int len = snprintf(name, sizeof(name), "%d", n);

		if (!shows(dir->super, n))
			continue;
		ret = dirlist_add(l, name, (uint32_t)len, (uint64_t)n + 3, LX_DT_CHR);
	}
	return ret;
}

static int devpts_statfs(struct super *s, struct lx_statfs *out)
{
	(void)s;
	*out = (struct lx_statfs){ .f_type = LX_DEVPTS_SUPER_MAGIC, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = LX_NAME_MAX };
	return 0;
}

static void devpts_destroy(struct super *s)
{
	mem_free(s);
}

static const struct inode_ops node_ops = { .setattr = node_setattr, .destroy = node_destroy };
static const struct inode_ops dir_ops = {
	.lookup = devpts_lookup,
	.list = devpts_list,
	.open = dirfile_open,
	.setattr = node_setattr,
	.destroy = node_destroy,
};
static const struct super_ops super_ops = { .statfs = devpts_statfs, .destroy = devpts_destroy };

struct super *devpts_create(struct kernel *k)
{
	struct super *s = mem_zalloc(sizeof(*s));
	struct inode *root = s ? mem_zalloc(sizeof(*root)) : NULL;

	(void)k;
	if (!root) {
		mem_free(s);
		return NULL;
	}
	super_init(s, &super_ops, "devpts");
	s->nodentries = true;
	inode_init(root, &dir_ops, s, LX_S_IFDIR | 0755, 0, 0);
	root->attr.ino = 1;
	s->root = root;
	return s;
}

/* priv is not NULL for a guest's instance; its low bits are the mode of ptmx. */
#define INSTANCE_MARK 0x1000u

int devpts_make(struct task *t, const char *options, struct super **out)
{
	AUTO_FREE char *copy = mem_strdup(options);
	char *at = copy, *key, *value;
	uint64_t ptmx_mode = 0, n;
	struct super *s;

	while (copy && option_next(&at, &key, &value)) {
		if (!strcmp(key, "ptmxmode") && option_number(value, 8, &ptmx_mode))
			continue;
		if ((!strcmp(key, "mode") && option_number(value, 8, &n)) || !strcmp(key, "newinstance"))
			continue;
		if ((!strcmp(key, "uid") || !strcmp(key, "gid") || !strcmp(key, "max")) && option_number(value, 10, &n))
			continue;
		return -EINVAL;
	}
	s = copy ? devpts_create(t->k) : NULL;
	if (!s)
		return -ENOMEM;
	s->priv = (void *)(uintptr_t)(INSTANCE_MARK | (ptmx_mode & 0777));
	*out = s;
	return 0;
}
