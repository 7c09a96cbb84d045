/* Making files on pipes: for pipe(2), fifos and fcntl. */
#ifndef SENTRY_FS_PIPEFILE_H
#define SENTRY_FS_PIPEFILE_H

#include <stdint.h>

struct file;
struct inode;
struct path;
struct pipe;
struct task;

/* Both ends; flags: O_NONBLOCK, O_DIRECT. References are the caller's. 0 or -ENOMEM. */
int pipe_create(struct task *, uint32_t flags, struct file *ends[2]);
/* One file more on the pipe, which takes its own reference. path NULL: nameless. */
int pipe_open_end(struct task *, struct pipe *, struct inode *, const struct path *, uint32_t flags, struct file **out);
/* F_SETPIPE_SZ, F_GETPIPE_SZ: the capacity; -EBADF when the file is no pipe. */
int64_t pipe_fcntl(struct file *, uint32_t cmd, uint64_t arg);

/* A pipe(2)'s inode is to be opened by way of /proc/PID/fd: from now on it leads to its pipe, as a fifo's does. 0 or -ENOMEM. */
int fifo_adopt(struct inode *, struct pipe *);

#endif
