/* Making names: shared by open(O_CREAT), mknod, mkdir, symlink. */
#ifndef SENTRY_FS_CREATE_H
#define SENTRY_FS_CREATE_H

#include <stdbool.h>
#include <stdint.h>

struct create_how;
struct dentry;
struct path;
struct task;

/*
 * Makes a name that must not be there (-EEXIST): rights, umask, owner and set-gid rules are applied here to how's mode. Takes dir_lock.
 * *out: the new dentry, referenced; may be NULL.
 */
int create_at(struct task *, const struct path *dir, const char *name, uint32_t len, const struct create_how *how, struct dentry **out);
/* A file without a name in this directory's filesystem. exclusive: it can never be linked. *out referenced. */
int create_tmpfile(struct task *, const struct path *dir, uint32_t mode, bool exclusive, struct path *out);

#endif
