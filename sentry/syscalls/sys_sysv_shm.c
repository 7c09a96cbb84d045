/* shmget, shmat, shmdt, shmctl. */
#include <errno.h>
#include <stddef.h>

#include "abi/mman.h"
#include "platform/platform.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/sysv_shm.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/map.h"
#include "sentry/mm/usermem.h"
#include "sentry/mm/vma.h"
#include "sentry/syscalls/handlers.h"

int64_t sys_shmget(struct task *t, const struct sysargs *a)
{
	return shm_get(t, arg_int(a, 0), arg_size(a, 1), arg_u32(a, 2));
}

/* --- attaching: found and prepared on the worker, mapped at a stop ---------------------------------------------------------- */

static uint32_t wanted(uint32_t flags)
{
	return IPC_MAY_READ | (flags & LX_SHM_RDONLY ? 0u : IPC_MAY_WRITE) | (flags & LX_SHM_EXEC ? 1u : 0u);
}

static int place(const struct sysargs *a, struct map_request *r)
{
	uint32_t flags = arg_u32(a, 2);

	r->addr = arg_u64(a, 1);
	r->flags = LX_MAP_SHARED;
	if (!r->addr)
		return flags & LX_SHM_REMAP ? -EINVAL : 0;
	if (r->addr % PAGE_SIZE_LX) {
		if (!(flags & LX_SHM_RND))
			return -EINVAL;
		r->addr = PAGE_DOWN(r->addr);
		if (!r->addr && flags & LX_SHM_REMAP)
			return -EINVAL;
	}
	r->flags |= flags & LX_SHM_REMAP ? LX_MAP_FIXED : LX_MAP_FIXED_NOREPLACE;
	return 0;
}

static int64_t map_at_stop(struct task *t, struct map_request *r)
{
	int64_t ret = map_prepare(t, r);

	if (ret < 0)
		return ret == -EEXIST ? -EINVAL : ret;
	ret = stop_map_file(t->tracee, r->addr, r->len, (int)r->prot, LX_MAP_SHARED | LX_MAP_FIXED, r->host_fd, r->host_offset);
	if (ret < 0)
		map_undo(t, r);
	else
		shm_attached(t, r->file);
	return ret < 0 ? ret : (int64_t)r->addr;
}

static int64_t attach_at_stop(struct task *t)
{
	uint32_t flags = (uint32_t)t->call.v[2];
	struct map_request r = { .prot = LX_PROT_READ | (flags & LX_SHM_RDONLY ? 0u : LX_PROT_WRITE) | (flags & LX_SHM_EXEC ? LX_PROT_EXEC : 0u) };
	int64_t ret = place(&t->call, &r);

	if (ret == 0)
		ret = shm_file(t, (int)t->call.v[0], wanted(flags), false, &r.file, &r.len);
	if (ret < 0)
		return ret;
	r.len = PAGE_UP(r.len);
	ret = map_at_stop(t, &r);
	file_put_deferred(r.file);
	return ret;
}

int64_t sys_shmat(struct task *t, const struct sysargs *a)
{
	struct map_request r;
	struct file *f;
	uint64_t size;
	int64_t ret = arg_int(a, 0) < 0 ? -EINVAL : place(a, &r);

	if (ret == 0)
		ret = shm_file(t, arg_int(a, 0), wanted(arg_u32(a, 2)), true, &f, &size);
	if (ret < 0)
		return ret;
	file_put(f);
	t->at_stop = attach_at_stop;
	return SYS_AT_STOP;
}

/* The next mapping of the attachment that begins at addr; false when there is none. */
static bool next_part(struct mm *mm, uint64_t addr, uint64_t *start, uint64_t *end, const struct file **f)
{
	struct vma *v;

	LOCK_GUARD(&mm->lock);
	for (v = vma_above(mm, addr); v; v = vma_above(mm, v->end)) {
		uint64_t size = v->file ? PAGE_UP(shm_file_size(v->file)) : 0;

		if (size && v->start - v->offset == addr) {
			*start = v->start;
			*end = v->end;
			*f = v->file;
			return true;
		}
		if (v->start >= addr && v->start - addr > (1ull << 46))
			break;
	}
	return false;
}

static int64_t detach_at_stop(struct task *t)
{
	uint64_t addr = t->call.v[0], start, end;
	const struct file *f;
	int64_t ret = -EINVAL;

	while (addr % PAGE_SIZE_LX == 0 && next_part(t->mm, addr, &start, &end, &f)) {
		shm_detached(t, f);
		ret = map_unmap(t, start, end - start);
		if (ret < 0)
			break;
	}
	return ret;
}

int64_t sys_shmdt(struct task *t, const struct sysargs *a)
{
	(void)a;
	t->at_stop = detach_at_stop;
	return SYS_AT_STOP;
}

/* --- shmctl ------------------------------------------------------------------------------------------------------------------- */

static int64_t stat_out(struct task *t, const struct sysargs *a, bool by_index, bool any)
{
	struct lx_shmid_ds ds;
	int64_t ret = shm_stat(t, arg_int(a, 0), by_index, any, &ds);

	return ret >= 0 && copy_out(t, arg_addr(a, 2), &ds, sizeof(ds)) < 0 ? -EFAULT : ret;
}

static int64_t limits_out(struct task *t, const struct sysargs *a)
{
	struct lx_shminfo info;
	int64_t ret = shm_limits(t, &info);

	return copy_out(t, arg_addr(a, 2), &info, sizeof(info)) < 0 ? -EFAULT : ret;
}

static int64_t info_out(struct task *t, const struct sysargs *a)
{
	struct lx_shm_info info;
	int64_t ret = shm_info(t, &info);

	return copy_out(t, arg_addr(a, 2), &info, sizeof(info)) < 0 ? -EFAULT : ret;
}

int64_t sys_shmctl(struct task *t, const struct sysargs *a)
{
	struct lx_shmid_ds ds;

	if (arg_int(a, 0) < 0 || arg_int(a, 1) < 0)
		return -EINVAL;
	switch (arg_int(a, 1)) {
	case LX_IPC_INFO:
		return limits_out(t, a);
	case LX_SHM_INFO:
		return info_out(t, a);
	case LX_IPC_STAT:
		return stat_out(t, a, false, false);
	case LX_SHM_STAT:
	case LX_SHM_STAT_ANY:
		return stat_out(t, a, true, arg_int(a, 1) == LX_SHM_STAT_ANY);
	case LX_IPC_SET:
		if (copy_in(t, &ds, arg_addr(a, 2), sizeof(ds)) < 0)
			return -EFAULT;
		return shm_set(t, arg_int(a, 0), &ds);
	case LX_IPC_RMID:
		return shm_remove(t, arg_int(a, 0));
	case LX_SHM_LOCK:
	case LX_SHM_UNLOCK:
		return shm_lock(t, arg_int(a, 0));
	default:
		return -EINVAL;
	}
}
