/*
 * The clock page: what the vDSO answers clocks from. The sentry writes it (clock.c), every guest reads it, read-only,
 * at LAYOUT_CLOCK. `seq` is odd while it is being written; all is zero, and `on` with it, until the first update.
 */
#ifndef PLATFORM_ARCH_X86_64_VDSO_CLOCK_H
#define PLATFORM_ARCH_X86_64_VDSO_CLOCK_H

#include <stdint.h>

struct vdso_clock {
	uint32_t seq;
	uint32_t on;           /* 0: make the call */
	uint64_t tsc;          /* time-stamp counter at which the rest holds */
	uint64_t max_cycles;   /* after `tsc`; later than that: make the call */
	uint64_t mult;         /* ns per cycle, times 2^32 */
	uint64_t mono_ns;      /* CLOCK_MONOTONIC */
	int64_t real_offset;   /* CLOCK_REALTIME and CLOCK_BOOTTIME less CLOCK_MONOTONIC, ns */
	int64_t boot_offset;
	uint64_t coarse_res_ns;
};

_Static_assert(sizeof(struct vdso_clock) == 64, "one cache line");

/* Sentry and vDSO compute alike. */
static inline uint64_t vdso_clock_ns(const struct vdso_clock *c, uint64_t cycles)
{
	return c->mono_ns + (uint64_t)((unsigned __int128)cycles * c->mult >> 32);
}

#endif
