/*
 * Mounts: the trees that paths are walked over. mount_namespaces(7).
 *
 * A mount is a filesystem (or a directory of it) made visible at a place of another mount. Mounts form trees: one a namespace, whose base is
 * an empty directory that nobody sees, and small ones that open_tree(2) and fsmount(2) have made and nobody has mounted yet (a namespace
 * without members, called anonymous).
 *
 * One lock (the mount lock, RANK_MOUNTS) protects the shape of all trees, and propagation between them. A walk takes it only at a dentry
 * that something is mounted on, which the dentry itself knows, and at a mount's root on its way up; the mounts on a place are found by
 * hash. What a change drops is put after the lock: mounts_drop().
 *
 *	mount.c         mounts, the hash, crossing
 *	mount_tree.c    copies of trees, attaching, detaching
 *	mount_peer.c    peer groups and propagation
 *	mount_ns.c      namespaces
 *	mount_op.c      what mount(2), umount2(2) and their kin do
 *	mount_check.c   who may
 */
#ifndef SENTRY_FS_MOUNT_H
#define SENTRY_FS_MOUNT_H

#include <stdint.h>

#include "sentry/fs/vfs.h"
#include "sentry/kernel/ns.h"
#include "sentry/kernel/waitq.h"

#define MOUNTS_MAX 10000 /* in one namespace: /proc/sys/fs/mount-max */

struct mount_ns {
	struct ns ns;
	/* immutable */
	uint64_t id;           /* as statmount and listmount have it; later ones are greater */
	bool anonymous;
	/* protected by the mount lock */
	struct mount *base;    /* the tree's reference is its own */
	struct list mounts;    /* of mount.link, in order of arrival */
	int count;
	/* atomic */
	_Atomic uint64_t event; /* counts changes, for poll(2) of /proc/PID/mounts */
	struct waitq changed;
};

struct peer_group {
	int id;                /* immutable */
	/* protected by the mount lock */
	struct list members;   /* of mount.peer_link; never empty */
	struct list slaves;    /* of mount.slave_link */
	struct peer_group *next_todo; /* owned by a propagation under way */
	struct mount *todo_source;
	struct mount *last_copy;
	bool visited;
};

extern struct lock mount_lock; /* RANK_MOUNTS */

/* --- mounts (mount.c) --------------------------------------------------------------------------------------------------------- */

struct mount *mount_get(struct mount *);
void mount_put(struct mount *); /* not under locks */
/* The same, and not a use of it: the next umount with MNT_EXPIRE finds it unused. */
void mount_put_expiring(struct mount *);
/* A mount of `super` (a reference is taken) at `root`, on nothing. label and source are copied; NULL: the filesystem's name. NULL when memory is out. */
struct mount *mount_new(struct super *, struct dentry *root, uint32_t flags, const char *label, const char *source);
/* What is mounted on top of this place: referenced, or NULL. */
struct mount *mount_on(const struct path *);
/* While something is mounted on *p, goes to its root. Takes over and gives back references. True when it moved. */
bool mount_cross(struct path *p);
/* From a mount's root to what it is mounted on. False, and nothing done, at the base of all. */
bool mount_climb(struct path *p);
/* Is anything mounted on the dentry in this namespace? */
bool mount_is_point(const struct mount_ns *, const struct dentry *);
/* Of m in its tree: the next in order, parents before children; NULL after the last below `top`. Lock held. */
struct mount *mount_next(struct mount *m, const struct mount *top);
struct mount *mount_skip(struct mount *m, const struct mount *top); /* the same, but for what is below m */

/* The mount lock held: */
struct mount *mount_find(const struct mount *on, const struct dentry *at); /* borrowed, or NULL */
void mount_hang(struct mount *, struct mount *on, struct dentry *at);      /* takes references */
void mount_unhang(struct mount *, struct path *was);                       /* hands them over */

/* --- trees (mount_tree.c); lock held --------------------------------------------------------------------------------------------- */

enum { COPY_UNBINDABLE = 1, COPY_PRIVATE = 2, COPY_SLAVE = 4, COPY_SHARED_TO_SLAVE = 8, COPY_MAKE_SHARED = 16, COPY_ALONE = 32 };
/* A copy of m and (unless COPY_ALONE) all that is mounted on it at or below `root`, on nothing and in no namespace. NULL with *err; what was made until then is on `dead`. */
struct mount *mount_copy_tree(struct mount *m, struct dentry *root, uint32_t how, struct list *dead, int *err);
/* Every mount of the tree becomes the namespace's. -ENOSPC with nothing done. */
int mount_join_ns(struct mount *top, struct mount_ns *);
/* Takes a whole tree apart: its mounts go to `dead`. Those that hide something stay on what they hide. */
void mount_detach_tree(struct mount *top, struct list *dead);
/* Mounts `top` and what is on it at a place, and copies wherever that propagates. `moving`: it is mounted elsewhere, and leaves there. */
int mount_attach(struct mount *top, struct mount *on, struct dentry *at, bool moving, struct list *dead);
/* Takes a tree away, and its like wherever that propagates. */
void mount_detach(struct mount *top, struct list *dead);
/* Nobody uses it, nor its like wherever its end would propagate: `refs` are the references that its users know of. */
bool mount_is_busy(struct mount *, int refs);
/* After the lock: puts what a change has dropped. */
void mounts_drop(struct list *dead);
/* What a less privileged namespace must not undo: flags, and what hides something. */
void mount_lock_tree(struct mount *top);

/* --- propagation (mount_peer.c); lock held ----------------------------------------------------------------------------------------- */

int peer_group_new(struct mount *);                     /* makes it shared, in a group of its own: 0 or -ENOMEM */
void peer_join(struct mount *, struct peer_group *);
void slave_attach(struct mount *, struct peer_group *);
void peer_leave_all(struct mount *);                    /* private */
enum propagation { PROPAGATE_SHARED, PROPAGATE_SLAVE, PROPAGATE_PRIVATE, PROPAGATE_UNBINDABLE };
int mount_set_propagation(struct mount *, enum propagation);
/* Every mount of the tree that is not shared gets a group of its own. */
int peer_share_tree(struct mount *top);
/* Calls fn for each mount that receives what happens on `m`, m excluded, with what it shall get a copy of and how. Stops at an error. */
int propagate_each(struct mount *m, struct mount *source,
		   int (*fn)(struct mount *to, struct mount *copy_of, uint32_t how, void *arg, struct mount **made), void *arg);

/* --- namespaces (mount_ns.c) ------------------------------------------------------------------------------------------------------- */

/* The sandbox's first one, without mounts; an anonymous one, owned by the task's user namespace. NULL when memory is out. */
struct mount_ns *mount_ns_new(void);
struct mount_ns *mount_ns_anonymous(struct task *);
void mount_ns_free(struct mount_ns *); /* drops the reference */
struct ns *mount_ns_copy(struct task *, struct ns *from, struct user_ns *owner, int *err);
void mount_ns_destroy(struct ns *);
struct mount_ns *task_mount_ns(struct task *); /* borrowed: the task's own */
/* What "/" is for who enters it: the top of what is mounted on its base. Referenced. */
void mount_ns_root(struct mount_ns *, struct path *out);
/* Where the context's places are in a namespace that was just copied: moves them there. */
void mount_ns_move_fs(struct mount_ns *, struct fsctx *);
/* Something changed: pollers are told. */
void mount_ns_touch(struct mount_ns *);
/* Mounts a filesystem of the boot spec at a path (NULL: as the root of all); takes the super's reference. */
int mount_add(struct mount_ns *, struct super *, const struct path *at, uint32_t flags, const char *label, const char *source);
/* All mounts, each referenced for as long as fn runs. */
int mounts_snapshot(struct mount_ns *, struct mount ***out); /* their number, or -ENOMEM; each and the array are the caller's */
void mounts_release(struct mount **, int count);
void mounts_for_each(struct kernel *, bool (*fn)(struct mount *, void *), void *arg); /* of the first namespace */

/* The namespace with this id that is the task's or some process's: referenced, or NULL. */
struct mount_ns *mount_ns_find(struct task *, uint64_t id);
/* Of one mount, as it was under the lock. Groups by number, 0: none. */
struct mount_facts {
	int parent, shared, master;
	int from;              /* the nearest group above that has a member in this namespace; 0: none */
	uint64_t parent_unique;
	bool unbindable;
};
struct mount_facts mount_facts(const struct mount *);
/*
 * An O_PATH file that a tree hangs on, for open_tree(2) and fsmount(2): with the last reference to the file the tree goes, unless it was
 * mounted meanwhile. Takes over the namespace's reference when it succeeds; mount_file.c. 0 or -ENOMEM.
 */
struct file;
int mount_tree_file(struct task *, const struct path *, struct mount_ns *, struct file **out);

/* --- verbs (mount_op.c) ------------------------------------------------------------------------------------------------------------ */

/* May the task change its mounts at all? -EPERM */
int mount_may(struct task *);
/* locked: MOUNT_* flags that must stay set. The super's reference stays the caller's. */
int mount_do_new(struct task *, const struct path *at, struct super *, uint32_t flags, uint32_t locked, const char *source);
int mount_do_bind(struct task *, const struct path *from, const struct path *to, bool recursive);
int mount_do_move(struct task *, const struct path *from, const struct path *to);
int mount_do_propagation(struct task *, const struct path *, enum propagation, bool recursive);
int mount_do_flags(struct task *, const struct path *, uint32_t flags);          /* MOUNT_* that shall hold from now on */
int mount_do_remount(struct task *, const struct path *, uint32_t flags, bool readonly_super, const char *options);
/* The filesystem as a whole, wherever it is mounted: MOUNT_READONLY set or cleared, options (NULL: none). -EPERM for who does not own it. */
int mount_do_reconfigure(struct task *, struct super *, uint32_t set, uint32_t clear, const char *options);
int mount_do_umount(struct task *, struct path *, uint32_t umount_flags);        /* takes over the path's references */
int mount_do_pivot(struct task *, const struct path *new_root, const struct path *put_old);
/* A copy of what is mounted there, as a tree of its own; *out's base is it. */
int mount_do_clone(struct task *, const struct path *from, bool recursive, struct mount_ns **out);
/* A mount of the filesystem on nothing, as a tree of its own: `locked` are MOUNT_* that stay. *root is it, referenced. mount_attr.c */
int mount_do_detached(struct task *, struct super *, uint32_t flags, uint32_t locked, const char *source, struct mount_ns **out, struct path *root);
/* MOUNT_* flags of a mount, or of all that is on it too: all of them change or, with an error, none. propagation: MS_*, 0: stays. mount_setattr(2). */
struct mount_change {
	uint32_t set, clear, propagation;
	bool recursive;
};
int mount_do_setattr(struct task *, const struct path *, const struct mount_change *);
/* `to`, which is private, becomes a member of the group that `from` is in, and a slave of that one's master. */
int mount_do_set_group(struct task *, const struct path *from, const struct path *to);
/* Is the place reached from `root` by going down? Lock held. */
bool mount_reachable(const struct path *p, const struct path *root);
/* May `flags` replace the mount's own? -EPERM when one that is locked would go. Lock held. */
int mount_may_set_flags(const struct mount *, uint32_t flags);
/* A filesystem that tells about the whole system may be mounted by a less privileged user only where one is seen already. */
bool mount_reveals_too_much(struct task *, const struct super *, uint32_t flags, uint32_t *locked);
/* A name that others (in other namespaces) have something mounted on went: what was mounted there goes as well. */
void mount_point_gone(struct dentry *);

#endif
