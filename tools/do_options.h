/* The options of `picket do`, parsed into a plan. */
#ifndef TOOLS_DO_OPTIONS_H
#define TOOLS_DO_OPTIONS_H

#include <stdint.h>

#include "tools/plan.h"

struct do_options {
	struct plan plan;
	uint64_t timeout_ns; /* 0: none */
	int log_fd;          /* --log; -1: standard error */
};

extern const char do_help[];

/* 0, or a negative errno with the failure set. Free with do_options_free() either way. */
int do_options_parse(int argc, char **argv, struct do_options *out, struct failure *f);
void do_options_free(struct do_options *o);

#endif
