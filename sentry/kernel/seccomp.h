/*
 * Seccomp: a task's filters, what they decide, and their supervisors. seccomp(2), seccomp_unotify(2); Linux: kernel/seccomp.c.
 *
 * A filter is immutable and points to the one that was in force before it: a task's filters are a chain, newest first, that only grows, and
 * tasks share its older part. All of them are asked; the most severe answer counts.
 *
 * Supervised filters. A call that is to be judged by a supervisor becomes a notification on its filter's list, and the task blocks (or stays at
 * its control stop): INIT until RECV has told the supervisor, SENT until an answer comes, then REPLIED, and the task is made to run and finds
 * it. The notification is the task's own: it takes it off the list when its call ends, also by a signal or by death. The listener's end makes
 * every notification REPLIED with ENOSYS.
 */
#ifndef SENTRY_KERNEL_SECCOMP_H
#define SENTRY_KERNEL_SECCOMP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sentry/mm/usermem.h"

struct lx_sock_filter;
struct task;
struct kernel;
struct seccomp_filter;

/* A part of struct entry. Written under proc->sig_lock, by the runner or (TSYNC) another thread of the process; the runner reads without. */
struct seccomp {
	_Atomic int mode;                      /* LX_SECCOMP_MODE_* */
	struct seccomp_filter *_Atomic filter; /* the newest; referenced. What it replaces stays referenced by it */
	atomic_bool no_new_privs;              /* TSYNC has set it; the task's credentials may not say so. See task_no_new_privs() */
};

/* May the call go on? As entry_pass(). */
bool seccomp_pass(struct task *, int64_t *ret);
/* The call under way waits for a supervisor. */
bool seccomp_waits(const struct task *);

/* SECCOMP_SET_MODE_STRICT: 0 or -EINVAL. */
int seccomp_set_strict(struct task *);
/* SECCOMP_SET_MODE_FILTER: 0; the listener's fd; TSYNC's thread that could not follow; or -EINVAL -EACCES -EFAULT -ENOMEM -EBUSY -ESRCH -EMFILE. */
int64_t seccomp_set_filter(struct task *, uint32_t flags, uaddr_t fprog);

/* A new task gets its maker's; it is on its process's list already, and does not run yet. */
void seccomp_inherit(struct task *child, struct task *from);
/* At the task's end: before what it has goes, where it died in the middle of a call; and when it is off its process's list. Any thread. */
void seccomp_abandon(struct task *);
void seccomp_leave(struct task *);
/* For /proc/PID/status. */
int seccomp_filter_count(struct task *);
/* The index-th filter, the first installed being 0: its length; LX_BPF_MAXINSNS at most. -EINVAL without any filter, -ENOENT. */
int64_t seccomp_filter_code(struct task *, uint64_t index, struct lx_sock_filter *out);
/* prctl(PR_SET_NO_NEW_PRIVS), or another thread's TSYNC. */
bool task_no_new_privs(const struct task *);

#endif
