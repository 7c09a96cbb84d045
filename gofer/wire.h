/*
 * What the sentry and the gofer say to each other: the one header that both include, and the boundary between two
 * processes that do not trust each other.
 *
 * A channel is a Unix SOCK_SEQPACKET socket; there is one per lane. One packet is one message, so lengths cannot drift.
 * On a channel the states are
 *
 *      idle ──request (sentry sends)──▶ asked ──reply (gofer sends, at most one fd attached)──▶ idle
 *        └──────── anything malformed, or end of file ──▶ closed (for this channel only, for ever)
 *
 * The sentry writes every byte of a request and the gofer every byte of a reply; neither reads a message twice, neither
 * sends fds except the gofer (what a sentry attaches is dropped unseen). Fields that an op does not use are zero, and
 * the gofer closes the channel on one that is not: a client that sends rubbish is broken or broken into. What an honest
 * program can cause (a file that is missing, a read-only root, a stale handle) is an error reply instead.
 *
 * No path is on the wire, only names: 1 to 255 bytes, no '/', no NUL, not "." and not "..". All integers are in host
 * order.
 *
 *  request:  struct gofer_request | name_count × (uint16_t len, len bytes) | data_len bytes
 *  reply:    struct gofer_reply   | count × struct gofer_entry             | data_len bytes
 */
#ifndef GOFER_WIRE_H
#define GOFER_WIRE_H

#include <stdint.h>

#define GOFER_REQUEST_MAX 65536u /* bytes of one request, header included */
#define GOFER_REPLY_MAX 65536u
#define GOFER_NAME_MAX 255u
#define GOFER_WALK_MAX 64u       /* names of one walk */
#define GOFER_LINK_MAX 4095u     /* bytes of a symlink's target */
#define GOFER_XATTR_MAX 61440u   /* bytes of an extended attribute's value, or of a list of names */
#define GOFER_CLOSE_MAX 1024u    /* handles of one GOFER_CLOSE */
#define GOFER_COOKIE_END (~(uint64_t)0) /* READDIR: the directory ends with this batch */
#define GOFER_NO_HANDLE 0u       /* no handle has this number */

/*
 * A handle names an inode that the gofer holds open (O_PATH): it stays that inode whatever is renamed outside. Handles
 * are shared by all channels of a sandbox, and the numbers of closed ones come back only after a long while (a stale
 * one is -EBADF).
 */
enum gofer_op {
	GOFER_ATTACH = 1,  /* value: the root's index in the runtime's configuration -> entry with handle; value: GOFER_ROOT_*; of a
			      sealed tree an fd of its index (gofer/sealed_index.h) */
	GOFER_WALK,        /* handle, names, flags -> see below */
	GOFER_OPEN,        /* handle, flags: GOFER_OPEN_* -> fd, entry (no handle) */
	GOFER_WALK_OPEN,   /* as WALK, then OPEN of the last, if it is a regular file reached without a symlink */
	GOFER_READDIR,     /* handle, value: cookie (0: from the start) -> count × struct gofer_dirent in data; value: next cookie, or
			      GOFER_COOKIE_END */
	GOFER_READLINK,    /* handle -> data: the target, no NUL */
	GOFER_STAT,        /* handle -> entry (no handle) */
	GOFER_SETATTR,     /* handle, flags: GOFER_SET_*, mode, uid, gid, value: size, atime, mtime -> entry (no handle) */
	GOFER_CREATE,      /* handle, name, mode, flags: GOFER_OPEN_* -> fd, entry with handle; -EEXIST if there is anything */
	GOFER_MKDIR,       /* handle, name, mode -> entry with handle */
	GOFER_SYMLINK,     /* handle, name, data: the target -> entry with handle */
	GOFER_MKNOD,       /* handle, name, mode with S_IFIFO, S_IFSOCK or S_IFREG -> entry with handle */
	GOFER_LINK,        /* handle: what, handle2: directory, name -> entry (no handle) */
	GOFER_UNLINK,      /* handle, name */
	GOFER_RMDIR,       /* handle, name */
	GOFER_RENAME,      /* handle, name, handle2, second name, flags: GOFER_RENAME_* */
	GOFER_STATFS,      /* handle -> data: struct gofer_statfs */
	GOFER_GETXATTR,    /* handle, name -> data: the value */
	GOFER_SETXATTR,    /* handle, name, flags: GOFER_XATTR_*, data: the value */
	GOFER_LISTXATTR,   /* handle -> data: names, each with its NUL; "user." ones only */
	GOFER_REMOVEXATTR, /* handle, name */
	GOFER_FSYNC,       /* handle of a directory */
	GOFER_CLOSE,       /* data: uint32_t handles; unknown ones are ignored */
	GOFER_OP_COUNT
};

/*
 * WALK goes from `handle` through the names and stops before the first that is missing or cannot be looked up (error
 * says why, count entries are those before it), or at the first symlink, which is the last entry then (error 0, count
 * may be less than what was asked, data is the link's target). Entry i is name i. No names: the handle's own entry,
 * count 1. An entry that was to have a handle and has none says that the table is full (error -ENFILE, unless there was
 * another).
 */
#define GOFER_WALK_HANDLE_LAST 0x100u /* the last entry found gets a handle */
#define GOFER_WALK_HANDLE_ALL 0x200u  /* each of the entries gets one */

/*
 * Exactly one of the first three; the fd has that access and no more. Regular files only: else -EISDIR, -ENXIO, -ELOOP,
 * and no fd.
 */
#define GOFER_OPEN_READ 0x1u
#define GOFER_OPEN_WRITE 0x2u
#define GOFER_OPEN_READ_WRITE 0x3u
#define GOFER_OPEN_ACCESS 0x3u
#define GOFER_OPEN_TRUNCATE 0x4u /* with write access only */

#define GOFER_SET_MODE 0x1u
#define GOFER_SET_UID 0x2u
#define GOFER_SET_GID 0x4u
#define GOFER_SET_SIZE 0x8u
#define GOFER_SET_ATIME 0x10u
#define GOFER_SET_MTIME 0x20u
#define GOFER_SET_ATIME_NOW 0x40u
#define GOFER_SET_MTIME_NOW 0x80u

#define GOFER_RENAME_NOREPLACE 0x1u
#define GOFER_RENAME_EXCHANGE 0x2u

#define GOFER_XATTR_CREATE 0x1u
#define GOFER_XATTR_REPLACE 0x2u

/* What a root allows, and how long what is learnt of it stays true. */
#define GOFER_ROOT_READONLY 0x1u
#define GOFER_ROOT_NOEXEC 0x2u
#define GOFER_ROOT_NOSUID 0x4u
#define GOFER_ROOT_NODEV 0x8u
#define GOFER_ROOT_IMMUTABLE 0x10u   /* never changes: cache for ever, misses too */
#define GOFER_ROOT_EXCLUSIVE 0x20u   /* changed by this sandbox alone; neither bit: shared, revalidate */
#define GOFER_ROOT_FLAGS 0x3fu
/* Told to the sentry: the host's own mount refuses PROT_EXEC mappings of this root's files as well. */
#define GOFER_ROOT_HOST_NOEXEC 0x100u

struct gofer_time {
	int64_t sec;
	uint32_t nsec; /* below 1000000000 */
	uint32_t zero;
};

struct gofer_request {
	uint32_t len;        /* the whole message; must be the packet's size */
	uint16_t op;         /* enum gofer_op */
	uint16_t name_count;
	uint32_t seq;        /* any number; the reply repeats it */
	uint32_t flags;
	uint32_t handle;
	uint32_t handle2;
	uint64_t value;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t data_len;
	struct gofer_time atime, mtime;
};
_Static_assert(sizeof(struct gofer_request) == 80, "gofer_request is on the wire");

struct gofer_reply {
	uint32_t len;
	uint16_t op;
	uint16_t count;
	uint32_t seq;
	int32_t error;      /* 0 or a negative errno */
	uint32_t has_fd;    /* 1: an fd is attached; else 0 */
	uint32_t data_len;
	uint64_t value;
};
_Static_assert(sizeof(struct gofer_reply) == 32, "gofer_reply is on the wire");

/* As statx(2) has it. Set-id bits are already gone on a nosuid root. */
struct gofer_attr {
	uint64_t ino;
	uint64_t dev;       /* major << 32 | minor, of the host */
	uint64_t size;
	uint64_t blocks;    /* of 512 bytes */
	int64_t atime_sec, mtime_sec, ctime_sec, btime_sec;
	uint32_t atime_nsec, mtime_nsec, ctime_nsec, btime_nsec;
	uint32_t mode;      /* type and permissions */
	uint32_t nlink;
	uint32_t uid, gid;
	uint32_t blksize;
	uint32_t rdev_major, rdev_minor;
	uint32_t zero;
};
_Static_assert(sizeof(struct gofer_attr) == 112, "gofer_attr is on the wire");

struct gofer_entry {
	struct gofer_attr attr;
	uint32_t handle;    /* GOFER_NO_HANDLE where none was asked for */
	uint32_t zero;
};
_Static_assert(sizeof(struct gofer_entry) == 120, "gofer_entry is on the wire");

/*
 * One of READDIR's entries: this, the name, zeroes up to a multiple of 8. "." and ".." are left out. End of directory:
 * count 0.
 */
struct gofer_dirent {
	struct gofer_attr attr;
	uint64_t cookie;    /* where to go on after this entry */
	uint16_t name_len;
	uint16_t zero[3];
	char name[];        /* no NUL */
};
_Static_assert(sizeof(struct gofer_dirent) == 128, "gofer_dirent is on the wire");
#define GOFER_DIRENT_SIZE(name_len) ((sizeof(struct gofer_dirent) + (name_len) + 7u) & ~(uint64_t)7u)

struct gofer_statfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, frsize, namelen, flags;
};
_Static_assert(sizeof(struct gofer_statfs) == 80, "gofer_statfs is on the wire");

#endif
