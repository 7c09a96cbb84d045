/* A guest's memory for the tracer's tests: one array at one address, nothing around it. */
#ifndef TEST_TRACE_MEMORY_H
#define TEST_TRACE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sentry/trace/format.h"

#define MEM_BASE 0x10000u
#define MEM_SIZE 8192u

struct fake_memory {
	uint8_t bytes[MEM_SIZE];
	size_t used;
};

static inline int64_t fake_read(void *ctx, void *dst, uint64_t addr, size_t n)
{
	struct fake_memory *m = ctx;

	if (addr < MEM_BASE || addr >= MEM_BASE + MEM_SIZE)
		return -14;
	if (n > MEM_BASE + MEM_SIZE - addr)
		n = MEM_BASE + MEM_SIZE - addr;
	memcpy(dst, m->bytes + (addr - MEM_BASE), n);
	return (int64_t)n;
}

/* Where it was put. */
static inline uint64_t fake_put(struct fake_memory *m, const void *p, size_t n)
{
	uint64_t addr = MEM_BASE + m->used;

	memcpy(m->bytes + m->used, p, n);
	m->used += (n + 7) & ~(size_t)7;
	return addr;
}

/* The whole line of a call. */
static inline const char *fake_line(struct fake_memory *m, const char *name, int64_t ret, const uint64_t v[6])
{
	static char text[3072];
	struct trace_memory mem = { fake_read, m };
	const struct syscall_row *row = syscall_by_name(name);
	struct sysargs a = { .nr = row->nr };
	struct trace_buf b;

	memcpy(a.v, v, sizeof(a.v));
	trace_buf_init(&b, text, sizeof(text));
	trace_format_entry(&b, row, &a, &mem);
	trace_format_exit(&b, row, &a, ret, &mem);
	return text;
}

#define LINE(m, name, ret, ...) fake_line(m, name, ret, (uint64_t[6]){ __VA_ARGS__ })
#define PUT(m, obj) fake_put(m, &(obj), sizeof(obj))
#define PUT_STR(m, s) fake_put(m, s, strlen(s) + 1)

#endif
