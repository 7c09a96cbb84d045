/*
 * A cgroup around a sandbox, where the caller can make one: a second line of defence behind the sentry's own accounting, and
 * what it really used. Version 1 controllers (memory, pids) and the unified hierarchy are found through /proc/self/cgroup.
 */
#ifndef TOOLS_CGROUP_H
#define TOOLS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_MAX 2

struct cgroup_dir {
	char path[512];
	bool v2;
	bool memory, pids; /* which of the two this one controls */
};

struct cgroup {
	struct cgroup_dir dir[CGROUP_MAX];
	int count; /* 0: none could be had */
};

struct cgroup_limits {
	uint64_t memory, pids; /* 0: none. The sentry's own needs are added here. */
};

/* Makes "picket-PID-NAME" below the caller's own cgroups. Never fails: count says what could be had, the log why not. */
void cgroup_create(struct cgroup *c, const char *name, const struct cgroup_limits *limits);
/* 0 or a negative errno. */
int cgroup_add(const struct cgroup *c, pid_t pid);
uint64_t cgroup_memory_peak(const struct cgroup *c);
/* True when the host killed something in it for want of memory. */
bool cgroup_oom(const struct cgroup *c);
/* Its processes must be gone. */
void cgroup_remove(struct cgroup *c);
/* For `doctor`: which hierarchies the caller may make a group in; 0 none, bits 1 v1 memory, 2 v1 pids, 4 v2 with both. */
int cgroup_probe(char *where, unsigned long len);

#endif
