/* Inside the tracer: what a formatter is given, and the formatters that kinds.def names. */
#ifndef SENTRY_TRACE_FORMATTERS_H
#define SENTRY_TRACE_FORMATTERS_H

#include "sentry/trace/format.h"

struct trace_ctx {
	struct trace_buf *b;
	const struct trace_memory *mem;
	const struct sysargs *a;
	const struct name_set *names; /* of the kind */
	uint64_t aux;                 /* the argument that is the length, count or selector; 0 where the row has none */
	int64_t ret;                  /* at the exit */
	enum arg_dir dir;
	int index;                    /* which argument */
	bool exit;
};

typedef void trace_formatter(struct trace_ctx *, uint64_t v);

/* All n bytes at addr. Where there are none writes the address instead ("NULL", 0x...) and returns false. */
bool trace_fetch(struct trace_ctx *, void *dst, uint64_t addr, size_t n);
/* The same without writing anything. */
bool trace_peek(struct trace_ctx *, void *dst, uint64_t addr, size_t n);
/* The string at addr, quoted; or n bytes. */
void trace_put_string_at(struct trace_ctx *, uint64_t addr);
void trace_put_bytes_at(struct trace_ctx *, uint64_t addr, uint64_t n);
/* A vector of `count` parts; at most `limit` bytes of their contents are shown. */
void trace_put_iovec(struct trace_ctx *, uint64_t addr, uint64_t count, uint64_t limit);
void trace_put_sockaddr(struct trace_ctx *, uint64_t addr, uint64_t len);
struct lx_timespec;
void trace_put_timespec(struct trace_buf *, const struct lx_timespec *);
/* ` ([{fd=3, revents=POLLIN}])`, what poll and select found, after the result. */
void trace_put_ready(struct trace_ctx *, enum arg_kind, uint64_t v);

#define KIND(kind, dir, formatter, names) trace_formatter trace_fmt_##formatter;
#include "sentry/syscalls/kinds.def"
#undef KIND

#endif
