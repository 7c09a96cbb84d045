/* Whole commands, and scripts that prepare something first. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "micro.h"

/* The command's output is thrown away; what it complains about is not. */
static void command(char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = memfd_create("discarded", 0); /* not /dev/null: runsc would give it away to its user */

		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[0], argv);
		fprintf(stderr, "micro: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	reap(pid);
}

static void do_time(long n)
{
	while (n--)
		command(micro_args);
}

static void script(const char *verb)
{
	char *argv[] = { "/bin/sh", (char *)(uintptr_t)argument(0, ""), (char *)(uintptr_t)verb, (char *)(uintptr_t)argument(1, "/tmp"), NULL };

	command(argv);
}

static void clean(void)
{
	script("clean");
}

/* The setting-up falls into the first, unused batch. */
static void do_script(long n)
{
	static int ready;

	if (!ready) {
		ready = 1;
		atexit(clean);
		script("setup");
	}
	while (n--)
		script("run");
}

const struct work command_works[] = {
	{ "time", do_time, "ARGUMENT..., a whole command" },
	{ "script", do_script, "SCRIPT DIRECTORY: sh SCRIPT run DIRECTORY, after SCRIPT setup DIRECTORY" },
	{ NULL, NULL, NULL },
};
