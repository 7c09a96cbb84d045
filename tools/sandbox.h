/*
 * The life of a sandbox: one sentry, one gofer, the socket to the sentry, a cgroup where one can be had. `do`, the pipeline
 * and an OCI runtime stand on these functions.
 *
 *   sandbox_create ──▶ CREATING ──READY──▶ CREATED ──sandbox_start──▶ RUNNING ──▶ STOPPED ──sandbox_destroy──▶ (gone)
 *                          └────────── FAILED, a crash, a lost gofer: at any time ─────▲
 *
 * Requests return at once; what comes back is events, kept in the sandbox and told to `hooks`. A caller with several sandboxes
 * polls sandbox_fd() of each and calls sandbox_dispatch() where it is readable; one with a single one calls sandbox_wait().
 * Nothing here is thread-safe, and the processes die with the thread that made them: use one thread.
 */
#ifndef TOOLS_SANDBOX_H
#define TOOLS_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sentry/boot/control.h"
#include "sentry/boot/spec.h"
#include "tools/failure.h"

struct sandbox;

/* A directory or file of the host for the gofer; boot_mount.gofer_root is an index into the list of these. */
struct sandbox_root {
	char *path;     /* absolute */
	uint32_t flags; /* GOFER_ROOT_* of gofer/wire.h */
};

/* What to tell as it happens. All may be NULL. `arg` is hook_arg of the configuration. */
struct sandbox_hooks {
	void (*denied)(void *arg, const struct control_denied *denied);
	void (*limit)(void *arg, const struct control_limit *limit);
	void (*exited)(void *arg, const struct control_exited *exited);
	void (*syscalls)(void *arg, const struct control_syscalls *rows);
	void (*gap)(void *arg, const struct control_gap *gap);
};

/* Everything is borrowed and only used during sandbox_create(), but for hooks and hook_arg. */
struct sandbox_config {
	const struct boot_spec *spec;
	const struct sandbox_root *roots;
	size_t root_count;
	int stdio[3];
	int log_fd;              /* for sentry and gofer; -1: none */
	const struct sandbox_hooks *hooks;
	void *hook_arg;
};

enum sandbox_state { SANDBOX_CREATING, SANDBOX_CREATED, SANDBOX_RUNNING, SANDBOX_STOPPED };

/* How it ended, when it is STOPPED. */
struct sandbox_end {
	bool failed;            /* `failure` says why; else the first process ran and ended */
	bool timed_out;         /* sandbox_wait()'s or the caller's deadline, set by sandbox_timed_out() */
	struct failure failure;
	int wait_status;        /* of the first process */
	bool has_stats;
	struct control_stats stats;
	struct control_usage usage; /* of the first process and its children */
	uint64_t cgroup_memory_peak; /* bytes; 0: no cgroup */
};

/* Starts the processes and sends BOOT. Does not wait for READY: start may be asked for right away. */
int sandbox_create(const struct sandbox_config *config, struct sandbox **out, struct failure *f);
int sandbox_start(struct sandbox *s, struct failure *f);
/* Asks for one more process; the guest pid comes by sandbox_exec_pid(). Needs CREATED or RUNNING. */
int sandbox_exec(struct sandbox *s, const struct boot_process *process, const int stdio[3], uint32_t *seq, struct failure *f);
/* 0 while the answer is outstanding, the pid, or a negative errno with the failure set. */
int sandbox_exec_pid(struct sandbox *s, uint32_t seq, struct failure *f);
/* pid 0: the terminal's foreground group or the first process; -1: all. 0 or a negative errno. */
int sandbox_signal(struct sandbox *s, int pid, int signo);
int sandbox_resize(struct sandbox *s, unsigned int rows, unsigned int columns);
/* The answer comes into sandbox_end()->stats; has_stats is false until then. */
int sandbox_ask_stats(struct sandbox *s);
/* The wait status of a process, if it has ended. */
bool sandbox_exited(const struct sandbox *s, int pid, int *wait_status);

enum sandbox_state sandbox_state(const struct sandbox *s);
/* Valid when STOPPED. */
const struct sandbox_end *sandbox_end(const struct sandbox *s);
void sandbox_timed_out(struct sandbox *s);
/* The guest pid of the first process; 0 before RUNNING. */
int sandbox_first_pid(const struct sandbox *s);
pid_t sandbox_sentry_pid(const struct sandbox *s);
pid_t sandbox_gofer_pid(const struct sandbox *s);
/* NULL: has none; else its path, for messages and statistics. */
const char *sandbox_cgroup(const struct sandbox *s);

/* Readable when sandbox_dispatch() has something to do. */
int sandbox_fd(const struct sandbox *s);
/* Takes what has come, without waiting. */
void sandbox_dispatch(struct sandbox *s);
/* Dispatches until `state` is reached or passed. timeout_ms -1: for ever. 0, or -ETIMEDOUT. */
int sandbox_wait(struct sandbox *s, enum sandbox_state state, int timeout_ms);
/* Kills what still runs, reaps, removes the cgroup, frees. No process is left when it returns. NULL is fine. */
void sandbox_destroy(struct sandbox *s);

/* The program's exit status as a shell would see it, or an enum exit_code. */
int sandbox_exit_code(const struct sandbox_end *end);

#endif
