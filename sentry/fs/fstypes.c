/* The table of filesystems: see fstypes.h. */
#include "sentry/fs/fstypes.h"

#include <stddef.h>

/* Rows whose filesystem is not part of this build have no constructor: mounting one says so. */
#pragma weak mqueue_create

const struct fstype fstypes[] = {
	{ BOOT_MOUNT_PROC, "proc", procfs_create },
	{ BOOT_MOUNT_SYSFS, "sysfs", sysfs_create },
	{ BOOT_MOUNT_DEVTMPFS, "devtmpfs", devfs_create },
	{ BOOT_MOUNT_DEVPTS, "devpts", devpts_create },
	{ BOOT_MOUNT_MQUEUE, "mqueue", mqueue_create },
};
const int fstype_count = sizeof(fstypes) / sizeof(fstypes[0]);

const struct fstype *fstype_find(enum boot_mount_type type)
{
	for (int i = 0; i < fstype_count; i++) {
		if (fstypes[i].type == type)
			return &fstypes[i];
	}
	return NULL;
}
