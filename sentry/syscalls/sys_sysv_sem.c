/* semget, semop, semtimedop, semctl. */
#include <errno.h>
#include <stddef.h>

#include "abi/time.h"
#include "base/mem.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/sysv_sem.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

int64_t sys_semget(struct task *t, const struct sysargs *a)
{
	return sem_get(t, arg_int(a, 0), arg_int(a, 1), arg_u32(a, 2));
}

/* --- operations ------------------------------------------------------------------------------------------------------------ */

static int64_t operate(struct task *t, const struct sysargs *a)
{
	uint32_t count = arg_u32(a, 2);
	struct lx_sembuf few[8];
	AUTO_FREE struct lx_sembuf *many = NULL;
	struct lx_sembuf *ops = few;
	bool nowait = true;
	int64_t ret;

	if (count < 1 || arg_int(a, 0) < 0)
		return -EINVAL;
	if (count > SEM_MAX_OPS)
		return -E2BIG;
	if (count > ARRAY_LEN(few)) {
		ops = many = mem_alloc(count * sizeof(*ops));
		if (!ops)
			return -ENOMEM;
	}
	if (copy_in(t, ops, arg_addr(a, 1), count * sizeof(*ops)) < 0)
		return -EFAULT;
	ret = sem_try(t, arg_int(a, 0), ops, count, &nowait);
	if (ret != -EAGAIN || nowait)
		return ret;
	ret = task_block(t);
	if (ret == -ETIMEDOUT)
		return -EAGAIN;
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

int64_t sys_semop(struct task *t, const struct sysargs *a)
{
	return operate(t, a);
}

int64_t sys_semtimedop(struct task *t, const struct sysargs *a)
{
	struct lx_timespec ts;
	int ret;

	if (arg_u64(a, 3) && !t->blk.rerun) {
		ret = timespec_copy_in(t, arg_addr(a, 3), &ts);
		if (ret < 0)
			return ret;
		task_set_deadline(t, clock_deadline(LX_CLOCK_MONOTONIC, timespec_to_ns(&ts), false));
	}
	return operate(t, a);
}

/* --- semctl ------------------------------------------------------------------------------------------------------------------ */

/* GETALL and SETALL: the whole set through a buffer. */
static int64_t all(struct task *t, const struct sysargs *a, bool set)
{
	AUTO_FREE uint16_t *values = NULL;
	int64_t count = sem_count(t, arg_int(a, 0)), ret;

	if (count < 0)
		return count;
	values = mem_calloc((size_t)count, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (set) {
		if (copy_in(t, values, arg_addr(a, 3), (size_t)count * sizeof(*values)) < 0)
			return -EFAULT;
		return sem_set_all(t, arg_int(a, 0), values, (uint32_t)count);
	}
	ret = sem_get_all(t, arg_int(a, 0), values, (uint32_t)count);
	return ret == 0 ? copy_out(t, arg_addr(a, 3), values, (size_t)count * sizeof(*values)) : ret;
}

static int64_t stat_out(struct task *t, const struct sysargs *a, bool by_index, bool any)
{
	struct lx_semid_ds ds;
	int64_t ret = sem_stat(t, arg_int(a, 0), by_index, any, &ds);

	return ret >= 0 && copy_out(t, arg_addr(a, 3), &ds, sizeof(ds)) < 0 ? -EFAULT : ret;
}

static int64_t info_out(struct task *t, const struct sysargs *a, bool used)
{
	struct lx_seminfo info;
	int64_t ret = sem_info(t, used, &info);

	return copy_out(t, arg_addr(a, 3), &info, sizeof(info)) < 0 ? -EFAULT : ret;
}

static int64_t set_owner(struct task *t, const struct sysargs *a)
{
	struct lx_semid_ds ds;

	if (copy_in(t, &ds, arg_addr(a, 3), sizeof(ds)) < 0)
		return -EFAULT;
	return sem_set(t, arg_int(a, 0), &ds);
}

int64_t sys_semctl(struct task *t, const struct sysargs *a)
{
	int cmd = arg_int(a, 2);

	if (arg_int(a, 0) < 0)
		return -EINVAL;
	switch (cmd) {
	case LX_IPC_INFO:
	case LX_SEM_INFO:
		return info_out(t, a, cmd == LX_SEM_INFO);
	case LX_IPC_STAT:
		return stat_out(t, a, false, false);
	case LX_SEM_STAT:
	case LX_SEM_STAT_ANY:
		return stat_out(t, a, true, cmd == LX_SEM_STAT_ANY);
	case LX_GETVAL:
	case LX_GETPID:
	case LX_GETNCNT:
	case LX_GETZCNT:
		return sem_get_one(t, arg_int(a, 0), arg_int(a, 1), cmd);
	case LX_GETALL:
	case LX_SETALL:
		return all(t, a, cmd == LX_SETALL);
	case LX_SETVAL:
		return sem_set_one(t, arg_int(a, 0), arg_int(a, 1), arg_int(a, 3));
	case LX_IPC_SET:
		return set_owner(t, a);
	case LX_IPC_RMID:
		return sem_remove(t, arg_int(a, 0));
	default:
		return -EINVAL;
	}
}
