/* `picket profile`: runs a workload and says whether picket does all that it asks for. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/exit_codes.h"
#include "tools/profile_report.h"
#include "tools/run_one.h"

static void on_syscalls(void *arg, const struct control_syscalls *calls)
{
	profile_report_add_calls(arg, calls);
}

static void on_gap(void *arg, const struct control_gap *gap)
{
	profile_report_add_gap(arg, gap);
}

static const struct sandbox_hooks hooks = { .denied = run_one_denied, .limit = run_one_limit, .syscalls = on_syscalls, .gap = on_gap };

/* The options of `do` have their value in the next word, unless it is joined by '='; --strace has one only so. */
static bool has_value_word(const char *option)
{
	return !strchr(option, '=') && strcmp(option, "--strace") != 0;
}

/* Takes --format out of the words before the program, so that the rest are options of `do`. 0, or -1: not a format. */
static int take_format(int *argc, char **argv, bool *json)
{
	for (int i = 1; i < *argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]; i += has_value_word(argv[i]) ? 2 : 1) {
		bool joined = strncmp(argv[i], "--format=", 9) == 0;
		const char *value = joined ? argv[i] + 9 : argv[i + 1];
		int words = joined ? 1 : 2;

		if (!joined && strcmp(argv[i], "--format") != 0)
			continue;
		*json = value && strcmp(value, "json") == 0;
		if (!value || (!*json && strcmp(value, "text") != 0))
			return -1;
		memmove(argv + i, argv + i + words, (size_t)(*argc - i - words + 1) * sizeof(*argv));
		*argc -= words;
		return 0;
	}
	return 0;
}

/* The program's own status matters where it could not be run at all: then there is nothing to report. */
static int report(struct profile_report *r, bool json, int code)
{
	static const int codes[] = { [PROFILE_WORKS] = 0, [PROFILE_GAPS] = EXIT_GAPS, [PROFILE_FAILS] = EXIT_FAILS };

	if (!r->rows && r->end.failed)
		return code;
	(json ? profile_report_json : profile_report_text)(r, stdout);
	return fflush(stdout) == 0 ? codes[profile_report_verdict(r)] : EXIT_PICKET;
}

static int run(int argc, char **argv)
{
	/* Standard output is the report's: what the program writes there goes to standard error. */
	static const int stdio[3] = { STDIN_FILENO, STDERR_FILENO, STDERR_FILENO };
	struct profile_report r = { 0 };
	struct do_options options;
	struct failure f;
	bool json = false;
	int code;

	if (take_format(&argc, argv, &json)) {
		fputs("picket: profile: --format is text or json: see `picket help profile`\n", stderr);
		return EXIT_PICKET;
	}
	if (do_options_parse(argc, argv, &options, &f)) {
		code = command_fail(&f);
	} else {
		options.plan.spec.profile = options.plan.spec.report_syscalls = true;
		r.argv = options.plan.spec.process.argv;
		code = run_one(&options, stdio, &hooks, &r, &r.end);
		code = report(&r, json, code);
	}
	profile_report_free(&r);
	do_options_free(&options);
	return code;
}

const struct command command_profile = {
	.name = "profile",
	.run = run,
	.summary = "run a program and say whether picket does all that it asks for",
	.help = "Usage: picket profile [--format text|json] [options of do] [--] CMD ARGS...\n\n"
		"Runs CMD as `picket do` does and reports on standard output: each system call with its count, the calls, arguments and\n"
		"files of /proc, /sys and /dev that CMD asked for in vain, what it did next, and a verdict. What CMD itself writes to\n"
		"standard output goes to standard error.\n\n"
		"Exit status: 0 works; 3 works, with gaps; 4 the program failed (the last gap before its end is named).\n",
};
