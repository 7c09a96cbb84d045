/*
 * Which user and group ids this process's user namespace knows. In a container root is root of some ids only, and can hand on no more
 * than those.
 */
#ifndef TOOLS_IDS_H
#define TOOLS_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDS_RANGES 32

struct ids_range {
	uint32_t first, count;
};

struct ids_map {
	struct ids_range range[IDS_RANGES];
	size_t count;
};

/* path: "/proc/self/uid_map" or "/proc/self/gid_map". Everything, where it cannot be read. */
void ids_read(const char *path, struct ids_map *map);
bool ids_contains(const struct ids_map *map, uint32_t id);
/* The text for a child's map file that maps all of them to themselves. */
void ids_identity_text(const struct ids_map *map, char *text, size_t len);
/*
 * An id for a process that is to be nobody: one that no user of the host and no other sandbox has, else 65534, else `fallback`, by
 * what both maps know.
 */
uint32_t ids_fresh(const struct ids_map *uids, const struct ids_map *gids, uint32_t fallback);

#endif
