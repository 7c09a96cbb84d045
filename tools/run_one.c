/* One program in a sandbox of its own: see run_one.h. */
#include "tools/run_one.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tools/command.h"
#include "tools/deadline.h"
#include "tools/report.h"
#include "tools/runtime_filter.h"
#include "tools/terminal.h"
#include "tools/units.h"

void run_one_denied(void *arg, const struct control_denied *denied)
{
	char text[1024];

	(void)arg;
	report_denied(denied, text, sizeof(text));
	fprintf(stderr, "picket: refused: %s\n", text);
}

void run_one_limit(void *arg, const struct control_limit *limit)
{
	char text[256];

	(void)arg;
	report_limit(limit, text, sizeof(text));
	fprintf(stderr, "picket: %s\n", text);
}

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

static int run_sandbox(struct do_options *o, struct sandbox_config *config, struct terminal *t, struct sandbox_end *end)
{
	struct failure f;
	struct sandbox *s;

	o->plan.spec.process.terminal = t->is_tty;
	if (sandbox_create(config, &s, &f))
		return command_fail(&f);
	terminal_resize(t, s);
	if (!sandbox_start(s, &f)) {
		runtime_filter_install(sandbox_cgroup(s) != NULL);
		watch(s, t, o->timeout_ns);
	}
	int code = conclude(o, sandbox_end(s));

	if (end)
		*end = *sandbox_end(s);
	sandbox_destroy(s);
	return code;
}

int run_one(struct do_options *o, const int stdio[3], const struct sandbox_hooks *hooks, void *hook_arg, struct sandbox_end *end)
{
	struct sandbox_config config = { .spec = &o->plan.spec, .roots = o->plan.root, .root_count = o->plan.root_count,
					 .stdio = { stdio[0], stdio[1], stdio[2] },
					 .log_fd = o->log_fd >= 0 ? o->log_fd : STDERR_FILENO, .hooks = hooks, .hook_arg = hook_arg };
	struct terminal terminal;

	if (end)
		*end = (struct sandbox_end){ .failed = true };
	log_setup(config.log_fd, (enum log_format)o->plan.spec.log_format, (enum log_level)o->plan.spec.log_level, "picket");
	terminal_begin(&terminal);
	int code = run_sandbox(o, &config, &terminal, end);
	terminal_end(&terminal);
	return code;
}
