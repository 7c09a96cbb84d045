/*
 * goferfs: a sealed tree's index (gofer/sealed_index.h) in the sentry. Every length, offset and name in it is checked once, when it is
 * mapped; one that is not whole, or not this tree's, is as if there were none.
 */
#ifndef SENTRY_FS_GOFERFS_INDEX_H
#define SENTRY_FS_GOFERFS_INDEX_H

#include <stdint.h>

#include "gofer/wire.h"

struct gindex;
struct gofer_page;

/* For the tree with this root. The fd is the caller's still. NULL: not believed, said in the log, or memory is out. */
struct gindex *gindex_open(int fd, const struct gofer_attr *root);
void gindex_free(struct gindex *);
/* The names of directory `number` (0: the root), as READDIR would have brought them: 0 or -ENOMEM. gofer_page_free is the caller's. */
int gindex_list(const struct gindex *, uint32_t number, struct gofer_page *);
/* A symlink's target: attr.size bytes, no NUL. Borrowed. */
const char *gindex_target(const struct gindex *, const struct gofer_dirent *);

#endif
