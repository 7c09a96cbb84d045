/* The pipeline file's format: a table for each mapping. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tools/exit_codes.h"
#include "tools/pipeline/pipeline.h"
#include "tools/volume.h"

#define NAME_MAX_LEN 48

/* Readers of one field: string, number or flag `member` of the struct the mapping is read into. */
#define READER(fn, type, member, reader)                                              \
	static int fn(struct yaml_tree *t, yaml_node_t *node, void *object)           \
	{                                                                             \
		return reader(t, node, &((struct pipeline_##type *)object)->member);  \
	}

/* Names go into paths, messages and "step.output": letters, digits and dashes. */
static int read_name(struct yaml_tree *t, yaml_node_t *node, char **out)
{
	int err = yaml_read_string(t, node, out);

	if (err)
		return err;
	size_t len = strlen(*out);
	if (!len || len > NAME_MAX_LEN || strspn(*out, "abcdefghijklmnopqrstuvwxyz0123456789-") != len || **out == '-')
		return yaml_fail(t, yaml_pos_of(node), "'%s' is no name: 1 to %d of a-z, 0-9 and '-'", *out, NAME_MAX_LEN);
	return 0;
}

static int read_mount_path(struct yaml_tree *t, yaml_node_t *node, char **out)
{
	int err = yaml_read_string(t, node, out);

	if (err)
		return err;
	if (!volume_target_ok(*out) || !(*out)[1])
		return yaml_fail(t, yaml_pos_of(node), "mountPath '%s' must be an absolute path below / without '.' and '..'", *out);
	return 0;
}

/* --- mounts, inputs, outputs --------------------------------------------------------------------------------------------- */

READER(mount_source, mount, source, yaml_read_string)
READER(mount_path, mount, path, read_mount_path)
READER(mount_read_only, mount, read_only, yaml_read_bool)
READER(mount_exec, mount, exec, yaml_read_bool)

static const struct yaml_key mount_keys[] = {
	{ "source", true, mount_source },
	{ "mountPath", true, mount_path },
	{ "readOnly", false, mount_read_only },
	{ "exec", false, mount_exec },
	{ NULL, false, NULL },
};

static int read_mount(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	struct pipeline_mount *m = object;

	m->at = yaml_pos_of(node);
	m->read_only = true;
	return yaml_read_mapping(t, node, "a mount", mount_keys, m);
}

READER(input_from, input, from, yaml_read_string)
READER(input_path, input, path, read_mount_path)
READER(input_exec, input, exec, yaml_read_bool)

static const struct yaml_key input_keys[] = {
	{ "from", true, input_from },
	{ "mountPath", true, input_path },
	{ "exec", false, input_exec },
	{ NULL, false, NULL },
};

static int read_input(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	((struct pipeline_input *)object)->at = yaml_pos_of(node);
	return yaml_read_mapping(t, node, "an input", input_keys, object);
}

READER(output_name, output, name, read_name)
READER(output_path, output, path, read_mount_path)

static const struct yaml_key output_keys[] = {
	{ "name", true, output_name },
	{ "mountPath", true, output_path },
	{ NULL, false, NULL },
};

static int read_output(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	((struct pipeline_output *)object)->at = yaml_pos_of(node);
	return yaml_read_mapping(t, node, "an output", output_keys, object);
}

/* --- a step ---------------------------------------------------------------------------------------------------------- */

static int read_need(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	struct pipeline_need *n = object;

	n->at = yaml_pos_of(node);
	return read_name(t, node, &n->name);
}

#define LIST_READER(fn, what, member, type, item)                                                                      \
	static int fn(struct yaml_tree *t, yaml_node_t *node, void *object)                                            \
	{                                                                                                              \
		struct pipeline_step *s = object;                                                                      \
		void *array = NULL;                                                                                    \
		int err = yaml_read_list(t, node, what, sizeof(struct type), item, &array, &s->member##_count);        \
                                                                                                                       \
		s->member##s = array;                                                                                  \
		return err;                                                                                            \
	}

LIST_READER(step_needs, "needs", need, pipeline_need, read_need)
LIST_READER(step_mounts, "mounts", mount, pipeline_mount, read_mount)
LIST_READER(step_inputs, "inputs", input, pipeline_input, read_input)
LIST_READER(step_outputs, "outputs", output, pipeline_output, read_output)
READER(step_name, step, name, read_name)
READER(step_rootfs, step, rootfs, yaml_read_string)
READER(step_command, step, command, yaml_read_strings)
READER(step_args, step, args, yaml_read_strings)
READER(step_hostname, step, hostname, yaml_read_string)
READER(step_user, step, user, yaml_read_string)
READER(step_group, step, group, yaml_read_string)
READER(step_timeout, step, timeout_ns, yaml_read_duration)
READER(limit_memory, step, memory, yaml_read_size)

static int step_cwd(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	struct pipeline_step *s = object;
	int err = yaml_read_string(t, node, &s->cwd);

	return err || *s->cwd == '/' ? err : yaml_fail(t, yaml_pos_of(node), "workingDir '%s' must be an absolute path", s->cwd);
}

static int limit_pids(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	uint32_t n = 0;
	int err = yaml_read_u32(t, node, &n);

	((struct pipeline_step *)object)->pids = n;
	return err || n ? err : yaml_fail(t, yaml_pos_of(node), "a limit of 0 processes leaves nothing to run");
}

static int add_env(struct yaml_tree *t, const char *key, yaml_node_t *value, void *object)
{
	struct pipeline_step *s = object;
	AUTO_FREE char *text = NULL;
	int err = yaml_read_string(t, value, &text);

	if (err)
		return err;
	if (!*key || strchr(key, '='))
		return yaml_fail(t, yaml_pos_of(value), "'%s' is no name of an environment variable", key);
	char **grown = mem_realloc_array(s->env, s->env_count + 1, sizeof(char *));
	if (!grown)
		return fail_no_memory(t->f);
	s->env = grown;
	grown[s->env_count] = mem_printf("%s=%s", key, text);
	return grown[s->env_count++] ? 0 : fail_no_memory(t->f);
}

static int step_env(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	return yaml_read_pairs(t, node, add_env, object);
}

static const struct yaml_key limit_keys[] = {
	{ "memory", false, limit_memory },
	{ "pids", false, limit_pids },
	{ NULL, false, NULL },
};

static int resources_limits(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	return yaml_read_mapping(t, node, "limits", limit_keys, object);
}

static const struct yaml_key resource_keys[] = {
	{ "limits", true, resources_limits },
	{ NULL, false, NULL },
};

static int step_resources(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	return yaml_read_mapping(t, node, "resources", resource_keys, object);
}

static const struct yaml_key step_keys[] = {
	{ "name", true, step_name },
	{ "needs", false, step_needs },
	{ "rootfs", false, step_rootfs },
	{ "command", true, step_command },
	{ "args", false, step_args },
	{ "workingDir", false, step_cwd },
	{ "hostname", false, step_hostname },
	{ "env", false, step_env },
	{ "mounts", false, step_mounts },
	{ "inputs", false, step_inputs },
	{ "outputs", false, step_outputs },
	{ "runAsUser", false, step_user },
	{ "runAsGroup", false, step_group },
	{ "resources", false, step_resources },
	{ "timeout", false, step_timeout },
	{ NULL, false, NULL },
};

static int read_step(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	struct pipeline_step *s = object;

	s->at = yaml_pos_of(node);
	int err = yaml_read_mapping(t, node, "a step", step_keys, s);
	if (!err && !s->command[0])
		return yaml_fail(t, s->at, "step '%s' has an empty command", s->name);
	if (!err && s->group && !s->user)
		return yaml_fail(t, s->at, "step '%s' has runAsGroup without runAsUser", s->name);
	if (!err && !s->rootfs) {
		s->rootfs = mem_strdup("/");
		return s->rootfs ? 0 : fail_no_memory(t->f);
	}
	return err;
}

/* --- the file -------------------------------------------------------------------------------------------------------- */

static int must_be(struct yaml_tree *t, yaml_node_t *node, const char *wanted)
{
	AUTO_FREE char *text = NULL;
	int err = yaml_read_string(t, node, &text);

	if (!err && strcmp(text, wanted) != 0)
		return yaml_fail(t, yaml_pos_of(node), "'%s' must be %s", text, wanted);
	return err;
}

static int file_version(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	(void)object;
	return must_be(t, node, "picket/v1");
}

static int file_kind(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	(void)object;
	return must_be(t, node, "Pipeline");
}

static int metadata_name(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	return read_name(t, node, &((struct pipeline *)object)->name);
}

static const struct yaml_key metadata_keys[] = { { "name", true, metadata_name }, { NULL, false, NULL } };

static int file_metadata(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	return yaml_read_mapping(t, node, "metadata", metadata_keys, object);
}

static int spec_steps(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	struct pipeline *p = object;
	void *array = NULL;
	int err = yaml_read_list(t, node, "steps", sizeof(struct pipeline_step), read_step, &array, &p->step_count);

	p->steps = array;
	return err || p->step_count ? err : yaml_fail(t, yaml_pos_of(node), "a pipeline without steps");
}

static const struct yaml_key spec_keys[] = { { "steps", true, spec_steps }, { NULL, false, NULL } };

static int file_spec(struct yaml_tree *t, yaml_node_t *node, void *object)
{
	return yaml_read_mapping(t, node, "spec", spec_keys, object);
}

static const struct yaml_key file_keys[] = {
	{ "apiVersion", true, file_version },
	{ "kind", true, file_kind },
	{ "metadata", true, file_metadata },
	{ "spec", true, file_spec },
	{ NULL, false, NULL },
};

static int set_paths(struct pipeline *p, const char *path, struct failure *f)
{
	char full[PATH_MAX];

	if (!realpath(path, full))
		return fail(f, -errno, EXIT_BAD_PIPELINE, "%s: %s", path, strerror(errno));
	p->path = mem_strdup(path);
	*strrchr(full, '/') = '\0';
	p->dir = mem_strdup(full);
	return p->path && p->dir ? 0 : fail_no_memory(f);
}

int pipeline_load(const char *path, struct pipeline *out, struct failure *f)
{
	struct yaml_tree t;

	memset(out, 0, sizeof(*out));
	int err = set_paths(out, path, f);
	if (!err)
		err = yaml_tree_open(&t, path, f);
	if (err)
		goto out;
	err = yaml_read_mapping(&t, yaml_tree_root(&t), "the file", file_keys, out);
	if (!err)
		err = pipeline_resolve(&t, out);
	yaml_tree_close(&t);
out:
	if (err)
		pipeline_free(out);
	return err;
}
