/* Between sys_ptrace.c and sys_ptrace_regs.c: the requests of ptrace(2). */
#ifndef SENTRY_SYSCALLS_PTRACE_REQUESTS_H
#define SENTRY_SYSCALLS_PTRACE_REQUESTS_H

#include "sentry/kernel/ptrace.h"
#include "sentry/syscalls/sysargs.h"

/* By the tracer `t`, on its stopped tracee. */
typedef int64_t ptrace_fn(struct task *t, struct task *child, const struct sysargs *);

ptrace_fn ptrace_peek_user, ptrace_poke_user, ptrace_get_regs, ptrace_set_regs, ptrace_get_fpregs, ptrace_set_fpregs, ptrace_get_regset,
	ptrace_set_regset, ptrace_arch_prctl;

#endif
