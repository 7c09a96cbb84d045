/*
 * Inodes and dentries: what a filesystem in the sentry is made of.
 *
 * A filesystem (goferfs, overlay, tmpfs, proc, dev, devpts, sys, mqueue) implements struct inode_ops and makes files with struct file_ops.
 * The generic layer (vfs.h) walks paths, checks permissions, mount flags and sticky bits, keeps the dentry cache, and calls the
 * operations with the directory's dir_lock held where it says so. Objects embed struct inode.
 */
#ifndef SENTRY_FS_INODE_H
#define SENTRY_FS_INODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/stat.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "sentry/fs/path.h"

struct task;
struct cred;
struct dirlist;
struct file;
struct inode;
struct super;
struct waitq;

struct timespec64 {
	int64_t sec;
	uint32_t nsec;
};

/* What stat shows. A copy handed about, or the inode's own (protected by inode->lock). */
struct attr {
	uint64_t ino;
	uint32_t mode; /* type and permission bits */
	uint32_t nlink, uid, gid;
	uint64_t rdev;
	int64_t size;
	uint64_t blocks; /* of 512 bytes */
	uint32_t blksize;
	struct timespec64 atime, mtime, ctime, btime;
};

enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_ATIME = 16, ATTR_MTIME = 32, ATTR_ATIME_NOW = 64, ATTR_MTIME_NOW = 128, ATTR_CTIME = 256 };
struct setattr {
	uint32_t valid; /* ATTR_* */
	uint32_t mode, uid, gid;
	int64_t size;
	struct timespec64 atime, mtime;
};

/* What to make, for create(): a regular file, directory, symlink, fifo, socket or device, by mode's type bits. */
struct create_how {
	uint32_t mode, uid, gid;
	uint64_t rdev;
	const char *target; /* symlinks */
};

/* Where readdir puts entries. add() returns false when there is no more room: stop, and start there next time. */
struct dirent_sink {
	bool (*add)(struct dirent_sink *, const char *name, uint32_t len, uint64_t ino, uint8_t type /* DT_* */, int64_t next_pos);
};

struct inode_ops {
	/* --- directories; names are checked and NUL-terminated; `dir_lock` of the directory held by the caller ------------------- */
	/* *out referenced, or -ENOENT. */
	int (*lookup)(struct inode *dir, const char *name, struct inode **out);
	int (*create)(struct inode *dir, const char *name, const struct create_how *, struct task *, struct inode **out);
	int (*link)(struct inode *dir, const char *name, struct inode *target);
	int (*unlink)(struct inode *dir, const char *name, struct inode *victim);
	int (*rmdir)(struct inode *dir, const char *name, struct inode *victim); /* -ENOTEMPTY */
	/* Both dir_locks held. flags: LX_RENAME_*. `victim` is what has the new name, or NULL. */
	int (*rename)(struct inode *from, const char *name, struct inode *what, struct inode *to, const char *new_name, struct inode *victim, uint32_t flags);
	/* A hint before a lookup that the cache could not answer: these names (`rest`, slashes between them) will be looked up one below the other,
	   and the last one opened for reading where `open` says. For filesystems that can ask for many at once. May be absent. */
	void (*prefetch)(struct inode *dir, const char *rest, bool open);
	/* All names but "." and ".."; see fs/dirfile.h. */
	int (*list)(struct inode *dir, struct task *, struct dirlist *);
	/* fsync(2) of a directory: its names are on the disk. Absent: there is no disk. */
	int (*fsync_dir)(struct inode *dir);
	/* A regular file without a name (O_TMPFILE): nlink 0. Absent: -EOPNOTSUPP. */
	int (*tmpfile)(struct inode *dir, const struct create_how *, struct task *, struct inode **out);
	/* May a cached dentry still be used? For shared and changing trees (proc, live volumes); absent: yes. `inode` NULL: a negative entry. */
	bool (*revalidate)(struct inode *dir, const char *name, struct inode *inode);

	/* --- any inode -------------------------------------------------------------------------------------------------------------- */
	/* Brings inode->attr up to date where it is not the truth itself. Absent: it is. */
	int (*getattr)(struct inode *, struct attr *out);
	/* Checked by the generic layer (ownership, set-id bits). Applies, and changes inode->attr. */
	int (*setattr)(struct inode *, const struct setattr *);
	/* Into buf, not terminated; length or negative errno. */
	int64_t (*readlink)(struct inode *, struct task *, char *buf, size_t len);
	/* Symlinks that lead to an object instead of a name (/proc/PID/fd/N, exe, cwd, root). Absent: readlink decides. */
	int (*follow)(struct inode *, struct task *, struct path *out);
	/* Makes the open file; access was checked. *out referenced. flags: LX_O_*. For fifos, devices and sockets the generic layer may take over (NULL op). */
	int (*open)(struct inode *, const struct path *, uint32_t flags, struct task *, struct file **out);
	/* Regular files: truncate by path is setattr(ATTR_SIZE). */
	int64_t (*getxattr)(struct inode *, const char *name, void *buf, size_t len);
	int (*setxattr)(struct inode *, const char *name, const void *buf, size_t len, int flags);
	int64_t (*listxattr)(struct inode *, char *buf, size_t len);
	int (*removexattr)(struct inode *, const char *name);
	/* The last reference is gone: free. */
	void (*destroy)(struct inode *);
};

/* First member of what an inode's hooks (fifo, bound_socket, locks, watches) lead to: how the inode frees it. */
struct inode_part {
	void (*free)(struct inode_part *);
};

struct inode {
	struct ref ref;
	/* immutable after creation */
	const struct inode_ops *ops;
	struct super *super;       /* kept in memory by super->life */
	uint32_t type;             /* S_IFMT bits */
	/* protected by dir_lock (RANK_INODE_DIR): a directory's contents */
	struct lock dir_lock;
	/* protected by lock (RANK_INODE) */
	struct lock lock;
	struct attr attr;
	/* regular files: open for writing, and being executed; the one refuses the other (ETXTBSY) */
	atomic_int writers, executing;
	atomic_int openers;      /* open files that read or write: a write lease is for the only one */
	_Atomic uint32_t fileattr; /* LX_FS_*_FL: fs/fileattr.h */
	_Atomic uint8_t rw_hint; /* LX_RWH_*: F_SET_RW_HINT */
	/* made at first need, freed with the inode; what they lead to begins with struct inode_part; see fs/fifo.c, net/unix.c, fs/flock.c, fs/inotify, fs/lease.c, fs/handle.c, fs/acl.c */
	void *_Atomic fifo;
	void *_Atomic bound_socket;
	void *_Atomic locks;
	void *_Atomic watches;
	void *_Atomic leases;
	void *_Atomic handle;
	void *_Atomic acls;
	struct inode *doomed_next; /* owned by the thread that frees it */
};

/* One instance of a filesystem. */
struct super_ops {
	int (*statfs)(struct super *, struct lx_statfs *out);
	int (*sync)(struct super *, struct task *);
	/* MS_REMOUNT's options (NULL: none), checked and taken over; absent: there are none that could change. The mount lock is held. */
	int (*reconfigure)(struct super *, struct task *, const char *options);
	void (*shutdown)(struct super *); /* last mount gone: references that inodes of this super hold to each other are dropped; may be absent */
	void (*destroy)(struct super *);  /* the last inode is gone as well: frees */
};
struct super {
	struct ref ref;           /* mounts, and who makes one */
	struct ref life;          /* one for all of the above, one an inode: a file's inode may outlive its filesystem's last mount */
	const struct super_ops *ops;
	const char *fstype;       /* "tmpfs", "overlay", … as /proc/mounts shows it */
	uint64_t dev;             /* st_dev */
	bool handles;             /* name_to_handle_at(2) can be undone: fs/handle.h */
	bool fileattr;            /* keeps flags of its inodes: fs/fileattr.h */
	bool acls;                /* has POSIX access control lists: fs/acl.h */
	bool nodentries;          /* do not cache names at all (proc) */
	uint32_t forced;          /* MOUNT_*: what the boot spec said; no mount of it is ever without. Immutable once mounted */
	_Atomic uint32_t flags;   /* MOUNT_READONLY: read-only as a whole, whatever its mounts say */
	struct user_ns *owner;    /* who mounted it: whose capabilities count for it; referenced; NULL: the first user namespace */
	char *options;            /* as /proc/mounts shows them, with a comma before each; NULL: none. Immutable */
	struct inode *root;       /* referenced; set by the filesystem's constructor; dropped with the last reference to the super */
	_Atomic uint64_t next_ino;
	void *priv;
};

/* Sets everything but priv; one reference, the caller's (a mount takes it over); a device number of its own. */
void super_init(struct super *, const struct super_ops *, const char *fstype);
struct super *super_get(struct super *);
void super_put(struct super *);
/* A fresh inode number of this filesystem. */
uint64_t super_next_ino(struct super *);

struct inode *inode_get(struct inode *);
void inode_put(struct inode *);
/* Sets everything but what the filesystem embeds; one reference, the caller's. */
void inode_init(struct inode *, const struct inode_ops *, struct super *, uint32_t mode, uint32_t uid, uint32_t gid);
/* Times now, in the realtime clock's coarse ticks. */
struct timespec64 fs_now(void);
void inode_touch(struct inode *, uint32_t what /* ATTR_ATIME|ATTR_MTIME|ATTR_CTIME */);
/* The file was read: atime moves by the rules of relatime. Cheap when it need not. */
void inode_accessed(struct inode *, uint32_t open_flags /* LX_O_NOATIME */);
/* A copy of the inode's own attributes, taken under its lock. What a getattr operation starts from. */
void inode_attr(struct inode *, struct attr *out);
/* Applies a checked change to inode->attr (all of ATTR_* but the data itself); ctime becomes now. Takes the inode's lock. */
void inode_apply(struct inode *, const struct setattr *);

#endif
