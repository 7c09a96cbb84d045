/*
 * Makes the processes of a sandbox: re-executes the picket binary in fresh user and pid namespaces. The child does the rest
 * of its own confinement after the exec (confine.h), so that gofer and sentry do it side by side.
 */
#ifndef TOOLS_SPAWN_H
#define TOOLS_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SPAWN_CONTROL_FD 3 /* where the child finds its socket */

/* How the child's user namespace is mapped. */
enum spawn_ids {
	SPAWN_IDS_ALL,    /* every id to itself: files' owners show right; needs privilege */
	SPAWN_IDS_SINGLE, /* one id: for root a fresh one that nobody else has, else the caller's own */
};

struct spawn_config {
	const char *name; /* argv[0]: "picket-sentry", "picket-gofer" */
	int control_fd;   /* the child's end; becomes SPAWN_CONTROL_FD */
	int stderr_fd;    /* becomes 2; -1: /dev/null */
	enum spawn_ids ids;
	uint32_t uid, gid; /* SPAWN_IDS_ALL, for root: whom the child becomes, if our user namespace knows them */
};

struct spawned {
	pid_t pid;
	int pidfd;
};

/* First message on the child's socket, sent when its ids are mapped. */
struct spawn_go {
	uint32_t magic;
	uint32_t change_ids; /* become uid and gid */
	uint32_t uid, gid;
};
#define SPAWN_GO_MAGIC 0x504b474fu

struct failure;
/*
 * Starts a child and lets it go; our_fd is the parent's end of its socket. The child dies with the calling *thread*. 0 or a
 * negative errno with the failure set.
 */
int spawn(const struct spawn_config *config, int our_fd, struct spawned *out, struct failure *f);
/* Kills, and does not wait. */
void spawn_kill(const struct spawned *child);
/* Kills and reaps, and closes the pidfd. Safe on one that was never started (pid 0). */
void spawn_end(struct spawned *child);

#endif
