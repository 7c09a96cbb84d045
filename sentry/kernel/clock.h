/* The guest's clocks: the host's, but for the CPU clocks of tasks and processes. clock_gettime(2). */
#ifndef SENTRY_KERNEL_CLOCK_H
#define SENTRY_KERNEL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/resource.h"
#include "abi/time.h"
#include "platform/platform.h"

struct task;
struct process;

/* Valid as a time or a duration: not negative, nanoseconds below a second. */
bool timespec_valid(const struct lx_timespec *);
/* Saturates at INT64_MAX. The value is valid. */
int64_t timespec_to_ns(const struct lx_timespec *);
struct lx_timespec timespec_from_ns(int64_t);
struct lx_timeval timeval_from_ns(int64_t);
struct usage;
/* As getrusage(2) and wait4(2) tell it. */
struct lx_rusage rusage_from(const struct usage *);
/* -EFAULT, or -EINVAL where it is not valid. */
int timespec_copy_in(struct task *, uaddr_t, struct lx_timespec *);

/* The clock's time, in ns; -EINVAL for an unknown clock or CPU clock of nobody. */
int64_t clock_now(struct task *, int clock);
/* Clocks that sleeps and timers can use, CPU clocks aside. */
bool clock_is_wall(int clock);
/* Can sleeps and timers use it? 0, -EOPNOTSUPP for a clock that can only be read, -EINVAL for none. */
int clock_for_timers(int clock);
bool clock_is_cpu(int clock);
/* The sum of a time and a span, but never KTIMER_NEVER. */
int64_t clock_add(int64_t ns, int64_t span);
/* CLOCK_MONOTONIC ns at which a wall clock shows `ns` (absolute), or `ns` from now. Saturates. */
int64_t clock_deadline(int clock, int64_t ns, bool absolute);

/* What a CPU clock measures: a task or a process, one of the two referenced. 0 or -EINVAL. */
struct cpu_clock {
	struct task *task;
	struct process *proc;
	bool user; /* its user time alone */
};
int cpu_clock_get(struct task *, int clock, struct cpu_clock *out);
void cpu_clock_put(struct cpu_clock *);
int64_t cpu_clock_ns(const struct cpu_clock *);

#endif
