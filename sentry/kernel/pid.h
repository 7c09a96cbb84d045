/*
 * The table of numbers: threads, processes, process groups and sessions draw from one space. Everything here is protected by
 * k->lock (RANK_KERNEL) and holds no references: an object takes its entry out before it goes.
 *
 * A number is in use while its entry names anything: a dead leader's while its process is not reaped, a process's while a group or a
 * session bears it.
 */
#ifndef SENTRY_KERNEL_PID_H
#define SENTRY_KERNEL_PID_H

#include <stdatomic.h>
#include <stdint.h>

struct kernel;
struct task;
struct process;
struct pgrp;
struct session;

#define PID_MAX 4194304      /* what /proc/sys/kernel/pid_max says */
#define PID_WRAP 32768       /* numbers stay below this while half of them are free: short ones are nicer to read */
#define PID_FIRST_AGAIN 300  /* where numbers start after a wrap, as on Linux */

struct pid_entry {
	struct task *task;
	struct task *zombie; /* a dead thread whose tracer has not waited for it yet */
	struct process *proc;
	struct pgrp *pgrp;
	struct session *session;
};

struct pid_table *pid_table_new(void);
void pid_table_free(struct pid_table *);

/* A free number, whose entry the caller fills before it drops k->lock. -EAGAIN (none free), -ENOMEM. */
int pid_alloc(struct kernel *);
/* The entry; NULL where the number was never in use. The address stays good until k->lock is dropped. */
struct pid_entry *pid_entry(struct kernel *, int nr);
/* After something was taken out of an entry. */
void pid_release(struct kernel *, int nr);
/* The lowest number ≥ from that names a process (or a task, when `tasks`); 0 when there is none. */
int pid_next(struct kernel *, int from, int tasks);

/* RLIMIT_NPROC: threads of a real uid. The count after adding delta. */
int pid_uid_count(struct kernel *, uint32_t uid, int delta);

/* How many processes are stopped: keeps the checks for orphaned groups off the path of every exit. */
atomic_int *pid_stopped_count(struct kernel *);

#endif
