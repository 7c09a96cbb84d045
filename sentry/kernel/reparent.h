/* What a process's death means for its family. All under k->lock unless said. */
#ifndef SENTRY_KERNEL_REPARENT_H
#define SENTRY_KERNEL_REPARENT_H

#include <stdbool.h>

#include "base/list.h"

struct process;

/* Zombies that moved to a parent who does not care for them. */
struct reparented {
	struct list reaped; /* of process.sibling */
};

/* The children go to the nearest subreaper or to init; groups that lose their last tie are told. */
void reparent_children(struct process *dying, struct reparented *);
/* Without k->lock: drops what reparent_children() reaped. */
void reparented_reap(struct reparented *);
/* The exit signal, and waking of waits. True when the parent does not want to wait for it: reap. */
bool exit_tell_parent(struct process *zombie);

#endif
