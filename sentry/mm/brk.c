/* The heap: mapped ahead in one vma, so that moving its end is an answer. brk(2). */
#include "sentry/mm/map.h"

#include "abi/mman.h"
#include "base/lock.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/vma.h"

int64_t brk_move(struct mm *mm, uint64_t wanted)
{
	int64_t more = (int64_t)PAGE_UP(wanted) - (int64_t)PAGE_UP(mm->brk);

	lock_assert_held(&mm->lock);
	if (memory_charge(mm->k, more) < 0)
		return (int64_t)mm->brk;
	mm->charged_bytes += (uint64_t)more;
	mm->brk = wanted;
	return (int64_t)wanted;
}

bool brk_extend_vma(struct mm *mm, uint64_t end)
{
	struct vma *v = vma_below(mm, mm->brk_mapped), *above = vma_above(mm, mm->brk_mapped);

	lock_assert_held(&mm->lock);
	if (!v || v->end != mm->brk_mapped || (above && above->start < end))
		return false;
	mm->total_pages += (end - v->end) / PAGE_SIZE_LX;
	vma_extend(mm, v, end);
	return true;
}
