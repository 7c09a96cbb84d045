/* The count of live objects: see census.h. */
#include "sentry/kernel/census.h"

#include <stdio.h>

#include "base/log.h"

struct census_slot census[CENSUS_KINDS];

static const char *const names[CENSUS_KINDS] = {
	[CENSUS_PROCESS] = "processes", [CENSUS_TASK] = "tasks",     [CENSUS_MM] = "mms",	[CENSUS_FILE] = "files",      [CENSUS_INODE] = "inodes",
	[CENSUS_DENTRY] = "dentries",	[CENSUS_PIPE] = "pipes",     [CENSUS_SOCKET] = "sockets", [CENSUS_DONATED] = "donated fds",
};

void census_log(void)
{
	char line[400];
	int n = 0;

	for (int i = 0; i < CENSUS_KINDS; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%s%s %lld", i ? ", " : "", names[i], (long long)atomic_load(&census[i].live));
	log_info("live at the end: %s", line);
}
