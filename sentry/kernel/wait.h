/* Waiting for children: what wait4(2) and waitid(2) come down to. */
#ifndef SENTRY_KERNEL_WAIT_H
#define SENTRY_KERNEL_WAIT_H

#include <stdint.h>

#include "sentry/kernel/usage.h"

struct task;

struct wait_query {
	int type;         /* LX_P_ALL, LX_P_PID, LX_P_PGID */
	int id;
	uint32_t options; /* LX_W* */
};
struct wait_result {
	int pid;          /* 0: none (WNOHANG) */
	uint32_t uid;
	int code;         /* LX_CLD_* */
	int status;       /* wait status, as wait4 gives it */
	struct usage usage;
};

/* 0; -ECHILD; or what a blocking handler returns. The child is consumed as the options say. */
int64_t process_wait(struct task *, const struct wait_query *, struct wait_result *);

#endif
