/* Between landlock.c and landlock_fs.c, and for tests. */
#ifndef SENTRY_FS_LANDLOCK_RIGHTS_H
#define SENTRY_FS_LANDLOCK_RIGHTS_H

#include "sentry/fs/landlock.h"

/* What the rule for this very inode gives; 0 when there is none. */
uint64_t landlock_path_rights(const struct landlock_rules *, const struct inode *);

#endif
