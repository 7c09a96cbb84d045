/* System V semaphores: what the calls do. sysv.h for what all kinds share. */
#ifndef SENTRY_KERNEL_SYSV_SEM_H
#define SENTRY_KERNEL_SYSV_SEM_H

#include "sentry/kernel/sysv.h"

#define SEM_MAX_PER_SET 32000u
#define SEM_MAX_OPS 500u
#define SEM_MAX_VALUE 32767

int64_t sem_get(struct task *, int32_t key, int32_t count, uint32_t flags);
/* All operations or none. -EAGAIN when one must wait; registered then, unless that one has IPC_NOWAIT: *nowait says so. */
int64_t sem_try(struct task *, int id, const struct lx_sembuf *, uint32_t count, bool *nowait);
/* GETVAL, GETPID, GETNCNT, GETZCNT; and SETVAL. */
int64_t sem_get_one(struct task *, int id, int32_t num, int what);
int64_t sem_set_one(struct task *, int id, int32_t num, int32_t value);
/* How many are in the set; then all of them, at most `count`. */
int64_t sem_count(struct task *, int id);
int64_t sem_get_all(struct task *, int id, uint16_t *out, uint32_t count);
int64_t sem_set_all(struct task *, int id, const uint16_t *values, uint32_t count);
int64_t sem_stat(struct task *, int id, bool by_index, bool any, struct lx_semid_ds *out);
int64_t sem_set(struct task *, int id, const struct lx_semid_ds *);
int64_t sem_remove(struct task *, int id);
int64_t sem_info(struct task *, bool used, struct lx_seminfo *out);

#endif
