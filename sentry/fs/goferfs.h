/*
 * goferfs: files of the host, through the gofer. What is learnt is kept as the mount's cache mode allows (design.md, section 5):
 *
 *   immutable, exclusive   attributes, symlink targets, directory listings and opened fds are kept; misses too (by the dentry cache)
 *   shared                 every step of a walk and every stat asks again
 *
 * Usable as a mount of its own, and as the lower layer of the overlay, which never writes to it.
 */
#ifndef SENTRY_FS_GOFERFS_H
#define SENTRY_FS_GOFERFS_H

#include <stdint.h>

#include "sentry/boot/spec.h"

struct gofer_client;
struct kernel;
struct super;

/*
 * Attaches the gofer's root of that number. On success *out is a super with its root set, and *mount_flags gets the MOUNT_* that the root
 * itself demands. 0 or negative errno.
 */
int goferfs_create(struct kernel *, struct gofer_client *, uint32_t root, enum boot_cache, struct super **out, uint32_t *mount_flags);

#endif
