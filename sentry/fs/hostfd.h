/* Files on donated host fds: the standard streams that the runtime hands over. */
#ifndef SENTRY_FS_HOSTFD_H
#define SENTRY_FS_HOSTFD_H

#include <stdint.h>

struct file;
struct task;

/* A file on the fd, which it takes over. Its kind (pipe, terminal, regular file…) is what fstat shows. 0 or negative errno (then the fd is closed). */
int hostfd_open(struct task *, int fd, struct file **out);

#endif
