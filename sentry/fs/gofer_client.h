/*
 * The sentry's side of the gofer protocol (gofer/wire.h): typed calls, one request and one reply each. Thread-safe.
 *
 * Measured (2-core KVM guest, caller pinned): an empty round trip 8.5 µs, walk of one name 9, of two 12, a handle 1.5 more,
 * walk and open 16 to 18, open by handle 14, a directory of 400 entries with their attributes 480. Unpinned, the host wakes
 * the caller on the other CPU when that is idle: 50 to 70 µs for each. Whoever calls on a hot path is a pinned thread.
 *
 * A call uses the channel of the CPU that it is made on, another free one if that is busy, and waits if all are. A call
 * that takes longer than a timer tick of the host (1 to 4 ms) is bracketed by stuck_begin and stuck_end, so that
 * somebody else waits for the lane's traps meanwhile. Every function returns a negative errno on failure; -EIO when the
 * gofer is gone or has lied, and `lost` is called once, by the thread that noticed. Locks: RANK_GOFER is held during
 * the call and the two callbacks; `lost` runs with none of ours.
 *
 * Host calls made on the hot path, for the allowlist: sendto (no address), recvmsg, getcpu (vDSO), futex; when an
 * answer is slow, poll. gofer_client_new calls setsockopt: before the lock-down.
 */
#ifndef SENTRY_FS_GOFER_CLIENT_H
#define SENTRY_FS_GOFER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "gofer/wire.h"

struct gofer_client;

struct gofer_client_config {
	const int *fds;              /* one SOCK_SEQPACKET socket a channel; taken over */
	const int *cpus;             /* the CPU that serves it, -1 for any; NULL: all -1 */
	int channels;                /* at least 1 */
	void (*stuck_begin)(void);   /* both may be NULL */
	void (*stuck_end)(void);
	void (*lost)(void *arg);     /* may be NULL */
	void *lost_arg;
};

/* A name within a directory. Not NUL-terminated. */
struct gofer_name {
	const char *s;
	uint16_t len;
};

/* NULL when memory is out (the fds are closed then too). */
struct gofer_client *gofer_client_new(const struct gofer_client_config *);
/* Closes the channels; the gofer drops every handle. No call may be under way. */
void gofer_client_free(struct gofer_client *);

/*
 * The root of that index in the runtime's list: its entry with a handle, its GOFER_ROOT_* flags. -ENOENT: there is
 * none.
 */
int gofer_attach(struct gofer_client *, uint32_t root, struct gofer_entry *, uint32_t *root_flags);
/* The same, with the fd of a sealed tree's index, which is the caller's then; -1: there is none. */
int gofer_attach_index(struct gofer_client *, uint32_t root, struct gofer_entry *, uint32_t *root_flags, int *index);

/* Where a walk ended. */
struct gofer_walked {
	int count;       /* entries filled in */
	int error;       /* 0, or why name[count] was not reached (-ENOENT, -EACCES, -ENOTDIR...) */
	int fd;          /* gofer_walk_open: what was opened, or -1 (a symlink was met, or `error` says) */
	size_t link_len; /* the last entry is a symlink: bytes of its target put into `link` (cut to its size) */
};
/*
 * Walks n names (1 to GOFER_WALK_MAX; 0: a second handle for dir) from dir, as GOFER_WALK says. flags: GOFER_WALK_*.
 * entries has room for n (at least 1). link may be NULL. 0 when a reply came, even if nothing was found: see out->count
 * and out->error.
 */
int gofer_walk(struct gofer_client *, uint32_t dir, const struct gofer_name *, int n, uint32_t flags, struct gofer_entry *entries,
	       char *link, size_t link_size, struct gofer_walked *out);
/*
 * The same, and opens the last name (flags: GOFER_WALK_* and GOFER_OPEN_*) if the walk reached it without meeting a
 * symlink.
 */
int gofer_walk_open(struct gofer_client *, uint32_t dir, const struct gofer_name *, int n, uint32_t flags,
		    struct gofer_entry *entries, char *link, size_t link_size, struct gofer_walked *out);
/* An fd (close-on-exec) with just the access asked for, and the file's attributes if wanted. Regular files only. */
int gofer_open(struct gofer_client *, uint32_t handle, uint32_t flags, struct gofer_attr *);

/* A batch of a directory's entries. */
struct gofer_page {
	void *data;      /* allocated; gofer_page_free */
	uint32_t len;
	uint32_t count;  /* 0: the end of the directory */
	uint64_t cookie; /* for the next batch; GOFER_COOKIE_END: there is none */
};
int gofer_readdir(struct gofer_client *, uint32_t dir, uint64_t cookie, struct gofer_page *);
/* Iterates: *pos starts at 0; NULL at the end. The name is checked and not NUL-terminated. */
const struct gofer_dirent *gofer_page_next(const struct gofer_page *, uint32_t *pos);
void gofer_page_free(struct gofer_page *);

/* Bytes of the target (at most size), no NUL. */
int64_t gofer_readlink(struct gofer_client *, uint32_t handle, char *buf, size_t size);
int gofer_stat(struct gofer_client *, uint32_t handle, struct gofer_attr *);

struct gofer_setattr {
	uint32_t set; /* GOFER_SET_* */
	uint32_t mode, uid, gid;
	uint64_t size;
	struct gofer_time atime, mtime;
};
int gofer_setattr(struct gofer_client *, uint32_t handle, const struct gofer_setattr *, struct gofer_attr *after);

/*
 * Always exclusive: -EEXIST if there is anything of that name. Returns the fd; the entry has a handle. The caller
 * applies its umask.
 */
int gofer_create(struct gofer_client *, uint32_t dir, struct gofer_name, uint32_t mode, uint32_t open_flags, struct gofer_entry *);
int gofer_mkdir(struct gofer_client *, uint32_t dir, struct gofer_name, uint32_t mode, struct gofer_entry *);
int gofer_mknod(struct gofer_client *, uint32_t dir, struct gofer_name, uint32_t mode, struct gofer_entry *);
int gofer_symlink(struct gofer_client *, uint32_t dir, struct gofer_name, const char *target, size_t len, struct gofer_entry *);
int gofer_link(struct gofer_client *, uint32_t handle, uint32_t dir, struct gofer_name, struct gofer_attr *);
int gofer_unlink(struct gofer_client *, uint32_t dir, struct gofer_name);
int gofer_rmdir(struct gofer_client *, uint32_t dir, struct gofer_name);
int gofer_rename(struct gofer_client *, uint32_t from_dir, struct gofer_name from, uint32_t to_dir, struct gofer_name to,
		 uint32_t flags);
int gofer_statfs(struct gofer_client *, uint32_t handle, struct gofer_statfs *);

/* size 0 asks for the length only; -ERANGE where it does not fit. */
int64_t gofer_getxattr(struct gofer_client *, uint32_t handle, struct gofer_name, void *buf, size_t size);
int64_t gofer_listxattr(struct gofer_client *, uint32_t handle, char *buf, size_t size);
int gofer_setxattr(struct gofer_client *, uint32_t handle, struct gofer_name, const void *value, size_t len, uint32_t flags);
int gofer_removexattr(struct gofer_client *, uint32_t handle, struct gofer_name);
int gofer_fsync_dir(struct gofer_client *, uint32_t dir);

/*
 * Gives a handle back; never fails, and usually costs no round trip: they are sent in batches. GOFER_NO_HANDLE is
 * ignored.
 */
void gofer_close(struct gofer_client *, uint32_t handle);
/* Sends the batch now. */
void gofer_close_flush(struct gofer_client *);

#endif
