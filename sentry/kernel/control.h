/* The control socket's reader; see control.c. */
#ifndef SENTRY_KERNEL_CONTROL_H
#define SENTRY_KERNEL_CONTROL_H

struct kernel;

/* Reads and answers what has come. On the reactor thread. */
void control_readable(struct kernel *);

#endif
