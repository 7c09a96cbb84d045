/* What open files over struct memdata do: shared by tmpfs, the overlay and memfds. Arguments and results are those of struct file_ops. */
#ifndef SENTRY_FS_MEMFILE_H
#define SENTRY_FS_MEMFILE_H

#include "sentry/fs/file.h"
#include "sentry/fs/memdata.h"

int64_t memfile_read(struct file *, struct memdata *, struct uio *, int64_t *pos);
int64_t memfile_write(struct file *, struct memdata *, struct uio *, int64_t *pos);
int64_t memfile_seek(struct file *, struct memdata *, int64_t offset, int whence);
int memfile_mmap(struct memdata *, uint64_t offset, int prot, bool shared, struct map_source *out);
int memfile_fallocate(struct file *, struct memdata *, int mode, int64_t offset, int64_t len);
/* Sets the size of a regular file's data and the inode's size and times with it. */
int memfile_resize(struct inode *, struct memdata *, int64_t size);

#endif
