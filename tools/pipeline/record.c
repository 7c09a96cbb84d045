/* A run's record: JSON that says which step failed and why without digging. Written as a whole at each change. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include "tools/pipeline/run.h"
#include "tools/report.h"

static const char *const state_names[] = { "waiting", "running", "sealing", "succeeded", "failed", "skipped" };

const char *step_state_name(enum step_state state)
{
	return state_names[state];
}

/* --- what is gathered while a step runs ----------------------------------------------------------------------------------- */

static void on_denied(void *arg, const struct control_denied *d)
{
	struct run_step *s = arg;

	report_denied(d, s->last_denied, sizeof(s->last_denied));
	printf("%s refused: %s\n", s->step->name, s->last_denied);
	if (json_array_size(s->denied) < 1000) /* a guest can go on trying for ever */
		json_array_append_new(s->denied, json_pack("{s:s, s:s%, s:s%, s:s%, s:s%, s:i}", "what", control_denied_name(d->what), "file",
							   d->file, strlen(d->file), "mount", d->mount, strlen(d->mount), "rule", d->rule,
							   strlen(d->rule), "program", d->program, strlen(d->program), "pid", d->pid));
}

static void on_limit(void *arg, const struct control_limit *l)
{
	struct run_step *s = arg;
	char text[256];

	report_limit(l, text, sizeof(text));
	printf("%s: %s\n", s->step->name, text);
	if (json_array_size(s->limits_reached) < 100)
		json_array_append_new(s->limits_reached, json_string(text));
}

static void on_syscalls(void *arg, const struct control_syscalls *rows)
{
	struct run_step *s = arg;

	for (uint32_t i = 0; i < rows->count && json_array_size(s->syscalls) < 1000; i++)
		json_array_append_new(s->syscalls, json_pack("{s:s, s:I, s:I}", "name", rows->row[i].name, "count",
							     (json_int_t)rows->row[i].count, "refused", (json_int_t)rows->row[i].refused));
}

const struct sandbox_hooks record_hooks = { .denied = on_denied, .limit = on_limit, .syscalls = on_syscalls };

/* --- the record ------------------------------------------------------------------------------------------------------- */

static json_t *timestamp(int64_t ns)
{
	char text[48];
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (!ns)
		return json_null();
	gmtime_r(&seconds, &tm);
	size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03" PRId64 "Z", ns / 1000000 % 1000);
	return json_string(text);
}

/* Text that a guest or a broken sentry may have put bytes into that are not UTF-8. */
static json_t *safe_string(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("(not UTF-8)");
}

static json_t *strings(char *const *v)
{
	json_t *list = json_array();

	for (size_t i = 0; v && v[i]; i++)
		json_array_append_new(list, safe_string(v[i]));
	return list;
}

static json_t *record_inputs(const struct run_step *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->step->input_count; i++) {
		const struct pipeline_input *in = &s->step->inputs[i];
		const char *hash = s->run->steps[in->step].handed[in->output].hash;

		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s?}", "from", in->from, "mountPath", in->path, "exec", in->exec, "hash",
						      *hash ? hash : NULL));
	}
	return list;
}

static json_t *record_outputs(const struct run_step *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->step->output_count; i++) {
		const struct handover *h = &s->handed[i];
		bool sealed = s->state == STEP_DONE && *h->hash;

		json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:I, s:I}", "name", s->step->outputs[i].name, "mountPath",
						      s->step->outputs[i].path, "hash", sealed ? h->hash : NULL, "files",
						      (json_int_t)(sealed ? h->files : 0), "bytes", (json_int_t)(sealed ? h->bytes : 0)));
	}
	return list;
}

/* A limit of 0 is none. */
static json_t *record_limit(uint64_t limit, uint64_t used)
{
	return json_pack("{s:o, s:I}", "limit", limit ? json_integer((json_int_t)limit) : json_null(), "used", (json_int_t)used);
}

static json_t *record_limits(const struct run_step *s)
{
	const struct control_stats *stats = &s->end.stats;
	uint64_t ms = s->ended_ns ? (uint64_t)(s->ended_ns - s->started_ns) / 1000000 : 0;

	return json_pack("{s:o, s:o, s:o, s:O}", "memoryBytes", record_limit(s->step->memory, stats->memory_peak), "pids",
			 record_limit(s->step->pids, stats->pids_peak), "timeMs", record_limit(s->step->timeout_ns / 1000000, ms), "reached",
			 s->limits_reached);
}

static json_t *record_exit(const struct run_step *s)
{
	char text[700];

	if (!s->ran)
		return json_null();
	report_end(&s->end, text, sizeof(text));
	json_t *exit = json_pack("{s:i, s:o}", "code", sandbox_exit_code(&s->end), "text", safe_string(text));
	if (!s->end.failed && !s->end.timed_out && WIFSIGNALED(s->end.wait_status))
		json_object_set_new(exit, "signal", json_integer(WTERMSIG(s->end.wait_status)));
	return exit;
}

static json_t *record_stderr(const struct run_step *s)
{
	json_t *list = json_array();

	for (unsigned int i = 0; lines_kept(&s->err, i); i++)
		json_array_append_new(list, safe_string(lines_kept(&s->err, i)));
	return list;
}

static json_t *record_step(const struct run_step *s)
{
	const struct pipeline_step *step = s->step;
	json_t *json = json_pack("{s:s, s:s, s:o, s:s, s:o, s:o}", "name", step->name, "status", step_state_name(s->state), "reason",
				 *s->why ? safe_string(s->why) : json_null(), "rootfs", step->rootfs, "command", strings(step->command), "args",
				 strings(step->args));

	json_object_set_new(json, "started", timestamp(s->started_at));
	if (s->planned)
		json_object_set_new(json, "user", json_pack("{s:I, s:I}", "uid", (json_int_t)s->plan.spec.process.uid, "gid",
							    (json_int_t)s->plan.spec.process.gid));
	json_object_set_new(json, "inputs", record_inputs(s));
	json_object_set_new(json, "outputs", record_outputs(s));
	json_object_set_new(json, "exit", record_exit(s));
	json_object_set_new(json, "limits", record_limits(s));
	json_object_set_new(json, "cpuMs", json_integer((json_int_t)(s->end.stats.cpu_ns / 1000000)));
	json_object_set_new(json, "cgroupMemoryPeak", json_integer((json_int_t)s->end.cgroup_memory_peak));
	json_object_set(json, "syscalls", s->syscalls);
	json_object_set(json, "refused", s->denied);
	json_object_set_new(json, "egress", json_array()); /* a step has no network: nothing can be attempted */
	json_object_set_new(json, "stderr", record_stderr(s));
	return json;
}

static const char *run_status(const struct run *r)
{
	if (!r->ended_at)
		return "running";
	if (r->interrupted)
		return "interrupted";
	for (size_t i = 0; i < r->pipeline->step_count; i++)
		if (r->steps[i].state != STEP_DONE)
			return "failed";
	return "succeeded";
}

void record_write(struct run *r)
{
	json_t *steps = json_array();
	struct utsname host;
	struct failure f;

	uname(&host);
	for (size_t i = 0; i < r->pipeline->step_count; i++)
		json_array_append_new(steps, record_step(&r->steps[i]));
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "apiVersion", "picket/v1", "kind", "Run", "id",
				 r->state.run_id, "pipeline", r->pipeline->name, "file", r->pipeline->path, "status", run_status(r),
				 "picket", PICKET_VERSION, "hostKernel", host.release, "started", timestamp(r->started_at), "ended",
				 timestamp(r->ended_at), "steps", steps);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	if (!text)
		fprintf(stderr, "picket: the run record cannot be made: out of memory\n");
	else if (state_write_record(&r->state, text, &f))
		fprintf(stderr, "picket: %s\n", f.text);
	free(text);
	json_decref(json);
}
