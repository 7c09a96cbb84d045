/*
 * A process's own timers: setitimer(2), alarm(2), timer_create(2). Times are ns; of CLOCK_MONOTONIC for timers on wall clocks, of CPU time for timers
 * on CPU clocks.
 */
#ifndef SENTRY_KERNEL_POSIX_TIMER_H
#define SENTRY_KERNEL_POSIX_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct lx_sigevent;
struct process;
struct task;

/* What is left until the next expiry (0: disarmed), and the interval. */
struct timer_setting {
	int64_t left, interval;
};

/* which: LX_ITIMER_*, checked. `left` of *new counts from now. old may be NULL. 0 or -ENOMEM. */
int itimer_set(struct task *, int which, const struct timer_setting *new, struct timer_setting *old);
int itimer_get(struct task *, int which, struct timer_setting *);

/* The new timer's id; -EINVAL, -EAGAIN, -ENOMEM. ev NULL: SIGALRM with the id as value. */
int posix_timer_create(struct task *, int clock, const struct lx_sigevent *ev);
/* absolute: `left` of *new is a time of the timer's clock. 0 or -EINVAL. */
int posix_timer_set(struct task *, int id, const struct timer_setting *new, bool absolute, struct timer_setting *old);
int posix_timer_get(struct task *, int id, struct timer_setting *);
int posix_timer_overrun(struct task *, int id);
int posix_timer_delete(struct task *, int id);

/* All of them go: at exit, after the last task. */
void posix_timers_exit(struct process *);
/* At exec: those of timer_create(2) go, interval timers stay. */
void posix_timers_exec(struct process *);

#endif
