/*
 * Whom a file tells by signal: F_SETOWN, F_SETSIG, O_ASYNC, and what leases and F_NOTIFY send. fcntl(2), "Managing signals".
 *
 * What happens to a file is noticed under locks that sending a signal may not be done under (its wait queue's): the reactor sends it, a moment
 * later. What happens again meanwhile is one signal.
 */
#ifndef SENTRY_FS_ASYNC_H
#define SENTRY_FS_ASYNC_H

#include <stdbool.h>

struct file;
struct task;

/* F_SETOWN_EX; pid 0 takes the owner back. force: in place of one that is there. 0, -ESRCH, -ENOMEM. */
int async_set_owner(struct task *, struct file *, int type, int pid, bool force);
void async_owner(struct file *, int *type, int *pid); /* pid 0: none, or it is gone */
/* The same as it was set, whether or not it still exists: under locks up to RANK_PIPE. */
void async_noted_owner(const struct file *, int *type, int *pid);
int async_set_signal(struct file *, int signo);       /* 0: SIGIO without a word; 0 or -ENOMEM */
int async_signal(struct file *);
/* Can this file's readiness be told by signal? */
bool file_can_async(const struct file *);
/* O_ASYNC was set or cleared through this fd; for files that can. 0 or -ENOMEM. */
int async_turn(struct file *, int fd, bool on);
/* Tells the owner, who must be set, for this reason (LX_POLL_*). Any thread, any lock. */
void async_post(struct file *, int fd, int reason);
/* The file goes: for file.c. */
void async_file_gone(struct file *);

#endif
