/* F_NOTIFY of fcntl(2): a signal when something happens to a name in a directory. */
#ifndef SENTRY_FS_DNOTIFY_H
#define SENTRY_FS_DNOTIFY_H

#include <stdint.h>

struct fdtable;
struct file;
struct task;

/* events: LX_DN_*; none takes the watch back. -ENOTDIR, -ENOMEM. */
int dnotify_set(struct task *, struct file *, int fd, uint32_t events);
/* An fd of this table was closed: what was asked for through it ends. */
void dnotify_closed(struct file *, struct fdtable *);

#endif
