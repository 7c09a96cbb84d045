/* futex_waitv, futex_wait, futex_wake, futex_requeue: the second interface. */
#include <errno.h>

#include "abi/futex.h"
#include "abi/time.h"
#include "base/mem.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/futex_impl.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/timer.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/* Words of 32 bits are all that Linux has so far; NUMA hints came later than this release. */
static int check_flags(uint32_t flags)
{
	if (flags & ~(uint32_t)(LX_FUTEX2_SIZE_MASK | LX_FUTEX2_PRIVATE))
		return -EINVAL;
	return (flags & LX_FUTEX2_SIZE_MASK) == LX_FUTEX2_SIZE_U32 ? 0 : -EINVAL;
}

static bool is_private(uint32_t flags)
{
	return flags & LX_FUTEX2_PRIVATE;
}

static int read_deadline(struct task *t, uaddr_t timeout, int clock, int64_t *deadline)
{
	struct lx_timespec ts;
	int err;

	*deadline = KTIMER_NEVER;
	if (t->blk.rerun || uaddr_null(timeout))
		return 0;
	if (clock != LX_CLOCK_MONOTONIC && clock != LX_CLOCK_REALTIME)
		return -EINVAL;
	err = timespec_copy_in(t, timeout, &ts);
	if (!err)
		*deadline = clock_deadline(clock, timespec_to_ns(&ts), true);
	return err;
}

int64_t sys_futex_wake(struct task *t, const struct sysargs *a)
{
	uint64_t mask = arg_u64(a, 1);
	int err = check_flags(arg_u32(a, 3));

	if (err || mask >> 32 || !mask)
		return -EINVAL;
	return arg_int(a, 2) <= 0 ? 0 : futex_wake(t, arg_addr(a, 0), is_private(arg_u32(a, 3)), arg_int(a, 2), (uint32_t)mask);
}

int64_t sys_futex_wait(struct task *t, const struct sysargs *a)
{
	uint64_t val = arg_u64(a, 1), mask = arg_u64(a, 2);
	int64_t deadline;
	int err = check_flags(arg_u32(a, 3));

	if (err || val >> 32 || mask >> 32 || !mask)
		return -EINVAL;
	err = read_deadline(t, arg_addr(a, 4), arg_int(a, 5), &deadline);
	if (err)
		return err;
	return futex_wait(t, arg_addr(a, 0), is_private(arg_u32(a, 3)), (uint32_t)val, (uint32_t)mask, deadline);
}

int64_t sys_futex_requeue(struct task *t, const struct sysargs *a)
{
	struct lx_futex_waitv w[2];

	if (arg_u32(a, 1))
		return -EINVAL;
	if (copy_in(t, w, arg_addr(a, 0), sizeof(w)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++)
		if (check_flags(w[i].flags) || w[i].reserved || w[i].val >> 32)
			return -EINVAL;
	if (is_private(w[0].flags) != is_private(w[1].flags))
		return -EINVAL;
	return futex_requeue(t, &(struct futex_requeue){
		.from = uaddr(w[0].uaddr), .to = uaddr(w[1].uaddr), .private = is_private(w[0].flags), .compare = true,
		.wake = arg_int(a, 2), .move = arg_int(a, 3), .expected = (uint32_t)w[0].val,
	});
}

/* --- many at once ------------------------------------------------------------------------------------------------- */

struct waitv {
	uint32_t count;
	struct futex_waiter w[];
};

/* Takes all out; the index of one that had been chosen, or -1. */
static int dequeue_all(struct waitv *v)
{
	int woken = -1;

	for (uint32_t i = 0; i < v->count; i++)
		if (!futex_dequeue(&v->w[i]) && woken < 0)
			woken = (int)i;
	return woken;
}

static void waitv_free(void *p)
{
	dequeue_all(p);
	mem_free(p);
}

static int enqueue_all(struct task *t, struct waitv *v, uaddr_t list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct lx_futex_waitv w;
		int err;

		if (copy_in(t, &w, uaddr_add(list, i * sizeof(w)), sizeof(w)) < 0)
			return -EFAULT;
		if (check_flags(w.flags) || w.reserved || w.val >> 32)
			return -EINVAL;
		err = futex_enqueue(&v->w[i], t, uaddr(w.uaddr), is_private(w.flags), (uint32_t)w.val, LX_FUTEX_BITSET_MATCH_ANY);
		if (err)
			return err;
		v->count = i + 1;
	}
	return 0;
}

static int64_t waitv_begin(struct task *t, const struct sysargs *a)
{
	uint32_t count = arg_u32(a, 1);
	struct waitv *v;
	int64_t deadline;
	int err, woken;

	if (arg_u32(a, 2) || !count || count > LX_FUTEX_WAITV_MAX || uaddr_null(arg_addr(a, 0)))
		return -EINVAL;
	err = read_deadline(t, arg_addr(a, 3), arg_int(a, 4), &deadline);
	if (err)
		return err;
	v = mem_zalloc(sizeof(*v) + count * sizeof(v->w[0]));
	if (!v)
		return -ENOMEM;
	t->blk.data = v;
	t->blk.data_free = waitv_free;
	err = enqueue_all(t, v, arg_addr(a, 0), count);
	if (err) {
		woken = dequeue_all(v);
		v->count = 0;
		return woken >= 0 ? woken : err;
	}
	task_set_deadline(t, deadline);
	return 0;
}

int64_t sys_futex_waitv(struct task *t, const struct sysargs *a)
{
	struct waitv *v;
	int64_t ret;
	int woken;

	if (!t->blk.rerun) {
		ret = waitv_begin(t, a);
		v = t->blk.data;
		if (ret || !v || !v->count)
			return ret;
	}
	v = t->blk.data;
	for (uint32_t i = 0; i < v->count; i++)
		if (!atomic_load(&v->w[i].bucket))
			return i;
	ret = task_block(t);
	if (ret == SYS_BLOCKED)
		return ret;
	woken = dequeue_all(v);
	v->count = 0;
	return woken >= 0 ? woken : ret;
}
