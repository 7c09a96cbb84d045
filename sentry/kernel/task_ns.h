/* Which namespaces a task is in, and how it comes into others: unshare(2), setns(2), clone(2). */
#ifndef SENTRY_KERNEL_TASK_NS_H
#define SENTRY_KERNEL_TASK_NS_H

#include <stdint.h>

#include "sentry/kernel/ns.h"

struct cred;
struct fsctx;

/* The namespace of a kind that a thread is in, user and pid included; referenced; NULL when it is dead. Takes proc->lock. */
struct ns *task_ns_of(struct task *, enum ns_kind);
/*
 * What unshare and clone make: credentials in a new user namespace (LX_CLONE_NEWUSER) and a set with the other kinds in flags. What flags do not
 * ask for stays NULL. fs is the context that a new mount namespace moves, already private. -EPERM, -ENOSPC, -ENOMEM.
 */
int task_new_ns(struct task *, uint64_t flags, struct fsctx *fs, struct cred **cred, struct ns_set **set);
/* unshare(2) of namespaces; flags were judged. */
int task_unshare_ns(struct task *, uint64_t flags);
/* setns(2): into one namespace, or into those of another thread's that flags name. -EINVAL, -EPERM, -EUSERS, -ENOMEM. */
int task_enter_ns(struct task *, struct ns *);
int task_enter_ns_of(struct task *, struct task *of, uint64_t flags);

#endif
