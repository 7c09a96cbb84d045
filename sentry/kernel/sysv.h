/*
 * System V IPC: sysvipc(7). What queues, semaphores and shared memory have in common: keys, ids, permissions, and an end (IPC_RMID) that
 * those who wait are told of.
 *
 * Each kind has one table for all ipc namespaces: an id is of one object, whichever namespace that is in. Its lock (RANK_SOCKET_NAMES) protects everything of its objects. An object outlives its removal while somebody
 * holds a reference, as a blocked call does.
 */
#ifndef SENTRY_KERNEL_SYSV_H
#define SENTRY_KERNEL_SYSV_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/ipc.h"
#include "base/lock.h"
#include "base/ref.h"
#include "sentry/kernel/waitq.h"

struct task;
struct process;
struct ipc_table;

enum { IPC_MAY_READ = 4, IPC_MAY_WRITE = 2 };

struct ipc_object {
	struct ref ref;
	struct ipc_table *table;    /* immutable */
	int id;                     /* immutable */
	uint32_t ns;                /* number of the ipc namespace whose object it is: only its tasks find it; immutable */
	/* protected by table->lock */
	struct lx_ipc_perm perm;
	int64_t ctime;
	bool removed;
	struct waitq queue;         /* the object changed, or is gone */
};

struct ipc_table {
	struct lock lock;
	/* immutable */
	uint32_t max;
	void (*free)(struct ipc_object *);
	/* protected by lock */
	struct ipc_object **slot;   /* by index: id modulo IPC_INDEXES */
	uint32_t slots, used;
	uint32_t seq;
};
#define IPC_INDEXES 32768u
#define IPC_TABLE_INIT(what, limit, fn) { .lock = LOCK_INIT(RANK_SOCKET_NAMES, what), .max = (limit), .free = (fn) }

/* What an xxxget call wants. */
struct ipc_want {
	int32_t key;
	uint32_t flags;  /* IPC_CREAT, IPC_EXCL, mode */
	uint64_t size;   /* of the kind's own sort */
	/* A new object, with everything but its common part; NULL when memory is out. Lock held. */
	struct ipc_object *(*create)(struct task *, const struct ipc_want *, int *err);
	/* Does an object that is there do? 0 or negative errno. Lock held. */
	int (*check)(const struct ipc_object *, const struct ipc_want *);
};
/* Id or negative errno: -ENOENT, -EEXIST, -EACCES, -ENOSPC, -ENOMEM, and what create and check say. */
int64_t ipc_get(struct task *, struct ipc_table *, const struct ipc_want *);
/* Takes table->lock and finds the object: -EINVAL, -EIDRM. With the lock held on success only. The object is borrowed. */
int ipc_lock(struct task *, struct ipc_table *, int id, struct ipc_object **out);
/* By index, for xxx_STAT: as above. */
int ipc_lock_index(struct task *, struct ipc_table *, int index, struct ipc_object **out);
/* Lock held. -EACCES; -EPERM for who neither owns nor made it. */
int ipc_permission(struct task *, const struct ipc_object *, uint32_t want);
int ipc_may_change(struct task *, const struct ipc_object *);
/* Lock held: nobody finds it any more, waiters are woken, the table's reference goes. */
void ipc_remove(struct ipc_object *);
/* IPC_SET's part of the permissions. Lock held. */
void ipc_set(struct ipc_object *, const struct lx_ipc_perm *);
/* Is there an object (NULL: none), of the task's namespace? How many; and the highest index, 0 when none is. Lock held. */
bool ipc_seen(struct task *, const struct ipc_object *);
uint32_t ipc_used(struct task *, const struct ipc_table *);
int ipc_highest(struct task *, const struct ipc_table *);
void ipc_put(struct ipc_object *);

/* Seconds of the realtime clock, for the xxx_ds structures. */
int64_t ipc_now(void);

/* A call that waits on an object: registers and keeps it. Lock held. 0 or -ENOMEM. */
int ipc_wait_on(struct task *, struct ipc_object *);

/* --- what the kinds offer to the rest of the kernel --------------------------------------------------------------------- */

/* The process ends: its semaphore adjustments are made. No locks held. */
void sem_process_exit(struct process *);
/* An ipc namespace ends, and its objects with it. No locks held. */
void msg_end_ns(uint32_t ns);
void sem_end_ns(uint32_t ns);
void shm_end_ns(uint32_t ns);

#endif
