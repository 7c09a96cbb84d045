/*
 * A sandbox in the making: the boot spec and the gofer's roots, built up by whoever knows what is wanted (options of `do`, a
 * pipeline's step, later an OCI config). Everything is checked here, where the path and the mend can be named.
 */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/boot/spec.h"
#include "tools/failure.h"
#include "tools/sandbox.h"

#define PLAN_ROOTS_MAX 96
#define PLAN_MOUNTS_MAX 128

struct plan {
	struct boot_spec spec;
	struct sandbox_root root[PLAN_ROOTS_MAX];
	size_t root_count;
};

struct plan_volume {
	const char *source; /* of the host; relative to the working directory */
	const char *target; /* absolute, in the sandbox */
	bool writable, exec;
	int cache;          /* enum boot_cache */
	const char *label;  /* NULL: "volume TARGET" */
};

/* Everything with a default gets it: id, hostname, an environment with PATH, no arguments, the caller's ids. */
int plan_init(struct plan *p, const char *id, struct failure *f);
void plan_free(struct plan *p);

/* The mount of "/" (DIR, read-only, memory above), then /proc, /sys, /dev, /dev/pts, /dev/shm. First of all mounts. */
int plan_rootfs(struct plan *p, const char *dir, struct failure *f);
int plan_volume(struct plan *p, const struct plan_volume *v, struct failure *f);
/* The command and its arguments; ends with NULL. */
int plan_argv(struct plan *p, char *const *argv, struct failure *f);
/* Adds or replaces NAME=VALUE. */
int plan_env(struct plan *p, const char *assignment, struct failure *f);
/* "UID", "UID:GID", "NAME" or "NAME:GROUP"; names by /etc/passwd and /etc/group of the rootfs. Sets HOME if it is not set. */
int plan_user(struct plan *p, const char *user, struct failure *f);
int plan_cwd(struct plan *p, const char *cwd, struct failure *f);
int plan_hostname(struct plan *p, const char *name, struct failure *f);
/* "auto", "seccomp" or "ptrace". */
int plan_platform(struct plan *p, const char *name, struct failure *f);
/* "auto", "off" or "force". */
int plan_quick_calls(struct plan *p, const char *name, struct failure *f);

#endif
