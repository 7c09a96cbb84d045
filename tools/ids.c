/* Id maps of our own user namespace: see ids.h. */
#include "tools/ids.h"

#include <stdio.h>
#include <unistd.h>

#define OVERFLOW_ID 65534u
#define FRESH_BASE 0x40000000u

void ids_read(const char *path, struct ids_map *map)
{
	unsigned int first, outside, count;
	FILE *f = fopen(path, "re");

	map->count = 0;
	while (f && map->count < IDS_RANGES && fscanf(f, "%u %u %u", &first, &outside, &count) == 3)
		map->range[map->count++] = (struct ids_range){ first, count };
	if (f)
		fclose(f);
	if (!map->count)
		map->range[map->count++] = (struct ids_range){ 0, UINT32_MAX };
}

bool ids_contains(const struct ids_map *map, uint32_t id)
{
	for (size_t i = 0; i < map->count; i++)
		if (id >= map->range[i].first && id - map->range[i].first < map->range[i].count)
			return true;
	return false;
}

void ids_identity_text(const struct ids_map *map, char *text, size_t len)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < map->count && n < len; i++)
		n += (size_t)snprintf(text + n, len - n, "%u %u %u\n", map->range[i].first, map->range[i].first, map->range[i].count);
}

uint32_t ids_fresh(const struct ids_map *uids, const struct ids_map *gids, uint32_t fallback)
{
	static uint32_t count; /* of this process's children; the pid tells processes apart */
	uint32_t fresh = FRESH_BASE + (((uint32_t)getpid() & 0x3fffffu) << 8 | (count++ & 0xff));

	if (ids_contains(uids, fresh) && ids_contains(gids, fresh))
		return fresh;
	return ids_contains(uids, OVERFLOW_ID) && ids_contains(gids, OVERFLOW_ID) ? OVERFLOW_ID : fallback;
}
