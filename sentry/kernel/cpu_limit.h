/* RLIMIT_CPU: SIGXCPU at the soft limit and each second after, SIGKILL at the hard one. setrlimit(2). */
#ifndef SENTRY_KERNEL_CPU_LIMIT_H
#define SENTRY_KERNEL_CPU_LIMIT_H

struct process;

/* After the limit was set or inherited. Any thread, locks below RANK_TIMER. */
void cpu_limit_watch(struct process *);
/* The process has ended. Not under locks. */
void cpu_limit_end(struct process *);

#endif
