/* What a thread leaves behind in its memory: robust futexes and clear_child_tid. Linux: kernel/futex/core.c, exit_robust_list(). */
#include <stdatomic.h>

#include "abi/futex.h"
#include "sentry/kernel/futex_impl.h"
#include "sentry/kernel/futex_pi.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"

/*
 * The owner died: says so in the word. Not atomic, but the owner is no more and a word that names it is changed by nobody but waiters who add the
 * WAITERS bit: one is woken whether or not the bit was seen, and it will find a word that it can take.
 */
static void mark_dead(struct task *t, uaddr_t addr, bool pi)
{
	uint32_t word, dead;

	if (pi) {
		futex_pi_owner_died(t, addr);
		return;
	}
	if (addr.v % 4 || copy_in(t, &word, addr, sizeof(word)) < 0)
		return;
	if ((word & LX_FUTEX_TID_MASK) != (uint32_t)t->tid)
		return;
	dead = (word & LX_FUTEX_WAITERS) | LX_FUTEX_OWNER_DIED;
	if (copy_out(t, addr, &dead, sizeof(dead)) == 0)
		futex_wake(t, addr, false, 1, LX_FUTEX_BITSET_MATCH_ANY);
}

/* An address without its lowest bit, which says that the futex inherits priority. */
static uaddr_t entry_address(uint64_t entry)
{
	return uaddr(entry & ~1ull);
}

static void release_robust(struct task *t)
{
	struct lx_robust_list_head head;
	uint64_t entry, next;

	if (copy_in(t, &head, t->robust_list, sizeof(head)) < 0)
		return;
	entry = head.list;
	for (int i = 0; i < LX_ROBUST_LIST_LIMIT && entry_address(entry).v != t->robust_list.v; i++) {
		/* Read first: a waiter may free the entry as soon as it is marked. */
		int err = copy_in(t, &next, entry_address(entry), sizeof(next));

		if (entry_address(entry).v != entry_address(head.list_op_pending).v)
			mark_dead(t, uaddr_add(entry_address(entry), (uint64_t)head.futex_offset), entry & 1);
		if (err)
			break;
		entry = next;
	}
	if (entry_address(head.list_op_pending).v)
		mark_dead(t, uaddr_add(entry_address(head.list_op_pending), (uint64_t)head.futex_offset),
			  head.list_op_pending & 1);
}

void futex_mm_release(struct task *t)
{
	uaddr_t tid = t->clear_child_tid;
	int32_t zero = 0;

	if (t->robust_list.v)
		release_robust(t);
	futex_pi_release(t);
	t->robust_list = t->clear_child_tid = uaddr(0);
	/* With nobody else to see it the word is left alone, as on Linux. */
	if (!tid.v || atomic_load(&t->mm->users) <= 1)
		return;
	if (copy_out(t, tid, &zero, sizeof(zero)) == 0)
		futex_wake(t, tid, false, 1, LX_FUTEX_BITSET_MATCH_ANY);
}
