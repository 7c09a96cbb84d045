/* The runner: starts what can be started, waits for all that is under way, ends. See run.h. */
#include "tools/pipeline/run.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "tools/exit_codes.h"
#include "tools/command.h"

#define FDS_PER_STEP 4

static size_t cpu_count(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (size_t)CPU_COUNT(&cpus);
}

static size_t count_steps(const struct run *r, enum step_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < r->pipeline->step_count; i++)
		n += r->steps[i].state == state;
	return n;
}

static bool can_start(const struct run *r, size_t index)
{
	for (size_t i = 0; i < r->pipeline->step_count; i++)
		if (pipeline_waits_for(r->pipeline, index, i) && r->steps[i].state != STEP_DONE)
			return false;
	return r->steps[index].state == STEP_WAITING;
}

static void start_ready(struct run *r)
{
	size_t cpus = cpu_count();

	for (size_t i = 0; i < r->pipeline->step_count && !r->stopping; i++)
		if (can_start(r, i) && count_steps(r, STEP_RUNNING) < cpus)
			step_start(&r->steps[i]);
}

/* --- waiting ----------------------------------------------------------------------------------------------------------- */

static size_t add_fd(struct pollfd *fds, size_t n, int fd)
{
	fds[n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return n + (fd >= 0);
}

/* What to wait for, and for how long at most. */
static size_t gather(const struct run *r, struct pollfd *fds, int *timeout)
{
	size_t n = add_fd(fds, 0, r->signal_fd);

	*timeout = -1;
	for (size_t i = 0; i < r->pipeline->step_count; i++) {
		const struct run_step *s = &r->steps[i];

		if (s->state == STEP_SEALING)
			n = add_fd(fds, n, s->seal_event);
		if (s->state != STEP_RUNNING)
			continue;
		n = add_fd(fds, n, sandbox_fd(s->sandbox));
		n = add_fd(fds, n, s->out.fd);
		n = add_fd(fds, n, s->err.fd);
		int left = deadline_wait_ms(&s->deadline);
		if (left >= 0 && (*timeout < 0 || left < *timeout))
			*timeout = left;
	}
	return n;
}

static bool is_readable(const struct pollfd *fds, size_t n, int fd)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i].fd == fd)
			return fds[i].revents;
	return false;
}

static void take_signals(struct run *r)
{
	struct signalfd_siginfo info;

	while (HOST_RETRY(read(r->signal_fd, &info, sizeof(info))) == sizeof(info)) {
		r->interrupted = (int)info.ssi_signo;
		r->stopping = true;
		for (size_t i = 0; i < r->pipeline->step_count; i++) {
			if (r->steps[i].state != STEP_RUNNING)
				continue;
			sandbox_signal(r->steps[i].sandbox, -1, SIGTERM);
			r->steps[i].deadline = (struct deadline){ .at = host_monotonic_ns() + DEADLINE_GRACE_NS, .asked = true };
		}
	}
}

/* One round: waits, and moves each step on. True when a step changed its state. */
static bool turn(struct run *r, struct pollfd *fds)
{
	bool changed = false;
	int timeout;
	size_t n = gather(r, fds, &timeout);

	if (poll(fds, n, timeout) < 0)
		return false;
	take_signals(r);
	for (size_t i = 0; i < r->pipeline->step_count; i++) {
		struct run_step *s = &r->steps[i];
		enum step_state before = s->state;

		if (s->state == STEP_RUNNING)
			step_poll(s);
		else if (s->state == STEP_SEALING && is_readable(fds, n, s->seal_event))
			step_sealed(s);
		changed |= s->state != before;
	}
	return changed;
}

static void skip_rest(struct run *r)
{
	for (size_t i = 0; i < r->pipeline->step_count; i++) {
		struct run_step *s = &r->steps[i];

		if (s->state != STEP_WAITING)
			continue;
		s->state = STEP_SKIPPED;
		snprintf(s->why, sizeof(s->why), r->interrupted ? "the run was interrupted" : "an earlier step failed");
	}
}

static void run_all(struct run *r, struct pollfd *fds)
{
	start_ready(r);
	record_write(r);
	while (count_steps(r, STEP_RUNNING) + count_steps(r, STEP_SEALING)) {
		if (!turn(r, fds))
			continue;
		start_ready(r);
		record_write(r);
	}
	skip_rest(r);
	r->ended_at = host_realtime_ns();
	record_write(r);
}

/* --- from the first to the last ------------------------------------------------------------------------------------------ */

static int make_steps(struct run *r)
{
	const struct pipeline *p = r->pipeline;

	r->steps = mem_calloc(p->step_count, sizeof(*r->steps));
	if (!r->steps)
		return -ENOMEM;
	for (size_t i = 0; i < p->step_count; i++) {
		struct run_step *s = &r->steps[i];

		s->run = r;
		s->step = &p->steps[i];
		s->out.fd = s->err.fd = s->log_fd = s->seal_event = -1;
		s->denied = json_array();
		s->limits_reached = json_array();
		s->syscalls = json_array();
		s->handed = mem_calloc(s->step->output_count + 1, sizeof(*s->handed));
		if (!s->handed)
			return -ENOMEM;
	}
	return 0;
}

static void free_steps(struct run *r)
{
	for (size_t i = 0; r->steps && i < r->pipeline->step_count; i++)
		if (r->steps[i].run)
			step_free(&r->steps[i]);
	mem_free(r->steps);
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int conclude(const struct run *r)
{
	table_print(r);
	if (r->interrupted)
		return EXIT_SIGNAL_BASE + r->interrupted;
	return count_steps(r, STEP_DONE) == r->pipeline->step_count ? 0 : EXIT_STEP_FAILED;
}

int run_pipeline(const struct pipeline *p, const char *state_dir, int platform)
{
	struct run r = { .pipeline = p, .platform = platform, .started_at = host_realtime_ns() };
	struct failure f;
	int code = EXIT_PICKET;

	if (state_open(&r.state, state_dir, &f))
		return command_fail(&f);
	AUTO_FREE struct pollfd *fds = mem_calloc(p->step_count * FDS_PER_STEP + 1, sizeof(*fds));
	r.signal_fd = catch_signals();
	if (fds && !make_steps(&r)) {
		printf("pipeline %s, run %s: %zu steps\n", p->name, r.state.run_id, p->step_count);
		run_all(&r, fds);
		code = conclude(&r);
	}
	free_steps(&r);
	host_close(&r.signal_fd);
	state_close(&r.state);
	return code;
}
