/*
 * The host calls by which sealing and state files change a disk, each behind a hook, so that a test can make the Nth
 * one fail or kill the process there. Nothing else of the project writes below the state directory. All return a value
 * or a negative errno.
 */
#ifndef GOFER_HOSTOPS_H
#define GOFER_HOSTOPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum hostop {
	HOSTOP_OPEN,
	HOSTOP_MKDIR,
	HOSTOP_SYMLINK,
	HOSTOP_WRITE,
	HOSTOP_CLONE,
	HOSTOP_CHMOD,
	HOSTOP_SYNC,
	HOSTOP_RENAME,
	HOSTOP_REMOVE,
};

/*
 * Called before each operation; anything but 0 is its result instead. NULL turns it off. For tests; not thread-safe.
 * Debug builds also obey PICKET_FAIL_HOST=N:ENOSPC, N:EIO or N:KILL (the Nth operation of the process).
 */
void hostops_set_hook(int (*hook)(enum hostop, void *arg), void *arg);

/* A new file, O_EXCL, for writing (and reading). */
int hostop_create(int dirfd, const char *name, mode_t mode);
int hostop_mkdir(int dirfd, const char *name, mode_t mode);
int hostop_symlink(const char *target, int dirfd, const char *name);
int hostop_write(int fd, const void *buf, size_t n); /* all of it */
/* FICLONE: dst shares src's blocks. -EOPNOTSUPP and others where the filesystem cannot. */
int hostop_clone(int dst, int src);
int hostop_chmod(int fd, mode_t mode);
int hostop_sync(int fd);
/* Without replacing anything: -EEXIST. */
int hostop_rename_new(int dirfd, const char *from, const char *to);
int hostop_rename_over(int dirfd, const char *from, const char *to);
int hostop_remove(int dirfd, const char *name, int flags);

#endif
