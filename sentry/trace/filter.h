/*
 * Which calls to trace: a set of call numbers, from what the user wrote after --strace=.
 *
 *     read,openat            these calls
 *     %file                  every call that takes a path; also %desc (an fd), %process, %memory, %signal, %network,
 *                            %time, %ipc, %cred, %system
 *     !futex                 all of what stood before but this; alone, everything but this
 */
#ifndef SENTRY_TRACE_FILTER_H
#define SENTRY_TRACE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/arch.h"

struct trace_filter {
	uint64_t set[(LX_NR_COUNT + 63) / 64];
	bool absent; /* numbers that are no call */
};

void trace_filter_all(struct trace_filter *);
void trace_filter_none(struct trace_filter *);
/* Adds one word. 0, or -EINVAL with one sentence in `why`. The first word that is negated starts from everything. */
int trace_filter_add(struct trace_filter *, const char *word, char *why, size_t why_len);
/* Adds a comma-separated list of words. As above. */
int trace_filter_extend(struct trace_filter *, const char *list, char *why, size_t why_len);
/* Sets from a comma-separated list; an empty one is everything. */
int trace_filter_parse(struct trace_filter *, const char *list, char *why, size_t why_len);
bool trace_filter_has(const struct trace_filter *, int32_t nr);

#endif
