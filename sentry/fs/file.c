/* Open files: their life, and the verbs that system calls use on them. */
#include "sentry/fs/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "base/mem.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/async.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/dnotify.h"
#include "sentry/fs/epoll.h"
#include "sentry/fs/flock.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/lease.h"
#include "sentry/fs/notify.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/census.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"

#define NOT_KEPT (LX_O_CREAT | LX_O_EXCL | LX_O_NOCTTY | LX_O_TRUNC | LX_O_CLOEXEC)

struct file *file_new(const struct file_ops *ops, struct inode *inode, const struct path *path, uint32_t flags, struct cred *cred,
		      void *priv)
{
	struct file *f = mem_zalloc(sizeof(*f));
	uint32_t mode = flags & LX_O_ACCMODE;

	if (!f)
		return NULL;
	ref_init(&f->ref);
	census_add(CENSUS_FILE);
	f->ops = ops;
	f->path = *path;
	path_get(&f->path);
	f->inode = inode_get(inode);
	f->cred = cred ? cred_get(cred) : NULL;
	f->priv = priv;
	f->readable = !(flags & LX_O_PATH) && (mode == LX_O_RDONLY || mode == LX_O_RDWR);
	f->writable = !(flags & LX_O_PATH) && (mode == LX_O_WRONLY || mode == LX_O_RDWR);
	/* As in Linux a memfd's own file does not count: it may be executed while it is open. */
	f->counted_writer = f->writable && path->mount != anon_mount();
	if (f->readable || f->writable)
		atomic_fetch_add(&inode->openers, 1);
	if (f->counted_writer)
		atomic_fetch_add(&inode->writers, 1);
	atomic_init(&f->flags, flags & ~(uint32_t)NOT_KEPT);
	lock_init(&f->pos_lock, RANK_FILE_POS, "file.pos_lock");
	list_init(&f->epoll_items);
	return f;
}

struct file *file_get(struct file *f)
{
	ref_get(&f->ref);
	return f;
}

static void file_free(struct file *f)
{
	if (f->readable || f->writable)
		notify_file(f, f->writable ? LX_IN_CLOSE_WRITE : LX_IN_CLOSE_NOWRITE);
	if (!list_empty(&f->epoll_items))
		epoll_file_gone(f);
	async_file_gone(f);
	flock_file_gone(f);
	lease_file_gone(f);
	if (f->ops->release)
		f->ops->release(f);
	if (f->readable || f->writable)
		atomic_fetch_sub(&f->inode->openers, 1);
	if (f->counted_writer)
		atomic_fetch_sub(&f->inode->writers, 1);
	if (f->executing)
		atomic_fetch_sub(&f->inode->executing, 1);
	path_put(&f->path);
	inode_put(f->inode);
	cred_put(f->cred);
	census_drop(CENSUS_FILE);
	mem_free(f);
}

void file_put(struct file *f)
{
	if (f && ref_put(&f->ref))
		file_free(f);
}

static void free_work(struct work *w)
{
	file_free(container_of(w, struct file, deferred));
}

void file_put_deferred(struct file *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	f->deferred.fn = free_work;
	sched_defer(&f->deferred);
}

void file_close(struct file *f, struct fdtable *ft, struct task *t)
{
	const struct file_ops *ops = f->ops;

	flock_table_closed(f, ft);
	dnotify_closed(f, ft);
	if (f->ops->close_fd)
		f->ops->close_fd(f, t);
	file_put(f);
	if (ops->fd_closed)
		ops->fd_closed();
}

static int64_t read_any(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	int64_t nowhere = 0;

	if (!f->readable)
		return -EBADF;
	if (!f->ops->read)
		return -EINVAL;
	if (!f->ops->seek)
		return pos ? -ESPIPE : f->ops->read(f, t, u, &nowhere);
	if (pos)
		return *pos < 0 ? -EINVAL : f->ops->read(f, t, u, pos);
	LOCK_GUARD(&f->pos_lock);
	return f->ops->read(f, t, u, &f->pos);
}

int64_t file_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	int64_t n = read_any(f, t, u, pos);

	if (n > 0)
		notify_file(f, LX_IN_ACCESS);
	return n;
}

/* RLIMIT_FSIZE: shortens the write to what may be stored; -EFBIG and SIGXFSZ when that is nothing. */
static int64_t limit_size(struct file *f, struct task *t, struct uio *u, int64_t pos)
{
	uint64_t limit = t->proc ? t->proc->limits[LX_RLIMIT_FSIZE].rlim_cur : LX_RLIM_INFINITY;
	struct lx_siginfo info;

	if (limit == LX_RLIM_INFINITY || f->inode->type != LX_S_IFREG)
		return 0;
	if (file_appends(f, u))
		pos = f->inode->attr.size;
	if (u->left == 0)
		return 0;
	if ((uint64_t)pos >= limit) {
		siginfo_init_kill(&info, LX_SIGXFSZ, NULL);
		signal_send_task(t, &info);
		return -EFBIG;
	}
	if (u->left > limit - (uint64_t)pos)
		u->left = limit - (uint64_t)pos;
	return 0;
}

/* A write by somebody without CAP_FSETID takes the set-id bits away. */
static void strip_setid(struct file *f, struct task *t)
{
	uint32_t mode = f->inode->attr.mode;
	struct setattr s = { .valid = ATTR_MODE };

	if (f->inode->type != LX_S_IFREG || !(mode & (LX_S_ISUID | LX_S_ISGID)) || !f->inode->ops->setattr)
		return;
	s.mode = mode & ~LX_S_ISUID;
	if (mode & LX_S_IXGRP)
		s.mode &= ~LX_S_ISGID;
	if (s.mode != mode && !cred_capable(t->cred, LX_CAP_FSETID))
		f->inode->ops->setattr(f->inode, &s);
}

static int64_t write_at(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	int64_t ret;

	if (*pos < 0)
		return -EINVAL;
	ret = limit_size(f, t, u, *pos);
	if (ret < 0)
		return ret;
	ret = f->ops->write(f, t, u, pos);
	if (ret > 0)
		strip_setid(f, t);
	return ret;
}

static int64_t write_any(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	int64_t nowhere = 0;

	if (!f->writable)
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	if (!f->ops->seek)
		return pos ? -ESPIPE : f->ops->write(f, t, u, &nowhere);
	if (pos)
		return write_at(f, t, u, pos);
	LOCK_GUARD(&f->pos_lock);
	return write_at(f, t, u, &f->pos);
}

int64_t file_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	int64_t n = write_any(f, t, u, pos);

	if (n > 0)
		notify_file(f, LX_IN_MODIFY);
	return n;
}

uint32_t file_poll(struct file *f, struct poll_table *table)
{
	if (!f->ops->poll)
		return LX_POLLIN | LX_POLLRDNORM | LX_POLLOUT | LX_POLLWRNORM;
	return f->ops->poll(f, table);
}

int file_host_fd(struct file *f)
{
	return f->ops->host_fd ? f->ops->host_fd(f) : -1;
}

int64_t file_seek(struct file *f, int64_t offset, int whence)
{
	if (!f->ops->seek)
		return -ESPIPE;
	LOCK_GUARD(&f->pos_lock);
	return f->ops->seek(f, offset, whence);
}

int64_t file_seek_plain(struct file *f, int64_t offset, int whence, int64_t size)
{
	int64_t base = 0;

	switch (whence) {
	case LX_SEEK_SET:
		break;
	case LX_SEEK_CUR:
		base = f->pos;
		break;
	case LX_SEEK_END:
		if (size < 0)
			return -EINVAL;
		base = size;
		break;
	case LX_SEEK_DATA:
	case LX_SEEK_HOLE:
		if (size < 0)
			return -EINVAL;
		if (offset < 0 || offset >= size)
			return -ENXIO;
		if (whence == LX_SEEK_HOLE)
			offset = size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &offset))
		return -EOVERFLOW;
	if (offset < 0)
		return -EINVAL;
	f->pos = offset;
	return offset;
}

int file_readdir(struct file *f, struct task *t, struct dirent_sink *sink)
{
	if (!f->ops->readdir)
		return -ENOTDIR;
	LOCK_GUARD(&f->inode->dir_lock);
	LOCK_GUARD(&f->pos_lock);
	return f->ops->readdir(f, t, sink);
}

/* What stands for the name of a file that has none. */
static int64_t nameless_name(struct file *f, char *buf, size_t len)
{
	const char *what = f->ops->name ? f->ops->name : "file";
	int n;

	if (f->inode->type == LX_S_IFIFO)
		n = snprintf(buf, len, "pipe:[%llu]", (unsigned long long)f->inode->attr.ino);
	else if (f->inode->type == LX_S_IFSOCK)
		n = snprintf(buf, len, "socket:[%llu]", (unsigned long long)f->inode->attr.ino);
	else
		/* Linux is of two minds about brackets: its older kinds of files have some, a few have none. */
		n = snprintf(buf, len, strpbrk(what, "[ ") ? "anon_inode:%s" : "anon_inode:[%s]", what);
	return (size_t)n < len ? n : -ENAMETOOLONG;
}

int64_t file_link_name(struct task *t, struct file *f, char *buf, size_t len)
{
	return f->path.dentry ? path_name(t, &f->path, buf, len) : nameless_name(f, buf, len);
}

int file_as_path(struct file *f, struct path *out)
{
	char name[64];
	int64_t len;

	*out = f->path;
	if (out->dentry) {
		path_get(out);
		return 0;
	}
	len = nameless_name(f, name, sizeof(name));
	out->dentry = dentry_new(NULL, name, len < 0 ? 0 : (uint32_t)len, f->inode);
	if (!out->dentry)
		return -ENOMEM;
	out->mount = anon_mount();
	ref_get(&out->mount->ref);
	return 0;
}
