/*
 * overlay: a writable layer in memory over a filesystem that is never written to.
 *
 * An overlay inode stands for an inode of the lower layer, for one that is only in memory, or for the former turned into the latter. It is
 * found by the lower inode, not by name: what is changed about a lower file (its data, its attributes, the names in it if it is a
 * directory) is kept with its overlay inode, which stays for as long as it differs from the lower one. So a renamed directory takes
 * its contents with it, hard links of a lower file stay one file, and nothing is copied but the data of files that are written to.
 */
#ifndef SENTRY_FS_OVERLAY_H
#define SENTRY_FS_OVERLAY_H

#include <stdint.h>

struct kernel;
struct super;

/* Takes over the lower super. size: bytes that may be stored above; 0: the sandbox's memory limit alone. NULL when memory is out (lower is put). */
struct super *overlay_create(struct kernel *, struct super *lower, uint64_t size);

#endif
