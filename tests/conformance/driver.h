/*
 * picket-conformance: runs guest programs on the host, which is right by definition, and then inside sandboxes, and compares check by check.
 *
 *   child.c   runs one program to its end, within a time limit, and leaves nothing of it behind
 *   tap.c     reads what it printed
 *   gaps.c    the file of known gaps
 *   report.c  text, TAP and JUnit
 *   run.c     options, and the loop over programs and platforms
 */
#ifndef CONFORMANCE_DRIVER_H
#define CONFORMANCE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define PLATFORMS_MAX 4
#define HOST 0 /* the place of the native run among a program's runs; platforms follow */

/* What one run of a program came to. Strings are owned by it. */
struct child_result {
	char *out, *err;     /* standard output and error, NUL-terminated, cut at a few MiB */
	int wait_status;
	bool timed_out;
	int left_behind;     /* processes that outlived the program and had to be killed */
	double seconds;
};

enum verdict { CHECK_OK, CHECK_FAILED, CHECK_SKIPPED };

struct check {
	char *name;
	char *detail;        /* what came after the name; or why the driver calls it failed */
	enum verdict verdict;
	bool known;          /* a failure that the gaps file lists */
};

struct checks {
	struct check *at;
	size_t count;
};

struct run {
	bool made;
	struct checks checks;
	char *err;           /* standard error, shown when something failed */
	double seconds;
};

struct program {
	char *name;          /* path below the folder of programs */
	char *path;
	struct run run[1 + PLATFORMS_MAX];
	bool done;
};

struct gap {
	char *program, *platform, *check, *reason; /* platform NULL: on each; check "*": whatever fails */
	bool program_ran, failed_somewhere, passed_somewhere;
};

struct gaps {
	struct gap *at;
	size_t count;
};

/* Runs argv. 0, or a negative errno when it could not even be tried. */
int child_run(char *const argv[], int timeout_s, struct child_result *out);
void child_result_free(struct child_result *);

/* Reads TAP. What is wrong with the whole (no plan, a crash, a time limit) becomes a failed check named "(whole program)". */
int tap_parse(const struct child_result *, struct checks *out);
/* Judges a run inside by the host's: a check that is missing, or skipped inside only, has failed. */
int checks_compare(const struct checks *host, struct checks *inside);
int checks_add(struct checks *, const char *name, enum verdict verdict, const char *detail);
size_t checks_failed(const struct checks *);

/* Reads the file: sorted lines "PROGRAM[@PLATFORM] CHECK # REASON". Says what is wrong with it on stderr; -EINVAL then. */
int gaps_load(const char *path, struct gaps *out);
/* Marks the failures of a run that are known, and the gaps that it has confirmed or refuted. */
void gaps_apply(struct gaps *, const char *program, const char *platform, struct checks *checks);
/* Gaps that passed, or whose program is gone (where all programs were run): printed to `to`, and counted. */
size_t gaps_stale(const struct gaps *, bool all_programs, FILE *to);

enum format { FORMAT_TEXT, FORMAT_TAP, FORMAT_JUNIT };
struct totals {
	size_t passed, failed, known, skipped;
};
/* `platform[0]` is "host". Text is printed a program at a time, the others at the end. */
void report_program(const struct program *, const char *const platform[], size_t platforms);
void report_all(enum format, const struct program *, size_t count, const char *const platform[], size_t platforms);
struct totals totals_of(const struct program *, size_t count, size_t platforms);

#endif
