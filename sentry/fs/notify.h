/*
 * What the file layer tells those who watch: one line at each place where something happens to a file. inotify(7).
 *
 * Free of cost while nobody watches anything. Any thread in the main fd table; locks up to RANK_DENTRY may not be held by notify_path() and
 * notify_file(), which look at names; the others may be called under a directory's lock.
 */
#ifndef SENTRY_FS_NOTIFY_H
#define SENTRY_FS_NOTIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/inotify.h"

struct file;
struct inode;
struct path;

extern atomic_uint notify_watches; /* how many there are: fs/notify.c */

static inline bool notify_on(void)
{
	return atomic_load_explicit(&notify_watches, memory_order_relaxed) != 0;
}

/* Something happened to the inode itself. mask: LX_IN_*; IN_ISDIR is added here. */
void notify_inode_slow(struct inode *, uint32_t mask);
/* Something happened in the directory to what has this name there. is_dir: it is a directory. cookie: 0 but for renames. */
void notify_name_slow(struct inode *dir, const char *name, bool is_dir, uint32_t mask, uint32_t cookie);
/* To what the path leads to: its directory's watches hear of it with the name, then its own. */
void notify_path_slow(const struct path *, uint32_t mask);
void notify_file_slow(const struct file *, uint32_t mask);
/* A name of the inode was taken away: IN_ATTRIB, and when it was the last, IN_DELETE_SELF and the end of its watches. */
void notify_unlinked_slow(struct inode *);
uint32_t notify_cookie(void);

static inline void notify_inode(struct inode *i, uint32_t mask)
{
	if (notify_on())
		notify_inode_slow(i, mask);
}

static inline void notify_name(struct inode *dir, const char *name, bool is_dir, uint32_t mask, uint32_t cookie)
{
	if (notify_on())
		notify_name_slow(dir, name, is_dir, mask, cookie);
}

static inline void notify_path(const struct path *p, uint32_t mask)
{
	if (notify_on())
		notify_path_slow(p, mask);
}

static inline void notify_file(const struct file *f, uint32_t mask)
{
	if (notify_on())
		notify_file_slow(f, mask);
}

static inline void notify_unlinked(struct inode *i)
{
	if (notify_on())
		notify_unlinked_slow(i);
}

#endif
