/* Credentials: immutable once a task has them; changing means copy, change, install. */
#ifndef SENTRY_KERNEL_CRED_H
#define SENTRY_KERNEL_CRED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ref.h"

struct user_ns;

#define CRED_MAX_GROUPS 256

struct landlock_domain;

struct cred {
	struct ref ref;
	/* immutable after creation; ids are those of the first user namespace, capabilities count in user_ns and below */
	struct user_ns *user_ns; /* referenced */
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	uint32_t securebits;
	bool no_new_privs, keep_caps;
	struct landlock_domain *landlock; /* referenced, or NULL: fs/landlock.h */
	uint32_t group_count;
	uint32_t groups[];
};

/* All capabilities for uid 0, none otherwise: what a container without added capabilities would call privileged *inside* the sandbox. */
struct cred *cred_new(uint32_t uid, uint32_t gid, const uint32_t *groups, uint32_t count);
/* A private copy to be changed before it is installed; room for `groups` groups, which are copied as far as they fit. */
struct cred *cred_copy(const struct cred *, uint32_t groups);
struct cred *cred_get(struct cred *);
void cred_put(struct cred *);
bool cred_has_group(const struct cred *, uint32_t gid); /* fsgid or supplementary */
bool cred_capable(const struct cred *, int cap);        /* LX_CAP_* over the sandbox as a whole: in the first user namespace */
bool cred_own_capable(const struct cred *, int cap);    /* in its own user namespace, whichever that is */

#endif
