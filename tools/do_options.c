/* `picket do`'s command line: a row an option. */
#include "tools/do_options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "tools/exit_codes.h"
#include "tools/units.h"
#include "tools/volume.h"

const char do_help[] =
	"Usage: picket do [options] [--] CMD ARGS...\n\n"
	"Runs CMD in a sandbox of its own, over a directory that it sees read-only, with a writable layer in memory.\n\n"
	"  --rootfs DIR                    the directory that becomes / (default: the host's /)\n"
	"  --volume SRC:DST[:ro|rw][:exec] a host directory or file at DST; read-only and noexec unless said; may be repeated\n"
	"  --user USER[:GROUP]             numbers, or names of the rootfs (default: the caller's numbers)\n"
	"  --env NAME=VALUE, --env NAME    sets a variable, or hands one on; only PATH, HOME and TERM are there by default\n"
	"  --cwd DIR                       working directory in the sandbox (default: the caller's, or / with --rootfs)\n"
	"  --hostname NAME                 (default: picket)\n"
	"  --memory SIZE                   limit of memory and in-memory files: 256Mi, 2G\n"
	"  --pids N                        limit of processes and threads\n"
	"  --timeout DUR                   SIGTERM after this time (10s, 1m30s), SIGKILL two seconds later\n"
	"  --platform auto|seccomp|ptrace  how the program is trapped (default: auto; see `picket doctor`)\n"
	"  --quick-calls auto|off|force    calls without a trap while a CPU is idle, never, or always (for tests)\n"
	"  --strace[=NAMES]                write each system call, or only the named ones (read,openat), to the log\n"
	"  --log FILE                      append the log there (default: warnings and errors to standard error)\n"
	"  --log-format text|json\n";

/* What options say before the plan can be made: volumes come after the rootfs, names of users are looked up in it. */
struct draft {
	struct do_options *o;
	struct failure *f;
	const char *rootfs, *user, *cwd, *log;
	char *volume[PLAN_ROOTS_MAX];
	size_t volumes;
};

typedef int (*option_fn)(struct draft *d, char *value);

static int opt_rootfs(struct draft *d, char *value)
{
	d->rootfs = value;
	return 0;
}

static int opt_volume(struct draft *d, char *value)
{
	if (d->volumes == ARRAY_LEN(d->volume))
		return fail(d->f, -E2BIG, EXIT_PICKET, "--volume '%s': more than %d volumes", value, PLAN_ROOTS_MAX);
	d->volume[d->volumes++] = value;
	return 0;
}

static int opt_user(struct draft *d, char *value)
{
	d->user = value;
	return 0;
}

static int opt_env(struct draft *d, char *value)
{
	const char *have;

	if (strchr(value, '='))
		return plan_env(&d->o->plan, value, d->f);
	have = getenv(value);
	if (!have)
		return fail(d->f, -EINVAL, EXIT_PICKET, "--env %s: it has no value here to hand on", value);
	AUTO_FREE char *text = mem_printf("%s=%s", value, have);
	return text ? plan_env(&d->o->plan, text, d->f) : fail_no_memory(d->f);
}

static int opt_cwd(struct draft *d, char *value)
{
	d->cwd = value;
	return 0;
}

static int opt_hostname(struct draft *d, char *value)
{
	return plan_hostname(&d->o->plan, value, d->f);
}

static int opt_memory(struct draft *d, char *value)
{
	if (units_parse_size(value, &d->o->plan.spec.memory_limit) || !d->o->plan.spec.memory_limit)
		return fail(d->f, -EINVAL, EXIT_PICKET, "--memory '%s' is not a size such as 256Mi or 2G", value);
	return 0;
}

static int opt_pids(struct draft *d, char *value)
{
	uint32_t n;

	if (units_parse_u32(value, &n) || !n)
		return fail(d->f, -EINVAL, EXIT_PICKET, "--pids '%s' is not a number above 0", value);
	d->o->plan.spec.pid_limit = n;
	return 0;
}

static int opt_timeout(struct draft *d, char *value)
{
	if (units_parse_duration(value, &d->o->timeout_ns))
		return fail(d->f, -EINVAL, EXIT_PICKET, "--timeout '%s' is not a duration such as 10s or 1m30s", value);
	return 0;
}

static int opt_platform(struct draft *d, char *value)
{
	return plan_platform(&d->o->plan, value, d->f);
}

static int opt_quick_calls(struct draft *d, char *value)
{
	return plan_quick_calls(&d->o->plan, value, d->f);
}

static int opt_strace(struct draft *d, char *value)
{
	char ***names = &d->o->plan.spec.strace;
	size_t n = 0;

	*names = mem_calloc((value ? strlen(value) : 0) + 2, sizeof(char *));
	if (!*names)
		return fail_no_memory(d->f);
	while (value && *value) {
		(*names)[n] = mem_strdup(strsep(&value, ","));
		if (!(*names)[n++])
			return fail_no_memory(d->f);
	}
	return 0;
}

static int opt_log(struct draft *d, char *value)
{
	d->log = value;
	return 0;
}

static int opt_log_format(struct draft *d, char *value)
{
	bool json = !strcmp(value, "json");

	d->o->plan.spec.log_format = json ? BOOT_LOG_JSON : BOOT_LOG_TEXT;
	if (!json && strcmp(value, "text") != 0)
		return fail(d->f, -EINVAL, EXIT_PICKET, "--log-format '%s' is neither text nor json", value);
	return 0;
}

/* flag: the option's row; val is not used. */
static const struct option long_options[] = {
	{ "rootfs", required_argument, NULL, 0 },	{ "volume", required_argument, NULL, 0 },
	{ "user", required_argument, NULL, 0 },		{ "env", required_argument, NULL, 0 },
	{ "cwd", required_argument, NULL, 0 },		{ "hostname", required_argument, NULL, 0 },
	{ "memory", required_argument, NULL, 0 },	{ "pids", required_argument, NULL, 0 },
	{ "timeout", required_argument, NULL, 0 },	{ "platform", required_argument, NULL, 0 },
	{ "quick-calls", required_argument, NULL, 0 },	{ "strace", optional_argument, NULL, 0 },
	{ "log", required_argument, NULL, 0 },		{ "log-format", required_argument, NULL, 0 },
	{ NULL, 0, NULL, 0 },
};
static const option_fn option_fns[] = { /* in the order of long_options */
	opt_rootfs, opt_volume, opt_user, opt_env, opt_cwd, opt_hostname, opt_memory,
	opt_pids, opt_timeout, opt_platform, opt_quick_calls, opt_strace, opt_log, opt_log_format,
};
_Static_assert(ARRAY_LEN(option_fns) + 1 == ARRAY_LEN(long_options), "one function an option");

static int parse_options(int argc, char **argv, struct draft *d)
{
	int row, c;

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, "+:", long_options, &row)) != -1) {
		if (c == ':')
			return fail(d->f, -EINVAL, EXIT_PICKET, "option '%s' needs a value: see `picket help do`", argv[optind - 1]);
		if (c == '?')
			return fail(d->f, -EINVAL, EXIT_PICKET, "unknown option '%s': see `picket help do`", argv[optind - 1]);
		int err = option_fns[row](d, optarg);
		if (err)
			return err;
	}
	if (optind >= argc)
		return fail(d->f, -EINVAL, EXIT_PICKET, "which program? Usage: picket do [options] [--] CMD ARGS...");
	return plan_argv(&d->o->plan, argv + optind, d->f);
}

static int plan_volumes(struct draft *d)
{
	for (size_t i = 0; i < d->volumes; i++) {
		struct plan_volume v;
		int err = volume_parse(d->volume[i], &v, d->f);

		if (!err)
			err = plan_volume(&d->o->plan, &v, d->f);
		if (err)
			return err;
	}
	return 0;
}

/* The caller's directory means something only where the caller's root does. */
static int default_cwd(struct draft *d)
{
	char cwd[PATH_MAX];

	if (d->cwd)
		return plan_cwd(&d->o->plan, d->cwd, d->f);
	return d->rootfs || !getcwd(cwd, sizeof(cwd)) ? 0 : plan_cwd(&d->o->plan, cwd, d->f);
}

static int default_env(struct draft *d)
{
	const char *term = getenv("TERM");
	char text[128];
	int err = plan_env(&d->o->plan, geteuid() ? "HOME=/" : "HOME=/root", d->f);

	if (err || !term || strlen(term) > 64)
		return err;
	snprintf(text, sizeof(text), "TERM=%s", term);
	return plan_env(&d->o->plan, text, d->f);
}

static int open_log(struct draft *d)
{
	struct boot_spec *spec = &d->o->plan.spec;

	spec->log_level = d->log || spec->strace ? BOOT_LOG_INFO : BOOT_LOG_WARNING;
	if (!d->log)
		return 0;
	d->o->log_fd = (int)host_ret(open(d->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
	if (d->o->log_fd < 0)
		return fail(d->f, d->o->log_fd, EXIT_PICKET, "cannot open the log '%s': %s", d->log, strerror(-d->o->log_fd));
	return 0;
}

int do_options_parse(int argc, char **argv, struct do_options *out, struct failure *f)
{
	struct draft d = { .o = out, .f = f };
	char id[32];

	out->timeout_ns = 0;
	out->log_fd = -1;
	snprintf(id, sizeof(id), "do-%d", (int)getpid());
	int err = plan_init(&out->plan, id, f);
	if (!err)
		err = default_env(&d);
	if (!err)
		err = parse_options(argc, argv, &d);
	if (!err)
		err = plan_rootfs(&out->plan, d.rootfs ? d.rootfs : "/", f);
	if (!err)
		err = plan_volumes(&d);
	if (!err && d.user)
		err = plan_user(&out->plan, d.user, f);
	if (!err)
		err = default_cwd(&d);
	return err ? err : open_log(&d);
}

void do_options_free(struct do_options *o)
{
	plan_free(&o->plan);
	host_close(&o->log_fd);
}
