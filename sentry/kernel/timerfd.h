/* Timers that are read like files: timerfd_create(2). */
#ifndef SENTRY_KERNEL_TIMERFD_H
#define SENTRY_KERNEL_TIMERFD_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/kernel/posix_timer.h"

struct file;
struct task;

/* flags: LX_O_NONBLOCK or 0. 0 or -ENOMEM. */
int timerfd_file(struct task *, int clock, uint32_t flags, struct file **out);
/* -EINVAL when the file is of another kind. absolute: `left` of *new is a time of the timer's clock. */
int timerfd_set(struct file *, const struct timer_setting *new, bool absolute, struct timer_setting *old);
int timerfd_get(struct file *, struct timer_setting *);

#endif
