/*
 * Native asynchronous I/O: io_setup(2) and its kin; fs/aio.c of Linux.
 *
 * A context belongs to an address space and is named by the address of a page there, as on Linux, where that page is the ring of finished
 * events. Here the page holds zeroes: without the ring's magic number libaio makes the system call instead of reading the ring, and the
 * guest has nothing to forge.
 *
 * What a submission can finish at once it finishes at once, as Linux does for what is cached. A cold read of a host file and an fsync go to
 * the host by io_start(), a POLL waits on the file's queue. The bytes of a read reach guest memory when its event is fetched, by the thread
 * that fetches it: nobody else is sure to be in that address space. Every request is charged to the sandbox's memory, bytes included.
 *
 *      submitted ─▶ active (on ctx->active) ─▶ done (on ctx->done) ─▶ fetched: freed
 *           └──────────────────────────────────────▲
 */
#ifndef SENTRY_FS_AIO_H
#define SENTRY_FS_AIO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/aio.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "sentry/kernel/sched.h"
#include "sentry/kernel/waitq.h"
#include "sentry/mm/uio.h"

struct file;
struct io_op;
struct mm;
struct task;

#define AIO_MAX_NR 65536u /* fs.aio-max-nr: asked for by all contexts together */
#define AIO_POLL_QUEUES 4

struct aio_ctx {
	struct ref ref;
	/* immutable */
	struct kernel *k;
	uint64_t id;            /* address of its page */
	uint32_t asked;         /* io_setup's nr, counted in aio_nr() */
	uint32_t room;          /* requests at a time */
	struct list link;       /* on the mm's contexts; protected by their lock */
	struct waitq wait;      /* something is done, or the context is dead */
	struct lock lock;       /* RANK_PIPE */
	/* protected by lock */
	struct list active, done; /* of aio_req.link */
	uint32_t used;          /* requests on both */
	bool dead;
};

struct aio_req {
	struct ref ref;
	struct aio_ctx *ctx;    /* referenced */
	struct list link;
	bool listed;            /* on ctx->active; protected by ctx->lock */
	struct file *file;      /* referenced */
	struct file *resfd;     /* referenced; NULL: none */
	struct lx_iocb iocb;    /* the copy that was judged */
	uint64_t obj;           /* where the guest's is */
	int64_t result;
	int64_t charged;        /* bytes */
	struct io_op *op;       /* of the host's; its bytes wait there */
	bool has_uio;
	struct uio uio;         /* where a read goes */
	/* POLL */
	uint32_t events;
	atomic_bool fired;      /* somebody is about to look, or must not */
	atomic_bool cancelled;
	struct waiter waiters[AIO_POLL_QUEUES];
	int queues;
	struct work work;
};

/* Requests that all contexts of the sandbox were made for. */
uint32_t aio_nr(void);
/* What io_setup's nr gives: 0, or -EINVAL, -EAGAIN. */
int aio_may_setup(uint64_t nr);
/* Makes a context named `id` in the task's address space. 0, -EAGAIN, -ENOMEM. */
int aio_ctx_new(struct task *, uint64_t id, uint32_t nr);
/* Referenced, or NULL. */
struct aio_ctx *aio_ctx_find(struct mm *, uint64_t id);
void aio_ctx_put(struct aio_ctx *);
/* Ends it: no more events; false when somebody was first. What is under way is forgotten when it is done. */
bool aio_ctx_kill(struct mm *, struct aio_ctx *);
/*
 * Starts one request; obj is the iocb's own address. 0, negative errno, or what task_wait_file() gives where the submitter has to wait (a
 * pipe): then it is not submitted.
 */
int64_t aio_submit_one(struct task *, struct aio_ctx *, const struct lx_iocb *, uint64_t obj);
/* Up to `max` finished requests as events, with their bytes put in place. Number, or -EFAULT for none. */
int64_t aio_fetch(struct task *, struct aio_ctx *, uaddr_t events, int64_t max);
/* -EINPROGRESS: it will be done soon. -EINVAL: no such request, or one that cannot be stopped. */
int aio_cancel(struct aio_ctx *, uint64_t obj);

/* --- between aio.c and aio_start.c ------------------------------------------------------------------------------------------ */

void aio_req_put(struct aio_req *);
/* It is under way: on the active list. */
void aio_activate(struct aio_req *);
/* It is done; the caller's reference goes with it. Any thread of the main fd table, without locks. */
void aio_complete(struct aio_req *, int64_t result);
/* Starts what its opcode says. 0: done or under way. */
int64_t aio_start(struct task *, struct aio_req *);
/* A poll request is not to fire any more: true when the caller is the one to complete it. */
bool aio_poll_stop(struct aio_req *);

#endif
