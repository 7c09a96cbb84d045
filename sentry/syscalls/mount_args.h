/* What the calls about mounts have in common. */
#ifndef SENTRY_SYSCALLS_MOUNT_ARGS_H
#define SENTRY_SYSCALLS_MOUNT_ARGS_H

#include <stdint.h>

#include "abi/mount.h"
#include "sentry/fs/vfs.h"

/* LX_MOUNT_ATTR_*, without access times, as MOUNT_*. */
static inline uint32_t attr_to_mount(uint64_t attr)
{
	return (attr & LX_MOUNT_ATTR_RDONLY ? MOUNT_READONLY : 0) | (attr & LX_MOUNT_ATTR_NOSUID ? MOUNT_NOSUID : 0) |
	       (attr & LX_MOUNT_ATTR_NODEV ? MOUNT_NODEV : 0) | (attr & LX_MOUNT_ATTR_NOEXEC ? MOUNT_NOEXEC : 0) |
	       (attr & LX_MOUNT_ATTR_NODIRATIME ? MOUNT_NODIRATIME : 0) | (attr & LX_MOUNT_ATTR_NOSYMFOLLOW ? MOUNT_NOSYMFOLLOW : 0);
}

/* The field of access times, as MOUNT_*: false for a value that means nothing. */
static inline bool attr_atime(uint64_t attr, uint32_t *flags)
{
	switch (attr & LX_MOUNT_ATTR__ATIME) {
	case 0:
		return true;
	case LX_MOUNT_ATTR_NOATIME:
		*flags |= MOUNT_NOATIME;
		return true;
	case LX_MOUNT_ATTR_STRICTATIME:
		*flags |= MOUNT_STRICTATIME;
		return true;
	default:
		return false;
	}
}

#define MOUNT_ATTR_PLAIN                                                                                                     \
	(LX_MOUNT_ATTR_RDONLY | LX_MOUNT_ATTR_NOSUID | LX_MOUNT_ATTR_NODEV | LX_MOUNT_ATTR_NOEXEC | LX_MOUNT_ATTR__ATIME |      \
	 LX_MOUNT_ATTR_NODIRATIME | LX_MOUNT_ATTR_NOSYMFOLLOW)

#endif
