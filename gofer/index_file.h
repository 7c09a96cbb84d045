/* Making the index of a sealed tree, and finding it again; what is in it: gofer/sealed_index.h. */
#ifndef GOFER_INDEX_FILE_H
#define GOFER_INDEX_FILE_H

#define SEALED_INDEX_NAME "index"

/* Writes the index of the tree (an fd of its root, whose modes are final) into an empty file, and syncs it. 0 or negative errno. */
int sealed_index_write(int file, int tree, const char *root_hex);
/*
 * Opens the index that belongs to the sealed tree at this path, STORE/HASH/tree, for a sentry to read; -ENOENT where there is none, or
 * where it is another tree's.
 */
int sealed_index_open(const char *tree_path);

#endif
