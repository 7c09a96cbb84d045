/* Sandboxes that stand by themselves: made, asked, signalled, killed and removed by commands that come and go. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sanitizer.h"
#include "base/mem.h"
#include "tools/monitor.h"
#include "tools/plan.h"

static char dir[] = "/tmp/picket-unit-XXXXXX";

static void make_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
	cr_expect_eq(rmdir(dir), 0, "something was left in %s", dir);
}

TestSuite(monitor, .init = make_dir, .fini = remove_dir, .timeout = 30, .disabled = UNDER_SANITIZER);

static int create(const char *id, const char *verb, pid_t *pid, struct failure *f)
{
	char *argv[] = { (char *)(uintptr_t)verb, NULL };
	struct plan p;

	cr_assert(!plan_init(&p, "unit", f) && !plan_rootfs(&p, "/", f) && !plan_argv(&p, argv, f));
	struct sandbox_config config = { .spec = &p.spec, .roots = p.root, .root_count = p.root_count, .stdio = { 0, 1, 2 }, .log_fd = 2 };
	int err = monitor_create(dir, id, &config, "{\"a\":1}", pid, f);
	plan_free(&p);
	return err;
}

static int status_of(const char *id, int *exit_code)
{
	struct monitor_state state;
	struct failure f;

	if (monitor_state(dir, id, &state, &f))
		return -1;
	int status = state.status;
	if (exit_code)
		*exit_code = state.exit_code;
	monitor_state_clear(&state);
	return status;
}

static enum control_type next(int fd, struct control_msg *msg)
{
	char why[256];

	cr_assert_eq(control_recv(fd, 0, msg, why, sizeof(why)), 0, "%s", why);
	return msg->type;
}

Test(monitor, a_life_in_single_commands)
{
	char *argv[] = { "x", NULL }, *envp[] = { NULL };
	struct boot_process process = { .argv = argv, .envp = envp, .cwd = "/" };
	int stdio[3] = { 0, 1, 2 }, status, exit_code;
	struct control_msg msg;
	struct failure f = { 0 };
	pid_t pid;

	cr_assert_eq(create("one", "hang", &pid, &f), 0, "%s", f.text);
	cr_expect_eq(status_of("one", NULL), MONITOR_CREATED);
	cr_expect_eq(create("one", "hang", &pid, &f), -EEXIST);
	cr_expect_eq(monitor_delete(dir, "one", false, &f), -EBUSY);

	int fd = monitor_connect(dir, "one", &f);
	cr_assert_geq(fd, 0, "%s", f.text);
	control_send_start(fd, 5);
	cr_expect(next(fd, &msg) == CONTROL_STARTED && msg.seq == 5 && msg.started.pid == 1);
	cr_expect_eq(status_of("one", NULL), MONITOR_RUNNING);
	control_send_exec(fd, 6, &process, stdio);
	bool started = false, exited = false;
	for (int i = 0; i < 2; i++) { /* in either order */
		next(fd, &msg);
		started |= msg.type == CONTROL_STARTED && msg.seq == 6 && msg.started.pid == 2;
		exited |= msg.type == CONTROL_EXITED && msg.exited.pid == 2 && WEXITSTATUS(msg.exited.wait_status) == 7;
	}
	cr_expect(started && exited);

	int late = monitor_connect(dir, "one", &f);
	cr_expect(next(late, &msg) == CONTROL_EXITED && msg.exited.pid == 2);
	close(late);
	control_send_signal(fd, 7, 0, SIGTERM);
	cr_expect(next(fd, &msg) == CONTROL_DONE && msg.done.err == 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(WEXITSTATUS(status), 128 + SIGTERM, "the monitor's exit is the program's");
	close(fd);
	cr_expect_eq(status_of("one", &exit_code), MONITOR_STOPPED);
	cr_expect_eq(exit_code, 128 + SIGTERM);
	cr_expect_eq(monitor_connect(dir, "one", &f), -ESRCH);
	cr_expect_eq(monitor_delete(dir, "one", false, &f), 0);
	cr_expect_eq(status_of("one", NULL), -1);
	cr_expect_eq(mem_live(), 0);
}

Test(monitor, a_program_that_is_missing_fails_create)
{
	struct failure f = { 0 };
	pid_t pid;

	cr_expect_lt(create("two", "missing", &pid, &f), 0);
	cr_expect_eq(f.code, 127);
	cr_expect(strstr(f.text, "missing"), "%s", f.text);
	cr_expect_eq(status_of("two", NULL), -1);
}

Test(monitor, a_signal_to_its_pid_is_the_programs)
{
	struct failure f = { 0 };
	struct control_msg msg;
	int status;
	pid_t pid;

	cr_assert_eq(create("three", "hang", &pid, &f), 0, "%s", f.text);
	int fd = monitor_connect(dir, "three", &f);
	control_send_start(fd, 1);
	next(fd, &msg);
	kill(pid, SIGUSR1);
	waitpid(pid, &status, 0);
	cr_expect_eq(WEXITSTATUS(status), 128 + SIGUSR1);
	close(fd);
	cr_expect_eq(monitor_delete(dir, "three", false, &f), 0);
}

Test(monitor, a_killed_one_shows_as_stopped)
{
	struct failure f = { 0 };
	int exit_code;
	pid_t pid;

	cr_assert_eq(create("four", "hang", &pid, &f), 0, "%s", f.text);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect_eq(status_of("four", &exit_code), MONITOR_STOPPED);
	cr_expect_eq(exit_code, 137);
	cr_expect_eq(monitor_delete(dir, "four", false, &f), 0);

	cr_assert_eq(create("five", "hang", &pid, &f), 0, "%s", f.text);
	cr_expect_eq(monitor_delete(dir, "five", true, &f), 0);
	waitpid(pid, NULL, 0);
}

Test(monitor, names_stay_in_their_directory)
{
	struct failure f = { 0 };
	pid_t pid;

	cr_expect_eq(create("../x", "hang", &pid, &f), -EINVAL);
	cr_expect_eq(create("", "hang", &pid, &f), -EINVAL);
	cr_expect_eq(status_of("..", NULL), -1);
}
