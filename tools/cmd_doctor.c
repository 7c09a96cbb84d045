/* `picket doctor`: what this host allows, what would be used, what to change. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/mem.h"
#include "tools/cgroup.h"
#include "tools/command.h"
#include "tools/exit_codes.h"
#include "tools/failure.h"
#include "tools/probe.h"

static const char doctor_help[] =
	"Usage: picket doctor [--format text|json]\n\n"
	"Tries each thing that picket needs of the host, says which platform and I/O backend would be used, and what to change for the\n"
	"rest. Exits 0 when sandboxes can be made here, 125 when not.\n";

static const char *const need_names[] = { "required", "seccomp platform", "ptrace platform", "io_uring backend", "optional", "unused" };

struct findings {
	int *err; /* of each probe */
	const char *platform; /* NULL: none */
	const char *io;
	const char *quick_calls;
	int cgroups;
	char cgroup_where[1200];
};

/* True when every probe of this need has come out well. */
static bool all_there(const struct findings *f, enum probe_need need)
{
	for (size_t i = 0; i < probe_count; i++)
		if (probes[i].need == need && f->err[i])
			return false;
	return true;
}

/* What `--quick-calls auto` comes to. */
static const char *quick_calls(const struct findings *f)
{
	cpu_set_t cpus;

	if (!f->platform || strcmp(f->platform, "seccomp") != 0)
		return "off: only on the seccomp platform";
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) < 2)
		return "off: there is one CPU";
	return "while a CPU is idle";
}

static int examine(struct findings *f)
{
	f->err = mem_calloc(probe_count, sizeof(int));
	if (!f->err)
		return -ENOMEM;
	for (size_t i = 0; i < probe_count; i++)
		f->err[i] = probe_run(&probes[i]);
	if (all_there(f, PROBE_MUST))
		f->platform = all_there(f, PROBE_SECCOMP) ? "seccomp" : all_there(f, PROBE_PTRACE) ? "ptrace" : NULL;
	f->io = all_there(f, PROBE_RING) ? "io_uring" : "threads";
	f->quick_calls = quick_calls(f);
	f->cgroups = cgroup_probe(f->cgroup_where, sizeof(f->cgroup_where));
	return 0;
}

/* --- text -------------------------------------------------------------------------------------------------------------- */

static void print_probe(const struct probe *p, int err)
{
	if (!err) {
		printf("  yes  %-28s %s\n", p->name, p->use);
		return;
	}
	printf("  no   %-28s %s: %s\n", p->name, need_names[p->need], strerrordesc_np(err));
	if (*p->mend)
		printf("       %-28s to mend: %s\n", "", p->mend);
}

static void print_cgroups(const struct findings *f)
{
	puts("cgroups");
	if (f->cgroups)
		printf("  yes  %-28s %s%s%s in %s\n", "limits kept by the host too", f->cgroups & 1 ? "memory (v1) " : "",
		       f->cgroups & 2 ? "pids (v1) " : "", f->cgroups & 4 ? "v2 " : "", f->cgroup_where);
	else
		printf("  no   %-28s optional: the sentry's own accounting keeps the limits\n       %-28s to mend: delegate a cgroup "
		       "(systemd-run --user --scope -p Delegate=yes)\n", "limits kept by the host too", "");
}

static void print_text(const struct findings *f)
{
	const char *group = "";
	struct utsname host;

	uname(&host);
	printf("host: Linux %s, %s, %ld CPUs, as %s\n", host.release, host.machine, sysconf(_SC_NPROCESSORS_ONLN),
	       geteuid() ? "an ordinary user" : "root");
	for (size_t i = 0; i < probe_count; i++) {
		if (strcmp(group, probes[i].group) != 0)
			puts(probes[i].group);
		group = probes[i].group;
		print_probe(&probes[i], f->err[i]);
	}
	print_cgroups(f);
	printf("\nplatform: %s\ncalls without a trap: %s\nI/O: %s\n",
	       f->platform ? f->platform : "none: what is marked required must be mended first", f->quick_calls, f->io);
}

/* --- JSON -------------------------------------------------------------------------------------------------------------- */

static json_t *probe_json(const struct probe *p, int err)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s?, s:s, s:s?}", "name", p->name, "group", p->group, "need", need_names[p->need], "available",
			 !err, "error", err ? strerrordesc_np(err) : NULL, "use", p->use, "mend", err && *p->mend ? p->mend : NULL);
}

static int print_json(const struct findings *f)
{
	json_t *features = json_array();
	struct utsname host;

	uname(&host);
	for (size_t i = 0; i < probe_count; i++)
		json_array_append_new(features, probe_json(&probes[i], f->err[i]));
	json_t *json = json_pack("{s:s, s:s, s:b, s:s?, s:s, s:s, s:{s:b, s:b, s:b, s:s}, s:o}", "kernel", host.release, "machine", host.machine,
				 "root", geteuid() == 0, "platform", f->platform, "quickCalls", f->quick_calls, "io", f->io, "cgroup", "v1Memory", f->cgroups & 1, "v1Pids",
				 f->cgroups >> 1 & 1, "v2", f->cgroups >> 2 & 1, "path", f->cgroup_where, "features", features);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	if (text)
		puts(text);
	free(text);
	json_decref(json);
	return text ? 0 : -ENOMEM;
}

/* --- the command ---------------------------------------------------------------------------------------------------------- */

static int parse_format(int argc, char **argv, bool *json, struct failure *f)
{
	static const struct option options[] = { { "format", required_argument, NULL, 'f' }, { NULL, 0, NULL, 0 } };
	int c;

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		*json = c == 'f' && !strcmp(optarg, "json");
		if (c != 'f' || (!*json && strcmp(optarg, "text") != 0))
			return fail(f, -EINVAL, EXIT_PICKET, "usage: picket doctor [--format text|json]");
	}
	return optind < argc ? fail(f, -EINVAL, EXIT_PICKET, "'%s': picket doctor takes no arguments", argv[optind]) : 0;
}

static int run(int argc, char **argv)
{
	struct findings found = { .err = NULL };
	struct failure f;
	bool json = false;

	if (parse_format(argc, argv, &json, &f))
		return command_fail(&f);
	int err = examine(&found);
	if (!err && json)
		err = print_json(&found);
	else if (!err)
		print_text(&found);
	mem_free(found.err);
	if (err) {
		fail_no_memory(&f);
		return command_fail(&f);
	}
	return found.platform ? 0 : EXIT_PICKET;
}

const struct command command_doctor = {
	.name = "doctor",
	.run = run,
	.summary = "what this host allows, and what would be used",
	.help = doctor_help,
};
