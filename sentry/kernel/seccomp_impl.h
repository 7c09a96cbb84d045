/* Between seccomp.c (filters), seccomp_run.c (decisions) and seccomp_notify.c (supervisors). */
#ifndef SENTRY_KERNEL_SECCOMP_IMPL_H
#define SENTRY_KERNEL_SECCOMP_IMPL_H

#include <stdatomic.h>

#include "abi/seccomp.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "sentry/kernel/bpf.h"
#include "sentry/kernel/seccomp.h"
#include "sentry/kernel/waitq.h"

struct file;

/* Calls that a filter and all before it allow whatever their arguments: a bit each. */
#define SECCOMP_CACHED_CALLS 512

struct seccomp_listener {
	struct lock lock;          /* RANK_PIPE */
	/* protected by lock */
	struct list notifications; /* of struct notification, oldest first */
	uint64_t next_id;
	atomic_bool closed;        /* set under lock, read without by who holds a signal lock */
	struct waitq queue;        /* POLLIN: something to receive; POLLOUT: something to answer; POLLHUP: no task is left */
};

struct seccomp_filter {
	struct ref ref;            /* tasks, later filters, the listener's file */
	/* immutable after creation */
	struct kernel *k;
	struct seccomp_filter *prev; /* referenced */
	struct lx_sock_filter *code;
	uint32_t len, kernel_len;
	int64_t charged;           /* bytes of the sandbox's memory */
	bool wait_killable;
	uint64_t allowed[SECCOMP_CACHED_CALLS / 64];
	struct seccomp_listener *listener; /* owned; NULL for a filter without supervisor */
	/* atomic */
	atomic_int users;          /* tasks whose newest it is, and one for the filters after it that have users */
};

struct seccomp_filter *seccomp_filter_get(struct seccomp_filter *);
void seccomp_filter_put(struct seccomp_filter *);

/* The rules that seccomp has beyond bpf_check(): 0 or -EINVAL. Loads of the length become constants. */
int seccomp_check_code(struct lx_sock_filter *code, uint32_t len);
/* Fills in `allowed` from the code and prev's. */
void seccomp_cache(struct seccomp_filter *);

/* seccomp_notify.c. 0 or -ENOMEM. */
int seccomp_listener_new(struct seccomp_filter *);
/* A listening file; takes a reference of its own. 0 or -ENOMEM. */
int seccomp_listener_file(struct task *, struct seccomp_filter *, struct file **out);
bool seccomp_listener_open(struct seccomp_filter *);
/* The filter wants its supervisor's word. As seccomp_pass(); the call is run again when there is something new. */
bool seccomp_notify(struct task *, struct seccomp_filter *, const struct lx_seccomp_data *, int64_t *ret);

#endif
