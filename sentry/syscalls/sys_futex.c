/* futex, set_robust_list, get_robust_list. */
#include <errno.h>

#include "abi/futex.h"
#include "abi/time.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/futex_impl.h"
#include "sentry/kernel/futex_pi.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/timer.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/* After an interruption without a handler: the same wait, to the same moment. */
static int64_t restart_wait(struct task *t)
{
	uint32_t bits = (uint32_t)t->restart.v[1], val = (uint32_t)(t->restart.v[1] >> 32);
	bool private = t->restart.v[2];
	int64_t ret = futex_wait(t, uaddr(t->restart.v[0]), private, val, bits, (int64_t)t->restart.v[3]);

	return ret == -ERESTARTSYS ? -ERESTART_BLOCK : ret;
}

static int64_t wait_call(struct task *t, const struct sysargs *a, bool private, uint32_t bits, int64_t deadline)
{
	uaddr_t addr = arg_addr(a, 0);
	uint32_t val = arg_u32(a, 2);
	int64_t ret;

	if (!bits)
		return -EINVAL;
	ret = futex_wait(t, addr, private, val, bits, deadline);
	if (ret != -ERESTARTSYS || !t->blk.has_deadline)
		return ret;
	t->restart.fn = restart_wait;
	t->restart.v[0] = addr.v;
	t->restart.v[1] = (uint64_t)val << 32 | bits;
	t->restart.v[2] = private;
	t->restart.v[3] = (uint64_t)t->blk.deadline;
	return -ERESTART_BLOCK;
}

/* The time-out's moment, looked at in the first run only. WAIT counts from now, the others name the moment; LOCK_PI always by the wall clock. */
static int read_deadline(struct task *t, const struct sysargs *a, uint32_t op, int64_t *deadline)
{
	uint32_t cmd = op & (uint32_t)LX_FUTEX_CMD_MASK;
	int clock = op & LX_FUTEX_CLOCK_REALTIME || cmd == LX_FUTEX_LOCK_PI ? LX_CLOCK_REALTIME : LX_CLOCK_MONOTONIC;
	bool absolute = cmd != LX_FUTEX_WAIT;
	struct lx_timespec ts;
	int err;

	*deadline = KTIMER_NEVER;
	if (t->blk.rerun || uaddr_null(arg_addr(a, 3)))
		return 0;
	err = timespec_copy_in(t, arg_addr(a, 3), &ts);
	if (!err)
		*deadline = clock_deadline(clock, timespec_to_ns(&ts), absolute);
	return err;
}

/* At the control stop that FUTEX_WAKE_OP asks for: its change must be one with what guest threads do to the word. */
static int64_t wake_op_at_stop(struct task *t)
{
	const struct sysargs *a = &t->call;
	bool private = arg_u32(a, 1) & LX_FUTEX_PRIVATE_FLAG;
	struct mem_key first, second;
	int64_t ret, more = 0;

	ret = futex_key(t, arg_addr(a, 0), private, &first);
	if (!ret)
		ret = futex_key(t, arg_addr(a, 4), private, &second);
	if (ret)
		return ret;
	ret = futex_op(t, arg_addr(a, 4), arg_u32(a, 5));
	if (ret < 0)
		return ret;
	if (ret)
		more = futex_wake_key(&second, arg_int(a, 3), LX_FUTEX_BITSET_MATCH_ANY);
	return futex_wake_key(&first, arg_int(a, 2), LX_FUTEX_BITSET_MATCH_ANY) + more;
}

static int64_t requeue_call(struct task *t, const struct sysargs *a, bool private, bool compare)
{
	const struct futex_requeue r = {
		.from = arg_addr(a, 0), .to = arg_addr(a, 4), .private = private, .compare = compare,
		.wake = arg_int(a, 2), .move = arg_int(a, 3), .expected = arg_u32(a, 5),
	};

	return futex_requeue(t, &r);
}

static int64_t requeue_pi_at_stop(struct task *t)
{
	const struct sysargs *a = &t->call;

	return futex_requeue_pi(t, &(struct futex_pi_requeue){
		.from = arg_addr(a, 0), .to = arg_addr(a, 4), .private = arg_u32(a, 1) & LX_FUTEX_PRIVATE_FLAG,
		.wake = arg_int(a, 2), .move = arg_int(a, 3), .expected = arg_u32(a, 5),
	});
}

static int64_t wait_requeue_pi_call(struct task *t, const struct sysargs *a, bool private, int64_t deadline)
{
	if (arg_addr(a, 0).v == arg_addr(a, 4).v)
		return -EINVAL;
	return futex_wait_requeue_pi(t, &(struct futex_pi_wait){
		.from = arg_addr(a, 0), .to = arg_addr(a, 4), .private = private, .expected = arg_u32(a, 2), .deadline = deadline,
	});
}

static int64_t pi_call(struct task *t, const struct sysargs *a, uint32_t op)
{
	bool private = op & LX_FUTEX_PRIVATE_FLAG;
	int64_t deadline = KTIMER_NEVER, err = 0;

	switch (op & (uint32_t)LX_FUTEX_CMD_MASK) {
	case LX_FUTEX_LOCK_PI:
	case LX_FUTEX_LOCK_PI2:
		err = read_deadline(t, a, op, &deadline);
		return err ? err : futex_lock_pi(t, arg_addr(a, 0), private, false, deadline);
	case LX_FUTEX_TRYLOCK_PI:
		return futex_lock_pi(t, arg_addr(a, 0), private, true, deadline);
	case LX_FUTEX_UNLOCK_PI:
		return futex_unlock_pi(t, arg_addr(a, 0), private);
	case LX_FUTEX_WAIT_REQUEUE_PI:
		err = read_deadline(t, a, op, &deadline);
		return err ? err : wait_requeue_pi_call(t, a, private, deadline);
	case LX_FUTEX_CMP_REQUEUE_PI:
		t->at_stop = requeue_pi_at_stop;
		return SYS_AT_STOP;
	default:
		return -ENOSYS;
	}
}

int64_t sys_futex(struct task *t, const struct sysargs *a)
{
	uint32_t op = arg_u32(a, 1), cmd = op & (uint32_t)LX_FUTEX_CMD_MASK;
	bool private = op & LX_FUTEX_PRIVATE_FLAG;
	int64_t deadline, err;

	if ((op & LX_FUTEX_CLOCK_REALTIME) && cmd != LX_FUTEX_WAIT_BITSET && cmd != LX_FUTEX_WAIT_REQUEUE_PI && cmd != LX_FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (cmd) {
	case LX_FUTEX_WAIT:
	case LX_FUTEX_WAIT_BITSET:
		err = read_deadline(t, a, op, &deadline);
		if (err)
			return err;
		return wait_call(t, a, private, cmd == LX_FUTEX_WAIT ? LX_FUTEX_BITSET_MATCH_ANY : arg_u32(a, 5), deadline);
	case LX_FUTEX_WAKE:
		return futex_wake(t, arg_addr(a, 0), private, arg_int(a, 2), LX_FUTEX_BITSET_MATCH_ANY);
	case LX_FUTEX_WAKE_BITSET:
		return arg_u32(a, 5) ? futex_wake(t, arg_addr(a, 0), private, arg_int(a, 2), arg_u32(a, 5)) : -EINVAL;
	case LX_FUTEX_REQUEUE:
		return requeue_call(t, a, private, false);
	case LX_FUTEX_CMP_REQUEUE:
		return requeue_call(t, a, private, true);
	case LX_FUTEX_WAKE_OP:
		t->at_stop = wake_op_at_stop;
		return SYS_AT_STOP;
	default:
		return pi_call(t, a, op);
	}
}

int64_t sys_set_robust_list(struct task *t, const struct sysargs *a)
{
	if (arg_size(a, 1) != sizeof(struct lx_robust_list_head))
		return -EINVAL;
	t->robust_list = arg_addr(a, 0);
	return 0;
}

int64_t sys_get_robust_list(struct task *t, const struct sysargs *a)
{
	int tid = arg_pid(a, 0);
	uint64_t size = sizeof(struct lx_robust_list_head), head;
	struct task *of = tid ? task_find(t->k, tid) : task_get(t);
	bool allowed;

	if (!of)
		return -ESRCH;
	head = of->robust_list.v;
	lock_take(&of->proc->lock);
	allowed = of->proc == t->proc || of->cred->uid == t->cred->euid || t->cred->euid == 0;
	lock_drop(&of->proc->lock);
	task_put(of);
	if (!allowed)
		return -EPERM;
	if (copy_out(t, arg_addr(a, 2), &size, sizeof(size)) < 0)
		return -EFAULT;
	return copy_out(t, arg_addr(a, 1), &head, sizeof(head));
}
