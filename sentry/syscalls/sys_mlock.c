/*
 * mlock, mlock2, munlock, mlockall, munlockall. RLIMIT_MEMLOCK is counted here; the host is asked to keep the pages as far as its own limit goes, and
 * to make them resident where it does not. Linux: mm/mlock.c.
 */
#include <errno.h>

#include "abi/arch.h"
#include "abi/cred.h"
#include "abi/mman.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/map.h"
#include "sentry/mm/vma.h"
#include "sentry/syscalls/handlers.h"

struct span {
	uint64_t start, end;
};

/* Flags every mapping of the span, splitting at its ends; under the lock. -ENOMEM also for a hole. */
static int mark(struct mm *mm, struct span s, bool locked)
{
	struct vma *v;

	if (s.end > mm->limit || !vma_range_full(mm, s.start, s.end) || vma_split(mm, s.start) < 0 || vma_split(mm, s.end) < 0)
		return -ENOMEM;
	for (v = vma_above(mm, s.start); v && v->start < s.end; v = vma_above(mm, v->end))
		vma_set_locked(mm, v, locked);
	vma_merge_range(mm, s.start, s.end);
	return 0;
}

static uint64_t locked_in(struct mm *mm, struct span s)
{
	uint64_t pages = 0;
	struct vma *v;

	for (v = vma_above(mm, s.start); v && v->start < s.end; v = vma_above(mm, v->end)) {
		uint64_t from = v->start > s.start ? v->start : s.start, to = v->end < s.end ? v->end : s.end;

		if (v->flags & LX_MAP_LOCKED)
			pages += (to - from) / PAGE_SIZE_LX;
	}
	return pages;
}

static int span_of(uint64_t addr, uint64_t len, struct span *s)
{
	s->start = PAGE_DOWN(addr);
	s->end = s->start + PAGE_UP(len + (addr - s->start));
	return s->end < s->start ? -EINVAL : 0;
}

/* A host that has its own limit still makes the pages resident. */
static int64_t lock_in_host(struct task *t, struct span s, uint32_t flags)
{
	const uint64_t lock[6] = { s.start, s.end - s.start, flags };
	const uint64_t populate[6] = { s.start, s.end - s.start, LX_MADV_POPULATE_READ };
	int64_t ret = stop_inject(t->tracee, LX_NR_mlock2, lock);

	if (ret < 0 && !(flags & LX_MLOCK_ONFAULT))
		ret = stop_inject(t->tracee, LX_NR_madvise, populate);
	return ret == -EFAULT ? -ENOMEM : 0;
}

static int64_t lock_at_stop(struct task *t)
{
	uint32_t flags = t->call.nr == LX_NR_mlock2 ? (uint32_t)t->call.v[2] : 0;
	struct mm *mm = t->mm;
	struct span s;
	int ret = span_of(t->call.v[0], t->call.v[1], &s);

	if (ret || s.start == s.end)
		return ret;
	lock_take(&mm->lock);
	ret = map_lock_limit(t, (s.end - s.start) / PAGE_SIZE_LX - locked_in(mm, s)) ? -ENOMEM : mark(mm, s, true);
	lock_drop(&mm->lock);
	return ret ? ret : lock_in_host(t, s, flags);
}

static int64_t lock_call(struct task *t)
{
	if (!map_may_lock(t))
		return -EPERM;
	t->at_stop = lock_at_stop;
	return SYS_AT_STOP;
}

int64_t sys_mlock(struct task *t, const struct sysargs *a)
{
	(void)a;
	return lock_call(t);
}

int64_t sys_mlock2(struct task *t, const struct sysargs *a)
{
	return arg_u32(a, 2) & ~(uint32_t)LX_MLOCK_ONFAULT ? -EINVAL : lock_call(t);
}

static int64_t unlock_at_stop(struct task *t)
{
	struct span s;
	int ret = span_of(t->call.v[0], t->call.v[1], &s);

	if (ret || s.start == s.end)
		return ret;
	lock_take(&t->mm->lock);
	ret = mark(t->mm, s, false);
	lock_drop(&t->mm->lock);
	if (!ret)
		stop_inject(t->tracee, LX_NR_munlock, (const uint64_t[6]){ s.start, s.end - s.start });
	return ret;
}

int64_t sys_munlock(struct task *t, const struct sysargs *a)
{
	(void)a;
	t->at_stop = unlock_at_stop;
	return SYS_AT_STOP;
}

/* --- all ------------------------------------------------------------------------------------------------------------ */

/* Stack and heap are mapped ahead of their use: they are not counted as a whole. */
static void mark_all(struct mm *mm, bool locked)
{
	struct vma *v;

	for (v = vma_above(mm, 0); v; v = vma_above(mm, v->end))
		if (!(v->flags & VMA_AHEAD))
			vma_set_locked(mm, v, locked);
}

static uint64_t unlocked_pages(struct mm *mm)
{
	uint64_t pages = 0;
	struct vma *v;

	for (v = vma_above(mm, 0); v; v = vma_above(mm, v->end))
		if (!(v->flags & (VMA_AHEAD | LX_MAP_LOCKED)))
			pages += (v->end - v->start) / PAGE_SIZE_LX;
	return pages;
}

static int64_t lock_all_at_stop(struct task *t)
{
	uint32_t flags = (uint32_t)t->call.v[0];
	struct mm *mm = t->mm;
	bool over;

	lock_take(&mm->lock);
	over = (flags & LX_MCL_CURRENT) && map_lock_limit(t, unlocked_pages(mm));
	if (!over) {
		mm->lock_future = flags & LX_MCL_FUTURE;
		if (flags & LX_MCL_CURRENT)
			mark_all(mm, true);
	}
	lock_drop(&mm->lock);
	if (over)
		return -ENOMEM;
	/* On fault: the host would have to make all that is mapped ahead resident. What its limit forbids is not kept by it. */
	stop_inject(t->tracee, LX_NR_mlockall, (const uint64_t[6]){ flags | LX_MCL_ONFAULT });
	return 0;
}

int64_t sys_mlockall(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 0);

	if (!flags || (flags & ~(uint32_t)(LX_MCL_CURRENT | LX_MCL_FUTURE | LX_MCL_ONFAULT)) || flags == LX_MCL_ONFAULT)
		return -EINVAL;
	if (!map_may_lock(t))
		return -EPERM;
	t->at_stop = lock_all_at_stop;
	return SYS_AT_STOP;
}

int64_t sys_munlockall(struct task *t, const struct sysargs *a)
{
	(void)a;
	lock_take(&t->mm->lock);
	t->mm->lock_future = false;
	mark_all(t->mm, false);
	lock_drop(&t->mm->lock);
	return SYS_PASS;
}
