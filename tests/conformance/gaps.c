/*
 * Known gaps: checks that fail and are listed with a reason. One that has started to pass, or names a program that is no more, fails
 * the build until its line is removed, so that the list never says more than is true.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "driver.h"

static int parse_line(char *line, struct gap *g)
{
	char *check = strchr(line, ' '), *reason = NULL, *at;

	for (char *p = line; (p = strstr(p, " # ")); p++)
		reason = p;
	if (!check || !reason || check >= reason)
		return -EINVAL;
	*check++ = '\0';
	*reason = '\0';
	reason += 3;
	at = strchr(line, '@');
	if (at)
		*at++ = '\0';
	if (!*line || !*check || !*reason || (at && !*at))
		return -EINVAL;
	*g = (struct gap){ .program = mem_strdup(line), .check = mem_strdup(check), .reason = mem_strdup(reason) };
	if (at)
		g->platform = mem_strdup(at);
	return g->program && g->check && g->reason && (!at || g->platform) ? 0 : -ENOMEM;
}

static int add_line(struct gaps *out, const char *path, int number, char *line)
{
	struct gap *grown = mem_realloc_array(out->at, out->count + 1, sizeof(*grown));
	int err;

	if (!grown)
		return -ENOMEM;
	out->at = grown;
	err = parse_line(line, &out->at[out->count]);
	if (err < 0)
		fprintf(stderr, "%s:%d: not of the form \"PROGRAM[@PLATFORM] CHECK # REASON\"\n", path, number);
	else
		out->count++;
	return err;
}

int gaps_load(const char *path, struct gaps *out)
{
	FILE *f = fopen(path, "re");
	char line[1024], before[1024] = "";
	int err = 0;

	*out = (struct gaps){ 0 };
	if (!f) {
		fprintf(stderr, "%s: %m\n", path);
		return -errno;
	}
	for (int number = 1; !err && fgets(line, sizeof(line), f); number++) {
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (strcmp(before, line) >= 0) {
			fprintf(stderr, "%s:%d: the file is sorted (LC_ALL=C), and this line is not in its place\n", path, number);
			err = -EINVAL;
			break;
		}
		memcpy(before, line, sizeof(before));
		err = add_line(out, path, number, line);
	}
	fclose(f);
	return err;
}

static void apply_to(struct gap *g, struct checks *checks)
{
	bool failed = false, seen = false;

	for (size_t i = 0; i < checks->count; i++) {
		struct check *c = &checks->at[i];

		if (strcmp(g->check, "*") != 0 && strcmp(g->check, c->name) != 0)
			continue;
		seen = true;
		if (c->verdict == CHECK_FAILED) {
			c->known = true;
			failed = true;
		}
	}
	/* A check that does not exist is neither: the stale-line rule is for what passes. */
	if (failed)
		g->failed_somewhere = true;
	else if (seen)
		g->passed_somewhere = true;
}

void gaps_apply(struct gaps *gaps, const char *program, const char *platform, struct checks *checks)
{
	for (size_t i = 0; i < gaps->count; i++) {
		struct gap *g = &gaps->at[i];

		if (strcmp(g->program, program) != 0 || (g->platform && strcmp(g->platform, platform) != 0))
			continue;
		g->program_ran = true;
		apply_to(g, checks);
	}
}

size_t gaps_stale(const struct gaps *gaps, bool all_programs, FILE *to)
{
	size_t stale = 0;

	for (size_t i = 0; i < gaps->count; i++) {
		const struct gap *g = &gaps->at[i];
		const char *what = NULL;

		if (g->passed_somewhere && g->failed_somewhere)
			what = "passes on one platform: name the other in its line (PROGRAM@PLATFORM)";
		else if (g->passed_somewhere)
			what = "passes now: remove its line";
		else if (!g->failed_somewhere && (g->program_ran || all_programs))
			what = "does not exist: remove its line";
		if (!what)
			continue;
		fprintf(to, "known gap %s%s%s %s: %s\n", g->program, g->platform ? "@" : "", g->platform ? g->platform : "", g->check,
			what);
		stale++;
	}
	return stale;
}
