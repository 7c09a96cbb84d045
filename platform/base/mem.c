/*
 * Allocation over malloc. Debug builds count what is alive and can make any one allocation fail: the Nth by
 * PICKET_FAIL_ALLOC=N for a whole process, or by mem_fail_after() from a test.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	PAGE = 4096,
	WARM_HEAP = 40 * PAGE, /* what a small program's start takes */
};

#ifdef PICKET_DEBUG

/* Process-wide on purpose: a fault is injected into whichever thread comes to it, and a baseline is the process's. */
static atomic_uint_fast64_t live;
static atomic_int_fast64_t fail_in; /* allocations until the failing one; 0 and below: none */

__attribute__((constructor)) static void read_environment(void)
{
	const char *n = getenv("PICKET_FAIL_ALLOC");

	if (n)
		fail_in = (int_fast64_t)strtoull(n, NULL, 10);
}

static bool injected_failure(void)
{
	if (atomic_load_explicit(&fail_in, memory_order_relaxed) <= 0)
		return false;
	return atomic_fetch_sub(&fail_in, 1) == 1;
}

static void *count_live(void *p)
{
	if (p)
		live++;
	return p;
}

static void count_dead(const void *p)
{
	if (p)
		live--;
}

void mem_fail_after(uint64_t n)
{
	fail_in = (int_fast64_t)n;
}

uint64_t mem_live(void)
{
	return live;
}

#else

static inline bool injected_failure(void)
{
	return false;
}

static inline void *count_live(void *p)
{
	return p;
}

static inline void count_dead(const void *p)
{
	(void)p;
}

void mem_fail_after(uint64_t n)
{
	(void)n;
}

uint64_t mem_live(void)
{
	return 0;
}

#endif

/* malloc(0) may return NULL, which would read as failure: one byte instead. */
static size_t at_least_one(size_t n)
{
	return n ? n : 1;
}

void *mem_alloc(size_t n)
{
	return injected_failure() ? NULL : count_live(malloc(at_least_one(n)));
}

void *mem_zalloc(size_t n)
{
	return mem_calloc(1, n);
}

void *mem_calloc(size_t count, size_t size)
{
	return injected_failure() ? NULL : count_live(calloc(at_least_one(count), at_least_one(size)));
}

void *mem_realloc(void *p, size_t n)
{
	void *q = injected_failure() ? NULL : realloc(p, at_least_one(n));

	return q && !p ? count_live(q) : q;
}

void *mem_realloc_array(void *p, size_t count, size_t size)
{
	size_t n;

	return __builtin_mul_overflow(count, size, &n) ? NULL : mem_realloc(p, n);
}

void *mem_dup(const void *p, size_t n)
{
	void *q = mem_alloc(n);

	return q && n ? memcpy(q, p, n) : q;
}

char *mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

char *mem_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = mem_alloc(len + 1);

	if (copy) {
		memcpy(copy, s, len);
		copy[len] = '\0';
	}
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap, again;
	char *text = NULL;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len >= 0)
		text = mem_alloc((size_t)len + 1);
	if (text)
		vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

void mem_free(void *p)
{
	count_dead(p);
	free(p);
}

void mem_single_arena(void)
{
	mallopt(M_ARENA_MAX, 1);
}

/* The linker's names for the ends of what is writable in this program. */
extern char data_start[], _end[];

static void populate(const char *from, const char *to)
{
	uintptr_t first = ((uintptr_t)from + PAGE - 1) & ~(uintptr_t)(PAGE - 1);

	if ((uintptr_t)to > first)
		madvise((void *)first, (uintptr_t)to - first, MADV_POPULATE_WRITE); /* before Linux 5.14: no harm, no gain */
}

void mem_warm_up(void)
{
	/* Any of these ends the library's own adjusting of the others. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
	char *block = malloc(WARM_HEAP);

	populate(data_start, _end);
	if (block)
		populate(block, block + WARM_HEAP);
	free(block);
}
