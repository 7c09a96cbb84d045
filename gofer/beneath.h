/* The host calls that reach a file: every one is relative to a handle's fd and takes one checked name, or none. */
#ifndef GOFER_BENEATH_H
#define GOFER_BENEATH_H

#include <stdint.h>
#include <sys/types.h>

#include "gofer/serve.h"

/* openat2(2) of one name, which must not lead out of the directory nor through any link. fd or negative errno. */
int beneath_open(int dirfd, const char *name, uint64_t flags, mode_t mode);

/* The attributes of name in dirfd, no link followed, or of dirfd itself (name ""), as the root shows them. */
int beneath_attr(const struct root *, int dirfd, const char *name, struct gofer_attr *);

/*
 * The inode behind an O_PATH fd, opened with access: the inode itself, wherever it may have been renamed to. The caller
 * has made sure that it is a regular file or a directory. fd or negative errno.
 */
int beneath_reopen(const struct server *, int path_fd, int flags);

/* "N" for proc_fd, for the calls that have no form for an O_PATH fd. */
struct proc_name {
	char s[12];
};
struct proc_name beneath_proc_name(int fd);

/* Makes a handle of an O_PATH fd (taken over) whose attributes are `attr`. The number or a negative errno. */
int64_t beneath_handle(struct server *, const struct root *, int fd, const struct gofer_attr *, bool barren);

/* Is this inode, found below a directory of parent_dev, on a filesystem that is hidden? */
bool beneath_barren(int fd, const struct gofer_attr *, uint64_t parent_dev);

#endif
