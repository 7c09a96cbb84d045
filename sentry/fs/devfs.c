/* devtmpfs: a tmpfs with the devices and links that every program may count on. */
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/fstypes.h"
#include "sentry/fs/tmpfs.h"

static const struct {
	const char *name;
	uint32_t mode;
	uint32_t major, minor;
	const char *target;
} nodes[] = {
	{ "null", LX_S_IFCHR | 0666, 1, 3, NULL },
	{ "zero", LX_S_IFCHR | 0666, 1, 5, NULL },
	{ "full", LX_S_IFCHR | 0666, 1, 7, NULL },
	{ "random", LX_S_IFCHR | 0666, 1, 8, NULL },
	{ "urandom", LX_S_IFCHR | 0666, 1, 9, NULL },
	{ "tty", LX_S_IFCHR | 0666, 5, 0, NULL },
	{ "console", LX_S_IFCHR | 0620, 5, 1, NULL },
	{ "ptmx", LX_S_IFCHR | 0666, 5, 2, NULL },
	{ "fd", LX_S_IFLNK | 0777, 0, 0, "/proc/self/fd" },
	{ "stdin", LX_S_IFLNK | 0777, 0, 0, "/proc/self/fd/0" },
	{ "stdout", LX_S_IFLNK | 0777, 0, 0, "/proc/self/fd/1" },
	{ "stderr", LX_S_IFLNK | 0777, 0, 0, "/proc/self/fd/2" },
	{ "shm", LX_S_IFDIR | 01777, 0, 0, NULL },
	{ "pts", LX_S_IFDIR | 0755, 0, 0, NULL },
	{ "mqueue", LX_S_IFDIR | 01777, 0, 0, NULL },
};

static bool add_node(struct super *s, size_t i)
{
	struct create_how how = { .mode = nodes[i].mode, .rdev = dev_make(nodes[i].major, nodes[i].minor), .target = nodes[i].target };
	struct tmpfs_inode *node = tmpfs_inode_new(s, &how);
	bool ok = node && tmpfs_add(s->root, nodes[i].name, &node->inode) == 0;

	if (node)
		inode_put(&node->inode);
	return ok;
}

struct super *devfs_create(struct kernel *k)
{
	struct super *s = tmpfs_create(k, 0, 0755);

	if (!s)
		return NULL;
	s->fstype = "devtmpfs";
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		if (!add_node(s, i)) {
			super_put(s);
			return NULL;
		}
	}
	return s;
}
