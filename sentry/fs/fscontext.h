/*
 * Filesystems on their way to being mounted, or to being told something new: what fsopen(2) and fspick(2) return.
 *
 *	fsopen:  parameters ──create──▶ made ──fsmount──▶ parameters of a reconfiguration
 *	fspick:  parameters of a reconfiguration ──reconfigure──▶ the same
 *
 * A command that failed ends it: everything but closing gives EBUSY (Linux: FS_CONTEXT_FAILED).
 */
#ifndef SENTRY_FS_FSCONTEXT_H
#define SENTRY_FS_FSCONTEXT_H

#include <stdbool.h>
#include <stdint.h>

struct file;
struct mount_ns;
struct path;
struct super;
struct task;

/* A context for a filesystem by name, and for one that is mounted at a path. -ENODEV; -EINVAL (not a mount's root); -ENOMEM. */
int fscontext_open(struct task *, const char *fsname, struct file **out);
int fscontext_pick(struct task *, const struct path *, struct file **out);
bool fscontext_is(const struct file *);
/* One parameter; value NULL: a flag. -EBUSY: not now; -EINVAL: unknown, or not with this value. */
int fscontext_set(struct file *, struct task *, const char *key, const char *value);
/* A parameter of a kind that no filesystem here has. -EBUSY, -EINVAL. */
int fscontext_set_other(struct file *);
int fscontext_create(struct file *, struct task *);      /* as mountfs_make(); -EBUSY */
int fscontext_reconfigure(struct file *, struct task *); /* as mount_do_reconfigure(); -EBUSY */
/* The mount that was made, as a tree of its own. flags: MOUNT_*. -EINVAL: nothing is made; -EBUSY: it was mounted; -EPERM; as mount_do_detached(). */
int fscontext_mount(struct file *, struct task *, uint32_t flags, struct mount_ns **out, struct path *root);

#endif
