/* The pipeline file: what is refused, with line and column, and the graph. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tools/pipeline/pipeline.h"

#define HEAD "apiVersion: picket/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define STEP(name) "  - name: " name "\n    command: [\"true\"]\n"
#define OUT "    outputs: [{name: raw, mountPath: /o}]\n"

static int load(const char *text, struct pipeline *p, struct failure *f, char path[32])
{
	strcpy(path, "/tmp/picket-unit-XXXXXX");
	int fd = mkstemp(path);

	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	int err = pipeline_load(path, p, f);
	unlink(path);
	return err;
}

struct bad {
	const char *text;
	const char *at;   /* ":LINE:COLUMN:" */
	const char *says;
};

static const struct bad bad_files[] = {
	{ "", ":1:1:", "empty" },
	{ "a: [", ":2:1:", "not YAML" },
	{ "- x\n", ":1:1:", "must be a mapping" },
	{ "apiVersion: picket/v2\n", ":1:13:", "must be picket/v1" },
	{ "kind: Pipeline\n", ":1:1:", "no 'apiVersion'" },
	{ HEAD "  - name: a\n    comand: [\"true\"]\n", ":7:5:", "unknown key 'comand'" },
	{ HEAD "  - name: a\n    name: b\n", ":7:5:", "there twice, first in line 6" },
	{ HEAD "  - name: a\n", ":6:5:", "no 'command'" },
	{ HEAD "  - name: A B\n    command: [x]\n", ":6:11:", "is no name" },
	{ HEAD "  - name: a\n    command: []\n", ":6:5:", "empty command" },
	{ HEAD "  - name: a\n    command: true\n", ":7:14:", "list of strings" },
	{ HEAD STEP("a") STEP("a"), ":8:5:", "'a' is there twice" },
	{ HEAD STEP("a") "    needs: [b]\n", ":8:13:", "no such step" },
	{ HEAD STEP("a") "    inputs: [{from: b.raw, mountPath: /i}]\n", ":8:14:", "no step 'b'" },
	{ HEAD STEP("b") OUT STEP("a") "    inputs: [{from: b.cooked, mountPath: /i}]\n", ":11:14:", "no output 'cooked'" },
	{ HEAD STEP("a") "    inputs: [{from: raw, mountPath: /i}]\n", ":8:14:", "not STEP.OUTPUT" },
	{ HEAD STEP("a") "    needs: [b]\n" STEP("b") "    needs: [a]\n", ":6:5:", "circle: a -> b -> a" },
	{ HEAD STEP("a") "    needs: [a]\n", ":6:5:", "circle: a -> a" },
	{ HEAD STEP("a") "    outputs: [{name: raw, mountPath: data}]\n", ":8:38:", "absolute path" },
	{ HEAD STEP("a") "    outputs: [{name: raw, mountPath: /a}, {name: raw, mountPath: /b}]\n", ":8:43:", "'raw' twice" },
	{ HEAD STEP("a") "    outputs: [{name: x, mountPath: /a}, {name: y, mountPath: /a}]\n", ":8:41:", "at '/a' twice" },
	{ HEAD STEP("a") "    resources: {limits: {memory: 256MB}}\n", ":8:34:", "not a quantity" },
	{ HEAD STEP("a") "    resources: {limits: {pids: 0}}\n", ":8:32:", "0 processes" },
	{ HEAD STEP("a") "    resources: {limits: {cpu: 1}}\n", ":8:26:", "unknown key 'cpu'" },
	{ HEAD STEP("a") "    timeout: soon\n", ":8:14:", "not a duration" },
	{ HEAD STEP("a") "    workingDir: here\n", ":8:17:", "absolute" },
	{ HEAD STEP("a") "    mounts: [{source: x, mountPath: /m, readOnly: yes}]\n", ":8:51:", "true or false" },
	{ HEAD STEP("a") "    env: [x]\n", ":8:10:", "mapping" },
	{ HEAD STEP("a") "    runAsGroup: 5\n", ":6:5:", "runAsGroup without runAsUser" },
	{ "apiVersion: picket/v1\nkind: Pipeline\nmetadata: {name: p}\nspec: {steps: []}\n", ":4:15:", "without steps" },
};

Test(pipeline, bad_files_name_line_and_column)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_files); i++) {
		struct failure f = { 0 };
		struct pipeline p;
		char path[32];

		cr_expect_lt(load(bad_files[i].text, &p, &f, path), 0, "%s", bad_files[i].says);
		cr_expect_eq(f.code, 2);
		cr_expect(!strncmp(f.text, path, strlen(path)) && !strncmp(f.text + strlen(path), bad_files[i].at, strlen(bad_files[i].at)),
			  "%s wanted, got %s", bad_files[i].at, f.text);
		cr_expect(strstr(f.text, bad_files[i].says), "'%s' wanted, got %s", bad_files[i].says, f.text);
		cr_expect_null(strchr(f.text, '\n'));
	}
	cr_expect_eq(mem_live(), 0, "something was not freed");
}

Test(pipeline, the_graph_follows_needs_and_inputs)
{
	struct failure f;
	struct pipeline p;
	char path[32];

	cr_assert_eq(load(HEAD STEP("late") "    needs: [mid]\n" STEP("first") OUT STEP("mid") "    inputs: [{from: first.raw, mountPath: /i}]\n"
			  "    env: {A: b, N: 1}\n    timeout: 60s\n    resources: {limits: {memory: 256Mi, pids: 64}}\n    runAsUser: 1002\n",
			  &p, &f, path), 0, "%s", f.text);
	cr_expect_eq(p.step_count, 3);
	cr_expect(pipeline_waits_for(&p, 0, 2) && pipeline_waits_for(&p, 2, 1) && !pipeline_waits_for(&p, 0, 1) && !pipeline_waits_for(&p, 1, 0));
	const struct pipeline_step *mid = &p.steps[2];
	cr_expect_eq(mid->inputs[0].step, 1);
	cr_expect(!strcmp(mid->env[1], "N=1") && !strcmp(mid->user, "1002") && mid->memory == 256ull << 20 && mid->pids == 64);
	cr_expect_eq(mid->timeout_ns, 60000000000u);
	cr_expect_str_eq(p.dir, "/tmp");
	pipeline_free(&p);
	cr_expect_eq(mem_live(), 0);
}
