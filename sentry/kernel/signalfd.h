/* Signals that are read like files: signalfd(2). */
#ifndef SENTRY_KERNEL_SIGNALFD_H
#define SENTRY_KERNEL_SIGNALFD_H

#include <stdint.h>

struct file;
struct task;

/* flags: LX_O_NONBLOCK or 0. 0 or -ENOMEM. */
int signalfd_file(struct task *, uint64_t mask, uint32_t flags, struct file **out);
/* Another mask; -EINVAL when the file is of another kind. */
int signalfd_set_mask(struct file *, uint64_t mask);

#endif
