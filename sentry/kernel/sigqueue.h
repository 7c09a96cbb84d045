/* Inside the signal code: pending signals, all under proc->sig_lock. */
#ifndef SENTRY_KERNEL_SIGQUEUE_H
#define SENTRY_KERNEL_SIGQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"

#define SIGNALS_STOP (SIGBIT(LX_SIGSTOP) | SIGBIT(LX_SIGTSTP) | SIGBIT(LX_SIGTTIN) | SIGBIT(LX_SIGTTOU))
#define SIGNALS_DEFAULT_IGNORE (SIGBIT(LX_SIGCHLD) | SIGBIT(LX_SIGCONT) | SIGBIT(LX_SIGURG) | SIGBIT(LX_SIGWINCH))
/* What the CPU complained about comes before what others sent. */
#define SIGNALS_SYNCHRONOUS                                                                        \
	(SIGBIT(LX_SIGSEGV) | SIGBIT(LX_SIGBUS) | SIGBIT(LX_SIGILL) | SIGBIT(LX_SIGTRAP) |         \
	 SIGBIT(LX_SIGFPE) | SIGBIT(LX_SIGSYS))

/* Queues a copy. 0, or -EAGAIN when there are too many (or no memory) and the sender must be told; else the bit alone is set. */
int sigqueue_add(struct process *, struct sigpending *, const struct lx_siginfo *);
/* Queues the timer's own entry. */
void sigqueue_add_entry(struct sigpending *, struct sigqueue_entry *);
/* Takes the first of `set` out. Number or 0. */
int sigqueue_take(struct process *, struct sigpending *, uint64_t set, struct lx_siginfo *);
/* Drops all of `set`. */
void sigqueue_flush(struct process *, struct sigpending *, uint64_t set);
/* Drops all of `set` from the process and each of its tasks. */
void sigqueue_flush_all(struct process *, uint64_t set);

/* Does delivery come to nothing? (ignored, or default and that is to ignore) */
bool signal_is_ignored(const struct process *, int signo);
/* Sets or clears WORK_SIGNAL by what is pending, unblocked and not ignored. True when set. */
bool signal_recalc(struct task *);
/* As signal_dequeue(). */
int signal_dequeue_locked(struct task *, uint64_t set, struct lx_siginfo *);
/* As process_exit(). */
void process_exit_locked(struct process *, int status);

/* A POSIX timer's expiry: queues its entry for the task, or the process when NULL. False when it is still queued from before (an overrun). */
bool signal_send_timer(struct process *, struct task *, struct sigqueue_entry *);
/* posix_timer.c: the entry was taken from the queue: fills in the overrun count. */
void posix_timer_taken(struct posix_timer *, struct lx_siginfo *);

/* --- job control, jobctl.c ------------------------------------------------------------------------------------------- */

/* A stop signal's default action: every task is to stop; unless a SIGCONT came since `conts` was read. Without locks. */
void process_stop(struct process *, int signo, uint32_t conts);
/* SIGCONT was sent. sig_lock held. */
void process_continue_locked(struct process *);
/* The task, at its stop, takes part in the group stop. Without locks. */
void task_stop_here(struct task *);
/* Tells the parent that the process was continued, if nobody has. Without locks. */
void process_report_continued(struct process *);

#endif
