/* Memory devices: null, zero, full, random, urandom; and which driver a device number belongs to. null(4), random(4). */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "abi/fcntl.h"
#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/special.h"
#include "sentry/fs/tty.h"
#include "sentry/kernel/task.h"

static int64_t read_nothing(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)t;
	(void)u;
	(void)pos;
	return 0;
}

static int64_t read_zeros(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)t;
	(void)pos;
	return uio_zero(u, u->left);
}

static int64_t read_random(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	char bytes[256];
	int64_t done = 0;

	(void)f;
	(void)t;
	(void)pos;
	while (u->left) {
		size_t n = u->left < sizeof(bytes) ? u->left : sizeof(bytes);
		int64_t put;

		if (getrandom(bytes, n, 0) != (ssize_t)n)
			return done ? done : -EIO;
		put = uio_put(u, bytes, n);
		if (put <= 0)
			return done ? done : put;
		done += put;
	}
	return done;
}

static int64_t write_away(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	int64_t n = (int64_t)u->left;

	(void)f;
	(void)t;
	(void)pos;
	return n;
}

static int64_t write_full(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	(void)f;
	(void)t;
	(void)u;
	(void)pos;
	return -ENOSPC;
}

static int64_t seek_nowhere(struct file *f, int64_t offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return 0;
}

static int map_zeros(struct file *f, uint64_t offset, uint64_t len, int prot, bool shared, struct map_source *out)
{
	(void)f;
	(void)offset;
	(void)len;
	(void)prot;
	(void)shared;
	*out = (struct map_source){ .fd = -1, .anonymous = true };
	return 0;
}

static const struct file_ops null_ops = { .read = read_nothing, .write = write_away, .seek = seek_nowhere, .name = "null" };
static const struct file_ops zero_ops = {
	.read = read_zeros, .write = write_away, .seek = seek_nowhere, .mmap = map_zeros, .name = "zero",
};
static const struct file_ops full_ops = { .read = read_zeros, .write = write_full, .seek = seek_nowhere, .name = "full" };
static const struct file_ops random_ops = { .read = read_random, .write = write_away, .seek = seek_nowhere, .name = "random" };

static const struct {
	uint32_t major, minor;
	const struct file_ops *ops;
} memory_devices[] = {
	{ 1, 3, &null_ops }, { 1, 5, &zero_ops }, { 1, 7, &full_ops }, { 1, 8, &random_ops }, { 1, 9, &random_ops },
};

static int open_memory_device(struct inode *inode, const struct path *path, uint32_t flags, struct task *t, struct file **out)
{
	uint32_t major = dev_major(inode->attr.rdev), minor = dev_minor(inode->attr.rdev);

	for (size_t i = 0; i < ARRAY_LEN(memory_devices); i++) {
		if (memory_devices[i].major != major || memory_devices[i].minor != minor)
			continue;
		*out = file_new(memory_devices[i].ops, inode, path, flags, t->cred, NULL);
		return *out ? 0 : -ENOMEM;
	}
	return tty_device_open(inode, path, flags, t, out);
}

int device_open(struct inode *inode, const struct path *path, uint32_t flags, struct task *t, struct file **out)
{
	if (inode->type != LX_S_IFCHR)
		return -ENXIO;
	return open_memory_device(inode, path, flags, t, out);
}
