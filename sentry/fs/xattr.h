/* Extended attributes kept in memory, for tmpfs and the overlay. xattr(7). Errors and lengths are those of getxattr(2) and its like. */
#ifndef SENTRY_FS_XATTR_H
#define SENTRY_FS_XATTR_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct memquota;

/* Protected by the inode's lock. Zeroed: none (the list is set up at the first). */
struct xattrs {
	struct list all;
	struct memquota *quota; /* charged for them; NULL: none */
};

int64_t xattrs_get(const struct xattrs *, const char *name, void *buf, size_t len);
int xattrs_set(struct xattrs *, const char *name, const void *value, size_t len, int flags);
int64_t xattrs_list(const struct xattrs *, char *buf, size_t len);
int xattrs_remove(struct xattrs *, const char *name);
void xattrs_free(struct xattrs *);

#endif
