/*
 * The store of sealed outputs, below a state directory:
 *
 *      STATE/store/sha256/ROOT/manifest     gofer/manifest.h; ROOT is its SHA-256
 *      STATE/store/sha256/ROOT/index        gofer/sealed_index.h: tree/'s names and attributes, for the sentry to map
 *      STATE/store/sha256/ROOT/tree/        the files, 0444 or 0555, directories 0555
 *      STATE/store/sha256/.tmp-*            being sealed, or left by a crash; store_open() removes the latter
 *
 *      making (.tmp-…) ──all data, modes and directories on disk──▶ rename ──directory on disk──▶ sealed: never changed again
 *
 * A ROOT that is there is whole: it gets its name after everything in it has reached the disk. Several processes may
 * use one store.
 */
#ifndef GOFER_STORE_H
#define GOFER_STORE_H

#include "gofer/atomic.h"
#include "gofer/manifest.h"

struct store {
	int fd; /* STATE/store/sha256 */
};

/*
 * Opens the store below the state directory (both made where missing) and removes what crashes left behind. 0 or
 * negative errno.
 */
int store_open(int state_dirfd, struct store *);
void store_close(struct store *);

/* An O_PATH fd of the sealed tree, for a gofer root with GOFER_ROOT_IMMUTABLE. -ENOENT, -EINVAL for what is no hash. */
int store_mount(const struct store *, const char *root);
/*
 * Hashes all of it again. 0; -ENOENT; -EBADMSG with a sentence in `why` for a tree that is not what its name says; or a
 * negative errno.
 */
int store_verify(const struct store *, const char *root, char *why, size_t why_size);
/* Removes a sealed output. -ENOENT is success. */
int store_remove(const struct store *, const char *root);

/* ---- for seal.c: a tree in the making ---------------------------------------------------------------------------- */

struct store_temp {
	char name[ATOMIC_NAME_MAX];
	int fd;   /* .tmp-…, locked */
	int tree; /* its tree/ */
};
int store_temp_make(const struct store *, struct store_temp *);
/*
 * Makes it durable and gives it its name. 1: an equal one was there already, and this one is gone. On error the
 * temporary is still there for store_temp_drop().
 */
int store_temp_commit(const struct store *, struct store_temp *, const struct manifest *, const char *root);
/* Removes what is left of it, closes. */
void store_temp_drop(const struct store *, struct store_temp *);

#endif
