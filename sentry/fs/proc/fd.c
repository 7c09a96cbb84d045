/* Links to what a process has open: /proc/PID/fd, fdinfo, exe, cwd, root. They lead to the object itself, whatever its name is now. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/dirent.h"
#include "base/mem.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/pipe.h"
#include "sentry/fs/pipefile.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/fs/vfs.h"

#define FDINFO_MAX 65536 /* more watches than this have their list cut */

/* Decimal without signs or leading zeros; -1 for anything else. */
static int number(const char *name)
{
	char *end;
	long n;

	if (*name < '0' || *name > '9' || (*name == '0' && name[1]))
		return -1;
	n = strtol(name, &end, 10);
	return *end || n > INT32_MAX ? -1 : (int)n;
}

static struct file *file_of(const struct pseudo_obj *o, int fd)
{
	struct fdtable *ft = proc_obj_files(o);
	struct file *f;

	if (!ft)
		return NULL;
	f = fdtable_file(ft, fd);
	fdtable_put(ft, NULL);
	return f;
}

static int show_file(struct task *t, struct file *f, struct textbuf *b)
{
	AUTO_FREE char *name = mem_alloc(LX_PATH_MAX + 16);
	int64_t len = name ? file_link_name(t, f, name, LX_PATH_MAX + 16) : -ENOMEM;

	if (len > 0)
		text_put(b, name, (size_t)len);
	return len < 0 ? (int)len : 0;
}

/* --- fd --------------------------------------------------------------------------------------------------------------- */

static int fd_show(const struct pseudo_req *r, struct textbuf *b)
{
	AUTO_FILE struct file *f = file_of(r->obj, r->obj->nr);

	return f ? show_file(r->t, f, b) : -ENOENT;
}

static int fd_follow(const struct pseudo_req *r, struct path *out)
{
	AUTO_FILE struct file *f = file_of(r->obj, r->obj->nr);

	if (!f)
		return -ENOENT;
	if (file_pipe(f) && fifo_adopt(f->inode, file_pipe(f)) < 0)
		return -ENOMEM;
	return file_as_path(f, out);
}

static int fdinfo_show(const struct pseudo_req *r, struct textbuf *b)
{
	AUTO_FILE struct file *f = file_of(r->obj, r->obj->nr);
	AUTO_FREE char *more = mem_zalloc(FDINFO_MAX);

	if (!f)
		return -ENOENT;
	if (!more)
		return -ENOMEM;
	text_printf(b, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", (long long)f->pos, atomic_load(&f->flags),
		    f->path.mount ? f->path.mount->id : 0, (unsigned long long)f->inode->attr.ino);
	if (f->ops->show_fdinfo)
		f->ops->show_fdinfo(f, more, FDINFO_MAX);
	text_puts(b, more);
	return 0;
}

static const struct pseudo_entry fd_link = {
	.mode = LX_S_IFLNK | 0700, .show = fd_show, .follow = fd_follow, .check = proc_check_private,
};
static const struct pseudo_entry fdinfo_file = { .mode = LX_S_IFREG | 0444, .show = fdinfo_show, .check = proc_check_private };

static struct pseudo_obj same_process(const struct pseudo_obj *o, int nr)
{
	return (struct pseudo_obj){ .proc = process_get(o->proc), .task = o->task ? task_get(o->task) : NULL, .nr = nr };
}

static int find_fd(const struct pseudo_obj *o, const char *name, const struct pseudo_entry *e, struct pseudo_found *out)
{
	int fd = number(name);
	AUTO_FILE struct file *f = fd < 0 ? NULL : file_of(o, fd);

	if (!f)
		return -ENOENT;
	*out = (struct pseudo_found){ .entry = e, .obj = same_process(o, fd) };
	/* A link's own permission bits say how the file is open. */
	if (LX_S_ISLNK(e->mode))
		out->mode = LX_S_IFLNK | (f->readable ? 0500u : 0) | (f->writable ? 0300u : 0);
	return 0;
}

static int fd_lookup(const struct pseudo_obj *o, const char *name, struct pseudo_found *out)
{
	return find_fd(o, name, &fd_link, out);
}

static int fdinfo_lookup(const struct pseudo_obj *o, const char *name, struct pseudo_found *out)
{
	return find_fd(o, name, &fdinfo_file, out);
}

static int list_fds(const struct pseudo_req *r, struct dirlist *l, const struct pseudo_entry *e, uint8_t type)
{
	struct fdtable *ft = proc_obj_files(r->obj);
	struct pseudo_obj o = *r->obj;
	int ret = 0;

	if (!ft)
		return 0;
	for (o.nr = fdtable_next(ft, 0); o.nr >= 0 && ret == 0; o.nr = fdtable_next(ft, o.nr + 1)) {
		char name[16];
		int len = snprintf(name, sizeof(name), "%d", o.nr);

		ret = dirlist_add(l, name, (uint32_t)len, pseudo_ino(e, &o), type);
	}
	fdtable_put(ft, NULL);
	return ret;
}

static int fd_list(const struct pseudo_req *r, struct dirlist *l)
{
	return list_fds(r, l, &fd_link, LX_DT_LNK);
}

static int fdinfo_list(const struct pseudo_req *r, struct dirlist *l)
{
	return list_fds(r, l, &fdinfo_file, LX_DT_REG);
}

const struct pseudo_dir proc_fd_dir = { .lookup = fd_lookup, .list = fd_list };
const struct pseudo_dir proc_fdinfo_dir = { .lookup = fdinfo_lookup, .list = fdinfo_list };

/* --- exe, cwd, root ------------------------------------------------------------------------------------------------------- */

int proc_show_exe(const struct pseudo_req *r, struct textbuf *b)
{
	AUTO_FILE struct file *f = proc_obj_exe(r->obj);

	return f ? show_file(r->t, f, b) : -ENOENT;
}

int proc_follow_exe(const struct pseudo_req *r, struct path *out)
{
	AUTO_FILE struct file *f = proc_obj_exe(r->obj);

	return f ? file_as_path(f, out) : -ENOENT;
}

static int place(const struct pseudo_obj *o, void (*get)(struct fsctx *, struct path *), struct path *out)
{
	struct fsctx *fs = proc_obj_fs(o);

	if (!fs)
		return -ENOENT;
	get(fs, out);
	fsctx_put(fs);
	return 0;
}

static int show_place(const struct pseudo_req *r, void (*get)(struct fsctx *, struct path *), struct textbuf *b)
{
	AUTO_FREE char *name = mem_alloc(LX_PATH_MAX + 16);
	AUTO_PATH struct path p = { 0 };
	int64_t len = place(r->obj, get, &p);

	if (len == 0)
		len = name ? path_name(r->t, &p, name, LX_PATH_MAX + 16) : -ENOMEM;
	if (len > 0)
		text_put(b, name, (size_t)len);
	return len < 0 ? (int)len : 0;
}

int proc_show_cwd(const struct pseudo_req *r, struct textbuf *b)
{
	return show_place(r, fsctx_cwd, b);
}

int proc_show_root(const struct pseudo_req *r, struct textbuf *b)
{
	return show_place(r, fsctx_root, b);
}

int proc_follow_cwd(const struct pseudo_req *r, struct path *out)
{
	return place(r->obj, fsctx_cwd, out);
}

int proc_follow_root(const struct pseudo_req *r, struct path *out)
{
	return place(r->obj, fsctx_root, out);
}
