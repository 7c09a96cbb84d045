/*
 * Sealing: a step's output directory is judged, copied into the store and named by its hash.
 *
 * What is sealed is the copy: each file is hashed as it is copied and each rule is applied to what was copied, so that
 * somebody who still changes the directory meanwhile can at most have it refused or sealed in one state or another,
 * never unjudged.
 *
 * The rules: regular files, directories and symlinks only; no set-id bits on files; symlinks relative, and inside, by
 * their text and when resolved in the copy (one that leads nowhere is let be); no control characters in names or
 * targets; limits of depth, count and bytes. A file with other hard links is copied like any other: what the copy holds
 * is nobody else's. Owners, times, other mode bits and extended attributes are not handed on.
 */
#ifndef GOFER_SEAL_H
#define GOFER_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gofer/manifest.h"

struct store;

/* 0 in a field: the default. */
struct seal_limits {
	uint64_t entries; /* 1048576 */
	uint64_t bytes;   /* 64 GiB */
	uint32_t depth;   /* 128 directories */
};

struct seal_result {
	char root[HASH_HEX_SIZE];
	uint64_t files, dirs, links, bytes;
	bool reused;      /* an equal one had been sealed before */
	char why[1024];   /* on failure, one sentence: "output raw: lib/evil is a fifo; outputs hold ..." */
};

/*
 * Seals what dirfd holds. `name` is the output's, for messages. 0 when it is wholly on disk; -EPERM when a rule refuses
 * it; else the negative errno of what the host refused. On failure nothing unfinished is visible in the store.
 */
int seal_tree(int dirfd, const char *name, const struct seal_limits *, const struct store *, struct seal_result *);

/* The manifest of a tree by reading all of it, under the same rules, copying nothing. For store_verify(). */
int seal_describe(int dirfd, const char *name, struct manifest *, char *why, size_t why_size);

#endif
