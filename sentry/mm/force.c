/* Memory written by a debugger whatever its protection: what the host then copies for the guest is charged first. */
#include "sentry/mm/force.h"

#include <errno.h>

#include "abi/mman.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/vma.h"

/* As the host's FOLL_FORCE: private mappings get copies of the pages, shared ones must be writable. */
static int allow(struct mm *mm, struct vma *v)
{
	int64_t bytes = (int64_t)(v->end - v->start);
	int err;

	if ((v->flags & LX_MAP_TYPE) != LX_MAP_PRIVATE)
		return v->prot & LX_PROT_WRITE ? 0 : -EIO;
	if (v->charged || (v->flags & VMA_AHEAD))
		return 0;
	err = memory_charge(mm->k, bytes);
	if (err)
		return -EIO;
	mm->charged_bytes += (uint64_t)bytes;
	v->charged = true;
	return 0;
}

int mm_allow_forced_write(struct mm *mm, uint64_t addr, uint64_t len)
{
	LOCK_GUARD(&mm->lock);
	while (len) {
		struct vma *v = mm_find(mm, addr, false);
		int err = v ? allow(mm, v) : -EIO;

		if (err)
			return err;
		if (len <= v->end - addr)
			return 0;
		len -= v->end - addr;
		addr = v->end;
	}
	return 0;
}
