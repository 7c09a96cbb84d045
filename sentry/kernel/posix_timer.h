/* A process's own timers: setitimer(2), alarm(2), timer_create(2). */
#ifndef SENTRY_KERNEL_POSIX_TIMER_H
#define SENTRY_KERNEL_POSIX_TIMER_H

struct process;

/* All of them go: at exit, after the last task. */
void posix_timers_exit(struct process *);
/* At exec: those of timer_create(2) go, interval timers stay. */
void posix_timers_exec(struct process *);

#endif
