/* The summary of a run, in columns as wide as what is in them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tools/pipeline/run.h"
#include "tools/units.h"

enum { COL_STEP, COL_STATUS, COL_TIME, COL_MEMORY, COL_PIDS, COL_CALLS, COL_OUTPUT, COLUMNS };

struct row {
	char cell[COLUMNS][96];
};

static const struct row header = { { "STEP", "STATUS", "TIME", "MEMORY", "PIDS", "CALLS", "HANDED ON" } };

static void fill_row(struct row *row, const struct run_step *s)
{
	memset(row, 0, sizeof(*row));
	snprintf(row->cell[COL_STEP], 96, "%s", s->step->name);
	snprintf(row->cell[COL_STATUS], 96, "%s", step_state_name(s->state));
	if (s->ended_ns)
		units_format_duration((uint64_t)(s->ended_ns - s->started_ns), row->cell[COL_TIME], 96);
	if (s->end.has_stats) {
		units_format_size(s->end.stats.memory_peak, row->cell[COL_MEMORY], 96);
		snprintf(row->cell[COL_PIDS], 96, "%" PRIu64, s->end.stats.pids_peak);
		snprintf(row->cell[COL_CALLS], 96, "%" PRIu64, s->end.stats.calls);
	}
	for (size_t i = 0; s->state == STEP_DONE && i < s->step->output_count; i++) {
		char *cell = row->cell[COL_OUTPUT];
		size_t len = strlen(cell);

		snprintf(cell + len, 96 - len, "%s%s %.19s", len ? ", " : "", s->step->outputs[i].name, s->handed[i].hash);
	}
}

static void print_row(const struct row *row, const int width[COLUMNS])
{
	char line[COLUMNS * 100];
	int n = 0;

	for (int c = 0; c < COLUMNS; c++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%-*s%s", width[c], row->cell[c], c + 1 < COLUMNS ? "  " : "");
	while (n > 0 && line[n - 1] == ' ')
		line[--n] = '\0';
	puts(line);
}

void table_print(const struct run *r)
{
	size_t count = r->pipeline->step_count;
	AUTO_FREE struct row *rows = mem_calloc(count, sizeof(*rows));
	int width[COLUMNS];

	if (!rows)
		return;
	for (int c = 0; c < COLUMNS; c++)
		width[c] = (int)strlen(header.cell[c]);
	for (size_t i = 0; i < count; i++) {
		fill_row(&rows[i], &r->steps[i]);
		for (int c = 0; c < COLUMNS; c++)
			if ((int)strlen(rows[i].cell[c]) > width[c])
				width[c] = (int)strlen(rows[i].cell[c]);
	}
	putchar('\n');
	print_row(&header, width);
	for (size_t i = 0; i < count; i++)
		print_row(&rows[i], width);
	for (size_t i = 0; i < count; i++)
		if (r->steps[i].state == STEP_FAILED)
			printf("\nstep '%s' failed: %s\n", r->steps[i].step->name, r->steps[i].why);
	printf("\nrecord: %s/runs/%s.json\n", r->state.path, r->state.run_id);
	fflush(stdout);
}
