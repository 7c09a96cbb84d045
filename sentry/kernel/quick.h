/*
 * Quick calls: those that come from the platform without a trap (struct platform_handler, `quick`). They are the rows
 * marked QUICK. Each runs as any other call does; but one that would block, or needs the task at a stop, is not made, and
 * forgotten: the guest makes it again by the trap, where it begins anew. A QUICK row's handler must therefore have done
 * nothing that counts when it returns one of the codes of sched.h, which is what a restart after a signal asks of it too;
 * where that is not so (a write that has moved a part), it asks t->quick first and returns SYS_BY_TRAP.
 */
#ifndef SENTRY_KERNEL_QUICK_H
#define SENTRY_KERNEL_QUICK_H

#include "platform/platform.h"

struct mm;
struct task;

enum quick quick_call(struct tracee *, void *cookie, const struct call_info *, int64_t *ret);
void quick_end(struct tracee *, void *cookie);
bool quick_reserve(struct tracee *, void *cookie, uint64_t addr, uint64_t len);
bool quick_is_code(struct tracee *, void *cookie, uint64_t addr, uint64_t len);

#endif
