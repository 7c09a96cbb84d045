/* Filesystem contexts: see fscontext.h. Linux: fs/fs_context.c, fs/fsopen.c. */
#include "sentry/fs/fscontext.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/mountfs.h"

enum phase { PHASE_CREATE_PARAMS, PHASE_MADE, PHASE_RECONF_PARAMS, PHASE_FAILED };

struct fscontext {
	const struct mountfs *fs;    /* immutable; NULL: of a filesystem that cannot be made by name */
	struct lock lock;            /* RANK_PSEUDO_POS: making a filesystem takes the kernel's locks */
	/* protected by lock */
	enum phase phase;
	struct super *super;         /* referenced; made or picked */
	char *source;                /* NULL: not given */
	uint32_t set, clear;         /* MOUNT_READONLY */
	char options[LX_PAGE_SIZE];  /* "key=value,key" */
};

static const struct file_ops fscontext_ops;

static int context_file(struct task *t, const struct mountfs *fs, struct super *super, struct file **out)
{
	struct fscontext *c = mem_zalloc(sizeof(*c));
	int ret = c ? anon_file(t, &fscontext_ops, c, LX_O_RDWR, out) : -ENOMEM;

	if (ret < 0) {
		mem_free(c);
		return ret;
	}
	lock_init(&c->lock, RANK_PSEUDO_POS, "fscontext.lock");
	c->fs = fs;
	c->super = super ? super_get(super) : NULL;
	c->phase = super ? PHASE_RECONF_PARAMS : PHASE_CREATE_PARAMS;
	return 0;
}

int fscontext_open(struct task *t, const char *name, struct file **out)
{
	const struct mountfs *fs;
	int ret = mountfs_find(name, &fs);

	return ret < 0 ? ret : context_file(t, fs, NULL, out);
}

int fscontext_pick(struct task *t, const struct path *p, struct file **out)
{
	const struct mountfs *fs;

	if (p->dentry != p->mount->root)
		return -EINVAL;
	if (mountfs_find(p->mount->super->fstype, &fs) < 0)
		fs = NULL;
	return context_file(t, fs, p->mount->super, out);
}

bool fscontext_is(const struct file *f)
{
	return f->ops == &fscontext_ops;
}

/* --- parameters ----------------------------------------------------------------------------------------------------------------- */

/* What every filesystem can be told; of it only "read-only" means something here. */
static bool set_common(struct fscontext *c, const char *key)
{
	static const char *const others[] = { "sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand" };
	bool ro = !strcmp(key, "ro");

	if (ro || !strcmp(key, "rw")) {
		c->set = ro ? MOUNT_READONLY : 0;
		c->clear = ro ? 0 : MOUNT_READONLY;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (!strcmp(key, others[i]))
			return true;
	return false;
}

/* Does the filesystem know it? It tells by being made, for nobody, with that alone. */
static int try_option(struct fscontext *c, struct task *t, const char *option)
{
	struct super *s = NULL;
	int ret = c->fs ? c->fs->make(t, option, &s) : -EINVAL;

	super_put(s);
	return ret;
}

static int add_option(struct fscontext *c, struct task *t, const char *key, const char *value)
{
	size_t used = strlen(c->options), room = sizeof(c->options) - used;
	char option[600];
	int n, ret;

	/* What would be another option by the time it is read. */
	if (!*key || strpbrk(key, ",=") || (value && strchr(value, ',')))
		return -EINVAL;
	n = snprintf(option, sizeof(option), "%s%s%s", key, value ? "=" : "", value ? value : "");
	if (n < 0 || (size_t)n >= sizeof(option) || (size_t)n + 2 > room)
		return -EINVAL;
	ret = try_option(c, t, option);
	if (ret == 0)
		snprintf(c->options + used, room, "%s%s", used ? "," : "", option);
	return ret;
}

static bool takes_parameters(const struct fscontext *c)
{
	return c->phase == PHASE_CREATE_PARAMS || c->phase == PHASE_RECONF_PARAMS;
}

int fscontext_set(struct file *f, struct task *t, const char *key, const char *value)
{
	struct fscontext *c = f->priv;

	LOCK_GUARD(&c->lock);
	if (!takes_parameters(c))
		return -EBUSY;
	if (set_common(c, key))
		return 0;
	if (strcmp(key, "source") != 0)
		return add_option(c, t, key, value);
	if (!value || c->source)
		return -EINVAL;
	c->source = mem_strdup(value);
	return c->source ? 0 : -ENOMEM;
}

int fscontext_set_other(struct file *f)
{
	struct fscontext *c = f->priv;

	LOCK_GUARD(&c->lock);
	return takes_parameters(c) ? -EINVAL : -EBUSY;
}

/* --- commands ------------------------------------------------------------------------------------------------------------------- */

/* What was said holds once. */
static void forget_parameters(struct fscontext *c)
{
	mem_free(c->source);
	c->source = NULL;
	c->set = c->clear = 0;
	c->options[0] = 0;
}

int fscontext_create(struct file *f, struct task *t)
{
	struct fscontext *c = f->priv;
	struct super *s = NULL;
	int ret;

	LOCK_GUARD(&c->lock);
	if (c->phase != PHASE_CREATE_PARAMS)
		return -EBUSY;
	ret = mountfs_make(t, c->fs, c->options, &s);
	c->phase = ret == 0 ? PHASE_MADE : PHASE_FAILED;
	if (ret < 0) {
		super_put(s);
		return ret;
	}
	atomic_store(&s->flags, c->set);
	c->super = s;
	return 0;
}

int fscontext_reconfigure(struct file *f, struct task *t)
{
	struct fscontext *c = f->priv;
	int ret;

	LOCK_GUARD(&c->lock);
	if (c->phase != PHASE_RECONF_PARAMS)
		return -EBUSY;
	ret = mount_do_reconfigure(t, c->super, c->set, c->clear, c->options);
	if (ret == 0)
		forget_parameters(c);
	else if (ret != -EPERM)
		c->phase = PHASE_FAILED;
	return ret;
}

int fscontext_mount(struct file *f, struct task *t, uint32_t flags, struct mount_ns **out, struct path *root)
{
	struct fscontext *c = f->priv;
	uint32_t locked = 0;
	int ret;

	LOCK_GUARD(&c->lock);
	if (!c->super)
		return -EINVAL;
	if (c->phase != PHASE_MADE)
		return -EBUSY;
	if (c->fs->revealing && mount_reveals_too_much(t, c->super, flags, &locked))
		return -EPERM;
	ret = mount_do_detached(t, c->super, flags, locked, c->source, out, root);
	if (ret < 0)
		return ret;
	forget_parameters(c);
	c->phase = PHASE_RECONF_PARAMS;
	return 0;
}

/* --- the file ------------------------------------------------------------------------------------------------------------------- */

/* The messages that Linux keeps for mount(8) to show; none are kept here. */
static int64_t fscontext_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)t;
	(void)u;
	(void)pos;
	return -ENODATA;
}

static void fscontext_release(struct file *f)
{
	struct fscontext *c = f->priv;

	super_put(c->super);
	mem_free(c->source);
	mem_free(c);
}

static const struct file_ops fscontext_ops = {
	.read = fscontext_read,
	.release = fscontext_release,
	.name = "[fscontext]",
};
