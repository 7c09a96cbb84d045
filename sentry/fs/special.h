/*
 * Opening what is neither a regular file nor a directory: who does it. The generic layer calls these for inodes of any filesystem whose
 * `open` operation is absent.
 */
#ifndef SENTRY_FS_SPECIAL_H
#define SENTRY_FS_SPECIAL_H

#include <stdint.h>

struct file;
struct inode;
struct path;
struct task;

/* fs/fifo.c. May return SYS_BLOCKED and the like: an open waits for the other side. */
int fifo_open(struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);
/* fs/dev.c: by the inode's type and attr.rdev; -ENXIO for a number that nobody knows. */
int device_open(struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);

#endif
