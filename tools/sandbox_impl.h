/* A sandbox's insides, for the files tools/sandbox*.c only. */
#ifndef TOOLS_SANDBOX_IMPL_H
#define TOOLS_SANDBOX_IMPL_H

#include "base/list.h"
#include "tools/cgroup.h"
#include "tools/sandbox.h"
#include "tools/spawn.h"

#define SANDBOX_CHANNELS_MAX 64

/* A process whose start was asked for, or that has ended. */
struct sandbox_process {
	struct list link;
	uint32_t seq;  /* of the EXEC; of the START for the first process */
	int32_t pid;   /* 0: not answered yet; below 0: failed */
	bool exited;
	int wait_status;
	struct control_usage usage;
	struct failure failure;
};

struct sandbox {
	/* set by sandbox_create() */
	struct spawned sentry, gofer;
	int control;      /* to the sentry; -1 once it is gone */
	int lifeline;     /* to the gofer */
	int epoll;
	struct cgroup cgroup;
	const struct sandbox_hooks *hooks;
	void *hook_arg;

	/* changes as messages come */
	enum sandbox_state state;
	uint32_t seq, boot_seq, start_seq;
	int32_t first_pid;
	bool sentry_ended; /* END has come: its exit is no crash */
	bool sentry_reaped;
	int sentry_status;
	bool gofer_gone;
	int gofer_status;
	struct list processes;
	struct sandbox_end end;
};

/* Moves to STOPPED with a failure, unless it is there already. */
void sandbox_fail(struct sandbox *s, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Fills and sends both processes' configurations and makes both processes. */
int sandbox_launch(struct sandbox *s, const struct sandbox_config *config, struct failure *f);
struct sandbox_process *sandbox_find(const struct sandbox *s, uint32_t seq, int32_t pid);

#endif
