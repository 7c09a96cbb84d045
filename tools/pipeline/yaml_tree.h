/*
 * YAML read into structs by tables, every complaint with file, line and column. Nothing is guessed: an unknown key, a key twice, a
 * missing required one, a value of the wrong kind ends the reading with one sentence.
 */
#ifndef TOOLS_PIPELINE_YAML_TREE_H
#define TOOLS_PIPELINE_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "tools/failure.h"

/* Where something stands in the file; counted from 1. */
struct yaml_pos {
	unsigned int line, column;
};

struct yaml_tree {
	const char *path;
	yaml_document_t document;
	struct failure *f;
};

typedef int (*yaml_reader)(struct yaml_tree *t, yaml_node_t *node, void *object);

/* A row of a mapping: how its value gets into the object. */
struct yaml_key {
	const char *key;
	bool required;
	yaml_reader read;
};

/* Reads one document of the file. 0 or a negative errno with the failure set (bad pipeline). */
int yaml_tree_open(struct yaml_tree *t, const char *path, struct failure *f);
void yaml_tree_close(struct yaml_tree *t);
yaml_node_t *yaml_tree_root(struct yaml_tree *t);

struct yaml_pos yaml_pos_of(const yaml_node_t *node);
/* Fails with "FILE:LINE:COLUMN: SENTENCE". Returns -EINVAL. */
int yaml_fail(struct yaml_tree *t, struct yaml_pos at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* `what` names the mapping in messages: "a step". Keys end with a NULL one. */
int yaml_read_mapping(struct yaml_tree *t, yaml_node_t *node, const char *what, const struct yaml_key *keys, void *object);
/* A new array of `size` bytes each, one for each item; *count grows as they are read. */
int yaml_read_list(struct yaml_tree *t, yaml_node_t *node, const char *what, size_t size, yaml_reader item, void **array, size_t *count);
int yaml_read_string(struct yaml_tree *t, yaml_node_t *node, char **out);
/* Ends with NULL. */
int yaml_read_strings(struct yaml_tree *t, yaml_node_t *node, char ***out);
int yaml_read_bool(struct yaml_tree *t, yaml_node_t *node, bool *out);
int yaml_read_u32(struct yaml_tree *t, yaml_node_t *node, uint32_t *out);
int yaml_read_size(struct yaml_tree *t, yaml_node_t *node, uint64_t *bytes);
int yaml_read_duration(struct yaml_tree *t, yaml_node_t *node, uint64_t *ns);
/* Calls `each` for the pairs of a mapping of scalars. */
typedef int (*yaml_pair_reader)(struct yaml_tree *t, const char *key, yaml_node_t *value, void *object);
int yaml_read_pairs(struct yaml_tree *t, yaml_node_t *node, yaml_pair_reader each, void *object);

#endif
