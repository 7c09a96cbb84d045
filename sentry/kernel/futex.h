/* Futexes: futex(2), get_robust_list(2). Wait queues keyed by what a guest address stands for, see mm_key(). */
#ifndef SENTRY_KERNEL_FUTEX_H
#define SENTRY_KERNEL_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/platform.h"

struct task;

/* Wakes up to n waiters with a common bit. Their number, or negative errno. Any thread, locks below RANK_FUTEX. */
int64_t futex_wake(struct task *, uaddr_t addr, bool private, int n, uint32_t bits);
/*
 * The task leaves its address space, by exit or exec, while that is still there: robust futexes that it holds are marked, clear_child_tid is
 * cleared, waiters of both are woken.
 */
void futex_mm_release(struct task *);

#endif
