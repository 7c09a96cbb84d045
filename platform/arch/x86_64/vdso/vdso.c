/*
 * The vDSO that guests see: the host's own would make real calls on its slow paths, and show the host's clock whatever
 * the sentry says. It runs in guests, without relocations, data or a libc. What the page cannot answer is a real call,
 * which traps.
 */
#include <stddef.h>
#include <stdint.h>

#include "platform/arch/x86_64/layout.h"
#include "clock.h"

#define EXPORT __attribute__((visibility("default")))
#define ALIAS(name) __attribute__((weak, alias(#name), visibility("default")))
#define page ((const volatile struct vdso_clock *)LAYOUT_CLOCK)

enum { REALTIME = 0, MONOTONIC = 1, REALTIME_COARSE = 5, MONOTONIC_COARSE = 6, BOOTTIME = 7 };
enum { NR_gettimeofday = 96, NR_clock_gettime = 228, NR_clock_getres = 229, NR_time = 201 };
#define NS_PER_S 1000000000ull

struct ts {
	int64_t sec, nsec;
};
struct tv {
	int64_t sec, usec;
};

int __vdso_clock_gettime(int clock, struct ts *ts);
int __vdso_gettimeofday(struct tv *tv, void *tz);
int64_t __vdso_time(int64_t *out);
int __vdso_clock_getres(int clock, struct ts *ts);
int64_t __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static inline int64_t call2(int64_t nr, uint64_t a, uint64_t b)
{
	int64_t ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

static inline uint64_t read_tsc(void)
{
	uint32_t lo, hi;

	/* The fence keeps the counter from being read ahead of the page's sequence. */
	__asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* CLOCK_MONOTONIC and what to add for the others; 0 where the page does not know. */
static inline int read_page(uint64_t *ns, int64_t *real_offset, int64_t *boot_offset)
{
	for (;;) {
		uint32_t seq = __atomic_load_n(&page->seq, __ATOMIC_ACQUIRE);

		if (seq & 1) {
			__asm__ volatile("pause");
			continue;
		}
		struct vdso_clock c = { .mult = page->mult, .mono_ns = page->mono_ns };
		uint64_t from = page->tsc, max = page->max_cycles;
		uint32_t on = page->on;

		*real_offset = page->real_offset;
		*boot_offset = page->boot_offset;
		uint64_t cycles = read_tsc() - from;

		if (__atomic_load_n(&page->seq, __ATOMIC_ACQUIRE) != seq)
			continue;
		if ((int64_t)cycles < 0)
			cycles = 0; /* another CPU's counter, a little behind */
		*ns = vdso_clock_ns(&c, cycles);
		return on && cycles < max;
	}
}

/* Without a division by a variable or a library: at most 2^64 ns. */
static inline void split(uint64_t ns, int64_t *sec, int64_t *nsec)
{
	*sec = (int64_t)(ns / NS_PER_S);
	*nsec = (int64_t)(ns % NS_PER_S);
}

EXPORT int __vdso_clock_gettime(int clock, struct ts *ts)
{
	uint64_t ns;
	int64_t real, boot;

	if ((clock == REALTIME || clock == MONOTONIC || clock == REALTIME_COARSE || clock == MONOTONIC_COARSE || clock == BOOTTIME) &&
	    read_page(&ns, &real, &boot)) {
		if (clock == REALTIME || clock == REALTIME_COARSE)
			ns += (uint64_t)real;
		else if (clock == BOOTTIME)
			ns += (uint64_t)boot;
		split(ns, &ts->sec, &ts->nsec);
		return 0;
	}
	return (int)call2(NR_clock_gettime, (uint64_t)(int64_t)clock, (uint64_t)ts);
}

EXPORT int __vdso_gettimeofday(struct tv *tv, void *tz)
{
	uint64_t ns;
	int64_t real, boot;

	if (tz || !tv || !read_page(&ns, &real, &boot))
		return (int)call2(NR_gettimeofday, (uint64_t)tv, (uint64_t)tz);
	split(ns + (uint64_t)real, &tv->sec, &tv->usec);
	tv->usec /= 1000;
	return 0;
}

EXPORT int64_t __vdso_time(int64_t *out)
{
	uint64_t ns;
	int64_t real, boot, rest, now;

	if (!read_page(&ns, &real, &boot))
		return call2(NR_time, (uint64_t)out, 0);
	split(ns + (uint64_t)real, &now, &rest);
	if (out)
		*out = now;
	return now;
}

EXPORT int __vdso_clock_getres(int clock, struct ts *ts)
{
	int coarse = clock == REALTIME_COARSE || clock == MONOTONIC_COARSE;

	if (!page->on || (!coarse && clock != REALTIME && clock != MONOTONIC && clock != BOOTTIME))
		return (int)call2(NR_clock_getres, (uint64_t)(int64_t)clock, (uint64_t)ts);
	if (ts) {
		ts->sec = 0;
		ts->nsec = coarse ? (int64_t)page->coarse_res_ns : 1;
	}
	return 0;
}

/* The host keeps CPU and node in the limit of a segment, readable by anybody. */
EXPORT int64_t __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	uint32_t limit;

	(void)unused;
	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(0x7b) : "cc");
	if (cpu)
		*cpu = limit & 0xfff;
	if (node)
		*node = limit >> 12;
	return 0;
}

int clock_gettime(int clock, struct ts *ts) ALIAS(__vdso_clock_gettime);
int gettimeofday(struct tv *tv, void *tz) ALIAS(__vdso_gettimeofday);
int64_t time(int64_t *out) ALIAS(__vdso_time);
int clock_getres(int clock, struct ts *ts) ALIAS(__vdso_clock_getres);
int64_t getcpu(unsigned *cpu, unsigned *node, void *unused) ALIAS(__vdso_getcpu);
