/* Open directories: see dirfile.h. */
#include "sentry/fs/dirfile.h"

#include <errno.h>
#include <string.h>

#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "base/mem.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/task.h"

struct open_dir {
	struct dirlist list; /* protected by the file's pos_lock */
	bool filled;
};

static int reserve(void **p, uint32_t *cap, uint32_t want, size_t size)
{
	uint32_t n = *cap ? *cap : 32;
	void *grown;

	if (want <= *cap)
		return 0;
	while (n < want)
		n *= 2;
	grown = mem_realloc_array(*p, n, size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	*cap = n;
	return 0;
}

int dirlist_add(struct dirlist *l, const char *name, uint32_t len, uint64_t ino, uint8_t type)
{
	if (reserve((void **)&l->entries, &l->cap, l->count + 1, sizeof(*l->entries)) < 0 ||
	    reserve((void **)&l->names, &l->names_cap, l->used + len + 1, 1) < 0)
		return -ENOMEM;
	l->entries[l->count++] = (struct dirlist_entry){ .ino = ino, .name = l->used, .len = (uint8_t)len, .type = type };
	memcpy(l->names + l->used, name, len);
	l->names[l->used + len] = 0;
	l->used += len + 1;
	return 0;
}

void dirlist_free(struct dirlist *l)
{
	mem_free(l->entries);
	mem_free(l->names);
	memset(l, 0, sizeof(*l));
}

static int refill(struct file *f, struct task *t)
{
	struct open_dir *d = f->priv;
	int ret;

	dirlist_free(&d->list);
	d->filled = false;
	ret = f->inode->ops->list(f->inode, t, &d->list);
	if (ret == 0)
		d->filled = true;
	return ret;
}

static uint64_t parent_ino(struct file *f)
{
	struct dentry *up = f->path.dentry ? dentry_parent(f->path.dentry) : NULL;
	uint64_t ino = up ? up->inode->attr.ino : f->inode->attr.ino;

	dentry_put(up);
	return ino;
}

static int dir_readdir(struct file *f, struct task *t, struct dirent_sink *sink)
{
	struct open_dir *d = f->priv;
	int ret;

	if (f->inode->attr.nlink == 0)
		return -ENOENT; /* removed: not even "." is left */
	ret = f->pos == 0 || !d->filled ? refill(f, t) : 0;
	if (ret < 0)
		return ret;
	if (f->pos == 0) {
		if (!sink->add(sink, ".", 1, f->inode->attr.ino, LX_DT_DIR, 1))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		if (!sink->add(sink, "..", 2, parent_ino(f), LX_DT_DIR, 2))
			return 0;
		f->pos = 2;
	}
	while (f->pos >= 2 && f->pos - 2 < (int64_t)d->list.count) {
		const struct dirlist_entry *e = &d->list.entries[f->pos - 2];

		if (!sink->add(sink, d->list.names + e->name, e->len, e->ino, e->type, f->pos + 1))
			break;
		f->pos++;
	}
	return 0;
}

static int64_t dir_seek(struct file *f, int64_t offset, int whence)
{
	if (whence == LX_SEEK_END)
		return file_seek_plain(f, offset, whence, INT32_MAX);
	return file_seek_plain(f, offset, whence, -1);
}

static int64_t dir_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	(void)f, (void)t, (void)u, (void)pos;
	return -EISDIR;
}

static int dir_fsync(struct file *f, struct task *t, bool data_only)
{
	(void)t, (void)data_only;
	return f->inode->ops->fsync_dir ? f->inode->ops->fsync_dir(f->inode) : 0;
}

static void dir_release(struct file *f)
{
	struct open_dir *d = f->priv;

	dirlist_free(&d->list);
	mem_free(d);
}

static const struct file_ops dir_ops = {
	.read = dir_read,
	.seek = dir_seek,
	.readdir = dir_readdir,
	.fsync = dir_fsync,
	.release = dir_release,
	.name = "directory",
};

int dirfile_open(struct inode *dir, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	struct open_dir *d = mem_zalloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	*out = file_new(&dir_ops, dir, p, flags, t->cred, d);
	if (!*out)
		mem_free(d);
	return *out ? 0 : -ENOMEM;
}
