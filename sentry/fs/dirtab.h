/*
 * The names of a directory that lives in memory: by name (hash) and in order of creation. An entry without an inode is a whiteout, of use
 * to the overlay alone. Not locked: its owner's dir_lock and lock protect it.
 */
#ifndef SENTRY_FS_DIRTAB_H
#define SENTRY_FS_DIRTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct inode;

struct dirtab_entry {
	struct list link;
	struct dirtab_entry *hash_next;
	struct inode *inode; /* referenced; NULL: a whiteout */
	uint64_t hash;
	uint32_t len;
	bool covers;         /* the overlay's: the lower directory has this name */
	char name[];
};
struct dirtab {
	struct dirtab_entry **buckets; /* NULL until the first entry */
	uint32_t bucket_count, count, whiteouts; /* count: entries with an inode */
	struct list order;
};

void dirtab_init(struct dirtab *);
void dirtab_free(struct dirtab *); /* drops the inodes */
struct dirtab_entry *dirtab_find(const struct dirtab *, const char *name, uint32_t len);
/* Sets what a name leads to (takes a reference; NULL makes a whiteout); what was there before is dropped. 0 or -ENOMEM. */
int dirtab_set(struct dirtab *, const char *name, uint32_t len, struct inode *);
/* Removes the entry, whiteout or not; harmless when there is none. */
void dirtab_remove(struct dirtab *, const char *name, uint32_t len);

#endif
