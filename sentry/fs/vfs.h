/*
 * The generic filesystem layer: mounts, names, permissions. path_resolution(7), mount_namespaces(7).
 *
 * All functions run on threads in the main fd table and may call the gofer. Errors are Linux's.
 */
#ifndef SENTRY_FS_VFS_H
#define SENTRY_FS_VFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sentry/fs/inode.h"
#include "sentry/fs/path.h"
#include "sentry/mm/usermem.h"

struct kernel;
struct file;
struct fsctx;

/* --- mounts ----------------------------------------------------------------------------------------------------------------------- */

enum {
	MOUNT_READONLY = 1, MOUNT_NOEXEC = 2, MOUNT_NOSUID = 4, MOUNT_NODEV = 8, MOUNT_NOATIME = 16, MOUNT_NODIRATIME = 32, MOUNT_STRICTATIME = 64,
	MOUNT_NOSYMFOLLOW = 128,
	MOUNT_ATIME = MOUNT_NOATIME | MOUNT_NODIRATIME | MOUNT_STRICTATIME,
	/* Not flags of their own: what a mount's `locked` has beside the flags that must stay set. */
	MOUNT_LOCK_ATIME = 1 << 16, /* the atime flags must stay as they are */
	MOUNT_LOCKED = 1 << 17,     /* it must not be taken away from where it is, or what is under it would be seen */
};
struct peer_group;
struct mount_ns;
struct mount {
	struct ref ref;            /* the tree's, one a path to it, one a mount on it */
	/* immutable after creation */
	struct super *super;       /* referenced */
	struct dentry *root;       /* referenced */
	int id;                    /* as in mountinfo */
	uint64_t unique_id;        /* as in statx and listmount: never used again */
	uint64_t copy_of;          /* unique_id of the mount that a new namespace's copy was made from; 0: none */
	char *label;               /* for messages: "input collect.raw", "rootfs" */
	char *source;              /* for /proc/mounts */
	/* changed under the mount lock, read without */
	_Atomic uint32_t flags;    /* MOUNT_* */
	atomic_bool expiring;      /* MNT_EXPIRE has marked it, and nobody has used it since */
	/* protected by the mount lock (mount.c) */
	struct mount_ns *ns;       /* no reference; NULL: not mounted (any more) */
	struct path at;            /* where it is mounted; referenced; mount NULL for the base of a namespace */
	struct path was;           /* where it was mounted, or will be: owned by the change under way, put with the mount */
	uint32_t locked;           /* MOUNT_* flags that the guest may not clear, MOUNT_LOCK_ATIME, MOUNT_LOCKED */
	bool unbindable;
	struct list link;          /* on ns->mounts, in order; or on a list of mounts that are to be put */
	struct list children;      /* of mount.sibling: what is mounted on it */
	struct list sibling;
	struct mount *hash_next;   /* mounts by what they are mounted on */
	struct peer_group *peers;  /* shared: the group it is a member of */
	struct list peer_link;
	struct peer_group *master; /* slave: the group that it receives from */
	struct list slave_link;
};
/* Builds the mount table of the boot spec. 0, or negative errno with a sentence in why. */
int mounts_boot(struct kernel *, char *why, size_t why_len);

/* --- a task's view ------------------------------------------------------------------------------------------------------------------ */

struct fsctx { /* cwd, root, umask: shared as clone says; fsctx_root() and fsctx_cwd() take referenced copies */
	struct ref ref;
	struct lock lock; /* RANK_FS_CTX */
	struct path cwd, root; /* protected by lock; referenced */
	_Atomic uint32_t umask; /* without the lock: asked for with a directory's held */
};
struct fsctx *fsctx_new(const struct path *root);
struct fsctx *fsctx_copy(struct fsctx *);
struct fsctx *fsctx_get(struct fsctx *);
void fsctx_put(struct fsctx *);
/* Referenced copies. */
void fsctx_root(struct fsctx *, struct path *out);
void fsctx_cwd(struct fsctx *, struct path *out);
uint32_t fsctx_umask(struct fsctx *);

/* --- names -------------------------------------------------------------------------------------------------------------------------- */

enum {
	WALK_NOFOLLOW = 1,     /* do not follow a symlink as the last component */
	WALK_DIRECTORY = 2,    /* the result must be a directory */
	WALK_PARENT = 4,       /* stop at the last component's directory */
	WALK_EMPTY = 8,        /* AT_EMPTY_PATH: "" means the starting fd itself */
	WALK_CACHED = 1024,    /* only names that the cache knows: -EAGAIN otherwise */
	WALK_WILL_OPEN = 512,  /* a hint: what is found will be opened for reading */
	WALK_BENEATH = 16, WALK_IN_ROOT = 32, WALK_NO_MAGICLINKS = 64, WALK_NO_SYMLINKS = 128, WALK_NO_XDEV = 256, /* openat2 */
};
/* Resolves `name` from the fd (LX_AT_FDCWD, or a directory). *out referenced. */
int vfs_walk(struct task *, int at_fd, const char *name, uint32_t flags, struct path *out);
/* As WALK_PARENT: directory in *dir, last component in `last` (≥ 256 bytes). "." and ".." give -EINVAL/-EBUSY/-EEXIST as the caller's call wants: they are left in `last`, "/" for the root. */
int vfs_walk_parent(struct task *, int at_fd, const char *name, uint32_t flags, struct path *dir, char *last, bool *trailing_slash);
/* Reads the string from the guest first. */
int vfs_walk_user(struct task *, int at_fd, uaddr_t name, uint32_t flags, struct path *out);
/* As vfs_walk(); *told: the walk itself asked the filesystem about the last name, so that inode_attr() is what getattr would say. */
int vfs_walk_told(struct task *, int at_fd, const char *name, uint32_t flags, struct path *out, bool *told);
/* As vfs_walk() with other credentials than the task's own (access(2) with the real ids). */
int vfs_walk_as(struct task *, const struct cred *, int at_fd, const char *name, uint32_t flags, struct path *out);
/* The dentry's inode (borrowed); NULL for a negative one. */
struct inode *path_inode(const struct path *);
/* The name as the task's root sees it, for getcwd and /proc: length, or -ENAMETOOLONG, -ENOENT when unreachable. " (deleted)" is appended when unlinked. */
int64_t path_name(struct task *, const struct path *, char *buf, size_t len);
/* The same as seen from another root. */
int64_t path_name_from(const struct path *root, const struct path *, char *buf, size_t len);
/* For messages to people: never fails, "?" at worst. */
void path_describe(const struct path *, char *buf, size_t len);

/* --- checks ----------------------------------------------------------------------------------------------------------------------------- */

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };
int inode_permission(const struct cred *, struct inode *, uint32_t may); /* -EACCES */
/* exec and mmap(PROT_EXEC) of a file of this mount: -EACCES on noexec, reported with `what` ("execve", "mmap", …). */
int path_may_exec(struct task *, const struct path *, const char *what);

/* --- verbs, for system calls ---------------------------------------------------------------------------------------------------------------- */

struct open_how {
	uint32_t flags;   /* LX_O_* */
	uint32_t mode;
	uint32_t walk;    /* WALK_* beyond what flags say */
};
int vfs_open(struct task *, int at_fd, const char *name, const struct open_how *, struct file **out);
/* Opens what a path leads to, without walking. For exec, core files, /proc/PID/fd. */
int vfs_open_path(struct task *, const struct path *, uint32_t flags, struct file **out);
/* A new name for `how` says what; the umask is applied. Trailing slashes are for directories only. */
int vfs_mknod(struct task *, int at_fd, const char *name, const struct create_how *, struct path *out /* or NULL */);
int vfs_unlink(struct task *, int at_fd, const char *name);
int vfs_rmdir(struct task *, int at_fd, const char *name);
int vfs_link(struct task *, const struct path *what, int at_fd, const char *name);
int vfs_rename(struct task *, int from_fd, const char *from, int to_fd, const char *to, uint32_t flags /* LX_RENAME_* */);
int64_t vfs_readlink(struct task *, const struct path *, char *buf, size_t len);
/* The super's statfs with the mount's flags and the device number put in. */
int vfs_statfs(const struct path *, struct lx_statfs *out);
int vfs_getattr(struct task *, const struct path *, struct attr *out);
/* ATTR_SIZE here is truncate(2): write permission, regular files only. -EROFS first. */
int vfs_setattr(struct task *, const struct path *, struct setattr *);
/* RLIMIT_FSIZE for a file that is to get this size: 0, or -EFBIG with SIGXFSZ sent. */
int inode_may_grow(struct task *, const struct inode *, int64_t size);
/* -EROFS on a read-only mount. What every change begins with. */
int path_may_change(const struct path *);

#endif
