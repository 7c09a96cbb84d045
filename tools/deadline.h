/* A sandbox's time limit: SIGTERM to everything in it, and after a time of grace the end. */
#ifndef TOOLS_DEADLINE_H
#define TOOLS_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_GRACE_NS 2000000000ll

struct sandbox;

struct deadline {
	int64_t at;   /* monotonic ns of the next act; 0: no limit */
	bool asked;   /* SIGTERM was sent */
};

void deadline_set(struct deadline *d, uint64_t timeout_ns);
/* Milliseconds to wait at most, for poll(2). -1: for ever. */
int deadline_wait_ms(const struct deadline *d);
/* Does what is due. True when the time is up for good: the sandbox must be destroyed now. */
bool deadline_check(struct deadline *d, struct sandbox *s);

#endif
