/* `picket do`: one program in a sandbox of its own. */
#include <stddef.h>

#include "tools/command.h"
#include "tools/run_one.h"

static const struct sandbox_hooks hooks = { .denied = run_one_denied, .limit = run_one_limit };

static int run(int argc, char **argv)
{
	static const int stdio[3] = { 0, 1, 2 };
	struct do_options options;
	struct failure f;
	int code = do_options_parse(argc, argv, &options, &f) ? command_fail(&f) : run_one(&options, stdio, &hooks, NULL, NULL);

	do_options_free(&options);
	return code;
}

const struct command command_do = {
	.name = "do",
	.run = run,
	.summary = "run one program in a sandbox",
	.help = do_help,
};
