/* Load averages: how many tasks ran or wanted to, over one, five and fifteen minutes. sysinfo(2), /proc/loadavg. */
#ifndef SENTRY_KERNEL_LOAD_H
#define SENTRY_KERNEL_LOAD_H

#include <stdatomic.h>
#include <stdint.h>

#include "sentry/kernel/timer.h"

struct kernel;

#define LOAD_SPANS 3
#define LOAD_ONE 65536 /* a load of one, as sysinfo(2) has it */

struct load_average {
	struct ktimer timer;
	_Atomic uint64_t value[LOAD_SPANS];
};

/* Begins to look every five seconds. Once, when the first process starts. */
void load_start(struct kernel *);
/* In units of 1 / LOAD_ONE; span: 0 to LOAD_SPANS - 1. */
uint64_t load_get(struct kernel *, int span);
/* Tasks that run or are about to, and processes, zombies included. Without locks. */
void load_count(struct kernel *, int *running, int *processes);

#endif
