/*
 * What a sealed output consists of, as text, and the hash that names it.
 *
 *      picket-manifest 1
 *      d bin                                            a directory
 *      f x 35 9f86d0...0a08 bin/tool                    a file: x or -, size in bytes, SHA-256 in hex
 *      l 8 ../share bin/link                            a symlink: length of its target, the target
 *
 * One line an entry, each ended by a newline; fields are separated by one space, the path is the rest of the line.
 * Parents come before children, siblings in the order of their names' bytes. Paths and targets have no control
 * characters in them (sealing refuses those), so a line is a line. Owners, times and other mode bits are not part of
 * it. The root hash is the SHA-256 of this text: equal trees have equal hashes.
 */
#ifndef GOFER_MANIFEST_H
#define GOFER_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32
#define HASH_HEX_SIZE (2 * HASH_SIZE + 1)

struct manifest {
	char *text; /* allocated; not NUL-terminated */
	size_t len, room;
};

/* All: 0 or -ENOMEM. A manifest of zeroes is a fresh one. */
int manifest_add_dir(struct manifest *, const char *path);
int manifest_add_file(struct manifest *, const char *path, bool exec, uint64_t size, const uint8_t hash[HASH_SIZE]);
int manifest_add_link(struct manifest *, const char *path, const char *target);
/* The root hash in hex; adds the heading to an empty one. */
int manifest_root(struct manifest *, char hex[HASH_HEX_SIZE]);
void manifest_free(struct manifest *);

void hash_to_hex(const uint8_t hash[HASH_SIZE], char hex[HASH_HEX_SIZE]);
/* 64 lower-case hex digits and nothing else. */
bool hash_hex_valid(const char *);

#endif
