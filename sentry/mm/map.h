/*
 * Changes of an address space that the host makes on the sentry's behalf. All run in a stop handler of a task that lives in the mm:
 * all tasks of an mm share one tracer thread, so that list and host change together without a lock being held over the host's call.
 */
#ifndef SENTRY_MM_MAP_H
#define SENTRY_MM_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "sentry/mm/mm.h"

struct task;

struct map_request {
	uint64_t addr, len;      /* len page-aligned, > 0 */
	uint32_t prot, flags;    /* LX_PROT_*, LX_MAP_* */
	struct file *file;       /* borrowed; NULL: anonymous */
	uint64_t offset;
	/* out, by map_prepare() */
	bool ask_file;           /* why it was -EAGAIN: the file must be asked on a worker first */
	int host_fd;             /* -1: anonymous */
	uint64_t host_offset;
};
/*
 * Chooses the place, checks limits and rights, enters the vma. The host's call is then the caller's: request.addr, prot and
 * flags (MAP_FIXED set) say what to map. 0 or negative errno. -EAGAIN: too much would be locked; or, with
 * ask_file, the file must be asked on a worker first.
 */
int map_prepare(struct task *, struct map_request *);
/* What map_prepare() entered did not come about. */
void map_undo(struct task *, const struct map_request *);

int64_t map_unmap(struct task *, uint64_t addr, uint64_t len);
int64_t map_protect(struct task *, uint64_t addr, uint64_t len, uint32_t prot);
/* With a protection key, where it is not negative. The key is the address space's. */
int64_t map_protect_key(struct task *, uint64_t addr, uint64_t len, uint32_t prot, int key);
/* RLIMIT_MEMLOCK: may it lock at all; would so many pages more be too many (under mm->lock). */
bool map_may_lock(const struct task *);
bool map_lock_limit(const struct task *, uint64_t pages);
int64_t map_move(struct task *, uint64_t old, uint64_t old_len, uint64_t new_len, uint32_t flags, uint64_t new_addr);

/* On a worker, for a task alone in its mm: only the list is changed, and the host's call follows with the trapped registers. 0 or negative errno. */
int map_unmap_list(struct mm *, uint64_t addr, uint64_t len);
int map_protect_list(struct task *, uint64_t addr, uint64_t len, uint32_t prot);

/* What lies between mm->limit and LX_TASK_SIZE is not the guest's and stays when it unmaps "everything": the length without that. */
uint64_t map_clip(const struct mm *, uint64_t addr, uint64_t len);
/* How much of the range, from its start, is mapped without a hole. */
uint64_t map_full_length(struct mm *, uint64_t addr, uint64_t len);

/* brk.c; under mm->lock. Moves the end within what is mapped ahead: the new end, or the old one where the memory limit forbids. */
int64_t brk_move(struct mm *, uint64_t wanted);
/* Lengthens the heap's vma to `end`; false when it is not there or in the way. */
bool brk_extend_vma(struct mm *, uint64_t end);

#endif
