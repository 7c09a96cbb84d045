/*
 * POSIX access control lists: acl(5), and the extended attributes system.posix_acl_access and system.posix_acl_default that are their form
 * outside. Kept with the inode, on file systems in memory (super->acls); the mode's group bits are the list's mask, as everywhere.
 */
#ifndef SENTRY_FS_ACL_H
#define SENTRY_FS_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acl;
struct create_how;
struct cred;
struct inode;
struct path;
struct task;

enum acl_kind { ACL_ACCESS, ACL_DEFAULT };
#define ACL_ACCESS_NAME "system.posix_acl_access"
#define ACL_DEFAULT_NAME "system.posix_acl_default"

/* Is this the name of one? */
bool acl_name(const char *name, enum acl_kind *out);
/* As getxattr(2): bytes, -ENODATA, -ERANGE, -EOPNOTSUPP. */
int64_t acl_get(struct inode *, enum acl_kind, void *buf, size_t len);
/* As setxattr(2); len 0 removes it. Checks who may. -EOPNOTSUPP, -EPERM, -EACCES (a default of what is no directory), -EINVAL, -ENOSPC. */
int acl_set(struct task *, const struct path *, enum acl_kind, const void *buf, size_t len);
/* The names of those that are there, each with its NUL: bytes, or -ERANGE. */
int64_t acl_list(struct inode *, char *buf, size_t len);

/* For somebody other than the owner: 0, -EACCES, or 1 where there is no list and the mode decides. may: MAY_*. */
int acl_permission(const struct cred *, struct inode *, uint32_t may);
/* The mode was changed: so are owner, mask (or group) and others in the list. */
void acl_chmod(struct inode *, uint32_t mode);

/* What a directory gives to what is made in it. */
struct acl_gift {
	struct acl *access, *deflt; /* owned; NULL: none */
};
/* True where a default list stands in for the umask: the mode is cut by it, and *out is to be given. */
bool acl_inherit(struct inode *dir, uint32_t *mode, struct acl_gift *out);
/* Gives it to the fresh inode, or drops it (inode NULL). */
void acl_give(struct inode *, struct acl_gift *);

#endif
