/* The mount table. mount_namespaces(7): a sandbox has one namespace. */
#ifndef SENTRY_FS_MOUNT_H
#define SENTRY_FS_MOUNT_H

#include <stdint.h>

#include "sentry/fs/vfs.h"

struct mount_ns {
	struct lock lock;    /* RANK_MOUNTS */
	/* protected by lock */
	struct list mounts;  /* of struct mount, in order; each referenced */
	int next_id;
	/* immutable after boot */
	struct path root;    /* of the first mount; referenced */
};

/* An empty table, and its end. */
struct mount_ns *mount_ns_new(void);
void mount_ns_free(struct mount_ns *);
struct mount *mount_get(struct mount *);
void mount_put(struct mount *);
/* What is mounted on top of this place: referenced, or NULL. */
struct mount *mount_on(struct kernel *, const struct path *);
/* While something is mounted on *p, goes to its root. Takes over and gives back references. True when it moved. */
bool mount_cross(struct kernel *, struct path *p);
/* umount(2) of the mount whose root this is: -EINVAL, -EBUSY. */
int mount_remove(struct kernel *, const struct path *root, bool lazy);
/* MS_REMOUNT: which rights may be regained is the caller's to judge. -EINVAL when it is not a mount's root. */
int mount_set_flags(struct kernel *, const struct path *root, uint32_t flags);

#endif
