/* What kill(2) shares with its relatives. */
#ifndef SENTRY_SYSCALLS_KILL_H
#define SENTRY_SYSCALLS_KILL_H

struct lx_siginfo;
struct task;

/* To each process of a group (0: the caller's) that may be sent it. 0 when one took it, or what the last said; -ESRCH. */
int kill_pgrp(struct task *, int id, const struct lx_siginfo *);

#endif
