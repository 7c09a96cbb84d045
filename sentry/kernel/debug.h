/* What a debugger does to another task's memory and to the part of its state that only the stopped host thread has. */
#ifndef SENTRY_KERNEL_DEBUG_H
#define SENTRY_KERNEL_DEBUG_H

#include <stdint.h>

#include "platform/platform.h"

struct task;

#define DEBUG_COPY_MAX 65536u /* bytes a call: longer ones are cut */

/*
 * For handlers of `t`, which they may block: results are those of stop_job_run(). Bytes, -EIO where none can be had or set, -ESRCH. What the target's protections
 * allow is done at once, the rest at a stop of it; for the caller's own memory only the former.
 */
int64_t debug_read(struct task *t, struct task *target, uaddr_t from, void *buf, uint32_t n);
int64_t debug_write(struct task *t, struct task *target, uaddr_t to, const void *buf, uint32_t n);

/* The extended state whole, ARCH_XSTATE_MAX at most: bytes. Setting takes as many, or replaces the part that PTRACE_SETFPREGS knows. */
int64_t debug_xstate_get(struct task *t, struct task *target, void *buf);
int64_t debug_xstate_set(struct task *t, struct task *target, const void *buf, uint32_t n);
int64_t debug_fpregs_set(struct task *t, struct task *target, const void *buf);
/* A debug register. */
int64_t debug_register_get(struct task *t, struct task *target, int which, uint64_t *out);
int64_t debug_register_set(struct task *t, struct task *target, int which, uint64_t v);

#endif
