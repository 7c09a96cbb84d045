/* A pipeline as its file describes it: steps, what each needs, reads and hands on. */
#ifndef TOOLS_PIPELINE_PIPELINE_H
#define TOOLS_PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/failure.h"
#include "tools/pipeline/yaml_tree.h"

struct pipeline_mount {
	struct yaml_pos at;
	char *source; /* relative to the file's directory */
	char *path;
	bool read_only, exec;
};

struct pipeline_input {
	struct yaml_pos at;
	char *from;   /* "STEP.OUTPUT" */
	char *path;
	bool exec;
	size_t step, output; /* which; set by pipeline_resolve() */
};

struct pipeline_output {
	struct yaml_pos at;
	char *name;
	char *path;
};

struct pipeline_need {
	struct yaml_pos at;
	char *name;
	size_t step; /* set by pipeline_resolve() */
};

struct pipeline_step {
	struct yaml_pos at;
	char *name;
	char *rootfs; /* relative to the file's directory */
	char **command, **args;
	char *cwd, *hostname;
	char **env; /* NAME=VALUE */
	size_t env_count;
	char *user, *group; /* NULL: the caller's */
	uint64_t memory, pids, timeout_ns; /* 0: none */
	struct pipeline_need *needs;
	size_t need_count;
	struct pipeline_mount *mounts;
	size_t mount_count;
	struct pipeline_input *inputs;
	size_t input_count;
	struct pipeline_output *outputs;
	size_t output_count;
};

struct pipeline {
	char *path; /* of the file */
	char *dir;  /* of the file, absolute */
	char *name;
	struct pipeline_step *steps;
	size_t step_count;
};

/* Reads and checks the whole file (pipeline_resolve() included). 0 or a negative errno with the failure set. */
int pipeline_load(const char *path, struct pipeline *out, struct failure *f);
void pipeline_free(struct pipeline *p);

/* Names become indices; unknown names, duplicate ones and cycles are refused. `t` is for messages. */
int pipeline_resolve(struct yaml_tree *t, struct pipeline *p);
/* True when step `a` waits for step `b`, by needs or by an input. */
bool pipeline_waits_for(const struct pipeline *p, size_t a, size_t b);
/* A path of the file, made absolute; mem_free it. */
char *pipeline_path(const struct pipeline *p, const char *path);

#endif
