/* The sentry's own confinement: what the runtime has not already taken from it. */
#ifndef SENTRY_LOCKDOWN_H
#define SENTRY_LOCKDOWN_H

#include <stddef.h>

struct kernel;

/*
 * Installs the allowlist of host calls on every thread of this process (the guests' processes have filters of their own, made before). No way back.
 * 0, or negative errno with one sentence in why.
 */
int sentry_lockdown(struct kernel *, char *why, size_t why_len);

#endif
