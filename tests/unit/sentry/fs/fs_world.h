/* A kernel with one mount and a task that has never seen a guest: enough for the generic filesystem layer. */
#ifndef TESTS_UNIT_SENTRY_FS_WORLD_H
#define TESTS_UNIT_SENTRY_FS_WORLD_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/mount.h"
#include "sentry/fs/overlay.h"
#include "sentry/fs/tmpfs.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"

struct world {
	struct kernel k;
	struct task t;
};

static inline void world_add_mount(struct world *w, struct super *s, const char *at)
{
	struct path p = { 0 };

	cr_assert_not_null(s);
	if (at)
		cr_assert_eq(vfs_walk(&w->t, LX_AT_FDCWD, at, 0, &p), 0, "%s", at);
	cr_assert_eq(mount_add(w->k.mounts, s, at ? &p : NULL, 0, at ? at : "rootfs", NULL), 0);
	path_put(&p);
}

/* root: a super, taken over; NULL: a tmpfs. */
static inline void world_init(struct world *w, struct super *root)
{
	struct path top = { 0 };

	memset(w, 0, sizeof(*w));
	w->t.k = &w->k;
	w->k.mounts = mount_ns_new();
	w->t.cred = cred_new(0, 0, NULL, 0);
	w->t.files = fdtable_new();
	cr_assert(w->k.mounts && w->t.cred && w->t.files);
	world_add_mount(w, root ? root : tmpfs_create(NULL, 0, 0755), NULL);
	mount_ns_root(w->k.mounts, &top);
	w->t.fs = fsctx_new(&top);
	path_put(&top);
	cr_assert_not_null(w->t.fs);
}

static inline void world_done(struct world *w)
{
	fdtable_put(w->t.files, &w->t);
	fsctx_put(w->t.fs);
	cred_put(w->t.cred);
	dcache_shrink();
	mount_ns_free(w->k.mounts);
}

/* What a call gives for a name; a walk's path is put back at once. */
static inline int look(struct world *w, const char *name, uint32_t flags)
{
	struct path p = { 0 };
	int ret = vfs_walk(&w->t, LX_AT_FDCWD, name, flags, &p);

	path_put(&p);
	return ret;
}

static inline int make(struct world *w, const char *name, uint32_t mode)
{
	struct create_how how = { .mode = mode };

	return vfs_mknod(&w->t, LX_AT_FDCWD, name, &how, NULL);
}

static inline int make_link(struct world *w, const char *name, const char *target)
{
	struct create_how how = { .mode = LX_S_IFLNK | 0777, .target = target };

	return vfs_mknod(&w->t, LX_AT_FDCWD, name, &how, NULL);
}

#define DIR_MODE (LX_S_IFDIR | 0755)
#define FILE_MODE (LX_S_IFREG | 0644)

static inline struct file *open_file(struct world *w, const char *name, uint32_t flags)
{
	struct open_how how = { .flags = flags, .mode = 0644 };
	struct file *f = NULL;
	int ret = vfs_open(&w->t, LX_AT_FDCWD, name, &how, &f);

	cr_assert_eq(ret, 0, "open %s: %d", name, ret);
	return f;
}

static inline int64_t put_bytes(struct world *w, struct file *f, const char *s, int64_t at)
{
	struct uio u;

	uio_init_local(&u, (void *)(uintptr_t)s, strlen(s));
	return file_write(f, &w->t, &u, at < 0 ? NULL : &at);
}

/* The file's text, at most 255 bytes of it, from the start. */
static inline const char *text_of(struct world *w, struct file *f)
{
	static char buf[256];
	int64_t pos = 0, n;
	struct uio u;

	uio_init_local(&u, buf, sizeof(buf) - 1);
	n = file_read(f, &w->t, &u, &pos);
	cr_assert_geq(n, 0);
	buf[n] = 0;
	return buf;
}

static inline const char *text_at(struct world *w, const char *name)
{
	struct file *f = open_file(w, name, LX_O_RDONLY);
	const char *s = text_of(w, f);

	file_put(f);
	return s;
}

static inline void write_text(struct world *w, const char *name, const char *text)
{
	struct file *f = open_file(w, name, LX_O_CREAT | LX_O_TRUNC | LX_O_WRONLY);

	cr_assert_eq(put_bytes(w, f, text, -1), (int64_t)strlen(text));
	file_put(f);
}

/* Names of a directory without "." and "..", in order, each followed by a space. */
struct name_sink {
	struct dirent_sink sink;
	char text[1024];
};

static inline bool name_sink_add(struct dirent_sink *s, const char *name, uint32_t len, uint64_t ino, uint8_t type, int64_t next)
{
	struct name_sink *n = container_of(s, struct name_sink, sink);

	(void)ino, (void)type, (void)next;
	if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		snprintf(n->text + strlen(n->text), sizeof(n->text) - strlen(n->text), "%.*s ", (int)len, name);
	return true;
}

static inline const char *names_in(struct world *w, const char *dir)
{
	static struct name_sink n;
	struct file *f = open_file(w, dir, LX_O_RDONLY | LX_O_DIRECTORY);

	n.sink.add = name_sink_add;
	n.text[0] = 0;
	cr_assert_eq(file_readdir(f, &w->t, &n.sink), 0);
	file_put(f);
	return n.text;
}

static inline struct attr attr_of(struct world *w, const char *name)
{
	struct path p = { 0 };
	struct attr a;

	cr_assert_eq(vfs_walk(&w->t, LX_AT_FDCWD, name, WALK_NOFOLLOW, &p), 0, "%s", name);
	cr_assert_eq(vfs_getattr(&w->t, &p, &a), 0);
	path_put(&p);
	return a;
}

#endif
