/* The generic layer's own checks beyond inode_permission(): deletion, ownership, attribute changes. */
#ifndef SENTRY_FS_PERMISSION_H
#define SENTRY_FS_PERMISSION_H

#include <stdbool.h>

struct cred;
struct inode;
struct setattr;

bool inode_owner_or_capable(const struct cred *, const struct inode *);
/* Write permission on the directory, the sticky bit, and the victim's type: -EACCES, -EPERM, -ENOTDIR, -EISDIR. */
int may_delete(const struct cred *, struct inode *dir, struct inode *victim, bool want_dir);
/* Checks a change of attributes and drops the set-id bits that it may not keep. -EPERM, -EACCES. */
int setattr_permission(const struct cred *, struct inode *, struct setattr *);

#endif
