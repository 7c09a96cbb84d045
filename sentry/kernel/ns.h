/*
 * Namespaces: what all kinds share, and a task's set of them. namespaces(7).
 *
 * All of them are the sentry's own objects: the host makes none for them. Each names the user namespace whose capabilities count for it
 * (its owner; for a user namespace that is its parent), and is counted against the limits in /proc/sys/user of that one and all above.
 *
 * A task's set is immutable: unshare and setns install another. Two kinds are not in it: the user namespace is part of the
 * credentials, the pid namespace that a process is in is the process's own and never changes (the set has the one for its children).
 */
#ifndef SENTRY_KERNEL_NS_H
#define SENTRY_KERNEL_NS_H

#include <stdint.h>

#include "base/ref.h"

struct kernel;
struct task;
struct user_ns;

enum ns_kind { NS_USER, NS_MNT, NS_PID, NS_UTS, NS_IPC, NS_NET, NS_CGROUP, NS_TIME, NS_KINDS };

struct ns {
	struct ref ref;
	/* immutable */
	enum ns_kind kind;
	uint32_t inum;          /* what /proc/PID/ns shows, and st_ino */
	struct user_ns *owner;  /* referenced; NULL for the first user namespace */
};

struct ns_type {
	const char *name;
	uint32_t flag;          /* LX_CLONE_NEW* */
	uint32_t first_inum;
	/* A new one, made from the task's own; owner borrowed, limits not yet counted. NULL with *err set. */
	struct ns *(*copy)(struct task *, struct ns *from, struct user_ns *owner, int *err);
	void (*destroy)(struct ns *); /* the last reference is gone; frees */
};
extern const struct ns_type ns_types[NS_KINDS];

/* Initialises with one reference, a number of its own (or the kind's first one), and a reference to owner. */
void ns_init(struct ns *, enum ns_kind, struct user_ns *owner);
void ns_init_first(struct ns *, enum ns_kind, struct user_ns *owner);
struct ns *ns_get(struct ns *);
void ns_put(struct ns *); /* NULL is harmless */

struct ns_set {
	struct ref ref;
	struct ns *of[NS_KINDS];        /* referenced; [NS_USER] is NULL, [NS_PID] the one for children */
	struct ns *time_for_children;   /* referenced */
};
struct ns_set *ns_set_get(struct ns_set *); /* NULL is harmless, here and below */
void ns_set_put(struct ns_set *);
/* The same members, each referenced; NULL when memory is out. */
struct ns_set *ns_set_copy(const struct ns_set *);
/* A set with new namespaces of the kinds in flags (LX_CLONE_NEW*, NEWUSER ignored), all owned by `owner`. NULL with *err: -EPERM, -ENOSPC, -ENOMEM. */
struct ns_set *ns_set_unshare(struct task *, uint64_t flags, struct user_ns *owner, int *err);
/* Another thread's set, referenced; NULL when it is dead. */
struct ns_set *task_ns_set(struct task *);
/* Installs a set; takes over the reference. */
void task_set_ns(struct task *, struct ns_set *);
/* The sandbox's first namespaces, but for the mount namespace, which the boot's mounts bring. 0 or -ENOMEM. */
int ns_boot(struct kernel *);

/* Sockets' world. */
struct netns;
struct net_ns {
	struct ns ns;
	struct netns *net; /* referenced; immutable; see net/netns.h */
};

/* Names of the machine. */
struct uts_ns {
	struct ns ns;
	/* protected by uts_lock */
	char hostname[65], domainname[65];
};
struct uts_ns *task_uts(struct task *);
extern struct lock uts_lock; /* RANK_FS_CTX */

#endif
