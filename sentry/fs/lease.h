/*
 * File leases: F_SETLEASE and F_GETLEASE of fcntl(2). Who holds one is told by signal before somebody else opens the file so that it would
 * matter, and has LEASE_BREAK_SECONDS to give it back; the opener waits so long.
 */
#ifndef SENTRY_FS_LEASE_H
#define SENTRY_FS_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct file;
struct inode;
struct task;

#define LEASE_BREAK_SECONDS 45 /* fs.lease-break-time */

/* type: LX_F_RDLCK, LX_F_WRLCK, LX_F_UNLCK. -EINVAL, -EACCES, -EAGAIN (open in a way that does not go with it), -ENOMEM. */
int lease_set(struct task *, struct file *, int fd, int type);
/* What is held, or what it is being broken to. */
int lease_get(struct file *);
/* Before an open or a truncation: 0, -EAGAIN (nonblock), or what task_block() gives: the caller is then run again. */
int64_t lease_break(struct task *, struct inode *, bool write, bool nonblock);
void lease_file_gone(struct file *);

#endif
