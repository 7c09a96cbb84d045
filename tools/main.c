/* The picket command: finds the subcommand and runs it. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tools/command.h"
#include "tools/exit_codes.h"
#include "tools/failure.h"

static const struct command *const commands[] = { &command_do, &command_pipeline, &command_doctor, &command_syscalls,
					  &command_profile };

static const char exit_help[] =
	"\nExit status: the program's own; 128+n when signal n killed it; and of picket itself\n"
	"    1  pipeline run: a step failed           2  pipeline: the file is wrong, nothing was started\n"
	"  123  the sandbox's kernel or gofer died  124  the time limit was reached\n"
	"  125  picket failed before the program    126  the program cannot be run   127  there is no such program\n";

int command_fail(const struct failure *f)
{
	fprintf(stderr, "picket: %s\n", f->text);
	return f->code;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_help(void)
{
	puts("picket runs Linux programs on a kernel of their own.\n\nUsage: picket COMMAND [options]\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	puts("  help       what a command does and takes: picket help COMMAND\n  version    which picket this is");
	fputs(exit_help, stdout);
}

static int help(const char *name)
{
	const struct command *c = name ? find_command(name) : NULL;

	if (!name) {
		print_help();
		return 0;
	}
	if (c) {
		fputs(c->help, stdout);
		fputs(exit_help, stdout);
		return 0;
	}
	fprintf(stderr, "picket: there is no command '%s': see `picket help`\n", name);
	return EXIT_PICKET;
}

static int version(void)
{
	puts("picket " PICKET_VERSION);
	return 0;
}

/* Whoever starts us with 0, 1 or 2 closed must not find a socket of ours there. */
static void fill_stdio(void)
{
	int fd = open("/dev/null", O_RDWR);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = dup(fd);
	if (fd > STDERR_FILENO)
		close(fd);
}

static bool wants_help(int argc, char **argv)
{
	return argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

#ifdef __SANITIZE_ADDRESS__
/*
 * A child gets no environment, and its allowlist no call by which the sanitizer would set a stack for signals aside, look for leaks (it
 * traces its own threads) or read its own binary: addr2line(1) names the places of a report.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0:detect_leaks=0:symbolize=0:allocator_may_return_null=1:detect_stack_use_after_return=0:handle_segv=0:handle_sigbus=0";
}
#endif

int main(int argc, char **argv)
{
	const char *self = argc > 0 ? argv[0] : "";

	if (!strcmp(self, "picket-sentry"))
		return child_sentry();
	if (!strcmp(self, "picket-gofer"))
		return child_gofer();
	fill_stdio();
	if (argc < 2) {
		fprintf(stderr, "picket: which command? See `picket help`\n");
		return EXIT_PICKET;
	}
	if (wants_help(argc, argv) || !strcmp(argv[1], "help"))
		return help(argc > 2 && argv[1][0] != '-' ? argv[2] : NULL);
	if (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version") || !strcmp(argv[1], "-v"))
		return version();
	const struct command *c = find_command(argv[1]);
	if (!c || wants_help(argc - 1, argv + 1))
		return help(argv[1]);
	return c->run(argc - 1, argv + 1);
}
