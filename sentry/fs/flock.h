/*
 * Advisory file locks: record locks of POSIX (owned by an fd table), of open file descriptions (OFD), and flock(2)'s whole-file locks.
 * fcntl(2), flock(2). All of an inode's locks hang off inode->locks.
 */
#ifndef SENTRY_FS_FLOCK_H
#define SENTRY_FS_FLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/fcntl.h"

struct fdtable;
struct file;
struct inode;
struct task;

struct flock_range {
	int64_t start, end; /* inclusive; INT64_MAX: to the end of the file for ever */
	int type;           /* LX_F_RDLCK, LX_F_WRLCK, LX_F_UNLCK */
};
/* What the guest's struct says, relative to this file. -EINVAL, -EOVERFLOW. */
int flock_range(struct file *, const struct lx_flock *, struct flock_range *out);
/* Sets or clears. wait: the task blocks (SYS_BLOCKED and the like to be returned as they are); else -EAGAIN on conflict. -EDEADLK, -ENOLCK. */
int64_t flock_set(struct task *, struct file *, bool ofd, const struct flock_range *, bool wait);
/* Fills in the first lock that stands in the way, or LX_F_UNLCK. */
int flock_get(struct task *, struct file *, bool ofd, const struct flock_range *, struct lx_flock *out);
/* flock(2): op is LX_LOCK_*, checked. */
int64_t flock_whole(struct task *, struct file *, int op);

/* An fd of this table was closed: POSIX drops all of the table's locks on the file. */
void flock_table_closed(struct file *, struct fdtable *);
/* The open file is going: its OFD and flock locks go. */
void flock_file_gone(struct file *);
/* For tests: number of locks held on the file's inode. */
int flock_count(struct file *);

struct flock_row {
	const struct inode *inode; /* borrowed, for the call */
	enum { FLOCK_POSIX, FLOCK_OFD, FLOCK_WHOLE } kind;
	int pid;                   /* -1: an open file's */
	struct flock_range range;
};
/* Calls show for each lock there is, with locks held up to RANK_FILE_LOCKS: for /proc/locks. */
void flock_rows(void (*show)(const struct flock_row *, void *), void *arg);

#endif
