/*
 * The state directory of the pipeline runner:
 *
 *   STATE/lock           held while a run is under way; its text says by whom
 *   STATE/store/         sealed outputs by their hash (gofer/seal.h)
 *   STATE/runs/ID.json   a run's record, replaced as a whole
 *   STATE/runs/ID/       logs of its steps
 *   STATE/work/          outputs that are being written; what a killed run left is removed by the next
 */
#ifndef TOOLS_PIPELINE_STATE_H
#define TOOLS_PIPELINE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "gofer/store.h"
#include "tools/failure.h"

struct state {
	char *path;     /* absolute */
	char run_id[40];
	int lock_fd;
	int runs_fd, work_fd; /* directories */
	struct store store;
	int log_fd;     /* STATE/runs/ID */
};

/* path NULL: the default ($XDG_STATE_HOME/picket, else /var/lib/picket for root, else ~/.local/state/picket). Takes the lock. */
int state_open(struct state *s, const char *path, struct failure *f);
void state_close(struct state *s);
/* A fresh, empty directory STATE/work/NAME that belongs to uid and gid. Its path (mem_free it) in *out. */
int state_work_dir(struct state *s, const char *name, uint32_t uid, uint32_t gid, char **out, struct failure *f);
void state_work_remove(struct state *s, const char *name);
/* Replaces STATE/runs/ID.json with the text; either the old or the new one is there at any time, and on the disk on return. */
int state_write_record(struct state *s, const char *text, struct failure *f);

/* Removes a directory and all below it, of any depth, following nothing. For tests as well. 0 or a negative errno. */
int remove_tree(int dirfd, const char *name);

#endif
