/* One step's life: its plan, its sandbox, its end. See run.h for the states. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "tools/pipeline/run.h"
#include "tools/report.h"
#include "tools/units.h"

/* --- the plan --------------------------------------------------------------------------------------------------------- */

static int plan_command(struct plan *plan, const struct pipeline_step *step, struct failure *f)
{
	size_t n = 0, m = 0;

	while (step->command[n])
		n++;
	while (step->args && step->args[m])
		m++;
	AUTO_FREE char **argv = mem_calloc(n + m + 1, sizeof(char *));
	if (!argv)
		return fail_no_memory(f);
	memcpy(argv, step->command, n * sizeof(char *));
	if (m)
		memcpy(argv + n, step->args, m * sizeof(char *));
	return plan_argv(plan, argv, f);
}

static int plan_step_user(struct plan *plan, const struct pipeline_step *step, struct failure *f)
{
	AUTO_FREE char *user = NULL;

	if (!step->user)
		return 0;
	user = step->group ? mem_printf("%s:%s", step->user, step->group) : mem_strdup(step->user);
	return user ? plan_user(plan, user, f) : fail_no_memory(f);
}

static int plan_environment(struct plan *plan, const struct pipeline_step *step, struct failure *f)
{
	int err = plan_env(plan, geteuid() ? "HOME=/" : "HOME=/root", f);

	if (!err)
		err = plan_step_user(plan, step, f); /* sets HOME; the step's own word comes after it */
	for (size_t i = 0; !err && i < step->env_count; i++)
		err = plan_env(plan, step->env[i], f);
	if (!err && step->cwd)
		err = plan_cwd(plan, step->cwd, f);
	if (!err)
		err = plan_hostname(plan, step->hostname ? step->hostname : step->name, f);
	return err;
}

static int plan_mounts(struct plan *plan, const struct pipeline *p, const struct pipeline_step *step, struct failure *f)
{
	for (size_t i = 0; i < step->mount_count; i++) {
		const struct pipeline_mount *m = &step->mounts[i];
		AUTO_FREE char *source = pipeline_path(p, m->source);
		struct plan_volume v = { .source = source, .target = m->path, .writable = !m->read_only, .exec = m->exec,
					 .cache = BOOT_CACHE_SHARED };

		if (!source)
			return fail_no_memory(f);
		if (plan_volume(plan, &v, f)) {
			char text[sizeof(f->text)];

			snprintf(text, sizeof(text), "%s", f->text);
			return fail(f, -EINVAL, f->code, "%s:%u:%u: step '%s': %.500s", p->path, m->at.line, m->at.column, step->name, text);
		}
	}
	return 0;
}

/* All but inputs and outputs, which exist only while a run is under way. */
static int plan_step(struct plan *plan, const struct pipeline *p, const struct pipeline_step *step, const char *id, struct failure *f)
{
	AUTO_FREE char *rootfs = pipeline_path(p, step->rootfs);
	int err = plan_init(plan, id, f);

	if (!rootfs)
		return fail_no_memory(f);
	if (!err)
		err = plan_rootfs(plan, rootfs, f);
	if (!err)
		err = plan_command(plan, step, f);
	if (!err)
		err = plan_environment(plan, step, f);
	if (!err)
		err = plan_mounts(plan, p, step, f);
	plan->spec.memory_limit = step->memory;
	plan->spec.pid_limit = step->pids;
	plan->spec.report_syscalls = true;
	plan->spec.log_level = BOOT_LOG_INFO;
	return err;
}

int step_check(const struct pipeline *p, const struct pipeline_step *step, struct failure *f)
{
	struct plan plan;
	int err = plan_step(&plan, p, step, "check", f);

	plan_free(&plan);
	return err;
}

static int plan_inputs(struct run_step *s, struct failure *f)
{
	for (size_t i = 0; i < s->step->input_count; i++) {
		const struct pipeline_input *in = &s->step->inputs[i];
		AUTO_FREE char *path = handover_path(&s->run->state, &s->run->steps[in->step].handed[in->output]);
		AUTO_FREE char *label = mem_printf("input %s", in->from);
		struct plan_volume v = { .source = path, .target = in->path, .exec = in->exec, .cache = BOOT_CACHE_IMMUTABLE,
					 .label = label };

		if (!path || !label)
			return fail_no_memory(f);
		int err = plan_volume(&s->plan, &v, f);
		if (err)
			return err;
	}
	return 0;
}

const char *step_work_name(const struct run_step *s, size_t output, char *buf, size_t len)
{
	snprintf(buf, len, "%s.%s", s->step->name, s->step->outputs[output].name);
	return buf;
}

static int plan_outputs(struct run_step *s, struct failure *f)
{
	const struct boot_process *process = &s->plan.spec.process;
	char name[128];

	for (size_t i = 0; i < s->step->output_count; i++) {
		AUTO_FREE char *path = NULL;
		AUTO_FREE char *label = mem_printf("output %s.%s", s->step->name, s->step->outputs[i].name);
		struct plan_volume v = { .target = s->step->outputs[i].path, .writable = true, .cache = BOOT_CACHE_EXCLUSIVE,
					 .label = label };

		if (!label)
			return fail_no_memory(f);
		step_work_name(s, i, name, sizeof(name));
		int err = state_work_dir(&s->run->state, name, process->uid, process->gid, &path, f);
		v.source = path;
		if (!err)
			err = plan_volume(&s->plan, &v, f);
		if (err)
			return err;
	}
	return 0;
}

/* --- running ---------------------------------------------------------------------------------------------------------- */

/* What was sealed is in the store, and what was not is of no use: on a full disk the record needs the room. */
static void remove_work(struct run_step *s)
{
	char name[128];

	for (size_t i = 0; s->planned && i < s->step->output_count; i++)
		state_work_remove(&s->run->state, step_work_name(s, i, name, sizeof(name)));
}

void step_fail(struct run_step *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, args);
	va_end(args);
	s->state = STEP_FAILED;
	s->run->stopping = true;
	remove_work(s);
	if (!s->ended_ns)
		s->ended_ns = host_monotonic_ns();
	printf("%s FAILED: %s\n", s->step->name, s->why);
	for (unsigned int i = 0; lines_kept(&s->err, i); i++)
		printf("%s   stderr: %s\n", s->step->name, lines_kept(&s->err, i));
	fflush(stdout);
}

static int open_log(const struct run_step *s)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.log", s->step->name);
	return openat(s->run->state.log_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int start_sandbox(struct run_step *s, struct failure *f)
{
	AUTO_CLOSE int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int out = -1;
	AUTO_CLOSE int err_fd = -1;
	int err = lines_open(&s->out, s->step->name, &out);

	if (!err)
		err = lines_open(&s->err, s->step->name, &err_fd);
	if (err || in < 0)
		return fail(f, -EMFILE, 0, "cannot make a pipe for its output: %s", strerror(errno));
	struct sandbox_config config = { .spec = &s->plan.spec, .roots = s->plan.root, .root_count = s->plan.root_count,
					 .stdio = { in, out, err_fd }, .log_fd = s->log_fd, .hooks = &record_hooks, .hook_arg = s };
	err = sandbox_create(&config, &s->sandbox, f);
	return err ? err : sandbox_start(s->sandbox, f);
}

void step_start(struct run_step *s)
{
	struct failure f;
	char id[128];

	s->started_ns = host_monotonic_ns();
	s->started_at = host_realtime_ns();
	s->state = STEP_RUNNING;
	s->log_fd = open_log(s);
	snprintf(id, sizeof(id), "%s-%s", s->run->state.run_id, s->step->name);
	int err = plan_step(&s->plan, s->run->pipeline, s->step, id, &f);
	s->planned = true;
	s->plan.spec.platform = s->run->platform;
	if (!err)
		err = plan_inputs(s, &f);
	if (!err)
		err = plan_outputs(s, &f);
	if (!err)
		err = start_sandbox(s, &f);
	if (err) {
		sandbox_destroy(s->sandbox);
		s->sandbox = NULL;
		step_fail(s, "%s", f.text);
		return;
	}
	deadline_set(&s->deadline, s->step->timeout_ns);
	printf("%s started%s%s\n", s->step->name, s->step->timeout_ns ? ", at most " : "",
	       s->step->timeout_ns ? units_format_duration(s->step->timeout_ns, id, sizeof(id)) : "");
	fflush(stdout);
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */

static void *seal_outputs(void *arg)
{
	struct run_step *s = arg;
	char name[128];

	for (size_t i = 0; !s->seal_err && i < s->step->output_count; i++)
		s->seal_err = handover_seal(&s->run->state, step_work_name(s, i, name, sizeof(name)), &s->handed[i], &s->seal_failure);
	eventfd_write(s->seal_event, 1);
	return NULL;
}

static void begin_sealing(struct run_step *s)
{
	s->state = STEP_SEALING;
	s->seal_event = eventfd(0, EFD_CLOEXEC);
	int err = s->seal_event < 0 ? errno : pthread_create(&s->sealer, NULL, seal_outputs, s);
	if (err)
		step_fail(s, "cannot start to seal its outputs: %s", strerror(err));
}

void step_sealed(struct run_step *s)
{
	char time[32], size[32];

	pthread_join(s->sealer, NULL);
	host_close(&s->seal_event);
	if (s->seal_err) {
		step_fail(s, "its output cannot be sealed: %s", s->seal_failure.text);
		return;
	}
	s->state = STEP_DONE;
	remove_work(s);
	printf("%s exit 0 after %s\n", s->step->name, units_format_duration((uint64_t)(s->ended_ns - s->started_ns), time, sizeof(time)));
	for (size_t i = 0; i < s->step->output_count; i++)
		printf("%s handed on %s: %s (%" PRIu64 " files, %s)\n", s->step->name, s->step->outputs[i].name, s->handed[i].hash,
		       s->handed[i].files, units_format_size(s->handed[i].bytes, size, sizeof(size)));
	fflush(stdout);
}

/* The reason of a failure is the first thing that went wrong: a refused exec says more than the exit status it led to. */
static void explain_failure(struct run_step *s)
{
	char text[700], limit[32], more[48] = "";
	size_t refusals = json_array_size(s->denied);

	if (refusals > 1)
		snprintf(more, sizeof(more), " (and %zu more before it)", refusals - 1);
	report_end(&s->end, text, sizeof(text));
	if (s->run->interrupted)
		step_fail(s, "interrupted by signal %d", s->run->interrupted);
	else if (s->end.timed_out)
		step_fail(s, "it did not end within its timeout of %s", units_format_duration(s->step->timeout_ns, limit, sizeof(limit)));
	else if (s->last_denied[0])
		step_fail(s, "%.160s; refused: %.400s%s", text, s->last_denied, more);
	else
		step_fail(s, "%.600s", text);
}

static void conclude(struct run_step *s)
{
	s->ended_ns = host_monotonic_ns();
	s->end = *sandbox_end(s->sandbox);
	s->ran = true;
	sandbox_destroy(s->sandbox); /* now nothing writes any more: neither to the pipes nor to the outputs */
	s->sandbox = NULL;
	lines_close(&s->out);
	lines_close(&s->err);
	host_close(&s->log_fd);
	if (!s->end.timed_out && !s->end.failed && WIFEXITED(s->end.wait_status) && !WEXITSTATUS(s->end.wait_status) &&
	    !s->run->interrupted)
		begin_sealing(s);
	else
		explain_failure(s);
}

void step_poll(struct run_step *s)
{
	lines_take(&s->out);
	lines_take(&s->err);
	sandbox_dispatch(s->sandbox);
	if (sandbox_state(s->sandbox) == SANDBOX_STOPPED || deadline_check(&s->deadline, s->sandbox))
		conclude(s);
}

void step_free(struct run_step *s)
{
	sandbox_destroy(s->sandbox);
	host_close(&s->out.fd);
	host_close(&s->err.fd);
	host_close(&s->log_fd);
	host_close(&s->seal_event);
	if (s->planned)
		plan_free(&s->plan);
	json_decref(s->denied);
	json_decref(s->limits_reached);
	json_decref(s->syscalls);
	mem_free(s->handed);
}
