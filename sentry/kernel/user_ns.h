/*
 * User namespaces. user_namespaces(7).
 *
 * Inside the sentry every id is that of the first user namespace, the sandbox's own; ids are translated where they come from or go to a guest.
 * For tasks of the first namespace that is one comparison.
 */
#ifndef SENTRY_KERNEL_USER_NS_H
#define SENTRY_KERNEL_USER_NS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sentry/kernel/ns.h"

struct cred;

#define NO_ID UINT32_MAX            /* (uid_t)-1: no such id */
#define ID_EXTENTS_MAX 340
#define USER_NS_LEVELS_MAX 32

enum id_kind { ID_USER, ID_GROUP };

struct id_extent {
	uint32_t first;   /* in the namespace */
	uint32_t kernel;  /* the same id in the first namespace */
	uint32_t count;
};
struct id_map {
	uint32_t count;
	struct id_extent extent[];
};

struct user_ns {
	struct ns ns;               /* .owner is the parent */
	/* immutable */
	int level;                  /* the first has 0 */
	uint32_t uid, gid;          /* of who made it */
	bool parent_may_setfcap;    /* its maker had CAP_SETFCAP */
	/* set once, under the map lock; immutable from then on */
	struct id_map *_Atomic map[2]; /* by enum id_kind; NULL: nothing is mapped. The first namespace has none and needs none */
	_Atomic int setgroups;      /* may setgroups(2) be called? /proc/PID/setgroups */
	/* atomic */
	_Atomic int used[NS_KINDS]; /* namespaces of each kind that count here */
	_Atomic int max[NS_KINDS];  /* /proc/sys/user/max_*_namespaces */
};

extern struct user_ns first_user_ns;

struct user_ns *user_ns_get(struct user_ns *);
void user_ns_put(struct user_ns *);
/* A child of the credentials' namespace, owned by their effective ids. -ENOSPC, -EPERM (ids that are not mapped), -ENOMEM. */
int user_ns_create(const struct cred *, struct user_ns **out);
/* Makes the credentials (private, not yet installed) those of the namespace's first process: all capabilities in it. Takes a reference. */
void cred_enter_user_ns(struct cred *, struct user_ns *);
/* One more (fewer) namespace of a kind, in `ns` and all above: 0 or -ENOSPC. */
int user_ns_charge(struct user_ns *, enum ns_kind);
void user_ns_uncharge(struct user_ns *, enum ns_kind);
bool user_ns_is_ancestor(const struct user_ns *ancestor, const struct user_ns *of); /* or the same */

/* The slow halves of the functions below. */
uint32_t user_ns_map_down(const struct user_ns *, enum id_kind, uint32_t id);
uint32_t user_ns_map_up(const struct user_ns *, enum id_kind, uint32_t id);

/* A guest's id to the kernel's; NO_ID when it is not mapped. */
static inline uint32_t id_to_kernel(const struct user_ns *ns, enum id_kind kind, uint32_t id)
{
	return ns == &first_user_ns ? id : user_ns_map_down(ns, kind, id);
}
/* The kernel's id to the guest's; NO_ID when the namespace has no name for it. */
static inline uint32_t id_from_kernel(const struct user_ns *ns, enum id_kind kind, uint32_t id)
{
	return ns == &first_user_ns ? id : user_ns_map_up(ns, kind, id);
}
/* The same for showing: the overflow id where there is no name. */
static inline uint32_t id_shown(const struct user_ns *ns, enum id_kind kind, uint32_t id)
{
	uint32_t out = id_from_kernel(ns, kind, id);

	return out == NO_ID && id != NO_ID ? 65534 /* LX_OVERFLOW_ID */ : out;
}

/* May the credentials use the capability over what belongs to this namespace? capabilities(7), "user namespaces". */
bool ns_capable(const struct cred *, const struct user_ns *, int cap);

/* Writing /proc/PID/uid_map and gid_map by somebody with `writer`'s credentials (the opener's): text is the whole map. -EPERM, -EINVAL. */
int user_ns_set_map(struct user_ns *, enum id_kind, const struct cred *writer, const struct cred *of, const char *text);
/* Writing "allow" or "deny" to /proc/PID/setgroups. */
int user_ns_set_setgroups(struct user_ns *, const char *text);
/* setgroups(2)'s question. */
bool user_ns_may_setgroups(const struct user_ns *);

#endif
