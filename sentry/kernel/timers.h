/* The reactor's side of the timer heap. */
#ifndef SENTRY_KERNEL_TIMERS_H
#define SENTRY_KERNEL_TIMERS_H

#include <stdint.h>

/* `earlier` is called, from any thread and with no lock held, when a timer has become the first to fire: the reactor must look again. */
void timers_init(void (*earlier)(void));
/* Runs what is due; the reactor thread only. When the next one is due, or KTIMER_NEVER. */
int64_t timers_run(int64_t now);
/* When the first one is due, or KTIMER_NEVER. */
int64_t timers_next(void);

#endif
