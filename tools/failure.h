/*
 * How the tools report failure: a function that can fail for a reason that a user must read takes a struct failure, and
 * returns 0 or a negative errno. Below zero means that the failure is set; success never touches it.
 */
#ifndef TOOLS_FAILURE_H
#define TOOLS_FAILURE_H

#include <stddef.h>

struct failure {
	int code;       /* what the process is to exit with: enum exit_code */
	char text[640]; /* one sentence that names the thing, the place and the mend */
};

/* Sets the failure and returns `err`. */
int fail(struct failure *f, int err, int code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int fail_no_memory(struct failure *f);

#endif
