/*
 * `picket profile`: what a program asked for that this kernel does not do, or not wholly, and what it did next. Kept while the program runs,
 * told to the runtime before END (CONTROL_GAP). Called for each ended call, with its --strace line. Bounded: further gaps are counted, not kept.
 */
#ifndef SENTRY_TRACE_PROFILE_H
#define SENTRY_TRACE_PROFILE_H

#include <stdint.h>

struct kernel;
struct profile;
struct task;

struct profile *profile_create(void); /* NULL: no memory */
void profile_destroy(struct profile *);
/* `line`: the call as --strace shows it. Any thread. */
void profile_call(struct profile *, struct task *, int64_t ret, const char *line);
/* Sends what was found. */
void profile_send(struct profile *, int control_fd);

#endif
