/* Forced writes: PTRACE_POKEDATA and /proc/PID/mem. */
#ifndef SENTRY_MM_FORCE_H
#define SENTRY_MM_FORCE_H

#include <stdint.h>

#include "sentry/mm/mm.h"

/*
 * Before stop_poke(): all of the range is mapped, and the pages that the write will copy count as writable memory does, by whole mappings.
 * 0, or -EIO (also where the sandbox's memory is used up).
 */
int mm_allow_forced_write(struct mm *, uint64_t addr, uint64_t len);

#endif
