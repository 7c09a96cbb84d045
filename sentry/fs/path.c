/* Places in the tree of mounts: references, and their names as people and tasks see them. getcwd(2). */
#include "sentry/fs/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/nsfs.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/task.h"

void path_get(const struct path *p)
{
	if (p->mount)
		ref_get(&p->mount->ref);
	if (p->dentry)
		dentry_get(p->dentry);
}

void path_put(struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mount);
	p->mount = NULL;
	p->dentry = NULL;
}

struct inode *path_inode(const struct path *p)
{
	return p->dentry->inode;
}

/* Where name_from() has got to. */
enum reached { REACHED_ROOT, REACHED_TOP, NO_ROOM };

/*
 * Writes the path's name from `root` (or, above it, from the root of all) into the end of buf; *start is where it begins. A mount that
 * is nowhere (the pseudo mount of nameless files) ends the name too.
 */
static enum reached name_from(const struct path *root, const struct path *p, char *buf, size_t len, char **start)
{
	struct mount *m = p->mount;
	struct dentry *d = p->dentry;
	char *at = buf + len;

	LOCK_GUARD(&mount_lock);
	for (;;) {
		bool in_root = m == root->mount && dentry_is_below(d, root->dentry);
		const struct dentry *top = in_root ? root->dentry : m->root;

		at = dentry_names(d, top, buf, (size_t)(at - buf));
		if (!at)
			return NO_ROOM;
		*start = at;
		if (in_root)
			return REACHED_ROOT;
		if (!m->at.mount)
			return REACHED_TOP;
		d = m->at.dentry;
		m = m->at.mount;
	}
}

/* A nameless file's own dentry carries its whole name, as "/memfd:x". */
static int64_t nameless(const struct path *p, char *buf, size_t room, char **start)
{
	size_t n = p->dentry->name_len;

	if (n > room)
		return -ENAMETOOLONG;
	*start = buf + room - n;
	memcpy(*start, p->dentry->name, n);
	return (int64_t)n;
}

int64_t path_name(struct task *t, const struct path *p, char *buf, size_t len)
{
	AUTO_PATH struct path root = { 0 };

	fsctx_root(t->fs, &root);
	return path_name_from(&root, p, buf, len);
}

int64_t path_name_from(const struct path *root, const struct path *p, char *buf, size_t len)
{
	static const char deleted[] = " (deleted)";
	const char *suffix = atomic_load(&p->dentry->unlinked) ? deleted : "";
	size_t tail = strlen(suffix) + 1, n;
	enum reached how;
	char *start;

	if (len < tail + 1)
		return -ENAMETOOLONG;
	how = name_from(root, p, buf, len - tail, &start);
	if (how == REACHED_TOP && p->mount != anon_mount() && !nsfs_is_path(p))
		return -ENOENT;
	if (how == NO_ROOM || (how == REACHED_TOP && nameless(p, buf, len - tail, &start) < 0))
		return -ENAMETOOLONG;
	n = (size_t)(buf + len - tail - start);
	memmove(buf, start, n);
	if (n == 0)
		buf[n++] = '/';
	memcpy(buf + n, suffix, tail);
	return (int64_t)(n + tail - 1);
}

void path_describe(const struct path *p, char *buf, size_t len)
{
	static const struct path top;
	char whole[512], *start;

	if (!p->dentry || name_from(&top, p, whole, sizeof(whole) - 1, &start) == NO_ROOM) {
		snprintf(buf, len, "?");
		return;
	}
	whole[sizeof(whole) - 1] = 0;
	snprintf(buf, len, "%s", *start ? start : "/");
}
