/* A line of the tracer under construction: a buffer that is never overrun, and values written as strace(1) does. */
#ifndef SENTRY_TRACE_TEXT_H
#define SENTRY_TRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sentry/trace/names.h"

/* Always ended by NUL; what does not fit is dropped, the rest of the line with it, and the end says "...". */
struct trace_buf {
	char *text;
	size_t size, len;
	bool cut;
};

void trace_buf_init(struct trace_buf *, char *text, size_t size);
void trace_put(struct trace_buf *, const char *s);
void trace_putf(struct trace_buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* In quotes, with C escapes: octal for what does not print. `more` adds "..." after the quote. */
void trace_put_quoted(struct trace_buf *, const void *bytes, size_t n, bool more);
/* Names joined by "|", what has no name in hexadecimal; the set's word for zero, or 0. */
void trace_put_flags(struct trace_buf *, const struct name_set *, uint64_t v);
/* The one name of the value, or NULL. */
const char *trace_name(const struct name_set *, uint64_t v);
/* "NULL" or hexadecimal. */
void trace_put_addr(struct trace_buf *, uint64_t v);
/* "[INT USR1]", or "~[...]" where that is shorter. */
void trace_put_sigset(struct trace_buf *, uint64_t set);
/* "SIGINT", or the number. */
void trace_put_signal(struct trace_buf *, int sig);

#endif
