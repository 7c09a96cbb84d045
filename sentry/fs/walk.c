/* Path resolution: see walk.h. */
#include "sentry/fs/walk.h"

#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/types.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"

#define LINKS_MAX 40

static bool same(const struct path *a, const struct path *b)
{
	return a->mount == b->mount && a->dentry == b->dentry;
}

/* Takes over the references of `to`. */
static void go(struct walk *w, struct path to)
{
	path_put(&w->at);
	w->at = to;
}

static void go_root(struct walk *w)
{
	path_get(&w->root);
	go(w, w->root);
}

/* The place that a relative name starts from. */
static int start_at(struct walk *w, int at_fd, bool any_type)
{
	AUTO_FILE struct file *f = NULL;

	if (at_fd == LX_AT_FDCWD) {
		fsctx_cwd(w->t->fs, &w->at);
		return 0;
	}
	f = fd_get(w->t, at_fd);
	if (!f)
		return -EBADF;
	if (any_type)
		return file_as_path(f, &w->at);
	if (f->inode->type != LX_S_IFDIR || !f->path.dentry)
		return -ENOTDIR;
	w->at = f->path;
	path_get(&w->at);
	return 0;
}

int walk_start(struct walk *w, struct task *t, const struct cred *cred, int at_fd, const char *name, uint32_t flags)
{
	bool confined = flags & (WALK_BENEATH | WALK_IN_ROOT);
	int ret = 0;

	memset(w, 0, offsetof(struct walk, last));
	w->slash = w->told = false;
	w->t = t;
	w->cred = cred;
	w->flags = flags;
	w->rest = name;
	if (!*name && !(flags & WALK_EMPTY))
		return -ENOENT;
	if (*name == '/' && flags & WALK_BENEATH)
		return -EXDEV;
	if (*name != '/' || confined)
		ret = start_at(w, at_fd, !*name);
	if (ret < 0)
		return ret;
	if (confined) {
		w->root = w->at;
		path_get(&w->root);
	} else {
		fsctx_root(t->fs, &w->root);
	}
	if (*name == '/')
		go_root(w);
	return 0;
}

void walk_end(struct walk *w)
{
	path_put(&w->root);
	path_put(&w->at);
	mem_free(w->link);
	w->link = NULL;
}

static int crossed(struct walk *w)
{
	if (atomic_load_explicit(&w->at.dentry->mounts, memory_order_relaxed) && mount_cross(&w->at) &&
	    w->flags & WALK_NO_XDEV)
		return -EXDEV;
	return 0;
}

static int step_up(struct walk *w)
{
	struct dentry *up;

	if (same(&w->at, &w->root))
		return w->flags & WALK_BENEATH ? -EXDEV : 0;
	while (w->at.dentry == w->at.mount->root) {
		if (w->flags & WALK_NO_XDEV)
			return w->at.mount->at.mount ? -EXDEV : 0;
		if (!mount_climb(&w->at))
			return 0;
		if (same(&w->at, &w->root))
			return 0;
	}
	up = dentry_parent(w->at.dentry);
	if (up) {
		dentry_put(w->at.dentry);
		w->at.dentry = up;
	}
	return crossed(w);
}

/* A link that leads to an object (/proc/PID/fd/N): no name is walked. */
static int follow_magic(struct walk *w, struct inode *link)
{
	struct path to = { 0 };
	int ret;

	if (w->flags & WALK_NO_MAGICLINKS)
		return -ELOOP;
	if (w->flags & (WALK_BENEATH | WALK_IN_ROOT))
		return -EXDEV;
	ret = link->ops->follow(link, w->t, &to);
	if (ret < 0)
		return ret;
	if (w->flags & WALK_NO_XDEV && to.mount != w->at.mount) {
		path_put(&to);
		return -EXDEV;
	}
	go(w, to);
	return 0;
}

/* Puts a link's target before what is still to be walked, and goes to where the target starts. */
static int push_target(struct walk *w, const char *target, size_t len)
{
	size_t rest = strlen(w->rest);
	char *whole = mem_alloc(len + rest + 2);

	if (!whole)
		return -ENOMEM;
	memcpy(whole, target, len);
	whole[len] = '/';
	memcpy(whole + len + (rest || w->slash), w->rest, rest + 1);
	mem_free(w->link);
	w->rest = w->link = whole;
	if (*whole != '/')
		return 0;
	if (w->flags & WALK_BENEATH)
		return -EXDEV;
	if (w->flags & WALK_NO_XDEV && w->root.mount != w->at.mount)
		return -EXDEV;
	go_root(w);
	return 0;
}

/* w->at is the link's directory; w->rest and w->slash what follows the link's name. */
static int follow(struct walk *w, struct inode *link)
{
	char target[LX_PATH_MAX];
	int64_t len;

	if (w->flags & WALK_NO_SYMLINKS || ++w->links > LINKS_MAX || w->at.mount->flags & MOUNT_NOSYMFOLLOW)
		return -ELOOP;
	if (link->ops->follow)
		return follow_magic(w, link);
	if (!link->ops->readlink)
		return -EINVAL;
	len = link->ops->readlink(link, w->t, target, sizeof(target));
	if (len <= 0)
		return len < 0 ? (int)len : -ENOENT;
	if (len >= LX_PATH_MAX)
		return -ENAMETOOLONG;
	return push_target(w, target, (size_t)len);
}

/*
 * One step from w->at by a name, which the rest of the path follows in memory. Links are followed (w->rest then begins with the
 * target) where `links` says.
 */
static int step(struct walk *w, const char *name, uint32_t len, bool links)
{
	struct dentry *d;
	int ret;

	w->told = false;
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return step_up(w);
	if (w->flags & WALK_CACHED)
		ret = dir_lookup_cached(w->at.dentry, name, len, &d);
	else
		ret = dir_lookup_ahead(w->at.dentry, name, len, name, w->flags & WALK_WILL_OPEN, &d);
	if (ret < 0)
		return ret;
	if (d->inode->type == LX_S_IFLNK && links) {
		ret = follow(w, d->inode);
		dentry_put(d);
		return ret;
	}
	w->told = w->at.dentry->inode->ops->revalidate && !atomic_load_explicit(&d->mounts, memory_order_relaxed);
	dentry_put(w->at.dentry);
	w->at.dentry = d;
	return crossed(w);
}

static void set_last(struct walk *w, const char *name, uint32_t len)
{
	memcpy(w->last, name, len);
	w->last[len] = 0;
	w->last_len = len;
	w->kind = LAST_NAME;
	if (len == 1 && name[0] == '.')
		w->kind = LAST_DOT;
	else if (len == 2 && name[0] == '.' && name[1] == '.')
		w->kind = LAST_DOTDOT;
}

int walk_to_last(struct walk *w)
{
	for (;;) {
		const char *name = w->rest + strspn(w->rest, "/"), *end;
		size_t len = strcspn(name, "/");
		int ret;

		if (len == 0) {
			/* Only slashes are left: the place itself, as at "/". */
			set_last(w, "/", 1);
			w->kind = LAST_ROOT;
			w->slash = name != w->rest;
			w->rest = name;
			return 0;
		}
		if (path_inode(&w->at)->type != LX_S_IFDIR)
			return -ENOTDIR;
		ret = inode_permission(w->cred, path_inode(&w->at), MAY_EXEC);
		if (ret < 0)
			return ret;
		if (len > LX_NAME_MAX)
			return -ENAMETOOLONG;
		end = name + len;
		w->rest = end + strspn(end, "/");
		w->slash = w->rest != end;
		if (!*w->rest) {
			set_last(w, name, (uint32_t)len);
			return 0;
		}
		ret = step(w, name, (uint32_t)len, true);
		if (ret < 0)
			return ret;
	}
}

int walk_last(struct walk *w)
{
	for (;;) {
		bool links = !(w->flags & WALK_NOFOLLOW) || w->slash;
		int before = w->links, ret;

		if (w->kind == LAST_ROOT)
			break;
		ret = step(w, w->last, w->last_len, links);
		if (ret < 0)
			return ret;
		if (w->links == before)
			break;
		/* A link was followed: a magic one is there already, any other has put its target into w->rest. */
		ret = walk_to_last(w);
		if (ret < 0)
			return ret;
	}
	if ((w->slash || w->flags & WALK_DIRECTORY) && path_inode(&w->at)->type != LX_S_IFDIR)
		return -ENOTDIR;
	return 0;
}

static int walk_whole(struct task *t, const struct cred *cred, int at_fd, const char *name, uint32_t flags, struct path *out, bool *told)
{
	struct walk w;
	int ret = walk_start(&w, t, cred, at_fd, name, flags);

	if (ret < 0)
		return ret;
	if (*name)
		ret = walk_to_last(&w);
	if (ret == 0 && *name)
		ret = walk_last(&w);
	if (ret == 0) {
		*out = w.at;
		w.at = (struct path){ 0 };
	}
	*told = w.told;
	walk_end(&w);
	return ret;
}

int vfs_walk_as(struct task *t, const struct cred *cred, int at_fd, const char *name, uint32_t flags, struct path *out)
{
	bool told;

	return walk_whole(t, cred, at_fd, name, flags, out, &told);
}

int vfs_walk_told(struct task *t, int at_fd, const char *name, uint32_t flags, struct path *out, bool *told)
{
	return walk_whole(t, t->cred, at_fd, name, flags, out, told);
}

int vfs_walk(struct task *t, int at_fd, const char *name, uint32_t flags, struct path *out)
{
	return vfs_walk_as(t, t->cred, at_fd, name, flags, out);
}

int vfs_walk_user(struct task *t, int at_fd, uaddr_t name, uint32_t flags, struct path *out)
{
	char buf[LX_PATH_MAX];
	int64_t len = copy_in_str(t, buf, name, sizeof(buf));

	return len < 0 ? (int)len : vfs_walk(t, at_fd, buf, flags, out);
}

int vfs_walk_parent(struct task *t, int at_fd, const char *name, uint32_t flags, struct path *dir, char *last, bool *trailing_slash)
{
	struct walk w;
	int ret = walk_start(&w, t, t->cred, at_fd, name, flags & ~(uint32_t)WALK_EMPTY);

	if (ret < 0)
		return ret;
	ret = walk_to_last(&w);
	if (ret == 0) {
		memcpy(last, w.last, strlen(w.last) + 1);
		if (trailing_slash)
			*trailing_slash = w.slash;
		*dir = w.at;
		w.at = (struct path){ 0 };
	}
	walk_end(&w);
	return ret;
}
