/*
 * The index of a sealed tree: the file `index` beside its manifest, made once when the tree is sealed. The gofer hands a read-only fd of it
 * on with the root, the sentry maps it and answers stat, readlink, getdents and names that are missing from it. Never part of the
 * sealed hash: a tree without one, or with one that is not believed, is asked for at the gofer as any other.
 *
 *  file:  struct sealed_index | dirs × struct sealed_dir | records of directory 0, 1, … | targets of symlinks, no NULs
 *
 * A record is a struct gofer_dirent (gofer/wire.h) with its name and padding. Directory 0 is the root; the others are numbered in
 * the order of their records, so that each has exactly one. Records of a directory are sorted by their names' bytes. In a record
 *
 *      attr.dev, uid, gid   0: those of the root count
 *      cookie               of a directory: its number; of a symlink: where its target begins in the file (attr.size bytes); else 0
 *
 * What it says holds for one tree on one disk: the root's inode number and change time are in it, so that a store that was copied or
 * restored has no index. Offsets are from the start of the file, integers in host order.
 */
#ifndef GOFER_SEALED_INDEX_H
#define GOFER_SEALED_INDEX_H

#include <stdint.h>

#include "gofer/wire.h"

#define SEALED_INDEX_MAGIC 0x31584449544b4350ull /* "PCKTIDX1" */
#define SEALED_INDEX_MAX (1ull << 30)

struct sealed_index {
	uint64_t magic;
	uint64_t size;       /* of the file */
	uint64_t hash;       /* hash_stable() of all that follows the header */
	uint64_t root_ino;
	int64_t root_ctime_sec;
	uint32_t root_ctime_nsec;
	uint32_t dirs;
	uint64_t targets;    /* where they begin */
	char root[64];       /* the sealed hash in hex, no NUL */
	uint64_t zero;
};
_Static_assert(sizeof(struct sealed_index) == 128, "sealed_index is on disk");

struct sealed_dir {
	uint64_t first;      /* where its records begin */
	uint32_t bytes;      /* of them: together they are all of the file up to `targets` */
	uint32_t count;
};
_Static_assert(sizeof(struct sealed_dir) == 16, "sealed_dir is on disk");

#endif
