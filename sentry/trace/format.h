/*
 * From a call's row, its arguments and guest memory to a line as strace(1) prints it. Pure: no task, no fd, no state.
 *
 *     openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3
 *
 * A line is made in two halves. The entry has the arguments up to the first that the call writes to, read from guest
 * memory before the call can change it; the exit has the rest, and the result.
 */
#ifndef SENTRY_TRACE_FORMAT_H
#define SENTRY_TRACE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "sentry/syscalls/table.h"
#include "sentry/trace/text.h"

/* Guest memory: bytes copied (fewer than n at the end of a mapping), or a negative errno. */
struct trace_memory {
	int64_t (*read)(void *ctx, void *dst, uint64_t addr, size_t n);
	void *ctx;
};

/* The most that is shown of a string or buffer, of an array, of a vector of strings. */
#define TRACE_STRING_MAX 64
#define TRACE_ARRAY_MAX 16
#define TRACE_ARGV_MAX 32

/* Appends "name(args" */
void trace_format_entry(struct trace_buf *, const struct syscall_row *, const struct sysargs *,
			const struct trace_memory *);
/* Appends ", more args) = result". */
void trace_format_exit(struct trace_buf *, const struct syscall_row *, const struct sysargs *, int64_t ret,
		       const struct trace_memory *);
/* Appends "--- SIGINT {si_signo=SIGINT, ...} ---". `siginfo` is the guest's 128 bytes. */
struct lx_siginfo;
void trace_format_signal(struct trace_buf *, const struct lx_siginfo *);

#endif
