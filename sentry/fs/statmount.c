/* statmount and listmount: see statmount.h. Linux: fs/namespace.c, do_statmount(), do_listmount(). */
#include "sentry/fs/statmount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/cred.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/nsfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/user_ns.h"

void statmount_root(struct task *t, struct mount_ns *ns, struct path *out)
{
	if (ns == task_mount_ns(t))
		fsctx_root(t->fs, out);
	else
		mount_ns_root(ns, out);
}

struct mount *statmount_find(struct mount_ns *ns, uint64_t id)
{
	struct mount *m;

	LOCK_GUARD(&mount_lock);
	list_for_each(m, &ns->mounts, link)
		if (m->unique_id == id)
			return mount_get(m);
	return NULL;
}

static bool below(const struct mount *m, const struct path *root)
{
	return mount_reachable(&(struct path){ .mount = (struct mount *)m, .dentry = m->root }, root);
}

int statmount_may(struct task *t, struct mount_ns *ns, const struct mount *m, const struct path *root)
{
	lock_take(&mount_lock);
	bool seen = below(m, root);

	lock_drop(&mount_lock);
	return seen || ns_capable(t->cred, ns->ns.owner, LX_CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* --- one mount ------------------------------------------------------------------------------------------------------------------ */

static void fill_super(struct mount *m, struct lx_statmount *out)
{
	struct lx_statfs st = { 0 };
	uint32_t ro = (m->super->forced | atomic_load(&m->super->flags)) & MOUNT_READONLY;

	vfs_statfs(&(struct path){ .mount = m, .dentry = m->root }, &st);
	out->sb_dev_major = dev_major(m->super->dev);
	out->sb_dev_minor = dev_minor(m->super->dev);
	out->sb_magic = (uint64_t)st.f_type;
	out->sb_flags = ro ? LX_MS_RDONLY : 0;
}

static uint64_t attr_of(uint32_t flags)
{
	static const struct {
		uint32_t flag, attr;
	} rows[] = {
		{ MOUNT_READONLY, LX_MOUNT_ATTR_RDONLY },	  { MOUNT_NOSUID, LX_MOUNT_ATTR_NOSUID },
		{ MOUNT_NODEV, LX_MOUNT_ATTR_NODEV },		  { MOUNT_NOEXEC, LX_MOUNT_ATTR_NOEXEC },
		{ MOUNT_NODIRATIME, LX_MOUNT_ATTR_NODIRATIME },	  { MOUNT_NOSYMFOLLOW, LX_MOUNT_ATTR_NOSYMFOLLOW },
	};
	uint64_t out = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		out |= flags & rows[i].flag ? rows[i].attr : 0;
	if (flags & MOUNT_NOATIME)
		return out | LX_MOUNT_ATTR_NOATIME;
	return out | (flags & MOUNT_STRICTATIME ? LX_MOUNT_ATTR_STRICTATIME : 0);
}

static void fill_mount(struct mount *m, const struct mount_facts *f, struct lx_statmount *out)
{
	out->mnt_id = m->unique_id;
	out->mnt_parent_id = f->parent_unique;
	out->mnt_id_old = (uint32_t)m->id;
	out->mnt_parent_id_old = (uint32_t)f->parent;
	out->mnt_attr = attr_of(atomic_load(&m->flags));
	out->mnt_propagation = (f->shared ? LX_MS_SHARED : 0) | (f->master ? LX_MS_SLAVE : 0) | (f->unbindable ? LX_MS_UNBINDABLE : 0);
	if (!out->mnt_propagation)
		out->mnt_propagation = LX_MS_PRIVATE;
	out->mnt_peer_group = (uint64_t)f->shared;
	out->mnt_master = (uint64_t)f->master;
}

/* The directory of its filesystem that is its root, or the namespace that it is. */
static void put_root(struct mount *m, struct textbuf *b)
{
	AUTO_FREE char *buf = mem_alloc(LX_PATH_MAX);
	char *start = NULL;

	if (nsfs_is_path(&(struct path){ .mount = m, .dentry = m->root })) {
		text_put(b, m->root->name, m->root->name_len);
		return;
	}
	if (buf) {
		buf[LX_PATH_MAX - 1] = 0;
		start = dentry_names(m->root, NULL, buf, LX_PATH_MAX - 1);
	}
	text_puts(b, start && *start ? start : "/");
	text_puts(b, atomic_load(&m->root->unlinked) ? "//deleted" : "");
}

static void put_point(struct mount *m, const struct path *root, struct textbuf *b)
{
	AUTO_FREE char *buf = mem_alloc(LX_PATH_MAX + 16);

	if (buf && path_name_from(root, &(struct path){ .mount = m, .dentry = m->root }, buf, LX_PATH_MAX + 16) > 0)
		text_puts(b, buf);
}

/* Adds a string, which begins at *at. */
static void string(struct mount *m, const struct path *root, uint64_t which, uint32_t *at, struct textbuf *b)
{
	*at = (uint32_t)b->len;
	if (which == LX_STATMOUNT_FS_TYPE)
		text_puts(b, m->super->fstype);
	else if (which == LX_STATMOUNT_MNT_ROOT)
		put_root(m, b);
	else if (which == LX_STATMOUNT_MNT_POINT)
		put_point(m, root, b);
	else
		text_puts(b, m->super->options + 1);
	text_put(b, "", 1);
}

int statmount_fill(struct mount *m, struct mount_ns *ns, const struct path *root, uint64_t mask, struct lx_statmount *out, struct textbuf *b)
{
	const struct mount_facts f = mount_facts(m);

	*out = (struct lx_statmount){ 0 };
	if (!m->super->options || !*m->super->options)
		mask &= ~(uint64_t)LX_STATMOUNT_MNT_OPTS;
	if (mask & LX_STATMOUNT_SB_BASIC)
		fill_super(m, out);
	if (mask & LX_STATMOUNT_MNT_BASIC)
		fill_mount(m, &f, out);
	if (mask & LX_STATMOUNT_PROPAGATE_FROM)
		out->propagate_from = (uint64_t)f.from;
	if (mask & LX_STATMOUNT_FS_TYPE)
		string(m, root, LX_STATMOUNT_FS_TYPE, &out->fs_type, b);
	if (mask & LX_STATMOUNT_MNT_ROOT)
		string(m, root, LX_STATMOUNT_MNT_ROOT, &out->mnt_root, b);
	if (mask & LX_STATMOUNT_MNT_POINT)
		string(m, root, LX_STATMOUNT_MNT_POINT, &out->mnt_point, b);
	if (mask & LX_STATMOUNT_MNT_OPTS)
		string(m, root, LX_STATMOUNT_MNT_OPTS, &out->mnt_opts, b);
	if (mask & LX_STATMOUNT_MNT_NS_ID)
		out->mnt_ns_id = ns->id;
	out->mask = mask & 0xff;
	return b->failed ? -ENOMEM : 0;
}

/* --- all of them ---------------------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void turn(uint64_t *ids, int64_t n)
{
	for (int64_t i = 0; i < n / 2; i++) {
		uint64_t swap = ids[i];

		ids[i] = ids[n - 1 - i];
		ids[n - 1 - i] = swap;
	}
}

int64_t listmount_ids(struct mount_ns *ns, const struct path *top, uint64_t but, uint64_t last, bool reverse, uint64_t max, uint64_t **out)
{
	const struct mount *m;
	int64_t n = 0;

	lock_take(&mount_lock);
	*out = mem_zalloc(((size_t)ns->count + 1) * sizeof(**out));
	if (*out)
		list_for_each(m, &ns->mounts, link) {
			uint64_t id = m->unique_id;

			if (id != but && (!last || (reverse ? id < last : id > last)) && below(m, top))
				(*out)[n++] = id;
		}
	lock_drop(&mount_lock);
	if (!*out)
		return -ENOMEM;
	qsort(*out, (size_t)n, sizeof(**out), by_id);
	if (reverse)
		turn(*out, n);
	return (uint64_t)n < max ? n : (int64_t)max;
}
