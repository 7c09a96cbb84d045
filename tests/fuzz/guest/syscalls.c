/*
 * Random, table-typed system calls from several threads of several processes: options and the supervisor, which lives apart from the calls,
 * wakes threads that are stuck, kills processes that stay so, and finds out whether the kernel below still works.
 *
 * Exit status: 0 all is well; 3 a killed process did not go away; 4 something simple does not work any more; 2 bad usage.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define TICK_NS 20000000L
#define STUCK_TICKS 2  /* then a thread gets SIGALRM */
#define DEAD_TICKS 40  /* then its process is killed */
#define REAP_TICKS 750 /* then the kernel has a fault */

struct options options = { .seed = 1, .calls = 2000, .threads = 3, .rounds = 1 };
struct progress (*progress)[THREADS_MAX];
_Atomic int worker_pid[PROCESSES + 8];

static void tick(void) { nanosleep(&(struct timespec){ .tv_nsec = TICK_NS }, NULL); }

/* True when no thread of the process has made a call since the last look. Each that has not is woken. */
static bool wake_stuck(int process, pid_t pid, uint32_t seen[THREADS_MAX], unsigned idle[THREADS_MAX])
{
	bool moved = false;

	for (unsigned i = 0; i < options.threads; i++) {
		struct progress *p = &progress[process][i];
		uint32_t calls = atomic_load(&p->calls);

		idle[i] = calls == seen[i] ? idle[i] + 1 : 0;
		seen[i] = calls;
		moved |= idle[i] == 0;
		if (idle[i] >= STUCK_TICKS && p->tid > 0)
			syscall(SYS_tgkill, pid, p->tid, SIGALRM);
	}
	return !moved;
}

/* Whoever is left of the guests: everybody but this process. */
static void kill_rest(void)
{
	kill(-1, SIGKILL);
	for (int i = 0; i < REAP_TICKS; i++) {
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return;
		tick();
	}
	fprintf(stderr, "fuzz: a killed process does not go away\n");
	exit(3);
}

static void watch(const pid_t pid[PROCESSES])
{
	uint32_t seen[PROCESSES][THREADS_MAX] = { 0 };
	unsigned idle[PROCESSES][THREADS_MAX] = { 0 }, dead[PROCESSES] = { 0 };
	bool over[PROCESSES] = { false };

	for (int left = PROCESSES; left > 0;) {
		pid_t gone;

		tick();
		while ((gone = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
			for (int i = 0; i < PROCESSES; i++)
				if (gone == pid[i]) {
					over[i] = true;
					left--;
				}
		for (int i = 0; i < PROCESSES; i++) {
			if (over[i])
				continue;
			dead[i] = wake_stuck(i, pid[i], seen[i], idle[i]) ? dead[i] + 1 : 0;
			if (dead[i] == DEAD_TICKS)
				kill(pid[i], SIGKILL);
			if (dead[i] == DEAD_TICKS + REAP_TICKS) {
				fprintf(stderr, "fuzz: killed process %d does not end\n", pid[i]);
				exit(3);
			}
		}
	}
}

static uint32_t one_round(uint64_t seed)
{
	pid_t pid[PROCESSES];
	uint32_t calls = 0;

	memset(progress, 0, sizeof(*progress) * PROCESSES);
	for (int i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		if (pid[i] < 0) {
			fprintf(stderr, "fuzz: fork: %m\n");
			exit(4);
		}
		worker_pid[i] = pid[i] ? pid[i] : getpid();
		if (pid[i] == 0)
			worker_main(i, mix(seed, (uint64_t)i));
	}
	watch(pid);
	kill_rest();
	for (int i = 0; i < PROCESSES; i++)
		for (unsigned k = 0; k < options.threads; k++)
			calls += progress[i][k].calls;
	return calls;
}

/* A file, a pipe and a process: what any program needs. */
static void check_alive(void)
{
	int pair[2], status;
	char c = 'x';
	pid_t pid = pipe(pair) ? -1 : fork();

	if (pid == 0)
		_exit(write(pair[1], &c, 1) == 1 && !close(pair[0]) ? 7 : 8);
	if (pid < 0 || read(pair[0], &c, 1) != 1 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7) {
		fprintf(stderr, "fuzz: a pipe to a child does not work any more: %m\n");
		exit(4);
	}
	close(pair[0]);
	close(pair[1]);
}

static void take(int option, const char *value)
{
	switch (option) {
	case 's': options.seed = strtoull(value, NULL, 0); return;
	case 'c': options.calls = (unsigned)strtoul(value, NULL, 0); return;
	case 't': options.threads = (unsigned)strtoul(value, NULL, 0); return;
	case 'r': options.rounds = (unsigned)strtoul(value, NULL, 0); return;
	case 'v': options.verbose = true; return;
	case 'o': {
		static char only[1000];

		snprintf(only, sizeof(only), ",%s,", value);
		options.only = only;
		return;
	}
	default:
		fprintf(stderr, "usage: syscalls [--seed N] [--calls N] [--threads N] [--rounds N] [--verbose] [--only NAME,NAME]\n");
		exit(2);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", 1, NULL, 's' }, { "calls", 1, NULL, 'c' }, { "threads", 1, NULL, 't' }, { "rounds", 1, NULL, 'r' },
		{ "verbose", 0, NULL, 'v' }, { "only", 1, NULL, 'o' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		take(c, optarg);
	/* A fuzzer may exec this program with arguments of its own making. */
	if (argc < 2 || optind < argc || options.threads < 1 || options.threads > THREADS_MAX)
		take('?', NULL);
}

int main(int argc, char **argv)
{
	uint64_t calls = 0;

	parse(argc, argv);
	if (getpid() != 1) {
		fprintf(stderr, "fuzz: it does harm where it runs, and so runs only as a sandbox's first process\n");
		return 2;
	}
	progress = mmap(NULL, sizeof(*progress) * PROCESSES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir("fuzz", 0777);
	if (chdir("fuzz"))
		return 4;
	for (unsigned i = 0; i < options.rounds; i++) {
		pool_make();
		calls += one_round(mix(options.seed, i));
		check_alive();
	}
	printf("seed %lu: %lu calls\n", options.seed, calls);
	return 0;
}
