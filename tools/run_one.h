/* One program in a sandbox of its own, on the caller's terminal, until it ends: what `do` and `profile` are. */
#ifndef TOOLS_RUN_ONE_H
#define TOOLS_RUN_ONE_H

#include "tools/do_options.h"
#include "tools/sandbox.h"

/*
 * Runs the program with stdio as given; hooks get hook_arg. Prints refusals and limits to standard error as they come. Returns what `picket`
 * is to exit with, reasons printed; *end (may be NULL) says how it ended, failed where it never ran.
 */
int run_one(struct do_options *o, const int stdio[3], const struct sandbox_hooks *hooks, void *hook_arg, struct sandbox_end *end);

/* Hooks for refusals and limits, to put beside one's own. */
void run_one_denied(void *arg, const struct control_denied *denied);
void run_one_limit(void *arg, const struct control_limit *limit);

#endif
