/* Answers of statmount(2) and listmount(2), made in the sentry's memory. */
#ifndef SENTRY_FS_STATMOUNT_H
#define SENTRY_FS_STATMOUNT_H

#include <stdint.h>

#include "abi/mount.h"
#include "sentry/fs/textbuf.h"

struct mount;
struct mount_ns;
struct path;
struct task;

/* Where a question about the namespace is asked from: the task's root, or what "/" is in a namespace that is not the task's. *out referenced. */
void statmount_root(struct task *, struct mount_ns *, struct path *out);
/* The namespace's mount with this unique id, referenced; NULL. */
struct mount *statmount_find(struct mount_ns *, uint64_t id);
/* May it be told about, asked from there? 0 or -EPERM. */
int statmount_may(struct task *, struct mount_ns *, const struct mount *, const struct path *root);
/* What `mask` (LX_STATMOUNT_*) asks for: strings into `strings`, each with its zero byte. 0; -ENOMEM. The caller frees the strings. */
int statmount_fill(struct mount *, struct mount_ns *, const struct path *root, uint64_t mask, struct lx_statmount *out, struct textbuf *strings);
/*
 * Ids of the mounts below `top`, itself left out where it has the id `but`, in order of id (backwards: reverse) after `last` (0: from the
 * start), `max` at most. *out is the caller's to free. Their number, or -ENOMEM.
 */
int64_t listmount_ids(struct mount_ns *, const struct path *top, uint64_t but, uint64_t last, bool reverse, uint64_t max, uint64_t **out);

#endif
