/*
 * Kernel timers: one heap, served by the reactor thread. Times are host CLOCK_MONOTONIC nanoseconds.
 */
#ifndef SENTRY_KERNEL_TIMER_H
#define SENTRY_KERNEL_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define KTIMER_NEVER INT64_MAX

struct ktimer {
	int64_t expires;                 /* protected by the heap's lock (RANK_TIMER) */
	uint32_t slot;                   /* place in the heap + 1, 0 when not armed; protected by the heap's lock */
	void (*fn)(struct ktimer *);     /* immutable; runs on the reactor thread with no lock held */
};

void ktimer_init(struct ktimer *, void (*fn)(struct ktimer *));
/* Arms or re-arms. `expires` in the past fires at once. 0, or -ENOMEM when the heap cannot grow. */
int ktimer_arm(struct ktimer *, int64_t expires);
/* True when it was armed and will not fire. False: not armed, or its function is running or has run. */
bool ktimer_cancel(struct ktimer *);
/* Cancels and, should its function be running on the reactor, waits for its end. Before the timer's memory is freed. Not from a timer function, no lock held that fn takes. */
void ktimer_cancel_sync(struct ktimer *);

#endif
