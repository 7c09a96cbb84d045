/*
 * A sandbox that outlives the command that made it. A small process, the monitor, holds it: sentry and gofer die with it, it ends
 * with the sandbox's first process and with that process's exit status, so that whoever waits for its pid has waited for the
 * program. What it knows is in a file; what it can be asked comes over a socket, in the words of the control protocol:
 *
 *   DIR/ID/state.json   replaced as a whole at each change of state
 *   DIR/ID/control      a SOCK_SEQPACKET socket: START, EXEC, SIGNAL, RESIZE, STATS, KILL, answered as a sentry answers them;
 *                       who connects is told the EXITED of every process that has ended so far
 *
 *   monitor_create ──▶ created ──START──▶ running ──▶ stopped ──monitor_delete──▶ (gone)
 */
#ifndef TOOLS_MONITOR_H
#define TOOLS_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/failure.h"
#include "tools/sandbox.h"

/* What state.json says. */
struct monitor_state {
	char *id;
	int status;            /* enum monitor_status */
	int32_t pid;           /* of the monitor */
	uint64_t pid_started;  /* of it, in the clock ticks of /proc/PID/stat: a number that came back is told apart */
	uint64_t created_ms;   /* wall clock */
	int32_t exit_code;     /* stopped: as `picket do` would have exited */
	char *reason;          /* stopped: report_end() */
	char *annotation;      /* the maker's own, kept for it */
};

enum monitor_status { MONITOR_CREATED, MONITOR_RUNNING, MONITOR_STOPPED };

/*
 * Makes DIR/ID, the monitor and the sandbox, and returns when the sandbox is READY (the program has been found and loaded). -EEXIST if
 * there is one of that name. On failure nothing is left. `annotation` may be NULL.
 */
int monitor_create(const char *dir, const char *id, const struct sandbox_config *config, const char *annotation, pid_t *pid,
		   struct failure *f);
/* -ENOENT: "... does not exist". A monitor that was killed shows as stopped, with 137. monitor_state_clear() afterwards. */
int monitor_state(const char *dir, const char *id, struct monitor_state *out, struct failure *f);
void monitor_state_clear(struct monitor_state *state);
/* A connection for control_send_*() and control_recv(); -ESRCH when it is not running. */
int monitor_connect(const char *dir, const char *id, struct failure *f);
/* Removes what is left of a stopped one; with `force` kills it first. No process is left. */
int monitor_delete(const char *dir, const char *id, bool force, struct failure *f);

/* --- between monitor.c and monitor_serve.c ------------------------------------------------------------------------------- */

struct monitor {
	int dirfd;                /* DIR/ID */
	int listener;
	struct sandbox *sandbox;
	struct monitor_state state;
};
/* Serves clients until the sandbox has stopped. The exit status. */
int monitor_serve(struct monitor *m);
int monitor_write_state(const struct monitor *m);
void monitor_on_exited(void *arg, const struct control_exited *exited);

#endif
