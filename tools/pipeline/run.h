/*
 * A pipeline under way. One thread runs it: it makes the sandboxes, polls them and their output. Only sealing, which reads
 * and hashes whole trees, is done by a thread of its own for each step.
 *
 *   WAITING ──all it waits for are DONE──▶ RUNNING ──exit 0──▶ SEALING ──▶ DONE
 *      └── something FAILED: SKIPPED         └──────── else ───────┴──▶ FAILED
 */
#ifndef TOOLS_PIPELINE_RUN_H
#define TOOLS_PIPELINE_RUN_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/deadline.h"
#include "tools/pipeline/handover.h"
#include "tools/pipeline/lines.h"
#include "tools/pipeline/pipeline.h"
#include "tools/pipeline/state.h"
#include "tools/plan.h"
#include "tools/sandbox.h"

enum step_state { STEP_WAITING, STEP_RUNNING, STEP_SEALING, STEP_DONE, STEP_FAILED, STEP_SKIPPED };

struct run;

struct run_step {
	struct run *run;
	const struct pipeline_step *step;
	enum step_state state;
	char why[640];            /* FAILED, SKIPPED: one sentence */

	/* RUNNING */
	struct plan plan;
	bool planned;
	struct sandbox *sandbox;
	struct deadline deadline;
	struct lines out, err;
	int log_fd;
	int64_t started_ns, ended_ns; /* monotonic; 0: not yet */
	int64_t started_at;           /* of the wall clock, ns */

	/* afterwards, for the record */
	bool ran;
	struct sandbox_end end;
	json_t *denied, *limits_reached, *syscalls;
	char last_denied[640];

	/* SEALING: owned by the thread until seal_event is readable */
	pthread_t sealer;
	int seal_event;
	int seal_err;
	struct failure seal_failure;
	struct handover *handed; /* one for each output */
};

struct run {
	const struct pipeline *pipeline;
	struct state state;
	struct run_step *steps;
	int platform;            /* enum boot_platform, for all steps */
	bool stopping;           /* a step failed, or we were asked to end: nothing new is started */
	int interrupted;         /* the signal that asked */
	int64_t started_at, ended_at; /* wall clock, ns; ended_at 0: under way */
	int signal_fd;
};

/* Runs all of it. Returns the exit status; failures have been printed and recorded. */
int run_pipeline(const struct pipeline *p, const char *state_dir, int platform);

/* --- step.c ---------------------------------------------------------------------------------------------------------- */

/* Makes the plan only, to see that rootfs, mounts and users are there. For `check`, before anything is started. */
int step_check(const struct pipeline *p, const struct pipeline_step *step, struct failure *f);
/* WAITING to RUNNING, or to FAILED. */
void step_start(struct run_step *s);
/* RUNNING: looks at sandbox, output and time; goes on to SEALING or FAILED when it has ended. */
void step_poll(struct run_step *s);
/* SEALING: to DONE or FAILED, once the thread has said that it is ready. */
void step_sealed(struct run_step *s);
void step_fail(struct run_step *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void step_free(struct run_step *s);
/* The name of an output's directory below STATE/work; into buf, which is returned. */
const char *step_work_name(const struct run_step *s, size_t output, char *buf, size_t len);

/* --- record.c, table.c ------------------------------------------------------------------------------------------------ */

/* Writes the record as things are now. A failure is printed; the run goes on. */
void record_write(struct run *r);
extern const struct sandbox_hooks record_hooks; /* hook_arg: struct run_step */
/* The summary at the end. */
void table_print(const struct run *r);
const char *step_state_name(enum step_state state);

#endif
