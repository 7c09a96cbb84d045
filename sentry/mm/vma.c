/* The tree of mappings: see vma.h. */
#include "sentry/mm/vma.h"

#include <errno.h>
#include <stddef.h>

#include "abi/mman.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/anon_name.h"

/* --- the treap ------------------------------------------------------------------------------------------------------ */

static uint64_t max_gap(const struct vma *v)
{
	return v ? v->max_gap : 0;
}

static void update(struct vma *v)
{
	uint64_t gap = v->gap;

	if (max_gap(v->left) > gap)
		gap = max_gap(v->left);
	if (max_gap(v->right) > gap)
		gap = max_gap(v->right);
	v->max_gap = gap;
}

/* Splits into starts below and not below `start`. */
static void tree_split(struct vma *v, uint64_t start, struct vma **low, struct vma **high)
{
	if (!v) {
		*low = *high = NULL;
	} else if (v->start < start) {
		tree_split(v->right, start, &v->right, high);
		update(v);
		*low = v;
	} else {
		tree_split(v->left, start, low, &v->left);
		update(v);
		*high = v;
	}
}

static struct vma *tree_join(struct vma *low, struct vma *high)
{
	if (!low)
		return high;
	if (!high)
		return low;
	if (low->priority > high->priority) {
		low->right = tree_join(low->right, high);
		update(low);
		return low;
	}
	high->left = tree_join(low, high->left);
	update(high);
	return high;
}

static struct vma *tree_insert(struct vma *v, struct vma *fresh)
{
	if (!v || fresh->priority > v->priority) {
		tree_split(v, fresh->start, &fresh->left, &fresh->right);
		update(fresh);
		return fresh;
	}
	if (fresh->start < v->start)
		v->left = tree_insert(v->left, fresh);
	else
		v->right = tree_insert(v->right, fresh);
	update(v);
	return v;
}

static struct vma *tree_remove(struct vma *v, struct vma *victim)
{
	if (v == victim)
		return tree_join(v->left, v->right);
	if (victim->start < v->start)
		v->left = tree_remove(v->left, victim);
	else
		v->right = tree_remove(v->right, victim);
	update(v);
	return v;
}

/* The gap of `target` has changed: the path to it is brought up to date. */
static void tree_touch(struct vma *v, const struct vma *target)
{
	if (v != target)
		tree_touch(target->start < v->start ? v->left : v->right, target);
	update(v);
}

struct vma *vma_above(struct mm *mm, uint64_t addr)
{
	struct vma *v = mm->root, *best = NULL;

	while (v) {
		if (v->end > addr) {
			best = v;
			v = v->left;
		} else {
			v = v->right;
		}
	}
	return best;
}

struct vma *vma_below(struct mm *mm, uint64_t addr)
{
	struct vma *v = mm->root, *best = NULL;

	while (v) {
		if (v->end <= addr) {
			best = v;
			v = v->right;
		} else {
			v = v->left;
		}
	}
	return best;
}

static void set_gap(struct mm *mm, struct vma *v)
{
	struct vma *below = vma_below(mm, v->start);

	v->gap = v->start - (below ? below->end : 0);
	tree_touch(mm->root, v);
}

static void set_gap_above(struct mm *mm, uint64_t addr)
{
	struct vma *v = vma_above(mm, addr);

	if (v)
		set_gap(mm, v);
}

/* --- merging and splitting --------------------------------------------------------------------------------------------- */

static bool alike(const struct vma *low, const struct vma *high)
{
	if (low->end != high->start || low->prot != high->prot || low->flags != high->flags || low->file != high->file ||
	    low->shared_id != high->shared_id || low->may_write != high->may_write || low->may_exec != high->may_exec ||
	    low->noexec != high->noexec || low->charged != high->charged || low->name != high->name ||
	    low->mempolicy.mode != high->mempolicy.mode || low->mempolicy.nodes != high->mempolicy.nodes ||
	    !anon_name_equal(low->anon_name, high->anon_name))
		return false;
	return (!low->file && !low->shared_id) || low->offset + (low->end - low->start) == high->offset;
}

static void tree_add(struct mm *mm, struct vma *v)
{
	static _Atomic uint64_t sequence; /* feeds the priorities; any value will do */

	v->left = v->right = NULL;
	v->priority = hash_u64(v->start, ++sequence);
	v->gap = 0;
	mm->root = tree_insert(mm->root, v);
	mm->vma_count++;
	set_gap(mm, v);
	set_gap_above(mm, v->end);
}

void vma_detach(struct mm *mm, struct vma *v)
{
	mm->root = tree_remove(mm->root, v);
	mm->vma_count--;
	set_gap_above(mm, v->start);
}

void vma_free(struct vma *v)
{
	if (v->file)
		file_put_deferred(v->file);
	anon_name_put(v->anon_name);
	mem_free(v);
}

struct vma *vma_dup(const struct vma *v)
{
	struct vma *copy = mem_dup(v, sizeof(*v));

	if (!copy)
		return NULL;
	copy->left = copy->right = NULL;
	if (copy->file)
		file_get(copy->file);
	anon_name_get(copy->anon_name);
	return copy;
}

void vma_set_locked(struct mm *mm, struct vma *v, bool locked)
{
	uint64_t pages = (v->end - v->start) / PAGE_SIZE_LX;

	lock_assert_held(&mm->lock);
	if (!!(v->flags & LX_MAP_LOCKED) == locked)
		return;
	v->flags ^= LX_MAP_LOCKED;
	mm->locked_pages += locked ? pages : -pages;
}

bool vma_sealed(struct mm *mm, uint64_t start, uint64_t end)
{
	for (struct vma *v = vma_above(mm, start); v && v->start < end; v = vma_above(mm, v->end))
		if (v->flags & VMA_SEALED)
			return true;
	return false;
}

/* Merges `v` with the one below it where they are alike; the survivor. */
static struct vma *merge_below(struct mm *mm, struct vma *v)
{
	struct vma *below = vma_below(mm, v->start);

	if (!below || !alike(below, v))
		return v;
	vma_detach(mm, v);
	below->end = v->end;
	set_gap_above(mm, below->end);
	vma_free(v);
	return below;
}

void vma_merge_range(struct mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v = vma_above(mm, start ? start - 1 : 0);

	while (v && v->start <= end) {
		v = merge_below(mm, v);
		v = vma_above(mm, v->end);
	}
}

void vma_insert(struct mm *mm, struct vma *v)
{
	uint64_t end = v->end;

	lock_assert_held(&mm->lock);
	mm->total_pages += (v->end - v->start) / PAGE_SIZE_LX;
	if (v->flags & LX_MAP_LOCKED)
		mm->locked_pages += (v->end - v->start) / PAGE_SIZE_LX;
	tree_add(mm, v);
	v = merge_below(mm, v);
	v = vma_above(mm, end);
	if (v)
		merge_below(mm, v);
}

int vma_split(struct mm *mm, uint64_t addr)
{
	struct vma *v = vma_above(mm, addr), *high;

	if (!v || v->start >= addr)
		return 0;
	high = vma_dup(v);
	if (!high)
		return -ENOMEM;
	high->start = addr;
	if (v->file || v->shared_id)
		high->offset += addr - v->start;
	v->end = addr;
	tree_add(mm, high);
	return 0;
}

bool vma_is_charged(const struct vma *v)
{
	if (v->flags & LX_MAP_SHARED)
		return !v->file;
	return (v->prot & LX_PROT_WRITE) && !(v->flags & VMA_AHEAD);
}

int vma_clear(struct mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v;
	uint64_t freed = 0;

	lock_assert_held(&mm->lock);
	if (vma_split(mm, start) < 0 || vma_split(mm, end) < 0)
		return -ENOMEM;
	while ((v = vma_above(mm, start)) && v->start < end) {
		vma_detach(mm, v);
		mm->total_pages -= (v->end - v->start) / PAGE_SIZE_LX;
		if (v->flags & LX_MAP_LOCKED)
			mm->locked_pages -= (v->end - v->start) / PAGE_SIZE_LX;
		if (v->charged)
			freed += v->end - v->start;
		vma_free(v);
	}
	mm->charged_bytes -= freed;
	if (freed)
		memory_charge(mm->k, -(int64_t)freed);
	return 0;
}

void vma_extend(struct mm *mm, struct vma *v, uint64_t end)
{
	v->end = end;
	set_gap_above(mm, end);
}

static const struct vma *find_unforked(const struct vma *v)
{
	const struct vma *found;

	if (!v || (v->flags & VMA_DONTFORK))
		return v;
	found = find_unforked(v->left);
	return found ? found : find_unforked(v->right);
}

void vma_drop_unforked(struct mm *mm)
{
	const struct vma *v;

	while ((v = find_unforked(mm->root)))
		vma_clear(mm, v->start, v->end);
}

/* --- places --------------------------------------------------------------------------------------------------------------- */

bool vma_range_free(struct mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v = vma_above(mm, start);

	return !v || v->start >= end;
}

bool vma_range_full(struct mm *mm, uint64_t start, uint64_t end)
{
	while (start < end) {
		struct vma *v = vma_above(mm, start);

		if (!v || v->start > start)
			return false;
		start = v->end;
	}
	return true;
}

static uint64_t find_gap(const struct vma *v, uint64_t len, uint64_t limit)
{
	uint64_t low, high, found;

	if (!v || v->max_gap < len)
		return 0;
	found = v->end < limit ? find_gap(v->right, len, limit) : 0;
	if (found)
		return found;
	low = v->start - v->gap;
	high = v->start < limit ? v->start : limit;
	if (low < MM_LOWEST)
		low = MM_LOWEST;
	if (high >= low && high - low >= len)
		return high - len;
	return find_gap(v->left, len, limit);
}

uint64_t vma_find_gap(struct mm *mm, uint64_t len, uint64_t limit)
{
	struct vma *top = vma_below(mm, UINT64_MAX);
	uint64_t low = top ? top->end : MM_LOWEST;

	/* The space above the last mapping belongs to no node. */
	if (low < limit && limit - low >= len)
		return limit - len;
	return find_gap(mm->root, len, limit);
}
