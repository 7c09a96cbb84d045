/* nsfs: namespaces as files, for /proc/PID/ns, setns(2), ioctl_ns(2) and bind mounts of them. namespaces(7). */
#ifndef SENTRY_FS_NSFS_H
#define SENTRY_FS_NSFS_H

#include <stdbool.h>

struct file;
struct ns;
struct path;
struct task;

/* A place that stands for the namespace, named "mnt:[4026531841]". *out referenced. 0 or -ENOMEM. */
int nsfs_path(struct ns *, struct path *out);
/* The namespace that a place or an open file stands for, borrowed; NULL for any other. */
struct ns *nsfs_path_ns(const struct path *);
struct ns *nsfs_file_ns(struct file *);
bool nsfs_is_path(const struct path *);
/* Mounting this in the task's mount namespace would make that one keep itself, or an older one, alive. */
bool nsfs_would_loop(struct task *, const struct path *);

#endif
