/*
 * POSIX message queues: mq_overview(7). A queue is an inode of a filesystem of its own (/dev/mqueue shows it); its messages are read by
 * priority, then by age.
 */
#ifndef SENTRY_FS_MQUEUE_H
#define SENTRY_FS_MQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/ipc.h"
#include "abi/signal.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/waitq.h"

#define MQ_PRIO_MAX 32768u
#define MQ_DEFAULT_MESSAGES 10
#define MQ_DEFAULT_SIZE 8192

struct socket;

struct mq_message {
	struct list link;
	uint32_t prio;
	uint64_t len;
	char text[];
};

#define MQ_COOKIE 32 /* NOTIFY_COOKIE_LEN */
/* SIGEV_THREAD: the netlink socket that a thread of the program reads, and what it is to read there. */
struct mq_thread {
	struct socket *socket; /* NULL: none */
	char cookie[MQ_COOKIE];
};

struct mqueue {
	struct inode inode;
	/* immutable after creation */
	int64_t max_messages, max_size;
	/* protected by the root directory's dir_lock */
	struct list on_dir;
	char name[256];
	/* protected by lock (RANK_PIPE) */
	struct lock lock;
	struct list messages;        /* in the order in which they will be received */
	int64_t count, bytes;
	struct process *notify;      /* referenced: who is to be told of the next message to an empty queue */
	struct lx_sigevent event;
	struct mq_thread thread;     /* its socket is referenced */
	struct waitq queue;          /* everybody; woken by POLL* events */
	struct waitq receivers;      /* those that block in receive: the next message is theirs, and no news to others */
};

/* Charged to the sandbox; NULL when memory is out. */
struct mq_message *mq_message_new(uint64_t len);
void mq_message_free(struct mq_message *);

/* Opens or makes a queue by its name in the root (no slash). attr NULL: the defaults. flags: LX_O_*. *out referenced. */
int mq_open(struct task *, const char *name, uint32_t flags, uint32_t mode, const struct lx_mq_attr *attr, struct file **out);
int mq_unlink(struct task *, const char *name);
/* The queue behind a file, borrowed; NULL when it is none. */
struct mqueue *file_mqueue(const struct file *);
/* Takes the message. -EMSGSIZE, -EAGAIN. */
int mq_send(struct task *, struct mqueue *, struct mq_message *);
/* The next one; NULL when there is none. */
struct mq_message *mq_receive(struct mqueue *);
/* ev NULL: no more; else thread's socket is borrowed. -EBUSY. */
int mq_notify(struct task *, struct mqueue *, const struct lx_sigevent *ev, const struct mq_thread *);
void mq_attributes(struct mqueue *, const struct file *, struct lx_mq_attr *out);

/* mqueue.c, for mqueuefs.c */
void mqueue_init(struct mqueue *);
void mqueue_clear(struct mqueue *);
int mqueue_file(struct mqueue *, const struct path *, uint32_t flags, struct task *, struct file **out);

#endif
