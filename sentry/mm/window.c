/* The platform's mapping in an address space: see window.h. */
#include "sentry/mm/window.h"

#include <errno.h>
#include <stddef.h>

#include "abi/mman.h"
#include "abi/types.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/vma.h"

/* Pages that the host copies or makes for the platform count as the guest's, until its memory is given back as a whole. */
static bool charge(struct mm *mm, uint64_t bytes)
{
	if (memory_charge(mm->k, (int64_t)bytes) < 0)
		return false;
	LOCK_GUARD(&mm->lock);
	mm->charged_bytes += bytes;
	return true;
}

bool window_reserve(struct mm *mm, uint64_t addr, uint64_t len)
{
	struct vma *v = mem_zalloc(sizeof(*v));

	if (!v || !charge(mm, len)) {
		mem_free(v);
		return false;
	}
	*v = (struct vma){ .start = addr, .end = addr + len, .prot = LX_PROT_READ | LX_PROT_EXEC, .flags = LX_MAP_PRIVATE,
			   .name = "[picket]" };
	lock_take(&mm->lock);
	bool free = vma_range_free(mm, addr, addr + len);

	if (free) {
		vma_insert(mm, v);
		mm->window_start = addr;
		mm->window_end = addr + len;
	}
	lock_drop(&mm->lock);
	if (!free)
		mem_free(v);
	return free;
}

static bool is_code(struct mm *mm, uint64_t addr, uint64_t len)
{
	LOCK_GUARD(&mm->lock);
	const struct vma *v = vma_above(mm, addr);

	return v && v->start <= addr && v->end >= addr + len && (v->prot & LX_PROT_EXEC) && !(v->prot & LX_PROT_WRITE) &&
	       !(v->flags & LX_MAP_SHARED) && v->file;
}

bool window_alter_code(struct mm *mm, uint64_t addr, uint64_t len)
{
	return is_code(mm, addr, len) && charge(mm, LX_PAGE_SIZE);
}

bool window_is_touched(struct mm *mm, uint64_t addr, uint64_t len)
{
	LOCK_GUARD(&mm->lock);
	return addr < mm->window_end && addr + len > mm->window_start;
}

int window_make_way(struct task *t, uint64_t addr, uint64_t len)
{
	struct mm *mm = t->mm;

	if (!window_is_touched(mm, addr, len))
		return 0;
	if (stop_plain(t->tracee) < 0)
		return -ENOMEM;
	LOCK_GUARD(&mm->lock);
	int err = vma_clear(mm, mm->window_start, mm->window_end);

	mm->window_start = mm->window_end = 0;
	return err;
}

static bool has_code(struct mm *mm, uint64_t addr, uint64_t len)
{
	LOCK_GUARD(&mm->lock);
	const struct vma *v = vma_above(mm, addr);

	return mm->window_end && v && v->start < addr + len && (v->prot & LX_PROT_EXEC);
}

int window_before_move(struct task *t, uint64_t addr, uint64_t len)
{
	if (has_code(t->mm, addr, len))
		return window_make_way(t, t->mm->window_start, t->mm->window_end - t->mm->window_start);
	return window_make_way(t, addr, len);
}
