/* Directory trees on the host, never through a symlink: listing in order, making durable, removing. */
#ifndef GOFER_TREE_H
#define GOFER_TREE_H

#include <stddef.h>

/* The names in a directory without "." and "..", sorted by their bytes. */
struct name_list {
	char **name;
	size_t count;
};

/* 0, -E2BIG when there are more than `max`, or a negative errno; on error the list is empty. */
int name_list_read(int dirfd, size_t max, struct name_list *);
void name_list_free(struct name_list *);

/* An fd of a directory in dirfd for reading, no link followed. */
int tree_open_dir(int dirfd, const char *name);
/* fsync of every file and directory of the tree, children first, and modes of directories set to 0555. */
int tree_make_durable(int dirfd, unsigned int depth_max);
/* Removes name in dirfd with all below it, modes notwithstanding. -ENOENT is success. */
int tree_remove(int dirfd, const char *name);

#endif
