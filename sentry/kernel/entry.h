/*
 * What a call passes before its handler, where a task has asked for it: system-call user dispatch, then seccomp. Linux: kernel/entry/common.c.
 *
 * Every call of every task comes by here, from task_call_run(); a task that has asked for nothing pays a load and a comparison. Once a call has
 * passed it does not again, however often its handler is run.
 */
#ifndef SENTRY_KERNEL_ENTRY_H
#define SENTRY_KERNEL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/kernel/seccomp.h"

struct task;
struct lx_siginfo;

/* Bits of entry.work. */
enum {
	ENTRY_USER_DISPATCH = 1,
	ENTRY_SECCOMP = 2,
};

/* A part of struct task. */
struct entry {
	_Atomic uint32_t work;      /* ENTRY_*; set by the runner, ENTRY_SECCOMP by other threads of the process too */
	bool passed;                /* owned by the runner: the call under way has been let in */
	struct {                    /* owned by the runner */
		uint64_t offset, len; /* calls from here are not dispatched */
		uint64_t selector;    /* guest address of the byte that says allow or block, or 0 */
	} dispatch;
	struct seccomp seccomp;
};

/* May the call's handler run? If not: *ret is to be treated like the handler's result. */
bool entry_pass(struct task *, int64_t *ret);
/* For prctl(PR_SET_SYSCALL_USER_DISPATCH): 0, -EINVAL, -EFAULT. Exec turns it off; children do not inherit it. */
int user_dispatch_set(struct task *, uint64_t mode, uint64_t offset, uint64_t len, uint64_t selector);
void user_dispatch_off(struct task *);

/* The call is not made and SIGSYS tells why. The result for *ret: the registers show the call's number, as if it had not been begun. */
int64_t entry_trap(struct task *, int code, int err);
/* The call's result is any value, also one that looks like an internal code. The result for *ret. */
int64_t entry_result(struct task *, int64_t value);

#endif
