/* Credentials of a new image: execve(2), capabilities(7). */
#ifndef SENTRY_KERNEL_CRED_EXEC_H
#define SENTRY_KERNEL_CRED_EXEC_H

#include <stdbool.h>

struct cred;
struct file;
struct task;

/*
 * What the task is to be once it runs `program`, for cred_commit(); *secure: AT_SECURE. Set-id bits count unless the mount is nosuid, the
 * task has no_new_privs, is traced, or shares its fsctx with another process. NULL when memory is out.
 */
struct cred *cred_exec(struct task *, const struct file *program, bool *secure);

#endif
