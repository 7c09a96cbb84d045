/*
 * execve(2): reads and checks the program (ELF, #!), plans the new address space and its stack on a worker, then has the platform make
 * a fresh one and maps the plan into it at its first stop.
 */
#ifndef SENTRY_MM_EXEC_H
#define SENTRY_MM_EXEC_H

#include <stdint.h>

#include "platform/platform.h"

struct task;
struct file;
struct exec_plan;

struct exec_args {
	char **argv, **envp; /* NULL-terminated, the sentry's own copies */
	uint32_t argc, envc;
	uint64_t bytes;      /* strings with their NULs */
};
/* Program by path (at_fd, name, WALK_* flags). 0 and SYS_GONE to follow, or negative errno with nothing changed. */
int64_t task_exec(struct task *, int at_fd, const char *name, uint32_t walk_flags, const struct exec_args *);
/* At STOP_NEW of the fresh address space: carries out t->exec. */
enum resume exec_stop(struct task *, struct tracee *);
void exec_plan_free(struct exec_plan *);

#endif
