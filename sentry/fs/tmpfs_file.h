/* Open regular files of tmpfs, and memfds. */
#ifndef SENTRY_FS_TMPFS_FILE_H
#define SENTRY_FS_TMPFS_FILE_H

#include <stdint.h>

struct file;
struct inode;
struct kernel;
struct memdata;
struct path;
struct task;

int tmpfs_open_file(struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);
/* The data of an open file that lives on tmpfs (memfds do), or NULL. For F_ADD_SEALS and F_GET_SEALS. */
struct memdata *tmpfs_file_data(struct file *);
/* memfd_create(2): name was checked. flags: LX_MFD_*. *out referenced. */
int memfd_open(struct task *, const char *name, uint32_t flags, struct file **out);

#endif
