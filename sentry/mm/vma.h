/*
 * The tree of mappings: a treap by start address. Each node knows the gap below it and the largest gap of its subtree, so that a free
 * place is found in logarithmic time. All functions need mm->lock.
 */
#ifndef SENTRY_MM_VMA_H
#define SENTRY_MM_VMA_H

#include "sentry/mm/mm.h"

#define PAGE_SIZE_LX 4096ull
#define PAGE_DOWN(x) ((x) & ~(PAGE_SIZE_LX - 1))
#define PAGE_UP(x) (((x) + PAGE_SIZE_LX - 1) & ~(PAGE_SIZE_LX - 1))
/* In vma.flags, beside LX_MAP_*: heap and stack, mapped ahead of their use and not charged as a whole. */
#define VMA_AHEAD 0x40000000u
/* In vma.flags, beside LX_MAP_*: a fork's child does not get it. */
#define VMA_DONTFORK 0x80000000u
/* In vma.flags, beside LX_MAP_*: sealed by mseal(2). */
#define VMA_SEALED 0x20000000u
#define MM_LOWEST 0x10000ull /* vm.mmap_min_addr */

/* The first mapping that ends above addr; NULL when there is none. */
struct vma *vma_above(struct mm *, uint64_t addr);
/* The last that ends at or below addr. */
struct vma *vma_below(struct mm *, uint64_t addr);
/* Takes the vma; its range must be free. May merge it with its neighbours: use no pointer to it afterwards. */
void vma_insert(struct mm *, struct vma *);
/* Makes `addr` a boundary between mappings where one crosses it. 0 or -ENOMEM. */
int vma_split(struct mm *, uint64_t addr);
/* Takes the vma out and gives it to the caller. */
void vma_detach(struct mm *, struct vma *);
/* Merges what has become alike in [start, end] and its neighbours. */
void vma_merge_range(struct mm *, uint64_t start, uint64_t end);
/* Frees a detached vma and its file reference. */
void vma_free(struct vma *);
/* A copy with references of its own, in no tree; NULL when memory is out. */
struct vma *vma_dup(const struct vma *);
/* True when a mapping of [start, end) is sealed. */
bool vma_sealed(struct mm *, uint64_t start, uint64_t end);
/* Locks or unlocks one mapping, as mm->locked_pages counts it. */
void vma_set_locked(struct mm *, struct vma *, bool locked);
/* Removes what a fork does not copy: of a child's list. */
void vma_drop_unforked(struct mm *);
/* Removes all of [start, end): splits at the ends, gives back charges. 0 or -ENOMEM with nothing changed. */
int vma_clear(struct mm *, uint64_t start, uint64_t end);
/* Moves the end up over free space. */
void vma_extend(struct mm *, struct vma *, uint64_t end);
bool vma_range_free(struct mm *, uint64_t start, uint64_t end);
/* True when [start, end) has no hole. */
bool vma_range_full(struct mm *, uint64_t start, uint64_t end);
/* The highest free place of `len` bytes that ends at or below `limit`; 0 when there is none. */
uint64_t vma_find_gap(struct mm *, uint64_t len, uint64_t limit);
/* The charge of a vma against the memory limit: private and writable, or shared without file. */
bool vma_is_charged(const struct vma *);

#endif
