/*
 * System V shared memory: what the calls do. sysv.h for what all kinds share.
 *
 * A segment is the data of a memfd. What is mapped is a file of its own kind in front of that (one for writing, one for reading only), of
 * which each mapping holds a reference: their number is the segment's count of attachments.
 */
#ifndef SENTRY_KERNEL_SYSV_SHM_H
#define SENTRY_KERNEL_SYSV_SHM_H

#include "sentry/kernel/sysv.h"

struct file;

int64_t shm_get(struct task *, int32_t key, uint64_t size, uint32_t flags);
/* The file to be mapped, referenced, and its length. want: IPC_MAY_*. prepare: its bytes get a place in the host (not on a tracer thread). */
int64_t shm_file(struct task *, int id, uint32_t want, bool prepare, struct file **out, uint64_t *size);
/* Is this file a segment's? Its length then; 0 otherwise. */
uint64_t shm_file_size(const struct file *);
/* The task has detached, or attached: times and pid. */
void shm_attached(struct task *, const struct file *);
void shm_detached(struct task *, const struct file *);
int64_t shm_stat(struct task *, int id, bool by_index, bool any, struct lx_shmid_ds *out);
int64_t shm_set(struct task *, int id, const struct lx_shmid_ds *);
int64_t shm_remove(struct task *, int id);
/* SHM_LOCK and SHM_UNLOCK: nothing is ever swapped here. */
int64_t shm_lock(struct task *, int id);
int64_t shm_limits(struct task *, struct lx_shminfo *out);
int64_t shm_info(struct task *, struct lx_shm_info *out);

#endif
