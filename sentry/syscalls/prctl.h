/* Between sys_prctl.c, whose table names them, and the files that hold operations of prctl(2). */
#ifndef SENTRY_SYSCALLS_PRCTL_H
#define SENTRY_SYSCALLS_PRCTL_H

#include <stdint.h>

struct task;
struct sysargs;

typedef int64_t prctl_fn(struct task *, const struct sysargs *);

/* sys_prctl_mm.c: about memory. */
prctl_fn prctl_set_mm, prctl_set_vma, prctl_set_thp_disable, prctl_get_thp_disable, prctl_set_mdwe, prctl_get_mdwe, prctl_set_memory_merge,
	prctl_get_memory_merge;

#endif
