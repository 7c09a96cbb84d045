/* Address spaces as objects: creation, copying for fork, charges, and the identity of memory for futexes. See mm.h. */
#include "sentry/mm/mm.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "abi/mman.h"
#include "abi/prctl.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/census.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/vma.h"

struct mm *mm_new(struct kernel *k)
{
	struct mm *mm = mem_zalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	ref_init(&mm->ref);
	census_add(CENSUS_MM);
	lock_init(&mm->lock, RANK_MM, "mm");
	mm->k = k;
	return mm;
}

struct mm *mm_get(struct mm *mm)
{
	ref_get(&mm->ref);
	return mm;
}

void mm_put(struct mm *mm)
{
	struct mm_part *aio;

	if (!mm || !ref_put(&mm->ref))
		return;
	aio = atomic_load(&mm->aio);
	if (aio)
		aio->free(aio);
	lock_take(&mm->lock);
	vma_clear(mm, 0, UINT64_MAX);
	lock_drop(&mm->lock);
	if (mm->charged_bytes)
		memory_charge(mm->k, -(int64_t)mm->charged_bytes);
	census_drop(CENSUS_MM);
	mem_free(mm);
}

void mm_join(struct mm *mm)
{
	atomic_fetch_add(&mm->users, 1);
}

void mm_leave(struct mm *mm)
{
	atomic_fetch_sub(&mm->users, 1);
}

static void free_tree(struct vma *v)
{
	if (!v)
		return;
	free_tree(v->left);
	free_tree(v->right);
	vma_free(v);
}

static struct vma *copy_tree(const struct vma *v)
{
	struct vma *copy;

	if (!v)
		return NULL;
	copy = vma_dup(v);
	if (!copy)
		return NULL;
	copy->flags &= ~(uint32_t)LX_MAP_LOCKED; /* locks are not inherited */
	if (v->left && !(copy->left = copy_tree(v->left)))
		goto fail;
	if (v->right && !(copy->right = copy_tree(v->right)))
		goto fail;
	return copy;
fail:
	free_tree(copy);
	return NULL;
}

void mm_inherit(struct mm *mm, const struct mm *from)
{
	mm->mdwe = from->mdwe & LX_PR_MDWE_NO_INHERIT ? 0 : from->mdwe;
	mm->no_thp = from->no_thp;
	mm->merge_any = from->merge_any;
}

struct mm *mm_copy(struct mm *from)
{
	struct mm *mm = mm_new(from->k);

	if (!mm)
		return NULL;
	lock_take(&from->lock);
	if (memory_charge(from->k, (int64_t)from->charged_bytes) < 0)
		goto fail;
	mm->root = copy_tree(from->root);
	if (from->root && !mm->root) {
		memory_charge(from->k, -(int64_t)from->charged_bytes);
		goto fail;
	}
	mm->vma_count = from->vma_count;
	mm->brk_start = from->brk_start;
	mm->brk = from->brk;
	mm->brk_mapped = from->brk_mapped;
	mm->brk_dirty = from->brk_dirty;
	mm->mmap_base = from->mmap_base;
	mm->limit = from->limit;
	mm->stack_start = from->stack_start;
	mm->stack_low = from->stack_low;
	mm->window_start = from->window_start;
	mm->window_end = from->window_end;
	mm->total_pages = from->total_pages;
	mm->charged_bytes = from->charged_bytes;
	mm->pkeys = from->pkeys;
	mm_inherit(mm, from);
	mm->code_start = from->code_start;
	mm->code_end = from->code_end;
	mm->data_start = from->data_start;
	mm->data_end = from->data_end;
	lock_drop(&from->lock);
	if (from->has_unforked) {
		LOCK_GUARD(&mm->lock);
		vma_drop_unforked(mm);
	}
	return mm;
fail:
	lock_drop(&from->lock);
	mm_put(mm);
	return NULL;
}

int mm_key(struct task *t, uint64_t addr, bool private_hint, struct mem_key *out)
{
	struct mm *mm = t->mm;
	struct vma *v;

	if (private_hint) {
		*out = (struct mem_key){ .object = mm, .offset = addr };
		return 0;
	}
	LOCK_GUARD(&mm->lock);
	v = vma_above(mm, addr);
	if (!v || v->start > addr)
		return -EFAULT;
	if (!(v->flags & LX_MAP_SHARED))
		*out = (struct mem_key){ .object = mm, .offset = addr };
	else if (v->file)
		*out = (struct mem_key){ .object = v->file->inode, .id = 1, .offset = v->offset + (addr - v->start) };
	else
		*out = (struct mem_key){ .object = NULL, .id = v->shared_id, .offset = v->offset + (addr - v->start) };
	return 0;
}

static void walk(const struct vma *v, void (*fn)(const struct vma *, void *), void *arg)
{
	if (!v)
		return;
	walk(v->left, fn, arg);
	fn(v, arg);
	walk(v->right, fn, arg);
}

void mm_for_each(struct mm *mm, void (*fn)(const struct vma *, void *), void *arg)
{
	LOCK_GUARD(&mm->lock);
	walk(mm->root, fn, arg);
}

struct vma *mm_find(struct mm *mm, uint64_t addr, bool next)
{
	struct vma *v = vma_above(mm, addr);

	lock_assert_held(&mm->lock);
	return v && (next || v->start <= addr) ? v : NULL;
}
