/* What one call costs when there is much: ARGUMENT 0 says how much of it (10 to 100,000). One curve a work. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "micro.h"

static void allow_files(long n)
{
	struct rlimit r = { (rlim_t)n + 64, (rlim_t)n + 64 }, had;

	getrlimit(RLIMIT_NOFILE, &had);
	if (had.rlim_cur < r.rlim_cur && setrlimit(RLIMIT_NOFILE, &r) < 0)
		die("RLIMIT_NOFILE");
}

static void do_fds(long n)
{
	static bool grown;
	struct stat st;

	for (long i = grown ? number(0, 10) : 0; i < number(0, 10); i++) {
		if (i == 0)
			allow_files(number(0, 10));
		if (open("/dev/null", O_RDONLY) < 0)
			die("/dev/null");
	}
	grown = true;
	while (n--) {
		int fd = open("/usr/bin/env", O_RDONLY);

		if (fd < 0 || fstat(fd, &st) < 0 || close(fd) < 0)
			die("/usr/bin/env");
	}
}

static void do_dentries(long n)
{
	static bool grown;
	static char dir[64];
	char name[128];
	struct stat st;

	if (!grown) {
		snprintf(dir, sizeof(dir), "/tmp/micro-grow-%d", (int)getpid());
		mkdir(dir, 0700);
		for (long i = 0; i < number(0, 10); i++) {
			snprintf(name, sizeof(name), "%s/%ld", dir, i);
			if (mknod(name, S_IFREG | 0600, 0) < 0)
				die(name);
		}
		grown = true;
	}
	for (long i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%ld", dir, i * 7919 % number(0, 10));
		if (stat(name, &st) < 0)
			die(name);
	}
}

/* Neighbours differ in protection, so that they do not merge. */
static void do_mappings(long n)
{
	static char *area;
	long many = number(0, 10);

	if (!area) {
		area = mmap(NULL, (size_t)many * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (area == MAP_FAILED)
			die("mmap");
		for (long i = 0; i < many; i += 2)
			if (mprotect(area + i * 4096, 4096, PROT_READ | PROT_WRITE) < 0)
				die("mprotect");
	}
	while (n--) {
		void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED || munmap(p, 4096) < 0)
			die("mmap");
	}
}

static void do_tasks(long n)
{
	static bool grown;

	for (long i = grown ? number(0, 10) : 0; i < number(0, 10); i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	}
	grown = true;
	while (n--)
		if (kill(getpid(), 0) < 0)
			die("kill");
}

const struct work grow_works[] = {
	{ "grow-fds", do_fds, "open, fstat, close with ARGUMENT files open" },
	{ "grow-dentries", do_dentries, "stat in a directory of ARGUMENT files" },
	{ "grow-mappings", do_mappings, "mmap and munmap beside ARGUMENT mappings" },
	{ "grow-tasks", do_tasks, "kill(2) of oneself beside ARGUMENT sleeping processes" },
	{ NULL, NULL, NULL },
};
