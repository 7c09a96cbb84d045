/*
 * Open files: what an fd of the guest leads to (open file description in open(2)'s words).
 *
 * Every kind of file is one struct file_ops, in one source file, the table last. Operations never block: what cannot go on now
 * returns -EAGAIN, after which the system call layer waits on poll()'s queue and tries again (sched.h). The one exception is
 * I/O on host files, which may be under way in the ring: read and write then return SYS_BLOCKED and are run again.
 */
#ifndef SENTRY_FS_FILE_H
#define SENTRY_FS_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/ref.h"
#include "sentry/fs/path.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/waitq.h"
#include "sentry/mm/uio.h"

struct async;
struct file;
struct task;
struct inode;
struct cred;
struct dirent_sink;

/* What poll registers with: each queue the file's readiness depends on is given to add(). NULL: only look. */
struct poll_table {
	int (*add)(struct poll_table *, struct waitq *, uint32_t events); /* 0 or -ENOMEM */
	uint32_t events;
};

/* How a file's bytes get into a guest's address space: answered by the mmap operation. */
struct map_source {
	int fd;              /* host fd in the main table, borrowed: the file's reference keeps it */
	uint64_t offset;     /* of the host file where the mapping starts */
	bool anonymous;      /* no fd: map private or shared anonymous memory (/dev/zero) */
	bool noexec;         /* may never become executable (mount rule) */
};

struct file_ops {
	/* At the given position; *pos moves. Bytes, or negative errno, -EAGAIN as above. Files without positions ignore pos. */
	int64_t (*read)(struct file *, struct task *, struct uio *, int64_t *pos);
	int64_t (*write)(struct file *, struct task *, struct uio *, int64_t *pos);
	/* POLL* bits that hold now, after registering with the table (NULL: none). Absent: always readable and writable. */
	uint32_t (*poll)(struct file *, struct poll_table *);
	int64_t (*seek)(struct file *, int64_t offset, int whence);         /* new position; absent: -ESPIPE */
	int64_t (*ioctl)(struct file *, struct task *, uint32_t cmd, uint64_t arg); /* absent or unknown: -ENOTTY */
	/* Fills *out, every field, for a mapping of `len` bytes at `offset`; access bits were checked against f->flags. Absent: -ENODEV.
	   -EAGAIN: cannot be told on a tracer thread (sched_on_tracer()); asked again on the reactor. */
	int (*mmap)(struct file *, uint64_t offset, uint64_t len, int prot, bool shared, struct map_source *out);
	int (*readdir)(struct file *, struct task *, struct dirent_sink *); /* absent: -ENOTDIR */
	int (*fsync)(struct file *, struct task *, bool data_only);         /* absent: -EINVAL */
	int (*truncate)(struct file *, struct task *, int64_t len);
	int (*fallocate)(struct file *, struct task *, int mode, int64_t offset, int64_t len);
	/* The host file that the bytes are in now, borrowed: for what the host can do with it on its own (asynchronous reads and fsync,
	   advice, cachestat). Negative, or absent: memory of the sentry's. */
	int (*host_fd)(struct file *);
	int (*set_flags)(struct file *, uint32_t flags);                    /* F_SETFL beyond O_APPEND and O_NONBLOCK */
	/* One fd of a table was closed (POSIX locks, flush). May be absent. */
	void (*close_fd)(struct file *, struct task *);
	/* The same, after the fd has dropped its reference: the file may be gone. */
	void (*fd_closed)(void);
	void (*release)(struct file *);                                     /* last reference gone; frees `priv` */
	void (*show_fdinfo)(struct file *, char *buf, size_t len);          /* lines of /proc/PID/fdinfo; may be absent */
	bool fasync;                                                        /* O_ASYNC means something: readiness is told by signal */
	const char *name;                                                   /* "pipe", "goferfs", … for logs */
};

struct file {
	struct ref ref;
	/* immutable after creation */
	const struct file_ops *ops;
	struct path path;        /* referenced; dentry NULL for files without a name */
	struct inode *inode;     /* referenced; never NULL (anonymous inodes for eventfd and the like: fs/anon.h) */
	struct cred *cred;       /* the opener's; referenced; NULL where the sentry itself opened it (copy-up) */
	void *priv;              /* owned by ops */
	bool readable, writable;
	bool counted_writer;     /* in inode->writers */
	uint64_t landlock_denied; /* LX_LANDLOCK_FS_* that the opener's domain did not give: TRUNCATE, IOCTL_DEV */
	bool created;            /* its open made it: F_CREATED_QUERY */
	bool executing;          /* a program that runs: counted in inode->executing; set by exec while the file is its own */
	/* atomic */
	_Atomic uint32_t flags;  /* LX_O_* as F_GETFL shows them */
	/* protected by pos_lock */
	struct lock pos_lock;    /* taken by read, write, lseek, getdents on files with positions */
	int64_t pos;
	struct async *_Atomic async; /* F_SETOWN, F_SETSIG, O_ASYNC: made at first need; fs/async.c */
	/* number of epoll watches; atomic */
	atomic_int epoll_watches;
	struct work deferred;    /* of file_put_deferred: used once, after the last reference */
	struct list epoll_items; /* of epoll's items for this file; protected by epoll's global lock, see fs/epoll.c */
};

/* Takes the references it needs; path and inode as said above. NULL when memory is out. */
/* The cloexec bit is the fd's: it is dropped from flags here, as are O_CREAT, O_EXCL, O_NOCTTY and O_TRUNC. */
struct file *file_new(const struct file_ops *, struct inode *, const struct path *, uint32_t flags, struct cred *, void *priv);
struct file *file_get(struct file *);
/* May run release: not under locks, and in the main fd table only (from a stop handler use file_put_deferred). */
void file_put(struct file *);
void file_put_deferred(struct file *);

/* Does this write go to the end of the file? */
static inline bool file_appends(struct file *f, const struct uio *u)
{
	return u->append || (!u->noappend && atomic_load_explicit(&f->flags, memory_order_relaxed) & 02000 /* LX_O_APPEND */);
}

static inline bool file_nonblock(const struct file *f)
{
	return atomic_load_explicit(&f->flags, memory_order_relaxed) & 04000; /* LX_O_NONBLOCK */
}

/* The verbs that system calls use. All check access modes, positions, O_APPEND, and file size limits. Results as the operations'. */
int64_t file_read(struct file *, struct task *, struct uio *, int64_t *pos); /* pos NULL: the file's own */
int64_t file_write(struct file *, struct task *, struct uio *, int64_t *pos);
uint32_t file_poll(struct file *, struct poll_table *);
int file_host_fd(struct file *); /* as the operation; -1 where it is absent */
int64_t file_seek(struct file *, int64_t offset, int whence);
/* Directory entries from the file's position on; the sink must not touch guest memory (locks are held: the directory's and the position's). */
int file_readdir(struct file *, struct task *, struct dirent_sink *);
/* What seek does for a file of `size` bytes without holes, and for directories and the like (size -1: SEEK_END is EINVAL). pos_lock held. */
int64_t file_seek_plain(struct file *, int64_t offset, int whence, int64_t size);
/* What one fd's close means for the file: POSIX locks of this table go, close_fd is told. Drops the reference. */
struct fdtable;
void file_close(struct file *, struct fdtable *, struct task *);
/* What /proc/PID/fd/N shows: the path, or "pipe:[7]", "socket:[7]", "anon_inode:[eventfd]", "/memfd:x (deleted)". As path_name(). */
int64_t file_link_name(struct task *, struct file *, char *buf, size_t len);
/* A path that vfs_open_path() and stat can use for any file, also one without a name (a dentry is made for it). *out referenced. */
int file_as_path(struct file *, struct path *out);

static inline void file_put_cleanup(struct file **f)
{
	if (*f)
		file_put(*f);
}
/* Drops the reference at the end of the block. */
#define AUTO_FILE __attribute__((cleanup(file_put_cleanup)))

#endif
