/* Fd tables: numbers to files, shared by the tasks that clone says share them. */
#ifndef SENTRY_FS_FDTABLE_H
#define SENTRY_FS_FDTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/ref.h"

struct file;
struct task;

struct fdtable {
	struct ref ref;
	struct lock lock;          /* RANK_FDTABLE */
	/* protected by lock */
	struct file **files;       /* NULL: free or reserved */
	uint64_t *used, *cloexec;  /* bitmaps; a reserved number is used */
	uint32_t capacity, first_free;
};

struct fdtable *fdtable_new(void);
struct fdtable *fdtable_copy(struct fdtable *);       /* for fork; NULL when memory is out */
struct fdtable *fdtable_get(struct fdtable *);
/* Main fd table of the host only: closes everything at the last reference. */
void fdtable_put(struct fdtable *, struct task *);

/* Referenced file, or NULL (EBADF). fd_get_io refuses O_PATH files too. */
struct file *fd_get(struct task *, int fd);
struct file *fd_get_io(struct task *, int fd);
/* Reserve, copy out, publish: the lowest free number ≥ min, or -EMFILE, -ENOMEM. */
int fd_reserve(struct task *, int min);
void fd_unreserve(struct task *, int fd);
void fd_install(struct task *, int fd, struct file *, bool cloexec);  /* takes the caller's reference; fd was reserved */
/* Reserve and install in one; takes the reference in success and failure. Number or negative errno. */
int fd_add(struct task *, struct file *, bool cloexec);
/* Replaces what `fd` leads to (dup2); takes the reference. fd or negative errno. */
int fd_replace(struct task *, int fd, struct file *, bool cloexec);
/* Takes the file out of the table: the caller owns the reference. NULL when it was free. */
struct file *fd_detach(struct task *, int fd);
/*
 * Puts a file into another task's table, under `fd` or, where that is -1, the lowest free number; `owner` is whose limit counts. Takes no
 * reference of the caller's. Number or negative errno as fd_replace(), fd_reserve(). Main fd table of the host only.
 */
int fdtable_receive(struct fdtable *, struct task *owner, int fd, struct file *, bool cloexec);
int fd_set_cloexec(struct task *, int fd, bool on);   /* 0 or -EBADF */
int fd_get_cloexec(struct task *, int fd);            /* 0, 1 or -EBADF */
void fdtable_close_on_exec(struct task *);
/* For /proc/PID/fd: the lowest number in use ≥ fd, or -1; and the file of another task's table, referenced. */
int fdtable_next(struct fdtable *, int fd);
struct file *fdtable_file(struct fdtable *, int fd);

#endif
