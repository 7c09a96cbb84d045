/* What `picket profile` found, and its verdict: pure, but for looking whether the host has a file that the sandbox lacks. */
#ifndef TOOLS_PROFILE_REPORT_H
#define TOOLS_PROFILE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sentry/boot/control.h"
#include "tools/sandbox.h"

struct profile_gap {
	struct control_gap gap;
	bool on_host; /* FILE: this host has the file */
};

struct profile_report {
	struct control_syscall_row *row; /* in order of their numbers */
	size_t rows;
	struct profile_gap *gap;
	size_t gaps;
	struct sandbox_end end;
	char **argv;
	bool no_memory; /* something could not be kept */
};

enum profile_verdict { PROFILE_WORKS, PROFILE_GAPS, PROFILE_FAILS };

void profile_report_add_calls(struct profile_report *r, const struct control_syscalls *calls);
void profile_report_add_gap(struct profile_report *r, const struct control_gap *gap);
/* A file that this host lacks too is no gap; a program that fails is judged by its status alone. */
enum profile_verdict profile_report_verdict(const struct profile_report *r);
/* The last gap before the end that counts: what to look at first when the program failed. NULL: none. */
const struct profile_gap *profile_report_suspect(const struct profile_report *r);
void profile_report_text(const struct profile_report *r, FILE *out);
void profile_report_json(const struct profile_report *r, FILE *out);
void profile_report_free(struct profile_report *r);

#endif
