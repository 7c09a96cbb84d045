/* The release of Linux whose behaviour the sentry follows, as uname(2) and /proc show it. Programs decide by it what to try. */
#ifndef SENTRY_KERNEL_VERSION_H
#define SENTRY_KERNEL_VERSION_H

#define GUEST_RELEASE "6.12.0"
#define GUEST_VERSION "#1 SMP PREEMPT_DYNAMIC Picket"

#endif
