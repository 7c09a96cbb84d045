/* mremap at a stop: see map.h, mremap(2), mm/mremap.c of Linux for the order of errors. */
#include <errno.h>
#include <stddef.h>

#include "abi/arch.h"
#include "abi/mman.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/map.h"
#include "sentry/mm/vma.h"
#include "sentry/mm/window.h"

struct remap {
	uint64_t old, old_len, new_len, target;
	uint32_t flags;
};

static int check_args(const struct mm *mm, const struct remap *r)
{
	if (r->flags & ~(uint32_t)(LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((r->flags & (LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP)) && !(r->flags & LX_MREMAP_MAYMOVE))
		return -EINVAL;
	if ((r->flags & LX_MREMAP_DONTUNMAP) && r->old_len != r->new_len)
		return -EINVAL;
	if (r->old % PAGE_SIZE_LX || !r->new_len || r->new_len > mm->limit)
		return -EINVAL;
	if (r->flags & LX_MREMAP_FIXED) {
		if (r->target % PAGE_SIZE_LX || r->target > mm->limit - r->new_len || r->target < MM_LOWEST)
			return -EINVAL;
		if (r->old < r->target + r->new_len && r->target < r->old + r->old_len)
			return -EINVAL;
	}
	return 0;
}

/* The one mapping that the old range must lie in. */
static int check_old(struct task *t, const struct remap *r, struct vma **out)
{
	struct mm *mm = t->mm;
	struct vma *v = vma_above(mm, r->old);

	if (!v || v->start > r->old)
		return -EFAULT;
	if (!r->old_len && !(v->flags & LX_MAP_SHARED))
		return -EINVAL;
	if (r->old_len > v->end - r->old)
		return -EFAULT;
	if ((v->flags & VMA_SEALED) || ((r->flags & LX_MREMAP_FIXED) && vma_sealed(mm, r->target, r->target + r->new_len)))
		return -EPERM;
	if (r->new_len > r->old_len && (v->flags & LX_MAP_LOCKED) && map_lock_limit(t, (r->new_len - r->old_len) / PAGE_SIZE_LX))
		return -EAGAIN;
	*out = v;
	return 0;
}

static int64_t shrink(struct task *t, const struct remap *r)
{
	int64_t ret = map_unmap(t, r->old + r->new_len, r->old_len - r->new_len);

	return ret < 0 ? ret : (int64_t)r->old;
}

static int charge_growth(struct mm *mm, const struct vma *v, uint64_t bytes)
{
	if (!v->charged)
		return 0;
	if (memory_charge(mm->k, (int64_t)bytes) < 0)
		return -ENOMEM;
	mm->charged_bytes += bytes;
	return 0;
}

/* Lengthens the mapping where it is; 1 when there is no room. */
static int64_t grow_in_place(struct task *t, const struct remap *r)
{
	struct mm *mm = t->mm;
	uint64_t end = r->old + r->old_len, more = r->new_len - r->old_len;
	uint64_t arg[6] = { r->old, r->old_len, r->new_len, 0 };
	struct vma *v, *fresh;
	int64_t ret;

	lock_take(&mm->lock);
	v = vma_above(mm, r->old);
	if (v->end != end || end + more > mm->limit || !vma_range_free(mm, end, end + more)) {
		lock_drop(&mm->lock);
		return 1;
	}
	fresh = vma_dup(v);
	if (!fresh || charge_growth(mm, v, more) < 0) {
		lock_drop(&mm->lock);
		if (fresh)
			vma_free(fresh);
		return -ENOMEM;
	}
	fresh->start = end;
	fresh->end = end + more;
	if (fresh->file || fresh->shared_id)
		fresh->offset += end - v->start;
	vma_insert(mm, fresh);
	lock_drop(&mm->lock);
	ret = stop_inject(t->tracee, LX_NR_mremap, arg);
	if (ret < 0) {
		LOCK_GUARD(&mm->lock);
		vma_clear(mm, end, end + more);
	}
	return ret;
}

/* Makes the vma of the new place; under the lock. */
static struct vma *moved_copy(struct mm *mm, const struct vma *v, const struct remap *r, uint64_t target)
{
	struct vma *fresh = vma_dup(v);

	if (!fresh)
		return NULL;
	if (charge_growth(mm, v, r->new_len) < 0) {
		vma_free(fresh);
		return NULL;
	}
	fresh->start = target;
	fresh->end = target + r->new_len;
	if (fresh->file || fresh->shared_id)
		fresh->offset += r->old - v->start;
	return fresh;
}

static int64_t relocate(struct task *t, const struct remap *r)
{
	struct mm *mm = t->mm;
	uint32_t host_flags = LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED | (r->flags & LX_MREMAP_DONTUNMAP);
	uint64_t arg[6] = { r->old, r->old_len, r->new_len, host_flags };
	struct vma *v, *fresh;
	int64_t ret = 0;

	lock_take(&mm->lock);
	arg[4] = r->flags & LX_MREMAP_FIXED ? r->target : vma_find_gap(mm, r->new_len, mm->mmap_base);
	if (!arg[4])
		ret = -ENOMEM;
	else if (r->flags & LX_MREMAP_FIXED)
		ret = vma_clear(mm, arg[4], arg[4] + r->new_len);
	v = vma_above(mm, r->old);
	fresh = ret == 0 ? moved_copy(mm, v, r, arg[4]) : NULL;
	if (!fresh) {
		lock_drop(&mm->lock);
		return ret ? ret : -ENOMEM;
	}
	vma_insert(mm, fresh);
	lock_drop(&mm->lock);
	ret = stop_inject(t->tracee, LX_NR_mremap, arg);
	lock_take(&mm->lock);
	if (ret < 0)
		vma_clear(mm, arg[4], arg[4] + r->new_len);
	else if (!(r->flags & LX_MREMAP_DONTUNMAP) && r->old_len)
		vma_clear(mm, r->old, r->old + r->old_len);
	lock_drop(&mm->lock);
	return ret;
}

int64_t map_move(struct task *t, uint64_t old, uint64_t old_len, uint64_t new_len, uint32_t flags, uint64_t new_addr)
{
	struct remap r = { old, PAGE_UP(old_len), PAGE_UP(new_len), new_addr, flags };
	struct vma *v;
	int64_t ret = check_args(t->mm, &r);

	if (!ret)
		ret = window_before_move(t, old, r.old_len);
	if (!ret && (flags & LX_MREMAP_FIXED))
		ret = window_make_way(t, r.target, r.new_len);
	if (ret < 0)
		return ret;
	lock_take(&t->mm->lock);
	ret = check_old(t, &r, &v);
	lock_drop(&t->mm->lock);
	if (ret < 0)
		return ret;
	if (!(flags & (LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP))) {
		if (r.new_len == r.old_len)
			return (int64_t)old;
		if (r.new_len < r.old_len)
			return shrink(t, &r);
		if (r.old_len) {
			ret = grow_in_place(t, &r);
			if (ret != 1)
				return ret;
		}
		if (!(flags & LX_MREMAP_MAYMOVE))
			return -ENOMEM;
	} else if (r.new_len < r.old_len) {
		ret = map_unmap(t, old + r.new_len, r.old_len - r.new_len);
		if (ret < 0)
			return ret;
		r.old_len = r.new_len;
	}
	return relocate(t, &r);
}
