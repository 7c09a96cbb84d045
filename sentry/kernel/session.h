/* Process groups and sessions: setpgid(2), setsid(2), credentials(7). All under k->lock unless said. */
#ifndef SENTRY_KERNEL_SESSION_H
#define SENTRY_KERNEL_SESSION_H

#include <stdbool.h>

struct kernel;
struct process;
struct pgrp;
struct session;

struct pgrp *pgrp_get(struct pgrp *);
void pgrp_put(struct pgrp *);       /* with or without k->lock: the table's entry is gone before the last reference is */
struct session *session_get(struct session *);
void session_put(struct session *);

/* The process leads a new session and a group in it, both with its pid. 0 or -ENOMEM. */
int process_new_session(struct process *);
/* A fork's child belongs where its parent does. */
void process_inherit_pgrp(struct process *child, struct process *parent);
/* Out of its group and session, as it is reaped. */
void process_leave_pgrp(struct process *);
/* setpgid(2)'s rules for `p` by a member of process `caller`. */
int process_set_pgid(struct process *caller, struct process *p, int pgid);

/* No member has a parent in another group of the session (`without` is not looked at): nobody there could continue it. */
bool pgrp_is_orphaned(const struct pgrp *, const struct process *without);
bool pgrp_has_stopped(const struct pgrp *);

#endif
