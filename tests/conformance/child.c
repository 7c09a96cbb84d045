/*
 * One program, run to its end under a minder: a forked process that is the subreaper of whatever the program starts, so that it can
 * enforce the time limit and kill what is left. Between fork and exec or _exit only async-signal-safe calls are made: the driver has threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "driver.h"

#define OUTPUT_MAX (4 << 20)

/* What the minder tells the driver through a pipe. */
struct verdict_msg {
	int wait_status, timed_out, left_behind;
};

static void exec_program(char *const argv[], int out, int err)
{
	/* Whoever started the driver may have had signals ignored (a shell's background job, nohup): a program starts with none. */
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(125);
	close_range(3, ~0U, 0);
	execv(argv[0], argv);
	_exit(127);
}

/* Kills every child, and theirs as they come to us, until there is none. The number that were still alive. */
static int kill_leftovers(void)
{
	int killed = 0;

	for (;;) {
		char list[4096];
		int fd = open("/proc/thread-self/children", O_RDONLY);
		ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof(list) - 1);

		if (fd >= 0)
			close(fd);
		list[n > 0 ? n : 0] = '\0';
		for (char *p = list, *end; *p; p = end) {
			long pid = strtol(p, &end, 10);

			if (end == p)
				break;
			/* A zombie is nobody's fault but its parent's, which is gone. */
			if (waitpid((pid_t)pid, NULL, WNOHANG | __WALL) == 0 && kill((pid_t)pid, SIGKILL) == 0) {
				killed++;
				waitpid((pid_t)pid, NULL, __WALL);
			}
			if (*end == ' ')
				end++;
		}
		if (waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD)
			return killed;
	}
}

/* Reaps whatever ends, orphans too, until the program itself has; true when it did within the time. */
static bool wait_for(pid_t pid, int timeout_s, int *status)
{
	int64_t deadline = host_monotonic_ns() + (int64_t)timeout_s * 1000000000;
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		int64_t left = deadline - host_monotonic_ns();
		struct timespec ts = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
		int some;
		pid_t got;

		while ((got = waitpid(-1, &some, WNOHANG | __WALL)) > 0) {
			if (got == pid) {
				*status = some;
				return true;
			}
		}
		if (left <= 0)
			return false;
		sigtimedwait(&chld, NULL, &ts);
	}
}

static _Noreturn void mind(char *const argv[], int timeout_s, int out, int err, int report)
{
	struct verdict_msg msg = { 0 };
	sigset_t chld;
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	pid = fork();
	if (pid == 0)
		exec_program(argv, out, err);
	close(out);
	if (pid < 0)
		_exit(1);
	msg.timed_out = !wait_for(pid, timeout_s, &msg.wait_status);
	if (msg.timed_out) {
		kill(pid, SIGKILL);
		waitpid(pid, &msg.wait_status, 0);
	}
	/* What a sandbox takes down on its own, it may take a moment for. */
	if (!msg.timed_out && waitpid(-1, NULL, WNOHANG | __WALL) == 0)
		usleep(100000);
	msg.left_behind = kill_leftovers();
	(void)host_write_full(report, &msg, sizeof(msg));
	_exit(0);
}

/* Everything up to the end of the stream, or NULL. Bytes past the limit are dropped. */
static char *read_all(int fd)
{
	char *text = NULL;
	size_t used = 0, room = 0;

	for (;;) {
		char dropped[4096];
		int64_t n;

		if (used + 1 >= room && room < OUTPUT_MAX) {
			size_t more = room ? room * 2 : 16384;
			char *grown = mem_realloc(text, more);

			if (!grown)
				break;
			text = grown;
			room = more;
		}
		if (used + 1 < room)
			n = HOST_RETRY(read(fd, text + used, room - used - 1));
		else
			n = HOST_RETRY(read(fd, dropped, sizeof(dropped)));
		if (n <= 0)
			break;
		if (used + 1 < room)
			used += (size_t)n;
	}
	if (text)
		text[used] = '\0';
	return text;
}

int child_run(char *const argv[], int timeout_s, struct child_result *res)
{
	int out[2], report[2];
	AUTO_CLOSE int err = memfd_create("stderr", MFD_CLOEXEC);
	int64_t start = host_monotonic_ns();
	struct verdict_msg msg;
	pid_t minder;

	*res = (struct child_result){ 0 };
	if (err < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(report, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return -errno;
	}
	minder = fork();
	if (minder == 0)
		mind(argv, timeout_s, out[1], err, report[1]);
	close(out[1]);
	close(report[1]);
	if (minder > 0) {
		res->out = read_all(out[0]);
		waitpid(minder, NULL, 0);
		lseek(err, 0, SEEK_SET);
		res->err = read_all(err);
	}
	close(out[0]);
	if (minder < 0 || host_read_full(report[0], &msg, sizeof(msg)) < 0 || !res->out || !res->err) {
		close(report[0]);
		child_result_free(res);
		return -EIO;
	}
	close(report[0]);
	res->wait_status = msg.wait_status;
	res->timed_out = msg.timed_out;
	res->left_behind = msg.left_behind;
	res->seconds = (double)(host_monotonic_ns() - start) / 1e9;
	return 0;
}

void child_result_free(struct child_result *res)
{
	mem_free(res->out);
	mem_free(res->err);
	*res = (struct child_result){ 0 };
}
