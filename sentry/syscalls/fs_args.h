/* What the file system calls have in common: how a (dirfd, path, flags) triple becomes a place. */
#ifndef SENTRY_SYSCALLS_FS_ARGS_H
#define SENTRY_SYSCALLS_FS_ARGS_H

#include <errno.h>

#include "abi/fcntl.h"
#include "sentry/fs/vfs.h"

/* AT_* flags as WALK_* flags; -EINVAL for one that is not in `allowed`. The last link is followed unless AT_SYMLINK_NOFOLLOW says no. */
static inline int at_to_walk(uint32_t at_flags, uint32_t allowed, uint32_t *walk)
{
	if (at_flags & ~allowed)
		return -EINVAL;
	*walk = 0;
	if (at_flags & LX_AT_SYMLINK_NOFOLLOW)
		*walk |= WALK_NOFOLLOW;
	if (at_flags & LX_AT_EMPTY_PATH)
		*walk |= WALK_EMPTY;
	return 0;
}

#endif
