/*
 * Filesystems whose files are questions to the sentry: proc and sys. They are tables: a directory is an array of entries, an entry is a
 * name, a mode and the function that answers. Names that come and go (pids, fds) are found by a directory's functions.
 *
 * A file's text is made when it is read from its start, and kept for the reads that follow. Names are not cached: each walk makes an inode.
 */
#ifndef SENTRY_FS_PSEUDO_H
#define SENTRY_FS_PSEUDO_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/fs/dirfile.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/textbuf.h"

struct cred;
struct ns;
struct process;
struct waitq;
struct task;
struct kernel;
struct pseudo_entry;

/* What a file is about; members that mean nothing to an entry are NULL or 0. References are the inode's. */
struct pseudo_obj {
	struct process *proc;
	struct task *task; /* one thread's files; NULL below /proc/PID itself */
	int nr;            /* an fd, a cpu */
};

/* Who asks, and about what. */
struct pseudo_req {
	struct task *t;
	const struct cred *opener; /* when storing: who opened the file */
	const struct pseudo_obj *obj;
	const struct pseudo_entry *entry;
};

/* What a directory's lookup found. obj's references go to the inode. */
struct pseudo_found {
	const struct pseudo_entry *entry;
	struct pseudo_obj obj;
	uint32_t mode; /* 0: the entry's */
};

struct pseudo_dir {
	const struct pseudo_entry *entries;
	uint32_t count;
	/* Names that are not in the table. 0 or -ENOENT. No task: the answer is the same for everybody. */
	int (*lookup)(const struct pseudo_obj *, const char *name, struct pseudo_found *out);
	int (*list)(const struct pseudo_req *, struct dirlist *);
};
#define PSEUDO_DIR(table) { .entries = (table), .count = sizeof(table) / sizeof((table)[0]) }

/* What an open file's poll(2) waits for: a count that moves, and the queue that is woken then. */
struct pseudo_watch {
	struct ns *keep;          /* referenced: both belong to it */
	struct waitq *queue;
	_Atomic uint64_t *event;
	_Atomic uint64_t seen;
};

struct pseudo_entry {
	const char *name;
	uint32_t mode;                  /* with the type */
	const struct pseudo_dir *dir;   /* directories */
	const char *text;               /* files that always say the same, links that always lead to the same */
	int (*show)(const struct pseudo_req *, struct textbuf *);       /* files, and links' targets */
	int (*store)(const struct pseudo_req *, char *text, size_t len); /* terminated, without the newline at its end */
	int (*follow)(const struct pseudo_req *, struct path *out);     /* links that lead to an object */
	int (*check)(const struct pseudo_req *);                        /* may the task look here at all? */
	/* Files that are not text: makes the open file. Its pos_lock's rank will be RANK_PSEUDO_POS. */
	int (*open)(const struct pseudo_req *, struct inode *, const struct path *, uint32_t flags, struct file **out);
	int (*watch)(const struct pseudo_req *, struct pseudo_watch *); /* files that poll: fills it at open; absent: always readable */
	bool whole;                     /* store gets all lines, not the first */
	uint64_t arg;                   /* the functions' own */
};

struct pseudo_super {
	struct super super;
	int32_t magic;
	/* Whose the object's files are. */
	void (*owner)(const struct pseudo_obj *, uint32_t *uid, uint32_t *gid);
};

/* NULL when memory is out. owner may be NULL: root's. */
struct super *pseudo_create(const char *fstype, int32_t magic, const struct pseudo_entry *root,
			    void (*owner)(const struct pseudo_obj *, uint32_t *uid, uint32_t *gid));
/* What an inode of a pseudo filesystem's directory is about, borrowed, when it is one of this entry's; NULL for any other. */
const struct pseudo_obj *pseudo_dir_object(struct inode *, const struct pseudo_entry *);
/* The inode number of an object's entry, for lists. */
uint64_t pseudo_ino(const struct pseudo_entry *, const struct pseudo_obj *);

/* The table of /sys/fs/cgroup; sysfs_cgroup.c. */
extern const struct pseudo_dir sysfs_cgroup_dir;

#endif
