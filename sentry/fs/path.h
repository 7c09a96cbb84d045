/* A place in the tree of mounts: which mount, and which name in it. */
#ifndef SENTRY_FS_PATH_H
#define SENTRY_FS_PATH_H

struct mount;
struct dentry;

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

void path_get(const struct path *);  /* references both (NULLs allowed) */
void path_put(struct path *);        /* drops both and sets them to NULL */

#define AUTO_PATH __attribute__((cleanup(path_put)))

#endif
