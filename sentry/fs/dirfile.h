/*
 * Open directories, for any filesystem: a list of the entries is taken when reading starts (and again after a rewind), so that positions
 * stay what they are while names come and go. POSIX lets what is made or removed meanwhile be seen or not.
 */
#ifndef SENTRY_FS_DIRFILE_H
#define SENTRY_FS_DIRFILE_H

#include <stdint.h>

struct file;
struct inode;
struct path;
struct task;

struct dirlist_entry {
	uint64_t ino;
	uint32_t name; /* offset in names */
	uint8_t len, type;
};
struct dirlist {
	struct dirlist_entry *entries;
	uint32_t count, cap;
	char *names;   /* each with its NUL */
	uint32_t used, names_cap;
};
/* 0 or -ENOMEM. type: LX_DT_*. */
int dirlist_add(struct dirlist *, const char *name, uint32_t len, uint64_t ino, uint8_t type);
void dirlist_free(struct dirlist *);

/* The open operation of directories that have a list operation. *out referenced. */
int dirfile_open(struct inode *dir, const struct path *, uint32_t flags, struct task *, struct file **out);

#endif
