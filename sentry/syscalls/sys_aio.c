/* io_setup, io_destroy, io_submit, io_cancel, io_getevents, io_pgetevents. */
#include <errno.h>

#include "abi/arch.h"
#include "abi/mman.h"
#include "abi/time.h"
#include "base/host.h"
#include "platform/platform.h"
#include "sentry/fs/aio.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/map.h"
#include "sentry/mm/usermem.h"
#include "sentry/mm/vma.h"
#include "sentry/syscalls/handlers.h"

/* How far a submission, or a wait for events, has come when it blocks. File operations have the lower ones. */
#define PROGRESS(t) ((t)->blk.scratch[5])

static void ctx_cleanup(struct aio_ctx **ctx)
{
	aio_ctx_put(*ctx);
}
#define AUTO_CTX __attribute__((cleanup(ctx_cleanup)))

/* A page of zeroes gives the context its name, see fs/aio.h. */
static int64_t setup_at_stop(struct task *t)
{
	struct map_request r = { .len = PAGE_SIZE_LX, .prot = LX_PROT_READ | LX_PROT_WRITE, .flags = LX_MAP_PRIVATE, .host_fd = -1 };
	uint64_t arg[6];
	int64_t ret = map_prepare(t, &r);

	if (ret < 0)
		return ret;
	arg[0] = r.addr;
	arg[1] = r.len;
	arg[2] = r.prot;
	arg[3] = LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED;
	arg[4] = (uint64_t)-1;
	arg[5] = 0;
	ret = stop_inject(t->tracee, LX_NR_mmap, arg);
	if (ret < 0) {
		map_undo(t, &r);
		return ret;
	}
	ret = aio_ctx_new(t, r.addr, (uint32_t)t->call.v[0]);
	if (ret == 0 && copy_out(t, uaddr(t->call.v[1]), &r.addr, sizeof(r.addr)) < 0) {
		AUTO_CTX struct aio_ctx *ctx = aio_ctx_find(t->mm, r.addr);

		if (ctx)
			aio_ctx_kill(t->mm, ctx);
		ret = -EFAULT;
	}
	if (ret < 0)
		map_unmap(t, r.addr, r.len);
	return ret;
}

int64_t sys_io_setup(struct task *t, const struct sysargs *a)
{
	uint64_t old;
	int ret;

	if (copy_in(t, &old, arg_addr(a, 1), sizeof(old)) < 0)
		return -EFAULT;
	if (old)
		return -EINVAL;
	ret = aio_may_setup(arg_u32(a, 0));
	if (ret < 0)
		return ret;
	t->at_stop = setup_at_stop;
	return SYS_AT_STOP;
}

static int64_t destroy_at_stop(struct task *t)
{
	map_unmap(t, t->call.v[0], PAGE_SIZE_LX);
	return 0;
}

int64_t sys_io_destroy(struct task *t, const struct sysargs *a)
{
	AUTO_CTX struct aio_ctx *ctx = aio_ctx_find(t->mm, arg_u64(a, 0));

	if (!ctx || !aio_ctx_kill(t->mm, ctx))
		return -EINVAL;
	t->at_stop = destroy_at_stop;
	return SYS_AT_STOP;
}

static int64_t submit_at(struct task *t, struct aio_ctx *ctx, uaddr_t pointers, uint64_t i)
{
	struct lx_iocb iocb;
	uint64_t obj;

	if (copy_in(t, &obj, uaddr_add(pointers, i * sizeof(obj)), sizeof(obj)) < 0 || copy_in(t, &iocb, uaddr(obj), sizeof(iocb)) < 0)
		return -EFAULT;
	return aio_submit_one(t, ctx, &iocb, obj);
}

int64_t sys_io_submit(struct task *t, const struct sysargs *a)
{
	AUTO_CTX struct aio_ctx *ctx = NULL;
	int64_t nr = arg_off(a, 1), ret = 0;

	if (nr < 0)
		return -EINVAL;
	ctx = aio_ctx_find(t->mm, arg_u64(a, 0));
	if (!ctx)
		return -EINVAL;
	if (nr > ctx->room)
		nr = ctx->room;
	while (PROGRESS(t) < (uint64_t)nr) {
		ret = submit_at(t, ctx, arg_addr(a, 2), PROGRESS(t));
		if (ret != 0)
			break;
		PROGRESS(t)++;
	}
	if (ret == SYS_BLOCKED || ret == SYS_AGAIN)
		return ret;
	return PROGRESS(t) ? (int64_t)PROGRESS(t) : ret;
}

int64_t sys_io_cancel(struct task *t, const struct sysargs *a)
{
	AUTO_CTX struct aio_ctx *ctx = NULL;
	uint32_t key;

	if (copy_in(t, &key, uaddr(arg_u64(a, 1) + LX_IOCB_KEY_OFFSET), sizeof(key)) < 0)
		return -EFAULT;
	if (key)
		return -EINVAL;
	ctx = aio_ctx_find(t->mm, arg_u64(a, 0));
	return ctx ? aio_cancel(ctx, arg_u64(a, 1)) : -EINVAL;
}

/* Fetches what is done: the number so far once it is enough, 0 to go on waiting, negative errno. */
static int64_t fetch(struct task *t, struct aio_ctx *ctx, const struct sysargs *a)
{
	int64_t min = arg_off(a, 1), max = arg_off(a, 2), n;

	n = aio_fetch(t, ctx, uaddr_add(arg_addr(a, 3), PROGRESS(t) * sizeof(struct lx_io_event)), max - (int64_t)PROGRESS(t));
	if (n < 0)
		return PROGRESS(t) ? (int64_t)PROGRESS(t) : n;
	PROGRESS(t) += (uint64_t)n;
	if (ctx->dead)
		return PROGRESS(t) ? (int64_t)PROGRESS(t) : -EINVAL;
	return (int64_t)PROGRESS(t) >= (min ? min : 1) ? (int64_t)PROGRESS(t) : 0;
}

static void put_ctx(void *ctx)
{
	aio_ctx_put(ctx);
}

/* The context of this call: kept while it waits, so that its queue stays. */
static struct aio_ctx *call_ctx(struct task *t, uint64_t id)
{
	if (!t->blk.data) {
		t->blk.data = aio_ctx_find(t->mm, id);
		t->blk.data_free = put_ctx;
	}
	return t->blk.data;
}

static int read_timeout(struct task *t, uaddr_t at)
{
	struct lx_timespec ts;

	if (uaddr_null(at) || t->blk.rerun)
		return 0;
	if (copy_in(t, &ts, at, sizeof(ts)) < 0)
		return -EFAULT;
	/* As Linux: nothing is checked, and what is in the past is now. */
	if (ts.tv_sec < 0 || ts.tv_nsec < 0)
		ts = (struct lx_timespec){ 0 };
	if (ts.tv_sec < INT32_MAX && ts.tv_nsec < LX_NSEC_PER_SEC)
		task_set_deadline(t, host_monotonic_ns() + ts.tv_sec * LX_NSEC_PER_SEC + ts.tv_nsec);
	return 0;
}

static int64_t get_events(struct task *t, const struct sysargs *a)
{
	int64_t min = arg_off(a, 1), max = arg_off(a, 2), ret = read_timeout(t, arg_addr(a, 4));
	struct aio_ctx *ctx;

	if (ret < 0)
		return ret;
	ctx = call_ctx(t, arg_u64(a, 0));
	if (!ctx || min < 0 || max < min)
		return -EINVAL;
	ret = fetch(t, ctx, a);
	if (ret || min == 0)
		return ret;
	if (task_wait_on(t, &ctx->wait, ~0u) < 0)
		return -ENOMEM;
	ret = fetch(t, ctx, a);
	if (ret)
		return ret;
	ret = task_block(t);
	if (ret == SYS_BLOCKED || ret == SYS_AGAIN)
		return ret;
	if (PROGRESS(t) || ret == -ETIMEDOUT)
		return (int64_t)PROGRESS(t);
	return ret;
}

int64_t sys_io_getevents(struct task *t, const struct sysargs *a)
{
	int64_t ret = get_events(t, a);

	return ret == -ERESTARTSYS ? -EINTR : ret;
}

int64_t sys_io_pgetevents(struct task *t, const struct sysargs *a)
{
	struct lx_aio_sigset set = { 0 };
	uint64_t mask;
	int64_t ret;

	if (arg_u64(a, 5) && !t->blk.rerun) {
		if (copy_in(t, &set, arg_addr(a, 5), sizeof(set)) < 0)
			return -EFAULT;
		if (set.sigmask) {
			if (set.sigsetsize != sizeof(mask))
				return -EINVAL;
			if (copy_in(t, &mask, uaddr(set.sigmask), sizeof(mask)) < 0)
				return -EFAULT;
			signal_temp_mask(t, mask);
		}
	}
	ret = get_events(t, a);
	if (ret == -ERESTARTSYS)
		return -ERESTARTNOHAND;
	if (ret != SYS_BLOCKED && ret != SYS_AGAIN)
		signal_restore_mask(t);
	return ret;
}
