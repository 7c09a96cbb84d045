/* picket-conformance: options, and the loop over programs and platforms. See driver.h. */
#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "driver.h"

#define JOBS_MAX 64
#define SECCOMP_QUICK "seccomp-quick" /* not a platform of its own to picket */

struct driver {
	/* immutable after the options are read */
	const char *picket, *programs, *gaps_path;
	const char *filter[32];
	size_t filters;
	const char *platform[1 + PLATFORMS_MAX]; /* [0] is the host */
	size_t platforms;
	enum format format;
	int timeout_s, jobs;
	/* protected by lock */
	pthread_mutex_t lock;
	struct program *program;
	size_t count, next, reported;
	struct gaps gaps;
};

static const char usage[] =
	"usage: picket-conformance [OPTIONS]\n"
	"Runs small test programs on the host and then in picket sandboxes, and says where the two differ.\n"
	"  --picket PATH      the binary to test (default: picket beside this one)\n"
	"  --programs DIR     where the test programs are (default: conformance/ beside this one)\n"
	"  --platform NAME    seccomp, ptrace, seccomp-quick (each call that can be without a trap), or host (native runs\n"
	"                     only); may be repeated; default: seccomp and ptrace\n"
	"  --filter TEXT      only programs whose path contains TEXT; may be repeated\n"
	"  --format FORMAT    text, tap or junit\n"
	"  --gaps FILE        known gaps: failures that are expected, one a line\n"
	"  --timeout SECONDS  for each run of a program (default 30)\n"
	"  --jobs N           programs at once (default: one per CPU)\n"
	"Exit status: 0 all passed, 1 something failed, 2 bad usage.\n";

/* `name` beside this binary, or where make put it. */
static char *beside(const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	return mem_printf("%.*s/%s", slash ? (int)(slash - self) : 0, self, name);
}

static bool selected(const struct driver *d, const char *name)
{
	for (size_t i = 0; i < d->filters; i++)
		if (strstr(name, d->filter[i]))
			return true;
	return d->filters == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_program(struct driver *d, const char *path, const char *name)
{
	struct program *grown = mem_realloc_array(d->program, d->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	d->program = grown;
	d->program[d->count] = (struct program){ .name = mem_strdup(name), .path = mem_strdup(path) };
	if (!d->program[d->count].name || !d->program[d->count].path)
		return -ENOMEM;
	d->count++;
	return 0;
}

static int find_programs(struct driver *d)
{
	char *const top[] = { (char *)(uintptr_t)d->programs, NULL };
	size_t prefix = strlen(d->programs) + 1;
	FTS *walk = fts_open(top, FTS_PHYSICAL, by_name);
	FTSENT *e;
	int err = walk ? 0 : -errno;

	while (!err && (e = fts_read(walk)))
		if (e->fts_info == FTS_F && (e->fts_statp->st_mode & 0111) && selected(d, e->fts_path + prefix))
			err = add_program(d, e->fts_path, e->fts_path + prefix);
	if (walk)
		fts_close(walk);
	return err;
}

static int run_host(const struct driver *d, const struct program *p, struct child_result *res)
{
	char *const argv[] = { p->path, NULL };

	return child_run(argv, d->timeout_s, res);
}

static int run_inside(const struct driver *d, const struct program *p, const char *platform, struct child_result *res)
{
	AUTO_FREE char *volume = mem_printf("%s:%s:ro:exec", d->programs, d->programs);
	bool quick = !strcmp(platform, SECCOMP_QUICK);
	char *const argv[] = { (char *)(uintptr_t)d->picket, "do", "--platform", quick ? "seccomp" : (char *)(uintptr_t)platform,
			       "--quick-calls", quick ? "force" : "auto", "--volume", volume, "--", p->path, NULL };

	return volume ? child_run(argv, d->timeout_s, res) : -ENOMEM;
}

static void run_one(const struct driver *d, struct program *p, size_t k)
{
	struct run *run = &p->run[k];
	struct child_result res;
	char why[100];
	int err = k == HOST ? run_host(d, p, &res) : run_inside(d, p, d->platform[k], &res);

	run->made = true;
	if (!err)
		err = tap_parse(&res, &run->checks);
	if (!err && k != HOST)
		err = checks_compare(&p->run[HOST].checks, &run->checks);
	if (err) {
		snprintf(why, sizeof(why), "the driver could not run it: %s", strerror(-err));
		checks_add(&run->checks, "(whole program)", CHECK_FAILED, why);
	}
	run->seconds = res.seconds;
	run->err = res.err;
	res.err = NULL;
	child_result_free(&res);
}

/* Called with the lock held. Programs finish in any order and are printed in theirs. */
static void report_ready(struct driver *d)
{
	while (d->reported < d->count && d->program[d->reported].done) {
		if (d->format == FORMAT_TEXT)
			report_program(&d->program[d->reported], d->platform, d->platforms);
		d->reported++;
	}
}

static void *worker(void *arg)
{
	struct driver *d = arg;

	for (;;) {
		struct program *p = NULL;

		pthread_mutex_lock(&d->lock);
		if (d->next < d->count)
			p = &d->program[d->next++];
		pthread_mutex_unlock(&d->lock);
		if (!p)
			return NULL;
		for (size_t k = 0; k < d->platforms; k++)
			run_one(d, p, k);
		pthread_mutex_lock(&d->lock);
		for (size_t k = HOST + 1; k < d->platforms; k++)
			gaps_apply(&d->gaps, p->name, d->platform[k], &p->run[k].checks);
		p->done = true;
		report_ready(d);
		pthread_mutex_unlock(&d->lock);
	}
}

static void run_all(struct driver *d)
{
	pthread_t t[JOBS_MAX];
	int started = 0;

	while (started < d->jobs && pthread_create(&t[started], NULL, worker, d) == 0)
		started++;
	if (started == 0)
		worker(d);
	while (started > 0)
		pthread_join(t[--started], NULL);
}

static int finish(struct driver *d)
{
	struct totals t = totals_of(d->program, d->count, d->platforms);

	if (d->platforms > 1)
		t.failed += gaps_stale(&d->gaps, d->filters == 0 && d->platforms > 2, d->format == FORMAT_TEXT ? stdout : stderr);
	if (d->count == 0)
		t.failed++;
	if (d->format != FORMAT_TEXT) {
		report_all(d->format, d->program, d->count, d->platform, d->platforms);
		return t.failed ? 1 : 0;
	}
	if (d->count == 0)
		printf("no programs under %s\n", d->programs);
	printf("%zu programs, %zu known gaps, %zu skipped (the host has not what they test)\n", d->count, t.known, t.skipped);
	printf("conformance: %zu passed, %zu failed\n", t.passed, t.failed);
	return t.failed ? 1 : 0;
}

static int add_platform(struct driver *d, const char *name)
{
	static const char *const known[] = { "seccomp", "ptrace", SECCOMP_QUICK };

	if (!strcmp(name, "host"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!strcmp(name, known[i]) && d->platforms <= PLATFORMS_MAX) {
			d->platform[d->platforms++] = known[i];
			return 0;
		}
	}
	fprintf(stderr, "picket-conformance: no platform \"%s\": seccomp, ptrace, seccomp-quick or host\n", name);
	return -EINVAL;
}

static int parse_format(struct driver *d, const char *name)
{
	static const char *const names[] = { [FORMAT_TEXT] = "text", [FORMAT_TAP] = "tap", [FORMAT_JUNIT] = "junit" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!strcmp(name, names[i])) {
			d->format = (enum format)i;
			return 0;
		}
	}
	fprintf(stderr, "picket-conformance: no format \"%s\": text, tap or junit\n", name);
	return -EINVAL;
}

static int parse_number(const char *text, int max, int *out)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || end == text || n < 1 || n > max) {
		fprintf(stderr, "picket-conformance: \"%s\" is not a number from 1 to %d\n", text, max);
		return -EINVAL;
	}
	*out = (int)n;
	return 0;
}

static int take_option(struct driver *d, int option, const char *value, bool *chosen)
{
	switch (option) {
	case 'p': d->picket = value; return 0;
	case 'd': d->programs = value; return 0;
	case 'g': d->gaps_path = value; return 0;
	case 'f':
		if (d->filters == ARRAY_LEN(d->filter))
			return -EINVAL;
		d->filter[d->filters++] = value;
		return 0;
	case 'P': *chosen = true; return add_platform(d, value);
	case 'F': return parse_format(d, value);
	case 't': return parse_number(value, 3600, &d->timeout_s);
	case 'j': return parse_number(value, JOBS_MAX, &d->jobs);
	default: return -EINVAL;
	}
}

static int parse_options(struct driver *d, int argc, char **argv)
{
	static const struct option options[] = {
		{ "picket", required_argument, NULL, 'p' },   { "programs", required_argument, NULL, 'd' },
		{ "platform", required_argument, NULL, 'P' }, { "filter", required_argument, NULL, 'f' },
		{ "format", required_argument, NULL, 'F' },   { "gaps", required_argument, NULL, 'g' },
		{ "timeout", required_argument, NULL, 't' },  { "jobs", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },	      { 0 },
	};
	bool chosen = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (take_option(d, c, optarg, &chosen) < 0)
			return -EINVAL;
	}
	if (optind < argc) {
		fprintf(stderr, "picket-conformance: \"%s\" is not an option\n", argv[optind]);
		return -EINVAL;
	}
	if (!chosen) {
		add_platform(d, "seccomp");
		add_platform(d, "ptrace");
	}
	return 0;
}

static char *real_path(const char *given, const char *fallback)
{
	AUTO_FREE char *here = given ? NULL : beside(fallback);
	const char *path = given ? given : here;
	char real[PATH_MAX];

	if (path && realpath(path, real))
		return mem_strdup(real);
	fprintf(stderr, "picket-conformance: %s: %m\n", path ? path : fallback);
	return NULL;
}

int main(int argc, char **argv)
{
	struct driver d = { .timeout_s = 30, .lock = PTHREAD_MUTEX_INITIALIZER, .platform = { "host" }, .platforms = 1 };

	d.jobs = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (d.jobs < 1 || d.jobs > JOBS_MAX)
		d.jobs = d.jobs < 1 ? 1 : JOBS_MAX;
	if (parse_options(&d, argc, argv) < 0)
		return 2;
	d.programs = real_path(d.programs, "conformance");
	d.picket = d.platforms > 1 ? real_path(d.picket, "picket") : "";
	if (!d.programs || !d.picket)
		return 2;
	if (d.gaps_path && gaps_load(d.gaps_path, &d.gaps) < 0)
		return 2;
	if (find_programs(&d) < 0) {
		fprintf(stderr, "picket-conformance: %s: %m\n", d.programs);
		return 2;
	}
	run_all(&d);
	return finish(&d);
}
