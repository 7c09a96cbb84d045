/* `picket pipeline check|run`: a file of steps, each in its own sandbox. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/exit_codes.h"
#include "tools/pipeline/pipeline.h"
#include "tools/pipeline/run.h"

static const char pipeline_help[] =
	"Usage: picket pipeline check FILE\n"
	"       picket pipeline run [--state DIR] [--platform auto|seccomp|ptrace] FILE\n\n"
	"check  reads the file and says what is wrong with it, by line and column; starts nothing.\n"
	"run    runs its steps, each in a sandbox of its own, independent ones side by side. What a step leaves in its outputs is sealed by\n"
	"       its hash when the step succeeds; the steps that name it as an input see it read-only and noexec.\n\n"
	"  --state DIR      where sealed outputs and run records are kept (default: $XDG_STATE_HOME/picket, else /var/lib/picket\n"
	"                   for root and ~/.local/state/picket for others)\n"
	"  --platform NAME  how programs are trapped (default: auto; see `picket doctor`)\n";

struct pipeline_options {
	const char *verb, *file, *state;
	int platform;
};

static int parse_platform(const char *name, struct pipeline_options *o, struct failure *f)
{
	for (o->platform = BOOT_PLATFORM_AUTO; o->platform <= BOOT_PLATFORM_PTRACE; o->platform++)
		if (!strcmp(name, boot_platform_name(o->platform)))
			return 0;
	return fail(f, -EINVAL, EXIT_PICKET, "platform '%s' is none of auto, seccomp, ptrace", name);
}

static int parse_options(int argc, char **argv, struct pipeline_options *o, struct failure *f)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "platform", required_argument, NULL, 'p' }, { NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (c == 's')
			o->state = optarg;
		else if (c == 'p' && parse_platform(optarg, o, f))
			return -EINVAL;
		else if (c != 'p')
			return fail(f, -EINVAL, EXIT_PICKET, "%s option '%s': see `picket help pipeline`",
				    c == ':' ? "a value is missing for" : "unknown", argv[optind - 1]);
	}
	if (argc - optind != 2 || (strcmp(argv[optind], "run") != 0 && strcmp(argv[optind], "check") != 0))
		return fail(f, -EINVAL, EXIT_PICKET, "usage: picket pipeline run|check FILE; see `picket help pipeline`");
	o->verb = argv[optind];
	o->file = argv[optind + 1];
	return 0;
}

/* Everything that can be known before the first step is started. */
static int check_all(const struct pipeline *p, struct failure *f)
{
	for (size_t i = 0; i < p->step_count; i++) {
		int err = step_check(p, &p->steps[i], f);

		if (err) {
			f->code = EXIT_BAD_PIPELINE;
			return err;
		}
	}
	return 0;
}

static int run(int argc, char **argv)
{
	struct pipeline_options options = { .platform = BOOT_PLATFORM_AUTO };
	struct pipeline pipeline;
	struct failure f;
	int code = 0;

	if (parse_options(argc, argv, &options, &f) || pipeline_load(options.file, &pipeline, &f))
		return command_fail(&f);
	if (check_all(&pipeline, &f))
		code = command_fail(&f);
	else if (!strcmp(options.verb, "run"))
		code = run_pipeline(&pipeline, options.state, options.platform);
	else
		printf("%s: pipeline %s with %zu steps is in order\n", options.file, pipeline.name, pipeline.step_count);
	pipeline_free(&pipeline);
	return code;
}

const struct command command_pipeline = {
	.name = "pipeline",
	.run = run,
	.summary = "run steps that hand sealed data on, each in a sandbox of its own",
	.help = pipeline_help,
};
