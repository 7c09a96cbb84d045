/* Reference counts: see base/ref.h. Counts are checked on every change, since a wrong one is a use after free later. */
#include "base/ref.h"

#include "base/log.h"

/* Far above what can be held honestly: past it, somebody leaks references in a loop. */
#define REF_MAX (1 << 30)

void ref_init(struct ref *r)
{
	atomic_init(&r->count, 1);
}

void ref_get(struct ref *r)
{
	int old = atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);

	if (__builtin_expect(old <= 0 || old >= REF_MAX, 0))
		panic("reference taken on a count of %d", old);
}

bool ref_get_unless_zero(struct ref *r)
{
	int old = atomic_load_explicit(&r->count, memory_order_relaxed);

	while (old > 0) {
		if (atomic_compare_exchange_weak_explicit(&r->count, &old, old + 1, memory_order_acquire,
							  memory_order_relaxed))
			return true;
	}
	return false;
}

bool ref_put(struct ref *r)
{
	int old = atomic_fetch_sub_explicit(&r->count, 1, memory_order_acq_rel);

	if (__builtin_expect(old <= 0, 0))
		panic("reference dropped on a count of %d", old);
	return old == 1;
}
