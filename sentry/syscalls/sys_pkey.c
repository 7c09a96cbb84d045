/*
 * pkey_alloc, pkey_free, pkey_mprotect. Protection keys are the host's and the CPU's, in the guest's own host process; the sentry remembers which keys
 * an address space has, so that it can refuse a mapping's before its list is changed. pkeys(7).
 */
#include <errno.h>

#include "abi/arch.h"
#include "abi/mman.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/map.h"
#include "sentry/mm/vma.h"
#include "sentry/syscalls/handlers.h"

#define PKEYS 16
#define PROT_BITS (LX_PROT_READ | LX_PROT_WRITE | LX_PROT_EXEC)
#define PROT_KNOWN (PROT_BITS | LX_PROT_SEM)

static int64_t alloc_at_stop(struct task *t)
{
	const uint64_t arg[6] = { 0, t->call.v[1] };
	int64_t key = stop_inject(t->tracee, LX_NR_pkey_alloc, arg);

	if (key <= 0 || key >= PKEYS)
		return key == -ENOSYS ? -ENOSPC : key;
	LOCK_GUARD(&t->mm->lock);
	t->mm->pkeys |= 1u << key;
	return key;
}

int64_t sys_pkey_alloc(struct task *t, const struct sysargs *a)
{
	if (arg_u64(a, 0) || arg_u64(a, 1) & ~(uint64_t)(LX_PKEY_DISABLE_ACCESS | LX_PKEY_DISABLE_WRITE))
		return -EINVAL;
	t->at_stop = alloc_at_stop;
	return SYS_AT_STOP;
}

static int64_t free_at_stop(struct task *t)
{
	const uint64_t arg[6] = { t->call.v[0] };
	int64_t ret = stop_inject(t->tracee, LX_NR_pkey_free, arg);

	LOCK_GUARD(&t->mm->lock);
	if (ret == 0)
		t->mm->pkeys &= ~(1u << t->call.v[0]);
	return ret;
}

static bool allocated(struct task *t, int key)
{
	LOCK_GUARD(&t->mm->lock);
	return key == 0 || (key > 0 && key < PKEYS && (t->mm->pkeys >> key & 1));
}

int64_t sys_pkey_free(struct task *t, const struct sysargs *a)
{
	/* Key 0 is everybody's: Linux lets it be freed, to no purpose; here it stays. */
	if (!allocated(t, arg_int(a, 0)))
		return -EINVAL;
	if (arg_int(a, 0) == 0)
		return 0;
	t->at_stop = free_at_stop;
	return SYS_AT_STOP;
}

static int64_t protect_at_stop(struct task *t)
{
	return map_protect_key(t, t->call.v[0], t->call.v[1], (uint32_t)t->call.v[2], (int)t->call.v[3]);
}

int64_t sys_pkey_mprotect(struct task *t, const struct sysargs *a)
{
	int key = arg_int(a, 3);

	if (arg_u64(a, 0) % PAGE_SIZE_LX)
		return -EINVAL;
	if (!arg_u64(a, 1))
		return 0;
	if (arg_u64(a, 2) & ~(uint64_t)PROT_KNOWN || (key != -1 && !allocated(t, key)))
		return -EINVAL;
	t->at_stop = protect_at_stop;
	return SYS_AT_STOP;
}
