/* picket syscalls: the compatibility report, printed from the call table. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/syscalls/table.h"
#include "sentry/trace/names.h"
#include "tools/command.h"
#include "tools/exit_codes.h"

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

struct options {
	enum format format;
	const char *level; /* only these; NULL: all */
	char **names;      /* only these; none: all */
	int name_count;
};

static bool is_wanted(const struct options *o, const struct syscall_row *row)
{
	if (row->level == SYSCALL_ABSENT || (o->level && strcmp(o->level, syscall_level_name(row)) != 0))
		return false;
	for (int i = 0; i < o->name_count; i++)
		if (strcmp(o->names[i], row->name) == 0)
			return true;
	return o->name_count == 0;
}

static const char *refusal(const struct syscall_row *row)
{
	return row->level == SYSCALL_REFUSED ? errno_name(row->err) : "";
}

static void print_table(const struct options *o)
{
	unsigned count[SYSCALL_FULL + 1] = { 0 }, total = 0;

	printf("%4s  %-24s %-8s %-8s %-10s %s\n", "NR", "NAME", "LEVEL", "CLASS", "ERRNO", "NOTE");
	for (int nr = 0; nr < LX_NR_COUNT; nr++) {
		const struct syscall_row *row = syscall_row(nr);

		if (!is_wanted(o, row))
			continue;
		printf("%4d  %-24s %-8s %-8s %-10s %s\n", nr, row->name, syscall_level_name(row), syscall_class_name(row),
		       refusal(row), row->note);
		count[row->level]++;
		total++;
	}
	printf("%u calls: %u full, %u partial, %u refused\n", total, count[SYSCALL_FULL], count[SYSCALL_PARTIAL],
	       count[SYSCALL_REFUSED]);
}

static json_t *row_json(const struct syscall_row *row)
{
	static const char *const dirs[] = { "value", "in", "out", "inout" };
	json_t *args = json_array();

	for (int i = 0; i < row->nargs; i++)
		json_array_append_new(args, json_pack("{s:s, s:s, s:s}", "name", row->args[i].name, "kind",
						      arg_kind_name(row->args[i].kind), "direction",
						      dirs[arg_kind_dir(row->args[i].kind)]));
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "nr", row->nr, "name", row->name, "level",
			 syscall_level_name(row), "class", syscall_class_name(row), "errno", refusal(row), "note", row->note,
			 "arguments", args);
}

static void print_json(const struct options *o)
{
	json_t *rows = json_array();

	for (int nr = 0; nr < LX_NR_COUNT; nr++)
		if (is_wanted(o, syscall_row(nr)))
			json_array_append_new(rows, row_json(syscall_row(nr)));
	json_dumpf(rows, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(rows);
}

/* RFC 4180: notes have commas; none has a quotation mark or a newline (a unit test holds the table to it). */
static void print_csv(const struct options *o)
{
	puts("nr,name,level,class,errno,note");
	for (int nr = 0; nr < LX_NR_COUNT; nr++) {
		const struct syscall_row *row = syscall_row(nr);

		if (is_wanted(o, row))
			printf("%d,%s,%s,%s,%s,\"%s\"\n", nr, row->name, syscall_level_name(row), syscall_class_name(row),
			       refusal(row), row->note);
	}
}

static bool set_format(struct options *o, const char *name)
{
	static const char *const names[] = { [FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", [FORMAT_CSV] = "csv" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0) {
			o->format = (enum format)i;
			return true;
		}
	return false;
}

static bool set_level(struct options *o, const char *name)
{
	o->level = name;
	return strcmp(name, "full") == 0 || strcmp(name, "partial") == 0 || strcmp(name, "refused") == 0;
}

/* "--name value" or "--name=value": the value, or NULL. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n) != 0)
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	return !argv[*i][n] && *i + 1 < argc ? argv[++*i] : NULL;
}

static int complain(const char *what)
{
	fprintf(stderr, "picket: syscalls: %s: see `picket help syscalls`\n", what);
	return EXIT_PICKET;
}

static int parse(struct options *o, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		const char *value;

		if ((value = value_of("--format", argc, argv, &i))) {
			if (!set_format(o, value))
				return complain("--format is table, json or csv");
		} else if ((value = value_of("--level", argc, argv, &i))) {
			if (!set_level(o, value))
				return complain("--level is full, partial or refused");
		} else {
			return complain(argv[i]);
		}
	}
	o->names = argv + i;
	o->name_count = argc - i;
	for (i = 0; i < o->name_count; i++)
		if (!syscall_by_name(o->names[i]))
			return complain(o->names[i]);
	return 0;
}

static int run(int argc, char **argv)
{
	struct options o = { .format = FORMAT_TABLE };
	int ret = parse(&o, argc, argv);

	if (ret)
		return ret;
	if (o.format == FORMAT_JSON)
		print_json(&o);
	else if (o.format == FORMAT_CSV)
		print_csv(&o);
	else
		print_table(&o);
	return fflush(stdout) == 0 ? 0 : EXIT_PICKET;
}

const struct command command_syscalls = {
	.name = "syscalls",
	.run = run,
	.summary = "which system calls a guest can make, and how far",
	.help = "Usage: picket syscalls [--format table|json|csv] [--level full|partial|refused] [NAME...]\n\n"
		"Lists the system calls of the kernel that picket is, of Linux 6.12 on this architecture: full, partial (what\n"
		"lacks is in the note) or refused (with the errno a program gets, and why).\n",
};
