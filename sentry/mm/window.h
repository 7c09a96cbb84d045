/*
 * What the platform puts into an address space for calls without a trap: one mapping at a fixed place, on the list like
 * any other ("[picket]"), so that nothing else is placed there. A guest that wants the place gets it: everything of the
 * platform's is taken out again first, at a stop.
 */
#ifndef SENTRY_MM_WINDOW_H
#define SENTRY_MM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct mm;
struct task;

/* Puts it on the list. False where something is mapped there. */
bool window_reserve(struct mm *, uint64_t addr, uint64_t len);
/* Whether the range, within a page, is private code that is not writable; if so, a copy of its page is charged for. */
bool window_alter_code(struct mm *, uint64_t addr, uint64_t len);
/* Whether a change of [addr, addr + len) touches it. Takes mm->lock. */
bool window_is_touched(struct mm *, uint64_t addr, uint64_t len);
/* At a stop: makes way for a change of the range. 0, or -ENOMEM where other threads run in it. */
int window_make_way(struct task *, uint64_t addr, uint64_t len);

/*
 * At a stop, before a mapping moves: as make_way() for its place, and for code anywhere, which is altered where the platform
 * takes calls and would come back from there to its old place.
 */
int window_before_move(struct task *, uint64_t addr, uint64_t len);

#endif
