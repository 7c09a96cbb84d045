/* mseal: mappings that stay as they are. mseal(2); enforced where mappings change (mm/map.c, mm/remap.c, sys_madvise.c). */
#include <errno.h>

#include "sentry/kernel/task.h"
#include "sentry/mm/vma.h"
#include "sentry/syscalls/handlers.h"

int64_t sys_mseal(struct task *t, const struct sysargs *a)
{
	uint64_t start = arg_u64(a, 0), len = PAGE_UP(arg_u64(a, 1)), end = start + len;
	struct mm *mm = t->mm;
	struct vma *v;

	if (arg_u64(a, 2) || start % PAGE_SIZE_LX || len < arg_u64(a, 1) || end < start)
		return -EINVAL;
	if (!len)
		return 0;
	LOCK_GUARD(&mm->lock);
	if (end > mm->limit || !vma_range_full(mm, start, end))
		return -ENOMEM;
	if (vma_split(mm, start) < 0 || vma_split(mm, end) < 0)
		return -ENOMEM;
	for (v = vma_above(mm, start); v && v->start < end; v = vma_above(mm, v->end))
		v->flags |= VMA_SEALED;
	vma_merge_range(mm, start, end);
	return 0;
}
