/*
 * --strace: each call of a task as a line of the log.
 *
 *     [    2] openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3
 *
 * One line when the call ends. A call that blocks is shown when it does, as "<unfinished ...>", and again when it ends,
 * as "<... read resumed>": so that the last line of a program that hangs says where.
 *
 * All but trace_create() may be called with tracing off (kernel.trace NULL), and from tracer threads.
 */
#ifndef SENTRY_TRACE_TRACE_H
#define SENTRY_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task;
struct trace;
struct trace_call;
struct lx_siginfo;

/*
 * From boot_spec.strace: a NULL-terminated list of names, classes and lists of them; empty: all; NULL: no line of the log is wanted. profile:
 * gaps are kept (profile.h). 0, -ENOMEM, or -EINVAL with a sentence in `why`.
 */
int trace_create(char *const *names, bool profile, struct trace **out, char *why, size_t why_len);
/* The sandbox ends: what a profile found is sent to the runtime. NULL is fine. */
void trace_finish(struct trace *, int control_fd);
void trace_destroy(struct trace *);

/* By the task's runner. What the call reads is read here; what it wrote, at its end. */
void trace_call_begin(struct task *);
void trace_call_blocked(struct task *);
/* `ret` as the guest will see it, a restart code, or one of the dispatcher's own (shown as "?"). */
void trace_call_end(struct task *, int64_t ret);
/* The call was not made after all: no line. */
void trace_call_drop(struct task *);
/* A signal is being delivered. */
void trace_signal(struct task *, const struct lx_siginfo *);
/* The task has ended, with a wait status. Frees what a call left behind. */
void trace_exit(struct task *, int wait_status);

#endif
