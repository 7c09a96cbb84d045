/* Files that stand for a process or one thread: pidfd_open(2). */
#ifndef SENTRY_KERNEL_PIDFD_H
#define SENTRY_KERNEL_PIDFD_H

#include <stdint.h>

struct file;
struct process;
struct task;

/* A new file for the process, owned by the task's credentials; flags: LX_PIDFD_*. 0 or -ENOMEM. Memory only: good in a stop handler too. */
int pidfd_file(struct task *, struct process *, uint32_t flags, struct file **out);
/* The same for one thread (PIDFD_THREAD). */
int pidfd_thread_file(struct task *, struct task *thread, uint32_t flags, struct file **out);
/* The thread that the pidfd stands for, borrowed from the file; NULL where it stands for a process. */
struct task *pidfd_thread(struct file *);
/* The process of a pidfd, or the one that its thread belongs to, referenced; NULL when the file is of another kind. */
struct process *pidfd_process(struct file *);

#endif
