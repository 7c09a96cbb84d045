/* Open regular files of tmpfs, and memfd_create(2)'s: files of a tmpfs that is mounted nowhere. */
#include "sentry/fs/tmpfs_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/mman.h"
#include "sentry/fs/anon.h"
#include "sentry/fs/dentry.h"
#include "sentry/fs/memfile.h"
#include "sentry/fs/tmpfs.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"

static struct memdata *data_of(struct file *f)
{
	return &container_of(f->inode, struct tmpfs_inode, inode)->data;
}

static int64_t tmpfs_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	(void)t;
	return memfile_read(f, data_of(f), u, pos);
}

static int64_t tmpfs_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	(void)t;
	return memfile_write(f, data_of(f), u, pos);
}

static int64_t tmpfs_seek(struct file *f, int64_t offset, int whence)
{
	return memfile_seek(f, data_of(f), offset, whence);
}

static int tmpfs_mmap(struct file *f, uint64_t offset, uint64_t len, int prot, bool shared, struct map_source *out)
{
	(void)len;
	out->noexec = f->path.mount && f->path.mount->flags & MOUNT_NOEXEC;
	return memfile_mmap(data_of(f), offset, prot, shared, out);
}

static int tmpfs_fsync(struct file *f, struct task *t, bool data_only)
{
	(void)f, (void)t, (void)data_only;
	return 0; /* there is nothing behind memory */
}

static int tmpfs_truncate(struct file *f, struct task *t, int64_t len)
{
	(void)t;
	return memfile_resize(f->inode, data_of(f), len);
}

static int tmpfs_fallocate(struct file *f, struct task *t, int mode, int64_t offset, int64_t len)
{
	(void)t;
	if (mode & ~(LX_FALLOC_FL_KEEP_SIZE | LX_FALLOC_FL_PUNCH_HOLE)) /* Linux' tmpfs knows no more */
		return -EOPNOTSUPP;
	return memfile_fallocate(f, data_of(f), mode, offset, len);
}

static int tmpfs_host_fd(struct file *f)
{
	return atomic_load(&data_of(f)->fd);
}

static const struct file_ops tmpfs_file_ops = {
	.read = tmpfs_read,
	.write = tmpfs_write,
	.seek = tmpfs_seek,
	.mmap = tmpfs_mmap,
	.fsync = tmpfs_fsync,
	.truncate = tmpfs_truncate,
	.fallocate = tmpfs_fallocate,
	.host_fd = tmpfs_host_fd,
	.name = "tmpfs",
};

int tmpfs_open_file(struct inode *i, const struct path *p, uint32_t flags, struct task *t, struct file **out)
{
	*out = file_new(&tmpfs_file_ops, i, p, flags, t ? t->cred : NULL, NULL);
	return *out ? 0 : -ENOMEM;
}

struct memdata *tmpfs_file_data(struct file *f)
{
	return f->ops == &tmpfs_file_ops ? data_of(f) : NULL;
}

/* The filesystem that memfds live on, made at the first. */
static struct super *memfd_super(struct kernel *k)
{
	static struct super *_Atomic instance; /* one for the process, as there is one kernel; never freed */
	struct super *s = atomic_load(&instance), *none = NULL;

	if (s)
		return s;
	s = tmpfs_create(k, 0, 0700);
	if (s && !atomic_compare_exchange_strong(&instance, &none, s)) {
		super_put(s);
		s = none;
	}
	return s;
}

int memfd_open(struct task *t, const char *name, uint32_t flags, struct file **out)
{
	struct create_how how = { .mode = LX_S_IFREG | 0777, .uid = t->cred->fsuid, .gid = t->cred->fsgid };
	struct super *s = memfd_super(t->k);
	AUTO_PATH struct path p = { 0 };
	struct tmpfs_inode *i;
	char shown[300];

	if (flags & LX_MFD_NOEXEC_SEAL)
		how.mode = LX_S_IFREG | 0666;
	i = s ? tmpfs_inode_new(s, &how) : NULL;
	if (!i)
		return -ENOMEM;
	i->inode.attr.nlink = 0;
	if (flags & LX_MFD_NOEXEC_SEAL)
		i->data.seals = LX_F_SEAL_EXEC;
	else if (!(flags & LX_MFD_ALLOW_SEALING))
		i->data.seals = LX_F_SEAL_SEAL;
	snprintf(shown, sizeof(shown), "/memfd:%s", name);
	p.dentry = dentry_new(NULL, shown, (uint32_t)strlen(shown), &i->inode);
	inode_put(&i->inode);
	if (!p.dentry)
		return -ENOMEM;
	atomic_store(&p.dentry->unlinked, true);
	p.mount = anon_mount();
	ref_get(&p.mount->ref);
	return tmpfs_open_file(&i->inode, &p, LX_O_RDWR | LX_O_LARGEFILE, t, out);
}
