/* Files that stand for a process: pidfd_open(2). */
#ifndef SENTRY_KERNEL_PIDFD_H
#define SENTRY_KERNEL_PIDFD_H

#include <stdint.h>

struct file;
struct process;
struct task;

/* A new file for the process, owned by the task's credentials; flags: LX_PIDFD_*. 0 or -ENOMEM. Memory only: good in a stop handler too. */
int pidfd_file(struct task *, struct process *, uint32_t flags, struct file **out);
/* The process of a pidfd, referenced; NULL when the file is of another kind. */
struct process *pidfd_process(struct file *);

#endif
