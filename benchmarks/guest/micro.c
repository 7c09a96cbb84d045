/*
 * The micro benchmarks: one kind of work, repeated for a while, printed as nanoseconds an operation. Static, so that the same file runs on
 * the host and in any sandbox. Usage: micro WORK [ARGUMENT...]; `micro` alone lists them.
 *
 * A batch is doubled until it takes BATCH_NS; the first full batch warms up, the best of the following ones is what is printed: on a shared
 * machine the disturbance only ever adds. What varies between runs is seen by the harness, which runs this several times.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH_NS 60000000
#define BATCHES 3

static char **args;

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "micro: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *argument(int n, const char *fallback)
{
	for (int i = 0; i <= n; i++)
		if (!args[i])
			return fallback;
	return args[n];
}

static void reap(pid_t pid)
{
	int status;

	if (pid < 0)
		die("fork");
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("child");
}

static void do_getppid(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void do_fork(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		reap(pid);
	}
}

static void do_vfork_exec(long n)
{
	char *argv[] = { (char *)(uintptr_t)argument(0, "/bin/true"), NULL };
	char *envp[] = { NULL };

	while (n--) {
		pid_t pid = vfork();

		if (pid == 0) {
			execve(argv[0], argv, envp);
			_exit(127);
		}
		reap(pid);
	}
}

static void do_stat(long n)
{
	const char *path = argument(0, "/usr/bin/env");
	struct stat st;

	while (n--)
		if (stat(path, &st) < 0)
			die(path);
}

static void do_open(long n)
{
	const char *path = argument(0, "/usr/bin/env");

	while (n--) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			die(path);
		close(fd);
	}
}

static void do_read4k(long n)
{
	static int fd = -1;
	static char buf[4096];

	if (fd < 0)
		fd = open(argument(0, "/usr/bin/env"), O_RDONLY | O_CLOEXEC);
	while (n--)
		if (pread(fd, buf, sizeof(buf), 0) <= 0)
			die("pread");
}

static void do_write4k(long n)
{
	static int fd = -1;
	static char buf[4096];

	if (fd < 0) {
		fd = open("/tmp/picket-bench-write", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		unlink("/tmp/picket-bench-write");
	}
	while (n--)
		if (pwrite(fd, buf, sizeof(buf), 0) <= 0)
			die("pwrite");
}

static void do_mmap(long n)
{
	while (n--) {
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			die("mmap");
		p[0] = 1;
		munmap(p, 65536);
	}
}

/* A byte there and back between two processes. */
static void do_pipe(long n)
{
	static int there[2], back[2];
	static pid_t echo;
	char c = 'x';

	if (!echo) {
		if (pipe(there) < 0 || pipe(back) < 0)
			die("pipe");
		echo = fork();
		if (echo == 0) {
			close(there[1]);
			close(back[0]);
			while (read(there[0], &c, 1) == 1)
				if (write(back[1], &c, 1) != 1)
					break;
			_exit(0);
		}
	}
	while (n--)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			die("pipe");
}

static void do_signal_nop(int signo)
{
	(void)signo;
}

static void do_signal(long n)
{
	signal(SIGUSR1, do_signal_nop);
	while (n--)
		raise(SIGUSR1);
}

/* Runs a command, its output thrown away. */
static void do_time(long n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid == 0) {
			int null = memfd_create("discarded", 0); /* not /dev/null: runsc would give it away to its user */

			dup2(null, 0);
			dup2(null, 1);
			execvp(args[0], args);
			fprintf(stderr, "micro: %s: %s\n", args[0], strerror(errno));
			_exit(127);
		}
		reap(pid);
	}
}

static const struct work {
	const char *name;
	void (*run)(long n);
	const char *what;
} works[] = {
	{ "getppid", do_getppid, "getppid by syscall(2)" },
	{ "fork", do_fork, "fork, _exit, waitpid" },
	{ "vfork-exec", do_vfork_exec, "vfork, execve of ARGUMENT, exit, waitpid" },
	{ "stat", do_stat, "stat of a file seen before" },
	{ "open", do_open, "open and close of a file seen before" },
	{ "read4k", do_read4k, "pread of 4 KiB that are in the page cache" },
	{ "write4k", do_write4k, "pwrite of 4 KiB to a file below /tmp" },
	{ "mmap", do_mmap, "mmap 64 KiB, touch a page, munmap" },
	{ "pipe", do_pipe, "a byte through a pipe to another process and back" },
	{ "signal", do_signal, "raise, handler, return" },
	{ "time", do_time, "ARGUMENT..., a whole command" },
};

static double measure(void (*run)(long))
{
	long n = 1;
	double best = 0;
	int64_t took;

	for (;; n *= 2) {
		int64_t start = now();

		run(n);
		took = now() - start;
		if (took >= BATCH_NS)
			break;
	}
	for (int i = 0; i < BATCHES; i++) {
		int64_t start = now();

		run(n);
		took = now() - start;
		if (best == 0 || (double)took / (double)n < best)
			best = (double)took / (double)n;
	}
	return best;
}

/* The same work in one process for each CPU at once, started together, for a fixed time; the mean of an operation. */
static double measure_everywhere(void (*run)(long))
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct shared {
		volatile int ready, go;
		volatile double ns[64];
	} *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double sum = 0;

	if (sh == MAP_FAILED)
		die("mmap");
	if (cpus > 64)
		cpus = 64;
	for (long i = 0; i < cpus; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			int64_t start, end;
			long done = 0;

			__atomic_add_fetch(&sh->ready, 1, __ATOMIC_SEQ_CST);
			while (!sh->go)
				usleep(500);
			run(1000);
			start = now();
			end = start + 4 * BATCH_NS;
			while (now() < end) {
				run(500);
				done += 500;
			}
			sh->ns[i] = (double)(now() - start) / (double)done;
			_exit(0);
		}
	}
	while (sh->ready < cpus)
		usleep(500);
	sh->go = 1;
	while (wait(NULL) > 0)
		;
	for (long i = 0; i < cpus; i++)
		sum += sh->ns[i];
	return sum / (double)cpus;
}

int main(int argc, char **argv)
{
	char name[64];
	char *all;

	if (argc >= 2 && !strcmp(argv[1], "sleep")) {
		pause();
		return 0;
	}
	snprintf(name, sizeof(name), "%s", argc >= 2 ? argv[1] : "");
	args = argv + (argc >= 2 ? 2 : 1);
	all = strstr(name, "-all");
	if (all)
		*all = '\0';
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		if (!strcmp(works[i].name, name)) {
			printf("%.1f\n", all ? measure_everywhere(works[i].run) : measure(works[i].run));
			return 0;
		}
	}
	fprintf(stderr, "usage: micro WORK[-all] [ARGUMENT...]; sleep waits for ever; -all: in one process for each CPU at once\n");
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		fprintf(stderr, "  %-12s %s\n", works[i].name, works[i].what);
	return 2;
}
