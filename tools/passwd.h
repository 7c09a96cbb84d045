/* Users and groups of a root file system, by its own /etc/passwd and /etc/group: no name service of the host is asked. */
#ifndef TOOLS_PASSWD_H
#define TOOLS_PASSWD_H

#include <stdbool.h>
#include <stdint.h>

struct passwd_user {
	uint32_t uid, gid;
	char home[256];
};

/* "UID", "UID:GID", "NAME", "NAME:GROUP" in any mixture. 0, -ENOENT for an unknown name, -EINVAL. A uid alone without entry: gid = uid. */
int passwd_lookup(const char *rootfs, const char *user, struct passwd_user *out);

#endif
