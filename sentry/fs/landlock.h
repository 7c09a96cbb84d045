/*
 * Landlock: what programs forbid themselves. landlock(7); Linux: security/landlock/.
 *
 * A ruleset says which rights it handles, and gives some of them back beneath certain directories, or for certain ports. Enforced, a copy of it
 * becomes the newest layer of a domain, which credentials carry on to children. A right is had where each layer either does not handle it or
 * gives it back, by a rule at the file itself or at a directory above, across mounts.
 *
 * The check functions cost a comparison where the credentials have no domain.
 */
#ifndef SENTRY_FS_LANDLOCK_H
#define SENTRY_FS_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/landlock.h"
#include "base/lock.h"
#include "base/ref.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/sched.h"

struct dentry;
struct file;
struct inode;
struct kernel;
struct path;

struct landlock_path_rule {
	struct dentry *dentry; /* referenced, so that its inode stays what it is */
	uint64_t allowed;
};
struct landlock_port_rule {
	uint64_t port, allowed;
};

struct landlock_rules {
	/* immutable after creation */
	struct kernel *k;
	uint64_t handled_fs, handled_net, scoped;
	/* a ruleset's: protected by its lock; a domain's: immutable */
	struct landlock_path_rule *paths; /* by inode, ascending */
	struct landlock_port_rule *ports; /* by port, ascending */
	uint32_t path_count, path_room, port_count, port_room;
};

struct landlock_domain {
	struct ref ref;
	struct work dropped;            /* its end, where names cannot be let go */
	/* immutable after creation */
	struct landlock_domain *parent; /* referenced; NULL for the first layer */
	uint32_t layers;                /* this one and those below */
	bool any_fs;                    /* some layer handles a right to files */
	struct landlock_rules rules;
};

/* --- rules and domains ------------------------------------------------------------------------------------------------- */

void landlock_rules_init(struct landlock_rules *, struct kernel *, const struct lx_landlock_ruleset_attr *);
void landlock_rules_drop(struct landlock_rules *);
/* Adds to what a rule for the same place has. 0 or -ENOMEM. */
int landlock_add_path(struct landlock_rules *, struct dentry *, uint64_t allowed);
int landlock_add_port(struct landlock_rules *, uint64_t port, uint64_t allowed);
/* A copy of the rules on top of `parent` (NULL allowed; takes a reference). 0, -E2BIG (too many layers), -ENOMEM. */
int landlock_domain_new(const struct landlock_rules *, struct landlock_domain *parent, struct landlock_domain **out);
struct landlock_domain *landlock_domain_get(struct landlock_domain *); /* NULL allowed */
void landlock_domain_put(struct landlock_domain *);                    /* NULL allowed; any thread */

/* --- checks: 0 or -EACCES, unless said otherwise ------------------------------------------------------------------------- */

int landlock_may(const struct cred *, const struct path *, uint64_t rights);
/* open(2), with the access mode of LX_O_* flags. */
int landlock_may_open(const struct cred *, const struct path *, uint32_t flags);
int landlock_may_create(const struct cred *, const struct path *dir, uint32_t mode);
int landlock_may_remove(const struct cred *, const struct path *dir, bool is_dir);
/* Which of TRUNCATE and IOCTL_DEV a file that was opened so will not have. */
uint64_t landlock_denied_later(const struct cred *, const struct path *);

enum { LANDLOCK_LINK, LANDLOCK_RENAME, LANDLOCK_EXCHANGE };
/* A file gets a name in another directory; from and to have one mount. victim NULL where the name is free. -EACCES, -EXDEV. */
int landlock_may_refer(const struct cred *, int how, const struct path *from_dir, struct dentry *what, const struct path *to_dir,
		       struct dentry *victim);

/* bind(2) and connect(2) of TCP sockets; `right` is one of LX_LANDLOCK_NET_*. For sentry/net. */
int landlock_may_port(const struct cred *, uint16_t port, uint64_t right);
/* True when a LX_LANDLOCK_SCOPE_* keeps a `client` from reaching what belongs to the domain `server` (either may be NULL): -EPERM. */
bool landlock_scoped(const struct landlock_domain *client, const struct landlock_domain *server, uint64_t scope);
/* False: -EPERM for ptrace(2), process_vm_readv(2) and the like. */
bool landlock_may_trace(const struct cred *tracer, const struct cred *tracee);
/* True: mount(2), umount(2), pivot_root(2) and the like are -EPERM. */
static inline bool landlock_keeps_mounts(const struct cred *c)
{
	return c->landlock && c->landlock->any_fs;
}

#endif
