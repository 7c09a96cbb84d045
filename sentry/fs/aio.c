/* Contexts of asynchronous I/O, and how their requests end: see aio.h. */
#include "sentry/fs/aio.h"

#include <errno.h>
#include <stddef.h>

#include "base/mem.h"
#include "sentry/fs/eventfd.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/io/io.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usermem.h"

#define EVENTS_A_PAGE 127u      /* what Linux's ring of one page holds */
#define NR_ABSURD (0x10000000u / sizeof(struct lx_io_event) / 2)

/* One for the process, as there is one kernel: a limit of the sandbox. */
static atomic_uint asked_by_all;

/* What mm->aio leads to. */
struct aio_mm {
	struct mm_part part;
	struct lock lock;    /* RANK_PIPE */
	struct list contexts; /* of aio_ctx.link, a reference each; protected by lock */
};

uint32_t aio_nr(void)
{
	return atomic_load(&asked_by_all);
}

/* --- contexts --------------------------------------------------------------------------------------------------------------- */

static void ctx_end(struct aio_ctx *);

static void aio_mm_free(struct mm_part *part)
{
	struct aio_mm *am = container_of(part, struct aio_mm, part);
	struct aio_ctx *ctx, *next;

	list_for_each_safe(ctx, next, &am->contexts, link)
		ctx_end(ctx);
	mem_free(am);
}

static struct aio_mm *aio_of(struct mm *mm)
{
	struct mm_part *seen = atomic_load(&mm->aio);
	struct aio_mm *am;

	if (seen)
		return container_of(seen, struct aio_mm, part);
	am = mem_zalloc(sizeof(*am));
	if (!am)
		return NULL;
	am->part.free = aio_mm_free;
	lock_init(&am->lock, RANK_PIPE, "aio contexts");
	list_init(&am->contexts);
	if (atomic_compare_exchange_strong(&mm->aio, &seen, &am->part))
		return am;
	mem_free(am);
	return container_of(seen, struct aio_mm, part);
}

int aio_may_setup(uint64_t nr)
{
	if (nr == 0 || nr > NR_ABSURD)
		return -EINVAL;
	return nr > AIO_MAX_NR - aio_nr() ? -EAGAIN : 0;
}

int aio_ctx_new(struct task *t, uint64_t id, uint32_t nr)
{
	struct aio_mm *am = aio_of(t->mm);
	struct aio_ctx *ctx;

	if (!am || memory_charge(t->k, sizeof(*ctx)) < 0)
		return -ENOMEM;
	if (atomic_fetch_add(&asked_by_all, nr) + nr > AIO_MAX_NR) {
		atomic_fetch_sub(&asked_by_all, nr);
		memory_charge(t->k, -(int64_t)sizeof(*ctx));
		return -EAGAIN;
	}
	ctx = mem_zalloc(sizeof(*ctx));
	if (!ctx) {
		atomic_fetch_sub(&asked_by_all, nr);
		memory_charge(t->k, -(int64_t)sizeof(*ctx));
		return -ENOMEM;
	}
	ref_init(&ctx->ref);
	ctx->k = t->k;
	ctx->id = id;
	ctx->asked = nr;
	ctx->room = nr * 2 < EVENTS_A_PAGE ? EVENTS_A_PAGE - 1 : nr * 2;
	waitq_init(&ctx->wait);
	lock_init(&ctx->lock, RANK_PIPE, "aio context");
	list_init(&ctx->active);
	list_init(&ctx->done);
	LOCK_GUARD(&am->lock);
	list_push_back(&am->contexts, &ctx->link);
	return 0;
}

struct aio_ctx *aio_ctx_find(struct mm *mm, uint64_t id)
{
	struct mm_part *part = atomic_load(&mm->aio);
	struct aio_mm *am;
	struct aio_ctx *ctx;

	if (!part)
		return NULL;
	am = container_of(part, struct aio_mm, part);
	LOCK_GUARD(&am->lock);
	list_for_each(ctx, &am->contexts, link) {
		if (ctx->id == id) {
			ref_get(&ctx->ref);
			return ctx;
		}
	}
	return NULL;
}

void aio_ctx_put(struct aio_ctx *ctx)
{
	if (!ctx || !ref_put(&ctx->ref))
		return;
	memory_charge(ctx->k, -(int64_t)sizeof(*ctx));
	mem_free(ctx);
}

/* The context is off its list: its requests end, and the list's reference goes. */
static void ctx_end(struct aio_ctx *ctx)
{
	struct list done = LIST_INIT(done);
	struct aio_req *req, *next;

	atomic_fetch_sub(&asked_by_all, ctx->asked);
	lock_take(&ctx->lock);
	ctx->dead = true;
	list_splice(&done, &ctx->done);
	list_for_each_safe(req, next, &ctx->active, link) {
		/* What the host is doing ends by itself; what waits for readiness may never. */
		if (req->iocb.aio_lio_opcode != LX_IOCB_CMD_POLL || !aio_poll_stop(req))
			continue;
		req->listed = false;
		list_remove(&req->link);
		list_push_back(&done, &req->link);
	}
	lock_drop(&ctx->lock);
	waitq_wake(&ctx->wait, ~0u);
	list_for_each_safe(req, next, &done, link)
		aio_req_put(req);
	aio_ctx_put(ctx);
}

bool aio_ctx_kill(struct mm *mm, struct aio_ctx *ctx)
{
	struct aio_mm *am = container_of(atomic_load(&mm->aio), struct aio_mm, part);
	struct aio_ctx *c;
	bool found = false;

	lock_take(&am->lock);
	list_for_each(c, &am->contexts, link)
		found |= c == ctx;
	if (found)
		list_remove(&ctx->link);
	lock_drop(&am->lock);
	if (found)
		ctx_end(ctx);
	return found;
}

/* --- requests --------------------------------------------------------------------------------------------------------------- */

void aio_req_put(struct aio_req *req)
{
	if (!ref_put(&req->ref))
		return;
	if (req->has_uio)
		uio_done(&req->uio);
	if (req->op)
		io_op_free(req->op);
	/* The last reference may go on any thread. */
	file_put_deferred(req->file);
	file_put_deferred(req->resfd);
	memory_charge(req->ctx->k, -req->charged);
	aio_ctx_put(req->ctx);
	mem_free(req);
}

void aio_activate(struct aio_req *req)
{
	LOCK_GUARD(&req->ctx->lock);
	req->listed = true;
	list_push_back(&req->ctx->active, &req->link);
}

void aio_complete(struct aio_req *req, int64_t result)
{
	struct aio_ctx *ctx = req->ctx;
	struct file *resfd;
	bool dead;

	/* Once on the list the request is whoever's fetches it. */
	ref_get(&ctx->ref);
	resfd = req->resfd ? file_get(req->resfd) : NULL;
	req->result = result;
	lock_take(&ctx->lock);
	if (req->listed)
		list_remove(&req->link);
	req->listed = false;
	dead = ctx->dead;
	if (!dead)
		list_push_back(&ctx->done, &req->link);
	lock_drop(&ctx->lock);
	if (dead)
		aio_req_put(req);
	if (resfd)
		eventfd_signal(resfd);
	waitq_wake(&ctx->wait, ~0u);
	file_put_deferred(resfd);
	aio_ctx_put(ctx);
}

/* A place for one more; false when there is none. */
static bool take_place(struct aio_ctx *ctx)
{
	LOCK_GUARD(&ctx->lock);
	if (ctx->dead || ctx->used >= ctx->room)
		return false;
	ctx->used++;
	return true;
}

static void give_place(struct aio_ctx *ctx)
{
	LOCK_GUARD(&ctx->lock);
	ctx->used--;
}

static int find_files(struct task *t, struct aio_req *req)
{
	req->file = fd_get_io(t, (int)req->iocb.aio_fildes);
	if (!req->file)
		return -EBADF;
	if (!(req->iocb.aio_flags & LX_IOCB_FLAG_RESFD))
		return 0;
	req->resfd = fd_get_io(t, (int)req->iocb.aio_resfd);
	if (!req->resfd)
		return -EBADF;
	return file_is_eventfd(req->resfd) ? 0 : -EINVAL;
}

static int64_t submit_placed(struct task *t, struct aio_ctx *ctx, const struct lx_iocb *iocb, uint64_t obj)
{
	struct aio_req *req;
	uint32_t key = 0;
	int64_t ret;

	if (memory_charge(t->k, sizeof(*req)) < 0)
		return -EAGAIN;
	req = mem_zalloc(sizeof(*req));
	if (!req) {
		memory_charge(t->k, -(int64_t)sizeof(*req));
		return -EAGAIN;
	}
	ref_init(&req->ref);
	ref_get(&ctx->ref);
	req->ctx = ctx;
	req->charged = sizeof(*req);
	req->iocb = *iocb;
	req->obj = obj;
	list_init(&req->link);
	ret = find_files(t, req);
	if (ret == 0 && copy_out(t, uaddr(obj + LX_IOCB_KEY_OFFSET), &key, sizeof(key)) < 0)
		ret = -EFAULT;
	if (ret == 0)
		ret = aio_start(t, req);
	if (ret != 0)
		aio_req_put(req);
	return ret;
}

int64_t aio_submit_one(struct task *t, struct aio_ctx *ctx, const struct lx_iocb *iocb, uint64_t obj)
{
	int64_t ret;

	if (iocb->aio_reserved2 || (int64_t)iocb->aio_nbytes < 0)
		return -EINVAL;
	if (!take_place(ctx))
		return -EAGAIN;
	ret = submit_placed(t, ctx, iocb, obj);
	if (ret != 0)
		give_place(ctx);
	return ret;
}

static struct aio_req *next_done(struct aio_ctx *ctx)
{
	struct aio_req *req;

	LOCK_GUARD(&ctx->lock);
	if (list_empty(&ctx->done))
		return NULL;
	req = list_first(&ctx->done, struct aio_req, link);
	list_remove(&req->link);
	return req;
}

/* The bytes that the host has read go where the guest wanted them. */
static int64_t put_bytes(struct task *t, struct aio_req *req)
{
	if (!req->op || !req->has_uio || req->result <= 0)
		return req->result;
	req->uio.t = t;
	return uio_put(&req->uio, io_op_data(req->op), (uint64_t)req->result);
}

int64_t aio_fetch(struct task *t, struct aio_ctx *ctx, uaddr_t events, int64_t max)
{
	int64_t n = 0;

	for (struct aio_req *req; n < max && (req = next_done(ctx)); n++) {
		struct lx_io_event e = { .data = req->iocb.aio_data, .obj = req->obj, .res = put_bytes(t, req) };

		if (copy_out(t, uaddr_add(events, (uint64_t)n * sizeof(e)), &e, sizeof(e)) < 0) {
			lock_take(&ctx->lock);
			list_push_front(&ctx->done, &req->link);
			lock_drop(&ctx->lock);
			return n ? n : -EFAULT;
		}
		give_place(ctx);
		aio_req_put(req);
	}
	return n;
}

int aio_cancel(struct aio_ctx *ctx, uint64_t obj)
{
	struct aio_req *req, *found = NULL;
	bool ours = false;

	lock_take(&ctx->lock);
	list_for_each(req, &ctx->active, link) {
		if (req->obj == obj && req->iocb.aio_lio_opcode == LX_IOCB_CMD_POLL)
			found = req;
	}
	if (found)
		ours = aio_poll_stop(found);
	lock_drop(&ctx->lock);
	if (!found)
		return -EINVAL;
	if (ours)
		aio_complete(found, 0);
	return -EINPROGRESS;
}
