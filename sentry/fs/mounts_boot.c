/* The mount table of the boot spec. Runs once, before the first task: on a task of its own, that is never seen. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/fstypes.h"
#include "sentry/fs/goferfs.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/overlay.h"
#include "sentry/fs/tmpfs.h"
#include "sentry/kernel/kernel.h"

#define TMPFS_DEFAULT_MODE 01777u

static uint32_t flags_of(const struct boot_mount *m)
{
	uint32_t flags = 0;

	flags |= m->readonly ? MOUNT_READONLY : 0;
	flags |= m->noexec ? MOUNT_NOEXEC : 0;
	flags |= m->nosuid ? MOUNT_NOSUID : 0;
	flags |= m->nodev ? MOUNT_NODEV : 0;
	return flags;
}

static int make_gofer_super(struct kernel *k, const struct boot_mount *m, struct super **out, uint32_t *flags)
{
	bool overlay = m->type == BOOT_MOUNT_OVERLAY;
	uint32_t root_flags = 0;
	enum boot_cache cache = (enum boot_cache)m->cache;
	int ret;

	if (!k->gofer)
		return -ENODEV;
	/* What lies below an overlay must not change, or what lies above would be about something else. */
	if (overlay && cache == BOOT_CACHE_SHARED)
		cache = BOOT_CACHE_EXCLUSIVE;
	ret = goferfs_create(k, k->gofer, (uint32_t)m->gofer_root, cache, out, &root_flags);
	if (ret < 0)
		return ret;
	/* That the lower layer is read-only is the point of an overlay. */
	*flags |= overlay ? root_flags & ~(uint32_t)MOUNT_READONLY : root_flags;
	if (overlay)
		*out = overlay_create(k, *out, m->size);
	return *out ? 0 : -ENOMEM;
}

static int make_super(struct kernel *k, const struct boot_mount *m, struct super **out, uint32_t *flags)
{
	const struct fstype *fs;

	if (m->type == BOOT_MOUNT_GOFERFS || m->type == BOOT_MOUNT_OVERLAY)
		return make_gofer_super(k, m, out, flags);
	if (m->type == BOOT_MOUNT_TMPFS) {
		*out = tmpfs_create(k, m->size, m->mode ? m->mode : TMPFS_DEFAULT_MODE);
		return *out ? 0 : -ENOMEM;
	}
	fs = fstype_find((enum boot_mount_type)m->type);
	if (!fs || !fs->create)
		return -ENODEV;
	*out = fs->create(k);
	return *out ? 0 : -ENOMEM;
}

/* Makes the directories down to a mount point that is missing, and the point itself (an empty file for a file). */
static int make_target(struct task *t, const char *target, bool file)
{
	AUTO_FREE char *path = mem_strdup(target);
	int ret = path ? 0 : -ENOMEM;

	for (char *p = path; p && ret == 0; ) {
		char *next = strchr(p + 1, '/');
		struct create_how how = { .mode = LX_S_IFDIR | 0755 };

		if (next)
			*next = 0;
		else if (file)
			how.mode = LX_S_IFREG | 0644;
		ret = vfs_mknod(t, LX_AT_FDCWD, path, &how, NULL);
		if (ret == -EEXIST)
			ret = 0;
		if (next)
			*next = '/';
		p = next;
	}
	return ret;
}

/* Where it is to be mounted: the last thing mounted there, if any. */
static int find_target(struct task *t, const struct boot_mount *m, struct path *out)
{
	int ret = vfs_walk(t, LX_AT_FDCWD, m->target, 0, out);

	if (ret == -ENOENT) {
		ret = make_target(t, m->target, m->file);
		if (ret == 0)
			ret = vfs_walk(t, LX_AT_FDCWD, m->target, 0, out);
	}
	if (ret == 0 && m->file == (path_inode(out)->type == LX_S_IFDIR))
		ret = m->file ? -EISDIR : -ENOTDIR;
	return ret;
}

/* A volume that is this sandbox's alone (a step's output) belongs to whom the step runs as. */
static void give_root(struct kernel *k, const struct boot_mount *m, struct inode *root)
{
	struct setattr s = { .valid = ATTR_UID | ATTR_GID, .uid = k->spec->process.uid, .gid = k->spec->process.gid };

	if (m->type == BOOT_MOUNT_GOFERFS && m->cache == BOOT_CACHE_EXCLUSIVE && !m->readonly)
		root->ops->setattr(root, &s);
}

static int mount_one(struct kernel *k, struct task *t, const struct boot_mount *m)
{
	AUTO_PATH struct path at = { 0 };
	uint32_t flags = flags_of(m);
	struct super *s = NULL;
	int ret = make_super(k, m, &s, &flags);

	if (ret < 0)
		return ret;
	if (t->fs) {
		ret = find_target(t, m, &at);
		if (ret < 0) {
			super_put(s);
			return ret;
		}
	}
	/* Devices are the sentry's own wherever their nodes are: that the root has none is no rule that a guest could break. */
	s->forced = flags & (MOUNT_READONLY | MOUNT_NOEXEC | MOUNT_NOSUID | (m->type == BOOT_MOUNT_OVERLAY ? 0u : MOUNT_NODEV));
	give_root(k, m, s->root);
	ret = mount_add(k->mounts, s, t->fs ? &at : NULL, flags, m->label, m->source);
	if (ret == 0 && !t->fs) {
		mount_ns_root(k->mounts, &at);
		t->fs = fsctx_new(&at);
	}
	return ret == 0 && !t->fs ? -ENOMEM : ret;
}

static int mount_all(struct kernel *k, struct task *t, char *why, size_t why_len)
{
	for (size_t i = 0; i < k->spec->mount_count; i++) {
		const struct boot_mount *m = &k->spec->mounts[i];
		int ret = mount_one(k, t, m);

		if (ret == -ENODEV) {
			log_info("no filesystem %s in this build: nothing is mounted at %s", boot_mount_type_name(m->type), m->target);
			continue;
		}
		if (ret < 0) {
			snprintf(why, why_len, "cannot mount %s (%s) at %s: %s", m->label ? m->label : "it",
				 boot_mount_type_name(m->type), m->target, strerror(-ret));
			return ret;
		}
	}
	return 0;
}

int mounts_boot(struct kernel *k, char *why, size_t why_len)
{
	AUTO_FREE struct task *t = mem_zalloc(sizeof(*t));
	int ret;

	k->mounts = mount_ns_new();
	if (!k->mounts || !t) {
		snprintf(why, why_len, "out of memory");
		return -ENOMEM;
	}
	t->k = k;
	t->cred = cred_new(0, 0, NULL, 0);
	ret = t->cred ? mount_all(k, t, why, why_len) : -ENOMEM;
	if (ret == 0 && !k->mounts->base) {
		snprintf(why, why_len, "the boot spec has no mounts");
		ret = -EINVAL;
	}
	fsctx_put(t->fs);
	cred_put(t->cred);
	return ret;
}
