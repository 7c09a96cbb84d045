/*
 * Signals: signal(7), sigaction(2); kernel/signal.c of Linux for the rules.
 *
 * Sending queues under proc->sig_lock, sets WORK_SIGNAL on a task that does not block it and notifies that task. Delivery happens when a
 * task is about to return to guest code: signal_deliver() in a stop handler builds the frame or applies the default action.
 */
#ifndef SENTRY_KERNEL_SIGNAL_H
#define SENTRY_KERNEL_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/signal.h"
#include "platform/platform.h"

struct task;
struct process;
struct pgrp;
struct cred;
struct kernel;

#define SIGBIT(signo) (1ull << ((signo) - 1))

/* To one thread / to any thread of the process / to every process of a group. 0, -EAGAIN (queue full), -ESRCH. No permission check. Any thread, locks below RANK_SIGNAL. */
int signal_send_task(struct task *, const struct lx_siginfo *);
int signal_send_process(struct process *, const struct lx_siginfo *);
int signal_send_pgrp(struct pgrp *, const struct lx_siginfo *); /* k->lock held */
/* A siginfo as kill(2) by `from` makes it; from == NULL: by the kernel (SI_KERNEL). */
void siginfo_init_kill(struct lx_siginfo *, int signo, const struct task *from);
/* May `from` send signo to `to`? kill(2)'s rule. 0 or -EPERM. */
int signal_may_send(const struct task *from, struct process *to, int signo);
/* The same for ids that were noted earlier (F_SETOWN), without regard to capabilities. */
bool signal_ids_may_send(uint32_t uid, uint32_t euid, struct process *to);
/* Has the signal si_codes of its own (SIGSEGV, SIGCHLD…)? */
bool signal_has_codes(int signo);
/* What a write with nobody to read it brings. */
void signal_send_sigpipe(struct task *);
/* For faults: unblocks and un-ignores, so that it cannot be missed. */
void signal_force(struct task *, const struct lx_siginfo *);
/* An unblocked signal is pending that is not ignored. */
bool signal_pending(struct task *);
/*
 * For sigsuspend, ppoll and the like, at a call's first run: the mask until the call ends. Who ends it without having been interrupted calls
 * signal_restore_mask(); with -EINTR or a restart code signal_deliver() restores, after the handler's frame has saved the old mask.
 */
void signal_temp_mask(struct task *, uint64_t mask);
void signal_restore_mask(struct task *);
/* Replaces the mask (KILL and STOP are dropped from it) and looks again at what is pending. */
void signal_set_mask(struct task *, uint64_t mask);
/* Takes the next pending signal of `set` (thread's first, then the process's). Signal number or 0. */
int signal_dequeue(struct task *, uint64_t set, struct lx_siginfo *);

/*
 * In a stop handler, last thing before guest code: restart rules for t->ret where a call was interrupted, then stops, frames and
 * default actions until nothing is pending. RESUME_RUN, or RESUME_HOLD when the task is now stopped or dying.
 */
enum resume signal_deliver(struct task *);

/* What the CPU complained of becomes a forced signal with Linux's siginfo. In a stop handler. */
void signal_fault(struct task *, const struct fault_info *);

/* Exec: handlers become defaults, the alternate stack goes, actions are no longer shared. After process_become_single(). 0 or -ENOMEM. */
int signal_exec(struct task *);
/* A copy of the action: the process may change it, or exec leave the table, at any time. */
struct lx_sigaction signal_action(struct process *, int signo);
/* For /proc/PID/status: which signals are ignored, and which have handlers. */
void signal_action_sets(struct process *, uint64_t *ignored, uint64_t *caught);

#endif
