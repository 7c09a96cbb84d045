/*
 * mbind, set_mempolicy, get_mempolicy, set_mempolicy_home_node, migrate_pages, move_pages, as on a machine with one node: policies are checked, kept
 * and shown, and change nothing. Linux: mm/mempolicy.c, mm/migrate.c.
 */
#include <errno.h>

#include "abi/cred.h"
#include "abi/mman.h"
#include "abi/types.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/usermem.h"
#include "sentry/mm/vma.h"
#include "sentry/syscalls/handlers.h"

#define NODES 1024          /* MAX_NUMNODES of the distributions' kernels: how long a mask may be */
#define WORD_BITS 64
#define MASK_BITS_MAX (LX_PAGE_SIZE * 8)
#define MODE_FLAGS (LX_MPOL_F_STATIC_NODES | LX_MPOL_F_RELATIVE_NODES | LX_MPOL_F_NUMA_BALANCING)

/* --- node masks ---------------------------------------------------------------------------------------------------- */

/* As get_nodes() of Linux: `maxnode` counts one more than the bits. *only: node 0 and no other; *any: some node. 0, -EINVAL, -EFAULT. */
static int read_nodes(struct task *t, uaddr_t addr, uint64_t maxnode, uint64_t *first)
{
	uint64_t bits = maxnode - 1, word;

	*first = 0;
	if (uaddr_null(addr) || !bits || maxnode == 0)
		return 0;
	if (bits > MASK_BITS_MAX)
		return -EINVAL;
	for (uint64_t at = 0; at < bits; at += WORD_BITS) {
		uint64_t left = bits - at;

		if (copy_in(t, &word, uaddr_add(addr, at / 8), sizeof(word)) < 0)
			return -EFAULT;
		if (left < WORD_BITS)
			word &= (1ull << left) - 1;
		if (at >= NODES && word)
			return -EINVAL;
		if (at == 0)
			*first = word;
		else if (word)
			*first |= 2; /* some node that is not there */
	}
	return 0;
}

static int write_nodes(struct task *t, uaddr_t addr, uint64_t maxnode, uint64_t mask)
{
	uint64_t bytes = (maxnode - 1 + WORD_BITS - 1) / WORD_BITS * 8;

	if (bytes > NODES / 8) {
		if (bytes > LX_PAGE_SIZE)
			return -EINVAL;
		if (clear_out(t, uaddr_add(addr, NODES / 8), bytes - NODES / 8) < 0)
			return -EFAULT;
		bytes = NODES / 8;
	}
	if (!bytes)
		return 0;
	if (bytes > 8 && clear_out(t, uaddr_add(addr, 8), bytes - 8) < 0)
		return -EFAULT;
	return copy_out(t, addr, &mask, sizeof(mask));
}

/* --- policies ------------------------------------------------------------------------------------------------------- */

/* As sanitize_mpol_flags() and mpol_new(): the policy as it is kept. */
static int make_policy(uint32_t mode, uint64_t nodes, struct mempolicy *out)
{
	uint32_t flags = mode & (uint32_t)MODE_FLAGS;
	bool placed = flags & (LX_MPOL_F_STATIC_NODES | LX_MPOL_F_RELATIVE_NODES);

	mode &= ~(uint32_t)MODE_FLAGS;
	if (mode > LX_MPOL_WEIGHTED_INTERLEAVE)
		return -EINVAL;
	if ((flags & LX_MPOL_F_STATIC_NODES) && (flags & LX_MPOL_F_RELATIVE_NODES))
		return -EINVAL;
	if ((flags & LX_MPOL_F_NUMA_BALANCING) && mode != LX_MPOL_BIND)
		return -EINVAL;
	*out = (struct mempolicy){ 0 };
	if (mode == LX_MPOL_DEFAULT)
		return nodes ? -EINVAL : 0;
	if (mode == LX_MPOL_PREFERRED && !nodes) {
		if (placed)
			return -EINVAL;
		mode = LX_MPOL_LOCAL;
	} else if (mode == LX_MPOL_LOCAL) {
		if (nodes || placed)
			return -EINVAL;
	} else if (!nodes) {
		return -EINVAL;
	}
	if (mode != LX_MPOL_LOCAL && !(nodes & 1) && !(flags & LX_MPOL_F_RELATIVE_NODES))
		return -EINVAL; /* none of them is there */
	*out = (struct mempolicy){ (uint16_t)(mode | flags), mode == LX_MPOL_LOCAL ? 0 : 1 };
	return 0;
}

static int read_policy(struct task *t, uint32_t mode, uaddr_t mask, uint64_t maxnode, struct mempolicy *out)
{
	uint64_t nodes;
	int err = read_nodes(t, mask, maxnode, &nodes);

	return err ? err : make_policy(mode, nodes, out);
}

int64_t sys_set_mempolicy(struct task *t, const struct sysargs *a)
{
	struct mempolicy policy;
	int err = read_policy(t, arg_u32(a, 0), arg_addr(a, 1), arg_u64(a, 2), &policy);

	if (!err)
		t->mempolicy = policy;
	return err;
}

int64_t sys_mbind(struct task *t, const struct sysargs *a)
{
	uint64_t start = arg_u64(a, 0), len = PAGE_UP(arg_u64(a, 1)), end = start + len;
	uint32_t flags = arg_u32(a, 5);
	struct mm *mm = t->mm;
	struct mempolicy policy;
	struct vma *v;
	int err;

	if (flags & ~(uint32_t)(LX_MPOL_MF_STRICT | LX_MPOL_MF_MOVE | LX_MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & LX_MPOL_MF_MOVE_ALL) && !cred_capable(t->cred, LX_CAP_SYS_NICE))
		return -EPERM;
	if (start % PAGE_SIZE_LX)
		return -EINVAL;
	err = read_policy(t, arg_u32(a, 2), arg_addr(a, 3), arg_u64(a, 4), &policy);
	if (err)
		return err;
	if (end < start || len < arg_u64(a, 1))
		return -EINVAL;
	if (!len)
		return 0;
	LOCK_GUARD(&mm->lock);
	if (end > mm->limit || !vma_range_full(mm, start, end))
		return -EFAULT;
	if (vma_split(mm, start) < 0 || vma_split(mm, end) < 0)
		return -ENOMEM;
	for (v = vma_above(mm, start); v && v->start < end; v = vma_above(mm, v->end))
		v->mempolicy = policy;
	vma_merge_range(mm, start, end);
	return 0;
}

int64_t sys_set_mempolicy_home_node(struct task *t, const struct sysargs *a)
{
	uint64_t start = arg_u64(a, 0), len = PAGE_UP(arg_u64(a, 1)), end = start + len;
	int64_t ret = -ENOENT;
	struct vma *v;

	if (start % PAGE_SIZE_LX || arg_u64(a, 3) || arg_u64(a, 2) != 0 || end < start || len < arg_u64(a, 1))
		return -EINVAL;
	if (!len)
		return 0;
	LOCK_GUARD(&t->mm->lock);
	for (v = vma_above(t->mm, start); v && v->start < end; v = vma_above(t->mm, v->end)) {
		uint32_t mode = v->mempolicy.mode & ~(uint32_t)MODE_FLAGS;

		if (mode == LX_MPOL_DEFAULT)
			continue;
		if (mode != LX_MPOL_BIND && mode != LX_MPOL_PREFERRED_MANY)
			return -EOPNOTSUPP;
		ret = 0;
	}
	return ret;
}

/* MPOL_F_ADDR: of the mapping there; where it has none, the task's. With MPOL_F_NODE: where its page is; the page is touched. */
static int policy_at(struct task *t, uint64_t addr, uint32_t flags, struct mempolicy *out)
{
	struct vma *v;
	char byte;

	lock_take(&t->mm->lock);
	v = mm_find(t->mm, addr, false);
	*out = !v || !v->mempolicy.mode ? (struct mempolicy){ 0 } : v->mempolicy;
	lock_drop(&t->mm->lock);
	if (!v || ((flags & LX_MPOL_F_NODE) && copy_in(t, &byte, uaddr(addr), 1) < 0))
		return -EFAULT;
	return 0;
}

int64_t sys_get_mempolicy(struct task *t, const struct sysargs *a)
{
	uaddr_t mode_addr = arg_addr(a, 0), mask = arg_addr(a, 1);
	uint64_t maxnode = arg_u64(a, 2), addr = arg_u64(a, 3);
	uint32_t flags = arg_u32(a, 4);
	struct mempolicy policy = t->mempolicy;
	int32_t shown;
	int err;

	if (!uaddr_null(mask) && maxnode < 1)
		return -EINVAL;
	if (flags & ~(uint32_t)(LX_MPOL_F_NODE | LX_MPOL_F_ADDR | LX_MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (flags & LX_MPOL_F_MEMS_ALLOWED) {
		if (flags & (LX_MPOL_F_NODE | LX_MPOL_F_ADDR))
			return -EINVAL;
		policy = (struct mempolicy){ 0, 1 };
	} else if (flags & LX_MPOL_F_ADDR) {
		err = policy_at(t, addr, flags, &policy);
		if (err)
			return err;
	} else if (addr) {
		return -EINVAL;
	}
	shown = policy.mode;
	if (flags & LX_MPOL_F_NODE) {
		uint32_t mode = policy.mode & ~(uint32_t)MODE_FLAGS;

		if (!(flags & LX_MPOL_F_ADDR) && mode != LX_MPOL_INTERLEAVE && mode != LX_MPOL_WEIGHTED_INTERLEAVE)
			return -EINVAL;
		shown = 0; /* the one node */
	}
	if (!uaddr_null(mode_addr) && copy_out(t, mode_addr, &shown, sizeof(shown)) < 0)
		return -EFAULT;
	return uaddr_null(mask) ? 0 : write_nodes(t, mask, maxnode, policy.nodes);
}

/* --- moving --------------------------------------------------------------------------------------------------------- */

/* The task whose memory is meant; -ESRCH, -EPERM. *out is referenced. */
static int target(struct task *t, int pid, struct task **out)
{
	const struct cred *mine = t->cred, *c;
	struct task *of = pid ? task_find(t->k, pid) : task_get(t);
	bool may;

	if (!of)
		return -ESRCH;
	lock_take(&of->proc->lock);
	c = of->cred;
	may = of->proc == t->proc || cred_capable(mine, LX_CAP_SYS_PTRACE) || cred_capable(mine, LX_CAP_SYS_NICE) ||
	      (mine->euid == c->suid && mine->euid == c->uid && of->proc->dumpable == 1);
	lock_drop(&of->proc->lock);
	if (may) {
		*out = of;
		return 0;
	}
	task_put(of);
	return -EPERM;
}

int64_t sys_migrate_pages(struct task *t, const struct sysargs *a)
{
	uint64_t old, new;
	struct task *of;
	int err = read_nodes(t, arg_addr(a, 2), arg_u64(a, 1), &old);

	if (!err)
		err = read_nodes(t, arg_addr(a, 3), arg_u64(a, 1), &new);
	if (!err)
		err = target(t, arg_pid(a, 0), &of);
	if (err)
		return err;
	task_put(of);
	if (new & ~1ull && !cred_capable(t->cred, LX_CAP_SYS_NICE))
		return -EPERM;
	return new & 1 ? 0 : -EINVAL; /* every page is on the one node already */
}

/* Whether a page is there cannot be known of another process: it is taken to be where the mapping is. */
static int32_t page_status(struct task *of, uint64_t addr)
{
	struct mm *mm;
	bool mapped;

	lock_take(&of->proc->lock);
	mm = of->mm ? mm_get(of->mm) : NULL;
	lock_drop(&of->proc->lock);
	if (!mm)
		return -EFAULT;
	lock_take(&mm->lock);
	mapped = mm_find(mm, addr, false) != NULL;
	lock_drop(&mm->lock);
	mm_put(mm);
	return mapped ? 0 : -EFAULT;
}

static int64_t move_all(struct task *t, struct task *of, const struct sysargs *a)
{
	uint64_t count = arg_u64(a, 1), page;
	uaddr_t pages = arg_addr(a, 2), nodes = arg_addr(a, 3), status = arg_addr(a, 4);

	for (uint64_t i = 0; i < count; i++) {
		int32_t node = 0, result;

		if (copy_in(t, &page, uaddr_add(pages, 8 * i), sizeof(page)) < 0)
			return -EFAULT;
		if (!uaddr_null(nodes) && copy_in(t, &node, uaddr_add(nodes, 4 * i), sizeof(node)) < 0)
			return -EFAULT;
		if (node != 0)
			return -ENODEV;
		result = page_status(of, page);
		if (copy_out(t, uaddr_add(status, 4 * i), &result, sizeof(result)) < 0)
			return -EFAULT;
		if (signal_pending(t) && i + 1 < count)
			return -EINTR;
	}
	return 0;
}

int64_t sys_move_pages(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 5);
	struct task *of;
	int64_t ret;

	if (flags & ~(uint32_t)(LX_MPOL_MF_MOVE | LX_MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & LX_MPOL_MF_MOVE_ALL) && !cred_capable(t->cred, LX_CAP_SYS_NICE))
		return -EPERM;
	ret = target(t, arg_pid(a, 0), &of);
	if (ret)
		return ret;
	ret = move_all(t, of, a);
	task_put(of);
	return ret;
}
