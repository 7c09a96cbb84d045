/* The tree of mappings against a plain array of pages: what is mapped, merged, split, and where the free places are. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "abi/mman.h"
#include "base/hash.h"
#include "base/mem.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/vma.h"

#define BASE 0x100000ull
#define PAGES 256

static struct boot_spec spec;
static struct kernel kernel = { .spec = &spec };

static struct mm *new_mm(void)
{
	struct mm *mm;

	hash_setup();
	spec.memory_limit = 0;
	mm = mm_new(&kernel);
	cr_assert(mm);
	mm->limit = 1ull << 47;
	mm->mmap_base = 1ull << 46;
	return mm;
}

static uint64_t at(uint64_t page)
{
	return BASE + page * PAGE_SIZE_LX;
}

static void map(struct mm *mm, uint64_t first, uint64_t pages, uint32_t prot)
{
	struct vma *v = mem_zalloc(sizeof(*v));

	cr_assert(v);
	v->start = at(first);
	v->end = at(first + pages);
	v->prot = prot;
	v->flags = LX_MAP_PRIVATE;
	cr_assert_eq(vma_clear(mm, v->start, v->end), 0);
	vma_insert(mm, v);
}

struct count {
	uint32_t vmas;
	uint64_t bytes, last_end;
	bool ordered;
};

static void count_one(const struct vma *v, void *arg)
{
	struct count *c = arg;

	c->vmas++;
	c->bytes += v->end - v->start;
	c->ordered = c->ordered && v->start >= c->last_end && v->start < v->end;
	c->last_end = v->end;
}

static struct count count(struct mm *mm)
{
	struct count c = { .ordered = true };

	lock_drop(&mm->lock);
	mm_for_each(mm, count_one, &c);
	lock_take(&mm->lock);
	return c;
}

Test(vma, neighbours_that_are_alike_are_one)
{
	struct mm *mm = new_mm();

	lock_take(&mm->lock);
	map(mm, 0, 2, LX_PROT_READ);
	map(mm, 4, 2, LX_PROT_READ);
	cr_expect_eq(mm->vma_count, 2);
	map(mm, 2, 2, LX_PROT_READ);
	cr_expect_eq(mm->vma_count, 1);
	cr_expect_eq(vma_above(mm, at(0))->end, at(6));
	lock_drop(&mm->lock);
	mm_put(mm);
}

Test(vma, other_protection_is_another_mapping)
{
	struct mm *mm = new_mm();

	lock_take(&mm->lock);
	map(mm, 0, 6, LX_PROT_READ);
	map(mm, 2, 2, LX_PROT_READ | LX_PROT_EXEC);
	cr_expect_eq(mm->vma_count, 3);
	cr_expect(vma_range_full(mm, at(0), at(6)));
	cr_expect_not(vma_range_full(mm, at(0), at(7)));
	lock_drop(&mm->lock);
	mm_put(mm);
}

Test(vma, clearing_the_middle_leaves_both_ends)
{
	struct mm *mm = new_mm();

	lock_take(&mm->lock);
	map(mm, 0, 10, LX_PROT_READ);
	cr_assert_eq(vma_clear(mm, at(3), at(5)), 0);
	cr_expect_eq(mm->vma_count, 2);
	cr_expect(vma_range_free(mm, at(3), at(5)));
	cr_expect_not(vma_range_free(mm, at(2), at(5)));
	cr_expect_eq(mm->total_pages, 8);
	lock_drop(&mm->lock);
	mm_put(mm);
}

Test(vma, the_highest_gap_that_fits_is_found)
{
	struct mm *mm = new_mm();

	lock_take(&mm->lock);
	map(mm, 0, 10, LX_PROT_READ);
	map(mm, 12, 10, LX_PROT_READ);
	map(mm, 30, 10, LX_PROT_READ);
	cr_expect_eq(vma_find_gap(mm, 2 * PAGE_SIZE_LX, at(40)), at(28), "below the highest mapping");
	cr_expect_eq(vma_find_gap(mm, 8 * PAGE_SIZE_LX, at(40)), at(22), "a gap that fits exactly");
	cr_expect_eq(vma_find_gap(mm, 2 * PAGE_SIZE_LX, at(22)), at(10), "not above the limit");
	cr_expect_eq(vma_find_gap(mm, 9 * PAGE_SIZE_LX, at(40)), BASE - 9 * PAGE_SIZE_LX, "below them all");
	cr_expect_eq(vma_find_gap(mm, 1ull << 40, at(40)), 0, "no such gap");
	lock_drop(&mm->lock);
	mm_put(mm);
}

Test(vma, charges_follow_what_is_writable)
{
	struct mm *mm = new_mm();
	struct vma *v = mem_zalloc(sizeof(*v));

	*v = (struct vma){ .start = at(0), .end = at(4), .prot = LX_PROT_READ | LX_PROT_WRITE, .flags = LX_MAP_PRIVATE };
	cr_expect(vma_is_charged(v));
	v->flags |= LX_MAP_NORESERVE;
	cr_expect(vma_is_charged(v), "a limit that a flag could pass by would be none");
	v->flags |= VMA_AHEAD;
	cr_expect_not(vma_is_charged(v));
	v->flags = LX_MAP_SHARED;
	v->prot = LX_PROT_READ;
	cr_expect(vma_is_charged(v), "shared memory without a file is stored somewhere");
	mem_free(v);
	spec.memory_limit = 4096;
	cr_expect_eq(memory_charge(&kernel, 4096), 0);
	cr_expect_eq(memory_charge(&kernel, -4096), 0);
	cr_expect_eq(kernel.memory_used, 0);
	cr_expect_eq(kernel.memory_peak, 4096);
	mm_put(mm);
}

/* A few thousand random changes, each checked against one protection per page. */
Test(vma, agrees_with_an_array_of_pages)
{
	struct mm *mm = new_mm();
	uint8_t model[PAGES];
	uint64_t seed = 20261122;

	memset(model, 0xff, sizeof(model));
	lock_take(&mm->lock);
	for (int round = 0; round < 4000; round++) {
		uint64_t first, pages, mapped = 0;
		struct count c;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		first = (seed >> 33) % PAGES;
		pages = 1 + (seed >> 45) % 16;
		if (first + pages > PAGES)
			pages = PAGES - first;
		if (seed >> 62) {
			uint8_t prot = (uint8_t)(seed >> 60 & 3);

			map(mm, first, pages, prot);
			memset(model + first, prot, pages);
		} else {
			cr_assert_eq(vma_clear(mm, at(first), at(first + pages)), 0);
			memset(model + first, 0xff, pages);
		}
		for (uint64_t i = 0; i < PAGES; i++) {
			struct vma *v = vma_above(mm, at(i));
			bool there = v && v->start <= at(i);

			cr_assert_eq(there, model[i] != 0xff, "page %d in round %d", (int)i, round);
			if (there)
				cr_assert_eq(v->prot, model[i]);
			mapped += there;
		}
		c = count(mm);
		cr_assert(c.ordered);
		cr_assert_eq(c.vmas, mm->vma_count);
		cr_assert_eq(c.bytes, mapped * PAGE_SIZE_LX);
		cr_assert_eq(mm->total_pages, mapped);
	}
	lock_drop(&mm->lock);
	mm_put(mm);
}

Test(vma, a_copy_is_equal_and_its_own)
{
	struct mm *mm = new_mm(), *copy;

	lock_take(&mm->lock);
	for (uint64_t i = 0; i < PAGES; i += 2)
		map(mm, i, 1, (uint32_t)(i % 3));
	lock_drop(&mm->lock);
	copy = mm_copy(mm);
	cr_assert(copy);
	cr_expect_eq(copy->vma_count, mm->vma_count);
	lock_take(&copy->lock);
	cr_assert_eq(vma_clear(copy, at(0), at(PAGES)), 0);
	lock_drop(&copy->lock);
	cr_expect_eq(copy->vma_count, 0);
	cr_expect_eq(mm->vma_count, PAGES / 2);
	mm_put(copy);
	mm_put(mm);
}
