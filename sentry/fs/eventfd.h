/* eventfd(2) as others see it: who completes something may add to its counter. */
#ifndef SENTRY_FS_EVENTFD_H
#define SENTRY_FS_EVENTFD_H

#include <stdbool.h>

struct file;

bool file_is_eventfd(const struct file *);
/* Adds one, as far as the counter goes, and wakes who waits. Any thread, no locks above RANK_PIPE. */
void eventfd_signal(struct file *);

#endif
