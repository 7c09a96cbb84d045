/* The report of `picket profile`: see profile_report.h. */
#include "tools/profile_report.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sentry/syscalls/table.h"
#include "sentry/trace/names.h"
#include "tools/report.h"

static const char *const kind_names[] = { "refused call", "unsupported argument", "missing file" };

void profile_report_add_calls(struct profile_report *r, const struct control_syscalls *calls)
{
	struct control_syscall_row *grown = mem_realloc(r->row, (r->rows + calls->count) * sizeof(*r->row));

	if (!grown) {
		r->no_memory = true;
		return;
	}
	memcpy(grown + r->rows, calls->row, calls->count * sizeof(*grown));
	r->row = grown;
	r->rows += calls->count;
}

/* The path in a line such as openat(AT_FDCWD, "/proc/1/x", ...); pids differ between here and there, so they become "self". */
static bool host_has(const char *line)
{
	const char *from = strchr(line, '"'), *to = from ? strchr(from + 1, '"') : NULL;
	char path[PATH_MAX];
	int pid, len = 0;

	if (!to || (size_t)(to - from) >= sizeof(path))
		return false;
	snprintf(path, sizeof(path), "%.*s", (int)(to - from - 1), from + 1);
	if (sscanf(path, "/proc/%d%n", &pid, &len) == 1 && len > 0) {
		char rest[PATH_MAX];

		snprintf(rest, sizeof(rest), "%s", path + len);
		snprintf(path, sizeof(path), "/proc/self%.*s", PATH_MAX - 16, rest);
	}
	return access(path, F_OK) == 0;
}

void profile_report_add_gap(struct profile_report *r, const struct control_gap *gap)
{
	struct profile_gap *grown = mem_realloc(r->gap, (r->gaps + 1) * sizeof(*r->gap));

	if (!grown) {
		r->no_memory = true;
		return;
	}
	r->gap = grown;
	r->gap[r->gaps++] = (struct profile_gap){ *gap, gap->kind != CONTROL_GAP_FILE || host_has(gap->text) };
}

static bool failed(const struct profile_report *r)
{
	return r->end.failed || r->end.timed_out || r->end.wait_status != 0;
}

enum profile_verdict profile_report_verdict(const struct profile_report *r)
{
	if (failed(r))
		return PROFILE_FAILS;
	for (size_t i = 0; i < r->gaps; i++)
		if (r->gap[i].on_host)
			return PROFILE_GAPS;
	return PROFILE_WORKS;
}

const struct profile_gap *profile_report_suspect(const struct profile_report *r)
{
	const struct profile_gap *last = NULL;

	for (size_t i = 0; i < r->gaps; i++)
		if (r->gap[i].on_host && (!last || r->gap[i].gap.call > last->gap.call))
			last = &r->gap[i];
	return last;
}

static const char *note_of(const struct control_gap *g)
{
	return g->nr >= 0 && g->nr < LX_NR_COUNT && syscall_row(g->nr)->note ? syscall_row(g->nr)->note : "";
}

static void print_gap(const struct profile_gap *p, FILE *out)
{
	const struct control_gap *g = &p->gap;

	fprintf(out, "  %s: %s\n", kind_names[g->kind], g->text);
	fprintf(out, "      %llu times, first as call %llu, by %s (pid %d)\n", (unsigned long long)g->count, (unsigned long long)g->call,
		g->program, g->pid);
	if (g->kind != CONTROL_GAP_FILE && *note_of(g))
		fprintf(out, "      why: %s\n", note_of(g));
	if (!p->on_host)
		fputs("      this host has no such file either\n", out);
	for (int i = 0; i < CONTROL_GAP_NEXT && *g->next[i]; i++)
		fprintf(out, "      then: %s\n", g->next[i]);
}

static void print_verdict(const struct profile_report *r, FILE *out)
{
	const struct profile_gap *suspect = profile_report_suspect(r);
	char how[700];

	report_end(&r->end, how, sizeof(how));
	switch (profile_report_verdict(r)) {
	case PROFILE_WORKS:
		fputs("verdict: works\n", out);
		return;
	case PROFILE_GAPS:
		fputs("verdict: works with the gaps above\n", out);
		return;
	case PROFILE_FAILS:
		break;
	}
	if (suspect)
		fprintf(out, "verdict: fails (%s) at call %llu or after it: %s\n", how, (unsigned long long)suspect->gap.call, suspect->gap.text);
	else
		fprintf(out, "verdict: fails (%s), and no gap was met: look at what the program says\n", how);
}

static const char *level_of(const char *name, const struct syscall_row **row)
{
	*row = syscall_by_name(name);
	return *row ? syscall_level_name(*row) : "unknown";
}

void profile_report_text(const struct profile_report *r, FILE *out)
{
	const struct syscall_row *row;
	unsigned long long total = 0;

	for (size_t i = 0; i < r->rows; i++)
		total += r->row[i].count;
	fprintf(out, "profile of %s: %llu calls of %zu kinds\n\n", r->argv[0], total, r->rows);
	fprintf(out, "%10s %9s  %-24s %-8s %s\n", "COUNT", "REFUSED", "CALL", "LEVEL", "NOTE");
	for (size_t i = 0; i < r->rows; i++) {
		const char *level = level_of(r->row[i].name, &row);

		fprintf(out, "%10llu %9llu  %-24s %-8s %s\n", (unsigned long long)r->row[i].count, (unsigned long long)r->row[i].refused,
			r->row[i].name, level, row && row->level != SYSCALL_FULL ? row->note : "");
	}
	fprintf(out, "\ngaps: %zu\n", r->gaps);
	for (size_t i = 0; i < r->gaps; i++)
		print_gap(&r->gap[i], out);
	if (r->no_memory)
		fputs("note: memory ran out, some of it is not shown\n", out);
	print_verdict(r, out);
}

static json_t *gap_json(const struct profile_gap *p)
{
	const struct control_gap *g = &p->gap;
	json_t *next = json_array();

	for (int i = 0; i < CONTROL_GAP_NEXT && *g->next[i]; i++)
		json_array_append_new(next, json_string(g->next[i]));
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:s, s:s, s:b, s:o}", "kind", kind_names[g->kind], "call", g->text, "errno",
			 errno_name(-g->err), "count", (json_int_t)g->count, "first", (json_int_t)g->call, "pid", g->pid, "program",
			 g->program, "why", g->kind == CONTROL_GAP_FILE ? "" : note_of(g), "onHost", p->on_host, "next", next);
}

void profile_report_json(const struct profile_report *r, FILE *out)
{
	static const char *const verdicts[] = { "works", "works with gaps", "fails" };
	const struct profile_gap *suspect = profile_report_suspect(r);
	json_t *calls = json_array(), *gaps = json_array(), *argv = json_array(), *all;
	char how[700];

	report_end(&r->end, how, sizeof(how));
	for (char **a = r->argv; *a; a++)
		json_array_append_new(argv, json_string(*a));
	for (size_t i = 0; i < r->rows; i++) {
		const struct syscall_row *row;
		const char *level = level_of(r->row[i].name, &row);

		json_array_append_new(calls, json_pack("{s:s, s:I, s:I, s:s, s:s}", "name", r->row[i].name, "count",
						       (json_int_t)r->row[i].count, "refused", (json_int_t)r->row[i].refused, "level",
						       level, "note", row ? row->note : ""));
	}
	for (size_t i = 0; i < r->gaps; i++)
		json_array_append_new(gaps, gap_json(&r->gap[i]));
	all = json_pack("{s:o, s:s, s:s, s:o, s:o}", "command", argv, "verdict", verdicts[profile_report_verdict(r)], "end", how, "syscalls",
			calls, "gaps", gaps);
	if (profile_report_verdict(r) == PROFILE_FAILS && suspect)
		json_object_set_new(all, "failsAtCall", json_integer((json_int_t)suspect->gap.call));
	json_dumpf(all, out, JSON_INDENT(1));
	fputc('\n', out);
	json_decref(all);
}

void profile_report_free(struct profile_report *r)
{
	mem_free(r->row);
	mem_free(r->gap);
}
