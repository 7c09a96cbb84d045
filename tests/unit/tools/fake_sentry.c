/*
 * A sentry that runs nothing, for tests of the sandbox's life: argv of the spec says what it pretends. The test binary is
 * re-executed as it, as picket is: a constructor looks at argv[0] before Criterion does.
 *
 *   exit N | signal N | hang | stubborn (ignores SIGTERM) | crash | rubbish | missing | denied | fork-hang
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sentry/boot/control.h"
#include "tools/confine.h"
#include "tools/spawn.h"

#define GUEST_PID 1

static void finish(int fd, int wait_status)
{
	struct control_exited exited = { .pid = GUEST_PID, .wait_status = wait_status, .usage = { .user_ns = 1000, .max_rss = 4096 } };
	struct control_stats stats = { .memory_peak = 12345, .pids_peak = 1 };

	control_send_exited(fd, &exited);
	control_send_end(fd, &stats);
	exit(0);
}

static void send_denied(int fd)
{
	struct control_denied denied = { .what = CONTROL_DENIED_EXEC, .pid = GUEST_PID };

	strcpy(denied.program, "python3");
	strcpy(denied.file, "/data/input/evil");
	strcpy(denied.mount, "input collect.raw");
	strcpy(denied.rule, "noexec");
	control_send_denied(fd, &denied);
}

static void act(int fd, const struct boot_spec *spec)
{
	const char *verb = spec->process.argv[0];
	int number = spec->process.argv[1] ? atoi(spec->process.argv[1]) : 0;

	if (!strcmp(verb, "exit"))
		finish(fd, number << 8);
	else if (!strcmp(verb, "signal"))
		finish(fd, number);
	else if (!strcmp(verb, "crash"))
		raise(SIGSEGV), _exit(99); /* an init ignores its own raise of a signal without handler */
	else if (!strcmp(verb, "rubbish"))
		(void)!write(fd, "rubbish", 7);
	else if (!strcmp(verb, "denied"))
		send_denied(fd), finish(fd, 1 << 8);
	else if (!strcmp(verb, "fork-hang") && !fork())
		for (;;)
			pause();
}

int fake_sentry(int fd);
int fake_sentry(int fd)
{
	struct boot_spec *spec = NULL;
	struct control_msg msg;
	char why[256];

	while (!control_recv(fd, 0, &msg, why, sizeof(why))) {
		switch (msg.type) {
		case CONTROL_BOOT:
			spec = msg.spec;
			msg.spec = NULL;
			if (!strcmp(spec->process.argv[0], "missing")) {
				control_send_failed(fd, msg.seq, -ENOENT, CONTROL_STAGE_EXEC, "'missing' is not in the PATH of the sandbox");
				return 1;
			}
			control_send_ready(fd, msg.seq);
			break;
		case CONTROL_START:
			control_send_started(fd, msg.seq, GUEST_PID);
			act(fd, spec);
			break;
		case CONTROL_EXEC:
			control_send_started(fd, msg.seq, GUEST_PID + 1);
			control_send_exited(fd, &(struct control_exited){ .pid = GUEST_PID + 1, .wait_status = 7 << 8 });
			break;
		case CONTROL_SIGNAL:
			control_send_done(fd, msg.seq, 0);
			if (strcmp(spec->process.argv[0], "stubborn") != 0 && msg.signal.signo != SIGCONT)
				finish(fd, msg.signal.signo);
			break;
		default:
			break;
		}
		if (msg.type == CONTROL_BOOT)
			msg.spec = NULL;
		control_msg_free(&msg);
	}
	return 0;
}

__attribute__((constructor)) static void become_sandbox_process(int argc, char **argv)
{
	const char *what;

	if (argc < 1)
		return;
	if (!strcmp(argv[0], "picket-sentry"))
		_exit(confine_sentry(SPAWN_CONTROL_FD, &what) ? 98 : fake_sentry(SPAWN_CONTROL_FD));
	if (!strcmp(argv[0], "picket-gofer")) {
		char byte;
		int err = confine_gofer(SPAWN_CONTROL_FD, &what);

		while (!err && read(SPAWN_CONTROL_FD, &byte, 1) > 0) /* the configuration, then silence until the runtime dies */
			;
		_exit(err ? 98 : 0);
	}
}
