/* What a step hands on: its outputs sealed into the store (gofer/seal.h), and found there again by their hash. */
#ifndef TOOLS_PIPELINE_HANDOVER_H
#define TOOLS_PIPELINE_HANDOVER_H

#include <stdint.h>

#include "tools/failure.h"
#include "tools/pipeline/state.h"

struct handover {
	char hash[80]; /* "sha256:" and hexadecimal digits; empty: not sealed */
	uint64_t files, bytes;
};

/*
 * Seals STATE/work/NAME into the store. When it returns 0 everything is on the disk; else nothing is in the store under the
 * hash, and the failure names the file that was refused or what the disk said. Any thread.
 */
int handover_seal(const struct state *s, const char *work_name, struct handover *out, struct failure *f);
/* The directory of a sealed output; mem_free it. NULL when memory is out. */
char *handover_path(const struct state *s, const struct handover *h);

#endif
