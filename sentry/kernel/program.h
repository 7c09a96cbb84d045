/* Programs that the runtime asks for: the sandbox's first process and those that EXEC adds. */
#ifndef SENTRY_KERNEL_PROGRAM_H
#define SENTRY_KERNEL_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "sentry/boot/control.h"

struct boot_process;
struct kernel;
struct task;

/*
 * Makes a process with the standard streams (taken over in success and failure; -1: none), finds the program and plans its image.
 * exec_launch() on the task starts it. The task is referenced. 0, or negative errno with one sentence for the user in why and in *stage where it failed.
 */
int program_prepare(struct kernel *, const struct boot_process *, const int stdio[3], bool first, struct task **out,
		    enum control_stage *stage, char *why, size_t why_len);

#endif
