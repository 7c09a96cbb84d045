/* The life of a sandbox, with the sentry of fake_sentry.c: how each end is told, and that nothing is left after any. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sanitizer.h"
#include "base/mem.h"
#include "tools/deadline.h"
#include "tools/plan.h"
#include "tools/report.h"
#include "tools/sandbox.h"

#define LIMIT_MS 5000

static int denials;

static void on_denied(void *arg, const struct control_denied *d)
{
	char text[1024];

	(void)arg;
	report_denied(d, text, sizeof(text));
	cr_expect(strstr(text, "/data/input/evil") && strstr(text, "input collect.raw") && strstr(text, "noexec"), "%s", text);
	denials++;
}

static const struct sandbox_hooks hooks = { .denied = on_denied };

static struct sandbox *make(const char *verb, const char *number)
{
	char *argv[] = { (char *)(uintptr_t)verb, (char *)(uintptr_t)number, NULL };
	struct sandbox *s = NULL;
	struct failure f = { 0 };
	struct plan p;

	cr_assert(!plan_init(&p, "unit", &f) && !plan_rootfs(&p, "/", &f) && !plan_argv(&p, argv, &f), "%s", f.text);
	struct sandbox_config config = { .spec = &p.spec, .roots = p.root, .root_count = p.root_count, .stdio = { 0, 1, 2 }, .log_fd = 2,
					 .hooks = &hooks };
	cr_assert_eq(sandbox_create(&config, &s, &f), 0, "%s", f.text);
	plan_free(&p);
	return s;
}

static struct sandbox *run(const char *verb, const char *number)
{
	struct sandbox *s = make(verb, number);
	struct failure f;

	/* One that fails at once may be gone before it is asked to start; its end says why in either case. */
	if (sandbox_start(s, &f))
		cr_assert_eq(sandbox_state(s), SANDBOX_STOPPED, "%s", f.text);
	cr_assert_eq(sandbox_wait(s, SANDBOX_STOPPED, LIMIT_MS), 0, "%s did not end", verb);
	return s;
}

static int code_of(const char *verb, const char *number)
{
	struct sandbox *s = run(verb, number);
	int code = sandbox_exit_code(sandbox_end(s));

	sandbox_destroy(s);
	return code;
}

static bool all_gone(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return true;
		usleep(10000);
	}
	return false;
}

TestSuite(sandbox, .timeout = 60, .disabled = UNDER_SANITIZER);

Test(sandbox, ends_are_told_apart)
{
	cr_expect_eq(code_of("exit", "0"), 0);
	cr_expect_eq(code_of("exit", "42"), 42);
	cr_expect_eq(code_of("signal", "11"), 139);
	cr_expect_eq(code_of("missing", NULL), 127);
	cr_expect_eq(code_of("crash", NULL), 123);
	cr_expect_eq(code_of("rubbish", NULL), 123);
	cr_expect_eq(code_of("denied", NULL), 1);
	cr_expect_eq(denials, 1);
	cr_expect_eq(mem_live(), 0);
}

Test(sandbox, start_may_come_after_ready)
{
	struct sandbox *s = make("exit", "3");
	struct failure f;

	cr_assert_eq(sandbox_wait(s, SANDBOX_CREATED, LIMIT_MS), 0);
	cr_assert_eq(sandbox_state(s), SANDBOX_CREATED);
	cr_assert_eq(sandbox_start(s, &f), 0);
	cr_expect_eq(sandbox_start(s, &f), -EALREADY);
	cr_assert_eq(sandbox_wait(s, SANDBOX_STOPPED, LIMIT_MS), 0);
	cr_expect_eq(sandbox_end(s)->stats.memory_peak, 12345);
	sandbox_destroy(s);
}

Test(sandbox, exec_answers_with_a_pid_and_its_end)
{
	struct sandbox *s = make("hang", NULL);
	char *argv[] = { "x", NULL }, *envp[] = { NULL };
	struct boot_process process = { .argv = argv, .envp = envp, .cwd = "/" };
	int stdio[3] = { 0, 1, 2 }, status = 0, pid = 0;
	struct failure f;
	uint32_t seq;

	cr_assert_eq(sandbox_start(s, &f), 0);
	cr_assert_eq(sandbox_exec(s, &process, stdio, &seq, &f), 0);
	for (int i = 0; i < 500 && !sandbox_exited(s, pid, &status); i++) {
		usleep(10000);
		sandbox_dispatch(s);
		pid = sandbox_exec_pid(s, seq, &f);
	}
	cr_expect_eq(pid, 2);
	cr_expect_eq(WEXITSTATUS(status), 7);
	sandbox_signal(s, 0, SIGTERM);
	cr_assert_eq(sandbox_wait(s, SANDBOX_STOPPED, LIMIT_MS), 0);
	cr_expect_eq(sandbox_exit_code(sandbox_end(s)), 128 + SIGTERM);
	sandbox_destroy(s);
}

Test(sandbox, killed_sentry_is_told)
{
	struct sandbox *s = make("fork-hang", NULL);
	struct failure f;

	cr_assert_eq(sandbox_start(s, &f), 0);
	cr_assert_eq(sandbox_wait(s, SANDBOX_RUNNING, LIMIT_MS), 0);
	kill(sandbox_sentry_pid(s), SIGKILL);
	cr_assert_eq(sandbox_wait(s, SANDBOX_STOPPED, LIMIT_MS), 0);
	cr_expect_eq(sandbox_exit_code(sandbox_end(s)), 123);
	cr_expect(strstr(sandbox_end(s)->failure.text, "killed by signal 9"), "%s", sandbox_end(s)->failure.text);
	sandbox_destroy(s);
}

Test(sandbox, a_dead_gofer_ends_the_sandbox)
{
	struct sandbox *s = make("hang", NULL);
	struct failure f;

	cr_assert_eq(sandbox_start(s, &f), 0);
	cr_assert_eq(sandbox_wait(s, SANDBOX_RUNNING, LIMIT_MS), 0);
	kill(sandbox_gofer_pid(s), SIGKILL);
	cr_assert_eq(sandbox_wait(s, SANDBOX_STOPPED, LIMIT_MS), 0);
	cr_expect(strstr(sandbox_end(s)->failure.text, "the gofer died (signal 9)"), "%s", sandbox_end(s)->failure.text);
	pid_t sentry = sandbox_sentry_pid(s);
	sandbox_destroy(s);
	cr_expect(all_gone(sentry));
}

Test(sandbox, stubborn_programs_end_at_their_deadline)
{
	struct sandbox *s = make("stubborn", NULL);
	struct deadline deadline;
	struct failure f;

	cr_assert_eq(sandbox_start(s, &f), 0);
	cr_assert_eq(sandbox_wait(s, SANDBOX_RUNNING, LIMIT_MS), 0);
	deadline_set(&deadline, 1000000);
	usleep(5000);
	cr_expect(!deadline_check(&deadline, s), "SIGTERM comes first");
	sandbox_dispatch(s);
	cr_expect_neq(sandbox_state(s), SANDBOX_STOPPED);
	deadline.at = 1;
	cr_expect(deadline_check(&deadline, s));
	cr_expect_eq(sandbox_exit_code(sandbox_end(s)), 124);
	pid_t pid = sandbox_sentry_pid(s);
	sandbox_destroy(s);
	cr_expect(all_gone(pid));
}

/* kill -9 of the runtime leaves neither sentry nor gofer nor a guest: the pids come over a pipe from the runtime to be killed. */
Test(sandbox, nothing_outlives_a_killed_runtime)
{
	int pipe_fds[2];
	pid_t pids[2];

	cr_assert_eq(pipe(pipe_fds), 0);
	pid_t runtime = fork();
	if (!runtime) {
		struct sandbox *s = make("fork-hang", NULL);
		struct failure f;

		sandbox_start(s, &f);
		sandbox_wait(s, SANDBOX_RUNNING, LIMIT_MS);
		pids[0] = sandbox_sentry_pid(s);
		pids[1] = sandbox_gofer_pid(s);
		(void)!write(pipe_fds[1], pids, sizeof(pids));
		for (;;)
			pause();
	}
	cr_assert_eq(read(pipe_fds[0], pids, sizeof(pids)), sizeof(pids));
	cr_assert_eq(kill(pids[0], 0) | kill(pids[1], 0), 0);
	kill(runtime, SIGKILL);
	waitpid(runtime, NULL, 0);
	cr_expect(all_gone(pids[0]), "the sentry lives on");
	cr_expect(all_gone(pids[1]), "the gofer lives on");
}
