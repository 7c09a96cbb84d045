/*
 * How many objects of each kind live: counted where they are made and freed, told in the log at the sandbox's end (`picket do --log`). What
 * a guest made must be gone when its processes are: tests/faults/40-baseline.sh compares.
 */
#ifndef SENTRY_KERNEL_CENSUS_H
#define SENTRY_KERNEL_CENSUS_H

#include <stdatomic.h>
#include <stdint.h>

enum census_kind {
	CENSUS_PROCESS,
	CENSUS_TASK,
	CENSUS_MM,
	CENSUS_FILE,
	CENSUS_INODE,
	CENSUS_DENTRY,
	CENSUS_PIPE,
	CENSUS_SOCKET,
	CENSUS_DONATED, /* fds that the gofer gave */
	CENSUS_KINDS,
};

/* One for the whole sentry, as its memory is; each on a line of its own, so that CPUs that make different things do not meet. */
struct census_slot {
	_Alignas(64) _Atomic int64_t live;
};
extern struct census_slot census[CENSUS_KINDS];

static inline void census_add(enum census_kind kind)
{
	atomic_fetch_add_explicit(&census[kind].live, 1, memory_order_relaxed);
}

static inline void census_drop(enum census_kind kind)
{
	atomic_fetch_sub_explicit(&census[kind].live, 1, memory_order_relaxed);
}

/* One line at level info. */
void census_log(void);

#endif
