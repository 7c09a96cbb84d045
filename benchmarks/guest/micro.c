/*
 * The micro benchmarks: one kind of work, repeated for a while, printed as nanoseconds an operation. Static, so that the same file runs on
 * the host and in any sandbox. Usage: micro WORK [ARGUMENT...]; `micro` alone lists them.
 *
 * A batch is doubled until it takes BATCH_NS; the first full batch warms up, the best of the following ones is what is printed: on a shared
 * machine the disturbance only ever adds. What varies between runs is seen by the harness, which runs this several times.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "micro.h"

#define BATCH_NS 60000000
#define BATCHES 3

char **micro_args;

int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void die(const char *what)
{
	fprintf(stderr, "micro: %s: %s\n", what, strerror(errno));
	exit(1);
}

const char *argument(int n, const char *fallback)
{
	for (int i = 0; i <= n; i++)
		if (!micro_args[i])
			return fallback;
	return micro_args[n];
}

long number(int n, long fallback)
{
	const char *word = argument(n, NULL);

	return word ? strtol(word, NULL, 10) : fallback;
}

void reap(pid_t pid)
{
	int status;

	if (pid < 0)
		die("fork");
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("child");
}

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

static const struct work *const families[] = { call_works, file_works, ipc_works, grow_works, command_works };

static const struct work *find(const char *name)
{
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++)
		for (const struct work *w = families[f]; w->name; w++)
			if (!strcmp(w->name, name))
				return w;
	return NULL;
}

static int usage(void)
{
	fprintf(stderr, "usage: micro WORK[-all] [ARGUMENT...]; sleep waits for ever; -all: in one process for each CPU at once\n");
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++)
		for (const struct work *w = families[f]; w->name; w++)
			fprintf(stderr, "  %-14s %s\n", w->name, w->what);
	return 2;
}

int main(int argc, char **argv)
{
	const struct work *w;
	char name[64];
	char *all;

	if (argc >= 2 && !strcmp(argv[1], "sleep")) {
		pause();
		return 0;
	}
	signal(SIGCHLD, SIG_DFL);
	snprintf(name, sizeof(name), "%s", argc >= 2 ? argv[1] : "");
	micro_args = argv + (argc >= 2 ? 2 : 1);
	all = strstr(name, "-all");
	if (all)
		*all = '\0';
	w = find(name);
	if (!w)
		return usage();
	printf("%.1f\n", all ? measure_everywhere(w->run) : measure(w->run));
	return 0;
}
