/* Typed reading of a YAML document: see yaml_tree.h. libyaml parses; what is allowed where is decided here. */
#include "tools/pipeline/yaml_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tools/exit_codes.h"
#include "tools/units.h"

struct yaml_pos yaml_pos_of(const yaml_node_t *node)
{
	return (struct yaml_pos){ (unsigned int)node->start_mark.line + 1, (unsigned int)node->start_mark.column + 1 };
}

int yaml_fail(struct yaml_tree *t, struct yaml_pos at, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return fail(t->f, -EINVAL, EXIT_BAD_PIPELINE, "%s:%u:%u: %s", t->path, at.line, at.column, text);
}

/* --- the document ---------------------------------------------------------------------------------------------------- */

static int load(struct yaml_tree *t, FILE *file)
{
	yaml_parser_t parser;
	int err = 0;

	if (!yaml_parser_initialize(&parser))
		return fail_no_memory(t->f);
	yaml_parser_set_input_file(&parser, file);
	if (!yaml_parser_load(&parser, &t->document)) {
		struct yaml_pos at = { (unsigned int)parser.problem_mark.line + 1, (unsigned int)parser.problem_mark.column + 1 };

		err = yaml_fail(t, at, "this is not YAML: %s", parser.problem ? parser.problem : "it cannot be read");
	} else if (!yaml_document_get_root_node(&t->document)) {
		yaml_document_delete(&t->document);
		err = yaml_fail(t, (struct yaml_pos){ 1, 1 }, "the file is empty");
	}
	yaml_parser_delete(&parser);
	return err;
}

int yaml_tree_open(struct yaml_tree *t, const char *path, struct failure *f)
{
	FILE *file = fopen(path, "re");

	t->path = path;
	t->f = f;
	if (!file)
		return fail(f, -errno, EXIT_BAD_PIPELINE, "%s: %s", path, strerror(errno));
	int err = load(t, file);
	fclose(file);
	return err;
}

void yaml_tree_close(struct yaml_tree *t)
{
	yaml_document_delete(&t->document);
}

yaml_node_t *yaml_tree_root(struct yaml_tree *t)
{
	return yaml_document_get_root_node(&t->document);
}

/* --- scalars --------------------------------------------------------------------------------------------------------- */

static const char *scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

int yaml_read_string(struct yaml_tree *t, yaml_node_t *node, char **out)
{
	const char *text = scalar(node);

	if (!text || strlen(text) != node->data.scalar.length)
		return yaml_fail(t, yaml_pos_of(node), "a string is needed here");
	*out = mem_strdup(text);
	return *out ? 0 : fail_no_memory(t->f);
}

int yaml_read_strings(struct yaml_tree *t, yaml_node_t *node, char ***out)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return yaml_fail(t, yaml_pos_of(node), "a list of strings is needed here: [\"a\", \"b\"]");
	size_t n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);

	*out = mem_calloc(n + 1, sizeof(char *));
	if (!*out)
		return fail_no_memory(t->f);
	for (size_t i = 0; i < n; i++) {
		int err = yaml_read_string(t, yaml_document_get_node(&t->document, node->data.sequence.items.start[i]), &(*out)[i]);

		if (err)
			return err;
	}
	return 0;
}

int yaml_read_bool(struct yaml_tree *t, yaml_node_t *node, bool *out)
{
	const char *text = scalar(node);
	bool yes = text && !strcmp(text, "true");

	if (!yes && (!text || strcmp(text, "false") != 0))
		return yaml_fail(t, yaml_pos_of(node), "true or false is needed here%s%s", text ? ", not " : "", text ? text : "");
	*out = yes;
	return 0;
}

int yaml_read_u32(struct yaml_tree *t, yaml_node_t *node, uint32_t *out)
{
	const char *text = scalar(node);

	if (!text || units_parse_u32(text, out))
		return yaml_fail(t, yaml_pos_of(node), "a whole number is needed here%s%s", text ? ", not " : "", text ? text : "");
	return 0;
}

int yaml_read_size(struct yaml_tree *t, yaml_node_t *node, uint64_t *bytes)
{
	const char *text = scalar(node);

	if (!text || units_parse_size(text, bytes) || !*bytes)
		return yaml_fail(t, yaml_pos_of(node), "'%s' is not a quantity such as 256Mi or 2G", text ? text : "this");
	return 0;
}

int yaml_read_duration(struct yaml_tree *t, yaml_node_t *node, uint64_t *ns)
{
	const char *text = scalar(node);

	if (!text || units_parse_duration(text, ns))
		return yaml_fail(t, yaml_pos_of(node), "'%s' is not a duration such as 60s or 1m30s", text ? text : "this");
	return 0;
}

/* --- collections ------------------------------------------------------------------------------------------------------ */

int yaml_read_list(struct yaml_tree *t, yaml_node_t *node, const char *what, size_t size, yaml_reader item, void **array, size_t *count)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return yaml_fail(t, yaml_pos_of(node), "%s is a list: each item begins with '- '", what);
	size_t n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);

	*array = mem_calloc(n + 1, size);
	if (!*array)
		return fail_no_memory(t->f);
	for (; *count < n; (*count)++) {
		yaml_node_t *child = yaml_document_get_node(&t->document, node->data.sequence.items.start[*count]);
		int err = item(t, child, (char *)*array + *count * size);

		if (err) {
			(*count)++; /* what was read of it is freed with the rest */
			return err;
		}
	}
	return 0;
}

/* The key of a pair, which must be new in its mapping. */
static int pair_key(struct yaml_tree *t, const yaml_node_t *mapping, const yaml_node_pair_t *pair, const char **key)
{
	yaml_node_t *node = yaml_document_get_node(&t->document, pair->key);

	*key = scalar(node);
	if (!*key)
		return yaml_fail(t, yaml_pos_of(node), "a key must be a plain word");
	for (const yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < pair; p++) {
		const yaml_node_t *other = yaml_document_get_node(&t->document, p->key);

		if (scalar(other) && !strcmp(scalar(other), *key))
			return yaml_fail(t, yaml_pos_of(node), "key '%s' is there twice, first in line %u", *key, yaml_pos_of(other).line);
	}
	return 0;
}

static const struct yaml_key *find_key(const struct yaml_key *keys, const char *key)
{
	for (; keys->key; keys++)
		if (!strcmp(keys->key, key))
			return keys;
	return NULL;
}

static int unknown_key(struct yaml_tree *t, struct yaml_pos at, const char *what, const char *key, const struct yaml_key *keys)
{
	char known[256] = "";

	for (; keys->key; keys++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", *known ? ", " : "", keys->key);
	return yaml_fail(t, at, "unknown key '%s' in %s; known are %s", key, what, known);
}

static bool has_key(struct yaml_tree *t, const yaml_node_t *mapping, const char *key)
{
	for (const yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < mapping->data.mapping.pairs.top; p++) {
		const char *name = scalar(yaml_document_get_node(&t->document, p->key));

		if (name && !strcmp(name, key))
			return true;
	}
	return false;
}

int yaml_read_mapping(struct yaml_tree *t, yaml_node_t *node, const char *what, const struct yaml_key *keys, void *object)
{
	if (node->type != YAML_MAPPING_NODE)
		return yaml_fail(t, yaml_pos_of(node), "%s must be a mapping (key: value)", what);
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
		const char *name;
		int err = pair_key(t, node, p, &name);
		if (err)
			return err;
		const struct yaml_key *k = find_key(keys, name);

		if (!k)
			return unknown_key(t, yaml_pos_of(yaml_document_get_node(&t->document, p->key)), what, name, keys);
		err = k->read(t, yaml_document_get_node(&t->document, p->value), object);
		if (err)
			return err;
	}
	for (const struct yaml_key *k = keys; k->key; k++)
		if (k->required && !has_key(t, node, k->key))
			return yaml_fail(t, yaml_pos_of(node), "%s has no '%s'", what, k->key);
	return 0;
}

int yaml_read_pairs(struct yaml_tree *t, yaml_node_t *node, yaml_pair_reader each, void *object)
{
	if (node->type != YAML_MAPPING_NODE)
		return yaml_fail(t, yaml_pos_of(node), "a mapping (NAME: value) is needed here");
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
		const char *key;
		int err = pair_key(t, node, p, &key);

		if (!err)
			err = each(t, key, yaml_document_get_node(&t->document, p->value), object);
		if (err)
			return err;
	}
	return 0;
}
