/* Between sys_priority.c and sys_sched.c. */
#ifndef SENTRY_SYSCALLS_PRIORITY_H
#define SENTRY_SYSCALLS_PRIORITY_H

#include <stdbool.h>

struct task;

#define NICE_MIN (-20)
#define NICE_MAX 19

/* Does RLIMIT_NICE of the task let it have that nice value (whatever it has now)? getrlimit(2). */
bool priority_may_nice(const struct task *, int value);

#endif
