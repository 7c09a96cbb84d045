/*
 * The handles that a sentry holds: numbers for inodes that the gofer keeps open with O_PATH, shared by all channels.
 *
 *      free ──handles_add──▶ live ──handles_close──▶ closing ──last handles_put──▶ free, with the next generation
 *                              │ handles_get / handles_put, any number of users
 *
 * The fd of a handle stays open while anybody uses it, so that a client which closes a handle under another thread's
 * call can never have that call land on an fd that was opened since, perhaps below another root.
 */
#ifndef GOFER_HANDLES_H
#define GOFER_HANDLES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/lock.h"

struct root;

struct handle {
	/* Immutable while live. */
	int fd;
	mode_t type;             /* S_IFMT bits: an inode's never change */
	bool barren;             /* the root of a filesystem that is hidden: shown as an empty directory */
	uint64_t dev;
	const struct root *root; /* whose rules apply */
	/* Protected by handles.lock. */
	uint32_t users;          /* 1 for being live, 1 for each call under way */
	uint32_t generation;
	uint32_t next_free;      /* index; 0 ends the list */
	bool live;
};

struct handles {
	struct lock lock;
	struct handle *table;    /* index 0 is never used; untouched pages cost nothing */
	uint32_t max;            /* immutable: highest index */
	uint32_t used;           /* indexes 1..used have been used at least once */
	uint32_t free;           /* head of the list of free ones */
};

int handles_init(struct handles *, uint32_t max);
/* Closes what is open. No user may be left. */
void handles_destroy(struct handles *);

/* Takes over h->fd (closed on failure). The number, or -ENFILE. */
int64_t handles_add(struct handles *, const struct handle *h);
/* NULL: no such handle. To be given back. */
struct handle *handles_get(struct handles *, uint32_t number);
void handles_put(struct handles *, struct handle *);
/* Unknown numbers are ignored. */
void handles_close(struct handles *, uint32_t number);

#endif
