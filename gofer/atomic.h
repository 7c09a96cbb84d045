/*
 * Files that are there whole or not at all: written under a temporary name, made durable, renamed. A temporary is
 * locked (flock) as long as its writer lives, so that what a crash left behind can be told from what is being written.
 */
#ifndef GOFER_ATOMIC_H
#define GOFER_ATOMIC_H

#include <stddef.h>
#include <sys/types.h>

#define ATOMIC_PREFIX ".tmp-"
#define ATOMIC_NAME_MAX 32

/* Replaces or makes the file `name` in dirfd. When it returns 0 the content is on disk; else the old state is. */
int atomic_write_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode);

/* A fresh name for a temporary. */
void atomic_temp_name(char name[ATOMIC_NAME_MAX]);
/* Makes a temporary directory and locks it; its fd. */
int atomic_temp_dir(int dirfd, char name[ATOMIC_NAME_MAX]);
/* Removes temporaries (files and trees) in dirfd whose writers are gone. */
int atomic_clean(int dirfd);

#endif
