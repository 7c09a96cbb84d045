/* What the host allows, found by trying it: each probe runs in a process of its own, which may die of it. For `picket doctor`. */
#ifndef TOOLS_PROBE_H
#define TOOLS_PROBE_H

#include <stddef.h>

enum probe_need {
	PROBE_MUST,     /* no sandbox without it */
	PROBE_SECCOMP,  /* the seccomp platform needs it */
	PROBE_PTRACE,   /* the ptrace platform needs it */
	PROBE_RING,     /* the io_uring backend needs it */
	PROBE_BETTER,   /* used where it is there */
	PROBE_UNUSED,   /* only reported */
};

struct probe {
	const char *name;
	const char *group;
	enum probe_need need;
	int (*try)(void);   /* in a child; 0 or a positive errno */
	const char *use;    /* what it is for */
	const char *mend;   /* what to change on the host where it is missing */
};

extern const struct probe probes[];
extern const size_t probe_count;

/* 0 or a positive errno: the probe's own, ETIMEDOUT, or EFAULT when it was killed. */
int probe_run(const struct probe *p);

#endif
