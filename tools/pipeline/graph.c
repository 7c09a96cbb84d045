/* Names to indices, and what may not be in a pipeline's graph: unknown steps and outputs, names twice, paths twice, cycles. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tools/pipeline/pipeline.h"

#define NONE SIZE_MAX

char *pipeline_path(const struct pipeline *p, const char *path)
{
	return *path == '/' ? mem_strdup(path) : mem_printf("%s/%s", p->dir, path);
}

static void free_strings(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		mem_free(v[i]);
	mem_free(v);
}

static void free_step(struct pipeline_step *s)
{
	for (size_t i = 0; i < s->need_count; i++)
		mem_free(s->needs[i].name);
	for (size_t i = 0; i < s->mount_count; i++) {
		mem_free(s->mounts[i].source);
		mem_free(s->mounts[i].path);
	}
	for (size_t i = 0; i < s->input_count; i++) {
		mem_free(s->inputs[i].from);
		mem_free(s->inputs[i].path);
	}
	for (size_t i = 0; i < s->output_count; i++) {
		mem_free(s->outputs[i].name);
		mem_free(s->outputs[i].path);
	}
	for (size_t i = 0; i < s->env_count; i++)
		mem_free(s->env[i]);
	void *owned[] = { s->needs, s->mounts, s->inputs, s->outputs, s->env, s->name, s->rootfs, s->cwd, s->hostname, s->user, s->group };
	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		mem_free(owned[i]);
	free_strings(s->command);
	free_strings(s->args);
}

void pipeline_free(struct pipeline *p)
{
	for (size_t i = 0; i < p->step_count; i++)
		free_step(&p->steps[i]);
	mem_free(p->steps);
	mem_free(p->name);
	mem_free(p->path);
	mem_free(p->dir);
	memset(p, 0, sizeof(*p));
}

static size_t find_step(const struct pipeline *p, const char *name, size_t len)
{
	for (size_t i = 0; i < p->step_count; i++)
		if (strlen(p->steps[i].name) == len && !memcmp(p->steps[i].name, name, len))
			return i;
	return NONE;
}

static int resolve_needs(struct yaml_tree *t, const struct pipeline *p, struct pipeline_step *s)
{
	for (size_t i = 0; i < s->need_count; i++) {
		struct pipeline_need *n = &s->needs[i];

		n->step = find_step(p, n->name, strlen(n->name));
		if (n->step == NONE)
			return yaml_fail(t, n->at, "step '%s' needs '%s', and there is no such step", s->name, n->name);
	}
	return 0;
}

static int resolve_inputs(struct yaml_tree *t, const struct pipeline *p, struct pipeline_step *s)
{
	for (size_t i = 0; i < s->input_count; i++) {
		struct pipeline_input *in = &s->inputs[i];
		const char *dot = strchr(in->from, '.');

		if (!dot)
			return yaml_fail(t, in->at, "input '%s' is not STEP.OUTPUT", in->from);
		in->step = find_step(p, in->from, (size_t)(dot - in->from));
		if (in->step == NONE)
			return yaml_fail(t, in->at, "input '%s': there is no step '%.*s'", in->from, (int)(dot - in->from), in->from);
		const struct pipeline_step *from = &p->steps[in->step];
		for (in->output = 0; in->output < from->output_count; in->output++)
			if (!strcmp(from->outputs[in->output].name, dot + 1))
				break;
		if (in->output == from->output_count)
			return yaml_fail(t, in->at, "input '%s': step '%s' has no output '%s'", in->from, from->name, dot + 1);
	}
	return 0;
}

/* Paths of one step's mounts, inputs and outputs, by number, for the check that none is there twice. */
static const char *path_at(const struct pipeline_step *s, size_t i, struct yaml_pos *at)
{
	if (i < s->mount_count) {
		*at = s->mounts[i].at;
		return s->mounts[i].path;
	}
	i -= s->mount_count;
	if (i < s->input_count) {
		*at = s->inputs[i].at;
		return s->inputs[i].path;
	}
	i -= s->input_count;
	if (i < s->output_count) {
		*at = s->outputs[i].at;
		return s->outputs[i].path;
	}
	return NULL;
}

static int check_paths(struct yaml_tree *t, const struct pipeline_step *s)
{
	struct yaml_pos a, b;

	for (size_t i = 0; path_at(s, i, &a); i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(path_at(s, i, &a), path_at(s, j, &b)))
				return yaml_fail(t, a, "step '%s' mounts something at '%s' twice, first in line %u", s->name,
						 path_at(s, i, &a), b.line);
	return 0;
}

static int check_names(struct yaml_tree *t, const struct pipeline *p, size_t index)
{
	const struct pipeline_step *s = &p->steps[index];
	size_t first = find_step(p, s->name, strlen(s->name));

	if (first != index)
		return yaml_fail(t, s->at, "step name '%s' is there twice, first in line %u", s->name, p->steps[first].at.line);
	for (size_t i = 0; i < s->output_count; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(s->outputs[i].name, s->outputs[j].name))
				return yaml_fail(t, s->outputs[i].at, "step '%s' has output '%s' twice", s->name, s->outputs[i].name);
	return 0;
}

bool pipeline_waits_for(const struct pipeline *p, size_t a, size_t b)
{
	const struct pipeline_step *s = &p->steps[a];

	for (size_t i = 0; i < s->need_count; i++)
		if (s->needs[i].step == b)
			return true;
	for (size_t i = 0; i < s->input_count; i++)
		if (s->inputs[i].step == b)
			return true;
	return false;
}

/* Marks the steps that can be run in some order. The number of those that cannot. */
static size_t mark_runnable(const struct pipeline *p, bool *done)
{
	size_t left = p->step_count;

	for (bool progress = true; left && progress;) {
		progress = false;
		for (size_t i = 0; i < p->step_count; i++) {
			bool ready = !done[i];

			for (size_t j = 0; ready && j < p->step_count; j++)
				ready = done[j] || !pipeline_waits_for(p, i, j);
			if (!ready)
				continue;
			done[i] = progress = true;
			left--;
		}
	}
	return left;
}

/* A step that `at` waits for and that cannot be run: there is one for each step that cannot. */
static size_t next_stuck(const struct pipeline *p, const bool *done, size_t at)
{
	size_t next = 0;

	while (done[next] || !pipeline_waits_for(p, at, next))
		next++;
	return next;
}

/* What remains when every step that waits for nothing has been taken out goes round in circles. */
static int check_cycles(struct yaml_tree *t, const struct pipeline *p)
{
	AUTO_FREE bool *done = mem_calloc(p->step_count, sizeof(bool));
	char text[256];
	size_t at = 0;

	if (!done)
		return fail_no_memory(t->f);
	if (!mark_runnable(p, done))
		return 0;
	while (done[at])
		at++;
	for (size_t moves = 0; moves < p->step_count; moves++) /* after so many moves we are in the circle */
		at = next_stuck(p, done, at);
	size_t start = at;
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", p->steps[at].name);
	do {
		at = next_stuck(p, done, at);
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len, " -> %s", p->steps[at].name);
	} while (at != start);
	return yaml_fail(t, p->steps[start].at, "the steps wait for each other in a circle: %s", text);
}

int pipeline_resolve(struct yaml_tree *t, struct pipeline *p)
{
	int err = 0;

	for (size_t i = 0; !err && i < p->step_count; i++)
		err = check_names(t, p, i);
	for (size_t i = 0; !err && i < p->step_count; i++) {
		err = resolve_needs(t, p, &p->steps[i]);
		if (!err)
			err = resolve_inputs(t, p, &p->steps[i]);
		if (!err)
			err = check_paths(t, &p->steps[i]);
	}
	return err ? err : check_cycles(t, p);
}
