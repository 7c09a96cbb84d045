/*
 * Guest address spaces as the sentry knows them.
 *
 * The memory itself is the guest process's own: the host does its faults, its copy-on-write and its huge pages. The sentry keeps the list
 * of mappings (vmas), chooses addresses, checks rights, and has the host make each change at a control stop with
 * MAP_FIXED at an address of the sentry's choice; so host and list agree. mmap(2), brk(2), mremap(2).
 */
#ifndef SENTRY_MM_MM_H
#define SENTRY_MM_MM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/ref.h"
#include "sentry/mm/mempolicy.h"

struct task;
struct file;
struct kernel;

struct vma {
	struct vma *left, *right;      /* a treap by start, see vma.h; protected by mm->lock, as all that follows */
	uint64_t priority, gap, max_gap; /* free bytes below start; the largest gap of the subtree */
	uint64_t start, end;           /* page-aligned, end exclusive */
	uint32_t prot, flags;          /* LX_PROT_*, LX_MAP_* that matter later */
	struct file *file;             /* referenced, or NULL */
	uint64_t offset;               /* in the file (or in the shared anonymous object) at start */
	uint64_t shared_id;            /* identity of shared anonymous memory, for futexes; 0 otherwise */
	bool may_write, may_exec;      /* for mprotect */
	bool noexec;                   /* of a noexec mount: PROT_EXEC refused */
	bool charged;                  /* counts against the memory limit */
	struct mempolicy mempolicy;    /* mbind(2) */
	struct anon_name *anon_name;   /* referenced; prctl(PR_SET_VMA_ANON_NAME), or NULL */
	const char *name;              /* "[heap]", "[stack]", "[vdso]" or NULL; static */
};

/* First member of what mm->aio leads to: how the mm frees it. */
struct mm_part {
	void (*free)(struct mm_part *);
};

struct mm {
	struct ref ref;
	struct kernel *k;
	struct lock lock;              /* RANK_MM */
	/* protected by lock */
	struct vma *root;
	uint32_t vma_count;
	uint64_t brk_start, brk, brk_mapped; /* mapped ahead up to brk_mapped */
	uint64_t brk_dirty;            /* memory from here to brk_mapped has never been handed out: still zero */
	bool has_unforked;             /* some vma was marked by MADV_DONTFORK, ever */
	uint64_t limit;                /* first address past what may be mapped */
	uint64_t mmap_base;            /* allocation goes down from here */
	uint64_t stack_start, stack_low; /* the stack vma's top, and how far it may grow */
	uint64_t window_start, window_end; /* the platform's, see window.h; 0 where there is none */
	uint64_t total_pages, locked_pages, charged_bytes;
	bool lock_future;              /* mlockall(MCL_FUTURE) */
	uint32_t pkeys;                /* protection keys that the host has allocated to it, one bit a key */
	uint8_t mdwe;                  /* prctl(PR_SET_MDWE) */
	bool no_thp, merge_any;        /* prctl(PR_SET_THP_DISABLE), prctl(PR_SET_MEMORY_MERGE); kept and shown */
	uint64_t code_start, code_end, data_start, data_end;
	/* atomic */
	struct mm_part *_Atomic aio;   /* contexts of io_setup(2), made at the first; fs/aio.h */
	_Atomic uint32_t users;        /* tasks that run in it */
};

struct mm *mm_new(struct kernel *);
struct mm *mm_get(struct mm *);
/* A task starts and ceases to run in it: `users` decides whether a change must be made at a stop. */
void mm_join(struct mm *);
void mm_leave(struct mm *);
void mm_put(struct mm *);
/* For fork: the list, charges included. NULL when memory or the limit is out. */
struct mm *mm_copy(struct mm *);
/* What prctl(2) sets for fork and exec alike. */
void mm_inherit(struct mm *, const struct mm *from);
/* What a shared futex is keyed by: file-backed or shared anonymous memory has an identity; private memory is (mm, addr). 0 or -EFAULT. */
struct mem_key {
	const void *object; /* inode, or mm for private */
	uint64_t id, offset;
};
int mm_key(struct task *, uint64_t addr, bool private_hint, struct mem_key *out);
/* For /proc/PID/maps: calls fn for each vma in order under the lock. */
void mm_for_each(struct mm *, void (*fn)(const struct vma *, void *), void *arg);
/* The vma that holds addr (or the next above it when `next`); only under mm->lock. */
struct vma *mm_find(struct mm *, uint64_t addr, bool next);

#endif
