/* `picket do`: one program in a sandbox of its own. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tools/command.h"
#include "tools/deadline.h"
#include "tools/do_options.h"
#include "tools/exit_codes.h"
#include "tools/report.h"
#include "tools/runtime_filter.h"
#include "tools/terminal.h"
#include "tools/units.h"

static void on_denied(void *arg, const struct control_denied *denied)
{
	char text[1024];

	(void)arg;
	report_denied(denied, text, sizeof(text));
	fprintf(stderr, "picket: refused: %s\n", text);
}

static void on_limit(void *arg, const struct control_limit *limit)
{
	char text[256];

	(void)arg;
	report_limit(limit, text, sizeof(text));
	fprintf(stderr, "picket: %s\n", text);
}

static const struct sandbox_hooks hooks = { .denied = on_denied, .limit = on_limit };

/* Until the sandbox has stopped, or its time is up. */
static void watch(struct sandbox *s, struct terminal *t, uint64_t timeout_ns)
{
	struct deadline deadline;

	deadline_set(&deadline, timeout_ns);
	for (sandbox_dispatch(s); sandbox_state(s) != SANDBOX_STOPPED; sandbox_dispatch(s)) {
		struct pollfd fds[2] = { { .fd = sandbox_fd(s), .events = POLLIN }, { .fd = t->signal_fd, .events = POLLIN } };

		if (poll(fds, 2, deadline_wait_ms(&deadline)) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			terminal_forward(t, s);
		if (deadline_check(&deadline, s))
			return;
	}
}

static int conclude(const struct do_options *o, const struct sandbox_end *end)
{
	char limit[32];

	if (end->timed_out)
		fprintf(stderr, "picket: %s: the time limit of %s was reached\n", o->plan.spec.process.argv[0],
			units_format_duration(o->timeout_ns, limit, sizeof(limit)));
	else if (end->failed)
		return command_fail(&end->failure);
	return sandbox_exit_code(end);
}

static int run_sandbox(struct do_options *o, struct terminal *t, struct failure *f)
{
	struct sandbox_config config = { .spec = &o->plan.spec, .roots = o->plan.root, .root_count = o->plan.root_count,
					 .stdio = { 0, 1, 2 }, .log_fd = o->log_fd >= 0 ? o->log_fd : STDERR_FILENO, .hooks = &hooks };
	struct sandbox *s;

	o->plan.spec.process.terminal = t->is_tty;
	if (sandbox_create(&config, &s, f))
		return command_fail(f);
	terminal_resize(t, s);
	if (!sandbox_start(s, f)) {
		runtime_filter_install(sandbox_cgroup(s) != NULL);
		watch(s, t, o->timeout_ns);
	}
	int code = conclude(o, sandbox_end(s));
	sandbox_destroy(s);
	return code;
}

static int run(int argc, char **argv)
{
	struct do_options options;
	struct terminal terminal;
	struct failure f;
	int code;

	if (do_options_parse(argc, argv, &options, &f)) {
		code = command_fail(&f);
	} else {
		log_setup(options.log_fd >= 0 ? options.log_fd : STDERR_FILENO, (enum log_format)options.plan.spec.log_format,
			  (enum log_level)options.plan.spec.log_level, "picket");
		terminal_begin(&terminal);
		code = run_sandbox(&options, &terminal, &f);
		terminal_end(&terminal);
	}
	do_options_free(&options);
	return code;
}

const struct command command_do = {
	.name = "do",
	.run = run,
	.summary = "run one program in a sandbox",
	.help = do_help,
};
