/* A kernel with an init process and no platform: tasks have no tracee, and count as in a handler, so that nothing tries to run them. */
#ifndef TESTS_UNIT_SENTRY_KERNEL_FIXTURE_H
#define TESTS_UNIT_SENTRY_KERNEL_FIXTURE_H

#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task.h"

struct kernel_fixture {
	struct kernel k;
	struct boot_spec spec;
	struct task *init;
};

void fixture_setup(struct kernel_fixture *);
/* A process as fork makes it, without memory and files; the parent's child. Borrowed: lives until it has exited. */
struct task *fixture_fork(struct task *parent);
/* A further thread of the process. */
struct task *fixture_thread(struct task *);
/* The task ends; referenced no longer. */
void fixture_exit(struct task *, int status);

#endif
