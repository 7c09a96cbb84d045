/*
 * inotify(7): who watches what. An instance is an open file with a queue of events; a watch ties it to one inode.
 *
 * watch_lock (RANK_SOCKET_NAMES) protects all ties; an instance's queue has a lock of its own, taken inside. A watch holds a reference
 * to its inode, so that an inode with watches lives until they are gone.
 */
#ifndef SENTRY_FS_INOTIFY_H
#define SENTRY_FS_INOTIFY_H

#include "base/list.h"
#include "base/lock.h"
#include "sentry/fs/notify.h"
#include "sentry/kernel/waitq.h"

struct task;

struct watch {
	struct list on_inode;      /* protected by watch_lock */
	struct inotify *owner;     /* immutable */
	struct inode *inode;       /* referenced; immutable */
	int wd;                    /* immutable */
	uint32_t mask;             /* LX_IN_*; protected by watch_lock */
};

struct inotify {
	/* protected by watch_lock */
	struct watch **by_wd;      /* by number; NULL: gone. Numbers are never used again */
	uint32_t wds;              /* room in it */
	int last_wd;
	/* protected by lock (RANK_PIPE) */
	struct lock lock;
	struct list events;        /* of struct event, inotify.c */
	uint32_t queued, bytes;    /* what a read of all would give */
	struct waitq queue;
};

extern struct lock watch_lock;

/* Queues an event; the same as the last one is left out. Locks below RANK_PIPE may be held. */
void inotify_queue(struct inotify *, int wd, uint32_t mask, uint32_t cookie, const char *name);
/* A watch for the inode, or a change of the one there is: its number, or -EEXIST (IN_MASK_CREATE), -ENOSPC, -ENOMEM. */
int watch_add(struct inotify *, struct inode *, uint32_t mask);
/* -EINVAL for no such watch. */
int watch_remove(struct inotify *, int wd);
void watch_remove_all(struct inotify *);

/* A new instance as a file; 0, -EMFILE, -ENOMEM. */
int inotify_file(struct task *, uint32_t flags, struct file **out);
struct inotify *file_inotify(const struct file *);

#endif
