/* A scratch directory and a real gofer process serving it, for the tests of this folder. */
#ifndef TESTS_GOFER_FIXTURE_H
#define TESTS_GOFER_FIXTURE_H

#include <sys/types.h>

#include "gofer/gofer.h"
#include "sentry/fs/gofer_client.h"

#define SCRATCH_MAX 64

/* A fresh directory below /tmp; its path goes into `path`. */
void scratch_make(char path[SCRATCH_MAX]);
void scratch_remove(const char *path);
/* printf-style path -> file with that content; any directory above it must be there. */
void put_file(const char *path, const char *text);
const char *join(const char *dir, const char *name); /* one of a few static buffers, reused in turn */

struct served {
	char dir[SCRATCH_MAX];
	pid_t pid;
	int lifeline;
	int channel[2];      /* raw ends, when no client was made of them */
	int log[2];          /* read end of the gofer's log */
	struct gofer_client *client;
	uint32_t root;       /* handle of root 0 */
	uint32_t root_flags;
};

/* Starts a gofer with the scratch directory as root 0 (flags) and again, without flags, as root 1. */
void serve(struct served *, uint32_t flags);
/* The same with other settings. roots[0..] are filled in unless cfg has some. */
void serve_config(struct served *, struct gofer_config *cfg, bool with_client);
void serve_end(struct served *);
/* Reads what the gofer has logged until now. */
void read_log(struct served *, char *buf, size_t size);

struct gofer_name name_of(const char *s);
/* Walks the '/'-separated names; the last one's handle, or the error. */
int64_t walk_to(struct served *, const char *path, struct gofer_attr *);

#endif
