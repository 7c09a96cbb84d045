/* Between task.c, clone.c, exit.c and wait.c: how tasks and processes are made, numbered and taken apart. */
#ifndef SENTRY_KERNEL_FAMILY_H
#define SENTRY_KERNEL_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/kernel/task.h"

struct kernel;
struct sighand;

/* Without number, image, files; the caller's reference. The process has no task yet, the task is on no list. NULL when memory is out. */
struct process *process_alloc(struct kernel *, struct sighand *);
struct task *task_alloc(struct process *, struct cred *);

struct sighand *sighand_new(void);
struct sighand *sighand_copy(const struct sighand *);
struct sighand *sighand_get(struct sighand *);
void sighand_put(struct sighand *);

/* One thread more against the sandbox's limit, before it is made: 0 or -EAGAIN. uncharge when it is no more (a process's last: when reaped). */
int tasks_charge(struct kernel *);
void tasks_uncharge(struct kernel *);

/* Gives the task its number and puts it on its process's list; k->lock held. `first`: the process gets that number too. 0 or negative errno. */
int task_publish(struct task *, bool first);
/* The reverse, at exit; k->lock held. The number stays taken while the process bears it. */
void task_unpublish(struct task *);

/* Off its process's list, what is still queued for it dropped; true when it was the last. The caller puts the list's reference. */
bool task_unlist(struct task *);
/* Its mm, files and fs go. Not on tracer threads. */
void task_drop_resources(struct task *);

/* A zombie that was waited for, or that nobody waits for: its number is free afterwards. k->lock held; the caller puts the process when it has dropped it. */
void process_reap(struct process *);
/* CPU time of the process's threads, dead ones included; that of zombies is in usage_at_exit. Without k->lock. */
uint64_t process_cpu_ns(struct process *);
uint64_t task_cpu_ns(struct task *);

/* task_exit(); true when it was the process's last task and the host process is being killed. */
bool task_end(struct task *, int status);

#endif
