/*
 * The filesystems that need no more than a name to be made. Whoever writes one adds a row to fstypes.c.
 *
 * A constructor returns a super with ->root set and one reference, or NULL when memory is out.
 */
#ifndef SENTRY_FS_FSTYPES_H
#define SENTRY_FS_FSTYPES_H

#include "sentry/boot/spec.h"

struct kernel;
struct super;

struct fstype {
	enum boot_mount_type type;
	const char *name; /* as mount(2) and /proc/filesystems have it */
	struct super *(*create)(struct kernel *);
};
extern const struct fstype fstypes[];
extern const int fstype_count;

/* The row of a type, or NULL. */
const struct fstype *fstype_find(enum boot_mount_type);

struct super *procfs_create(struct kernel *);
struct super *sysfs_create(struct kernel *);
struct super *devfs_create(struct kernel *);
struct super *devpts_create(struct kernel *);
struct super *mqueue_create(struct kernel *);
/* An instance of its own, as mount(2) makes one. -EINVAL, -ENOMEM. */
struct task;
int devpts_make(struct task *, const char *options, struct super **out);

#endif
