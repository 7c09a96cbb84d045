/* Changing credentials: the rules that set*id calls and exec share. capabilities(7). */
#ifndef SENTRY_KERNEL_CRED_CHANGE_H
#define SENTRY_KERNEL_CRED_CHANGE_H

#include "sentry/kernel/cred.h"

struct task;

/* A copy of the task's credentials, to be changed and given to cred_commit(). NULL when memory is out. */
struct cred *cred_prepare(struct task *);
/* Installs; takes the reference. Capabilities follow a change of user ids as capabilities(7) says. */
void cred_commit(struct task *, struct cred *);

/* capabilities(7), "Effect of user ID changes on capabilities", on a copy. */
void cred_fix_user_change(const struct cred *old, struct cred *new);
void cred_fix_fsuid_change(const struct cred *old, struct cred *new);

#endif
