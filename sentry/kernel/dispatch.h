/*
 * From the platform's events to handlers, and back: the sentry's struct platform_handler. Calls in dispatch.c, stops in stop.c.
 *
 * A dying task. Whoever kills sets WORK_EXIT and exit_status on the task and notifies it. The dispatcher sees the bit where a handler ends or is
 * about to run again (on a worker), or where a stop is about to be left (on a tracer, which passes the death to the reactor), and calls
 * task_exit() there. A task is never taken apart by another thread than its runner.
 */
#ifndef SENTRY_KERNEL_DISPATCH_H
#define SENTRY_KERNEL_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/platform.h"

struct task;
struct work;

extern const struct platform_handler sentry_platform_handler;

/* Runs the handler of a task that was made ready; its state is HANDLER already. For sched.c. */
void dispatch_rerun(struct task *);
/* Starts a new call on the task: arguments, block state, accounting, tracing. */
void task_call_begin(struct task *, const struct call_info *);
/* Runs the row's handler once. Its result. */
int64_t task_call_run(struct task *);
/* Ends it: block state, accounting, tracing. `ret` as the guest will see it, or a restart code. */
void task_call_end(struct task *, int64_t ret);
bool is_restart_code(int64_t ret);

/* stop.c */
enum resume stop_dispatch(struct tracee *, void *cookie, const struct stop *);
void gone_dispatch(struct tracee *, void *cookie, int wait_status);

/*
 * For a STOP call that cannot go on on the tracer thread: holds the task at its stop while `fn` runs on the reactor (with t->stop_work as
 * the work item), which ends with stop_call_again(): the handler is run again at the stop. Returned by the handler as it is.
 */
int64_t stop_on_reactor(struct task *, void (*fn)(struct work *));
void stop_call_again(struct task *);
/*
 * A task whose host process is gone (task.lost) gets no more stops or calls in which its end would be seen: whoever has published that it is
 * in guest code, or held, and then finds work, calls this. Ends the task, once, when it is in one of the two; nothing where it is not lost.
 */
void task_end_lost(struct task *);

/* sched.c: the block state of a call. */
void block_begin(struct task *);
void block_rerun(struct task *);
void block_end(struct task *);

/* sched.c: threads. `wake` makes the reactor call sched_run_deferred(); it may be called from tracer threads: no fd. */
void sched_init(void (*wake)(void));
void sched_thread_is_tracer(void);
bool sched_on_tracer(void);
void sched_run_deferred(void);
bool sched_has_deferred(void);

#endif
