/* System V message queues: what the calls do. sysv.h for what all kinds share. */
#ifndef SENTRY_KERNEL_SYSV_MSG_H
#define SENTRY_KERNEL_SYSV_MSG_H

#include <stddef.h>

#include "base/list.h"
#include "sentry/kernel/sysv.h"

#define MSG_MAX 8192u     /* bytes of a message */
#define MSG_QBYTES 16384u /* bytes of a queue, until msgctl(2) says otherwise */

struct message {
	struct list link;
	int64_t type;
	uint64_t len;
	char text[];
};

struct message *message_new(uint64_t len); /* charged to the sandbox; NULL when memory is out */
void message_free(struct message *);

int64_t msg_get(struct task *, int32_t key, uint32_t flags);
/* One try. Takes the message when 0; -EAGAIN, registered, when it may wait. */
int64_t msg_send(struct task *, int id, struct message *, uint32_t flags);
/* One try. *out is the caller's. -ENOMSG; -EAGAIN, registered, when it may wait; -E2BIG. */
int64_t msg_receive(struct task *, int id, int64_t type, uint64_t room, uint32_t flags, struct message **out);
/* A copy of the message at that place of the queue, which stays: MSG_COPY. -ENOMSG, -E2BIG, -EINVAL, -ENOMEM. */
int64_t msg_copy(struct task *, int id, int64_t number, uint64_t room, uint32_t flags, struct message **out);
/* A copy, by id or (STAT) by index. Returns the id for indexes. */
int64_t msg_stat(struct task *, int id, bool by_index, bool any, struct lx_msqid_ds *out);
int64_t msg_set(struct task *, int id, const struct lx_msqid_ds *);
int64_t msg_remove(struct task *, int id);
/* IPC_INFO, and MSG_INFO with what is used: the highest index. */
int64_t msg_info(struct task *, bool used, struct lx_msginfo *out);

#endif
