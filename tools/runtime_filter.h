/* The runtime's own lock-down, for while it waits for a sandbox: it holds the reins of one, and needs very little for that. */
#ifndef TOOLS_RUNTIME_FILTER_H
#define TOOLS_RUNTIME_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct runtime_allowed {
	int nr;
	const char *reason;
};

/* For documentation and tests: the list itself. */
const struct runtime_allowed *runtime_filter_list(size_t *count);
/* Gives up capabilities and installs it. What is not on the list kills the process, and with it the sandbox. Logs where the host can't do it. */
void runtime_filter_install(bool has_cgroup);

#endif
