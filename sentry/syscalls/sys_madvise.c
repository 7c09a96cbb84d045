/* madvise, msync, mincore. */
#include <errno.h>
#include <stddef.h>

#include "abi/arch.h"
#include "abi/mman.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/mm/vma.h"
#include "sentry/mm/window.h"
#include "sentry/syscalls/handlers.h"

/*
 * Guest memory is the host process's own, so that the host carries these calls out, with the trapped scalars. What the sentry sees to is that
 * the range is the guest's: the stub lies beyond mm->limit.
 */
static int check_range(const struct mm *mm, uint64_t addr, uint64_t len)
{
	if (addr % PAGE_SIZE_LX)
		return -EINVAL;
	if (PAGE_UP(len) < len || addr + PAGE_UP(len) < addr)
		return -EINVAL;
	return addr > mm->limit || PAGE_UP(len) > mm->limit - addr ? -ENOMEM : 0;
}

enum advice_kind { ADVICE_UNKNOWN, ADVICE_HOST, ADVICE_NOT_FOR_GUESTS, ADVICE_FORK };

/* Sealed memory that cannot be written cannot be thrown away either: that would be a way to write zeros. */
static bool discards(int advice)
{
	switch (advice) {
	case LX_MADV_DONTNEED:
	case LX_MADV_DONTNEED_LOCKED:
	case LX_MADV_FREE:
	case LX_MADV_REMOVE:
	case LX_MADV_DONTFORK:
	case LX_MADV_WIPEONFORK:
		return true;
	default:
		return false;
	}
}

static bool sealed_against(struct mm *mm, uint64_t start, uint64_t end)
{
	LOCK_GUARD(&mm->lock);
	for (struct vma *v = vma_above(mm, start); v && v->start < end; v = vma_above(mm, v->end))
		if ((v->flags & VMA_SEALED) && !(v->prot & LX_PROT_WRITE) && !(v->flags & LX_MAP_SHARED))
			return true;
	return false;
}

static enum advice_kind advice_kind(int advice)
{
	switch (advice) {
	case LX_MADV_DONTFORK:
	case LX_MADV_DOFORK:
		return ADVICE_FORK;
	case LX_MADV_HWPOISON:
	case LX_MADV_SOFT_OFFLINE:
		return ADVICE_NOT_FOR_GUESTS;
	case LX_MADV_NORMAL ... LX_MADV_DONTNEED:
	case LX_MADV_FREE:
	case LX_MADV_REMOVE:
	case LX_MADV_MERGEABLE ... LX_MADV_COLLAPSE:
		return ADVICE_HOST;
	default:
		return ADVICE_UNKNOWN;
	}
}

/* What a fork's child does not get must not be on its list either. */
static int mark_fork(struct mm *mm, uint64_t start, uint64_t end, bool dont)
{
	struct vma *v;

	LOCK_GUARD(&mm->lock);
	if (!vma_range_full(mm, start, end))
		return -ENOMEM;
	if (vma_split(mm, start) < 0 || vma_split(mm, end) < 0)
		return -ENOMEM;
	mm->has_unforked = true;
	for (v = vma_above(mm, start); v && v->start < end; v = vma_above(mm, v->end))
		v->flags = dont ? v->flags | VMA_DONTFORK : v->flags & ~VMA_DONTFORK;
	return 0;
}

int64_t sys_madvise(struct task *t, const struct sysargs *a)
{
	uint64_t addr = arg_u64(a, 0), len = arg_u64(a, 1);
	enum advice_kind kind = advice_kind(arg_int(a, 2));
	int ret;

	if (kind == ADVICE_UNKNOWN)
		return -EINVAL;
	if (kind == ADVICE_NOT_FOR_GUESTS)
		return -EPERM;
	ret = check_range(t->mm, addr, len);
	if (ret < 0 || !len)
		return ret;
	if (discards(arg_int(a, 2)) && sealed_against(t->mm, addr, addr + PAGE_UP(len)))
		return -EPERM;
	if (window_is_touched(t->mm, addr, PAGE_UP(len)))
		return -EINVAL; /* what is the platform's must not reach a fork's child */
	if (kind == ADVICE_FORK)
		ret = mark_fork(t->mm, addr, addr + PAGE_UP(len), arg_int(a, 2) == LX_MADV_DONTFORK);
	return ret < 0 ? ret : SYS_PASS;
}

int64_t sys_msync(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 2);
	int ret;

	if ((flags & ~(uint32_t)(LX_MS_ASYNC | LX_MS_INVALIDATE | LX_MS_SYNC)) || (flags & LX_MS_ASYNC && flags & LX_MS_SYNC))
		return -EINVAL;
	ret = check_range(t->mm, arg_u64(a, 0), arg_u64(a, 1));
	return ret < 0 || !arg_u64(a, 1) ? ret : SYS_PASS;
}

/* The host knows what is resident, and puts it where the guest wants it: into the guest's own memory, by the guest's own process. */
static int64_t mincore_at_stop(struct task *t)
{
	const uint64_t arg[6] = { t->call.v[0], t->call.v[1], t->call.v[2] };

	return stop_inject(t->tracee, LX_NR_mincore, arg);
}

int64_t sys_mincore(struct task *t, const struct sysargs *a)
{
	uint64_t addr = arg_u64(a, 0), end = addr + PAGE_UP(arg_u64(a, 1)), pages = PAGE_UP(arg_u64(a, 1)) / PAGE_SIZE_LX;
	uint64_t out = arg_u64(a, 2);
	int ret = check_range(t->mm, addr, arg_u64(a, 1));
	bool full;

	if (ret < 0 || !pages)
		return ret;
	if (out > t->mm->limit || pages > t->mm->limit - out)
		return -EFAULT;
	lock_take(&t->mm->lock);
	full = vma_range_full(t->mm, addr, end);
	lock_drop(&t->mm->lock);
	if (!full)
		return -ENOMEM;
	t->at_stop = mincore_at_stop;
	return SYS_AT_STOP;
}
