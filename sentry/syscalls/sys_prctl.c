/* prctl. One function an operation, in a table. prctl(2). */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/prctl.h"
#include "base/mem.h"
#include "sentry/kernel/cred_change.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/prctl.h"

static int64_t put_int(struct task *t, const struct sysargs *a, int32_t value)
{
	return copy_out(t, arg_addr(a, 1), &value, sizeof(value));
}

static int64_t set_pdeathsig(struct task *t, const struct sysargs *a)
{
	if (arg_u64(a, 1) > LX_NSIG)
		return -EINVAL;
	lock_take(&t->proc->lock);
	t->proc->pdeath_signal = arg_int(a, 1);
	lock_drop(&t->proc->lock);
	return 0;
}

static int64_t get_pdeathsig(struct task *t, const struct sysargs *a)
{
	return put_int(t, a, t->proc->pdeath_signal);
}

static int64_t get_dumpable(struct task *t, const struct sysargs *a)
{
	(void)a;
	return t->proc->dumpable;
}

static int64_t set_dumpable(struct task *t, const struct sysargs *a)
{
	if (arg_u64(a, 1) > 1)
		return -EINVAL;
	lock_take(&t->proc->lock);
	t->proc->dumpable = arg_int(a, 1);
	lock_drop(&t->proc->lock);
	return 0;
}

static int64_t set_name(struct task *t, const struct sysargs *a)
{
	char name[LX_PR_NAME_LEN] = "";
	int64_t len = copy_in_str(t, name, arg_addr(a, 1), sizeof(name));

	if (len < 0 && len != -ENAMETOOLONG)
		return len;
	name[sizeof(name) - 1] = 0;
	memset(name + strlen(name), 0, sizeof(name) - strlen(name));
	memcpy(t->comm, name, sizeof(name));
	return 0;
}

static int64_t get_name(struct task *t, const struct sysargs *a)
{
	return copy_out(t, arg_addr(a, 1), t->comm, sizeof(t->comm));
}

static int64_t get_zero(struct task *t, const struct sysargs *a)
{
	(void)t;
	(void)a;
	return 0;
}

static int64_t accept_any(struct task *t, const struct sysargs *a)
{
	(void)t;
	(void)a;
	return 0;
}

static int64_t set_timing(struct task *t, const struct sysargs *a)
{
	(void)t;
	return arg_u64(a, 1) == LX_PR_TIMING_STATISTICAL ? 0 : -EINVAL;
}

static int64_t get_tsc(struct task *t, const struct sysargs *a)
{
	return put_int(t, a, t->tsc_faults ? LX_PR_TSC_SIGSEGV : LX_PR_TSC_ENABLE);
}

/* The host makes the guest's own thread fault at rdtsc, its clones inherit that. */
static int64_t set_tsc(struct task *t, const struct sysargs *a)
{
	if (arg_u64(a, 1) != LX_PR_TSC_ENABLE && arg_u64(a, 1) != LX_PR_TSC_SIGSEGV)
		return -EINVAL;
	t->tsc_faults = arg_u64(a, 1) == LX_PR_TSC_SIGSEGV;
	return SYS_PASS;
}

/* What shall happen at a memory error is kept and shown; the machine reports none to guests. */
static int64_t set_mce_kill(struct task *t, const struct sysargs *a)
{
	uint64_t policy = arg_u64(a, 2);

	if (arg_u64(a, 3) || arg_u64(a, 4))
		return -EINVAL;
	switch (arg_u64(a, 1)) {
	case LX_PR_MCE_KILL_CLEAR:
		if (policy)
			return -EINVAL;
		t->mce_kill = LX_PR_MCE_KILL_DEFAULT;
		return 0;
	case LX_PR_MCE_KILL_SET:
		if (policy > LX_PR_MCE_KILL_DEFAULT)
			return -EINVAL;
		t->mce_kill = (uint8_t)policy;
		return 0;
	default:
		return -EINVAL;
	}
}

static int64_t get_mce_kill(struct task *t, const struct sysargs *a)
{
	return arg_u64(a, 1) || arg_u64(a, 2) || arg_u64(a, 3) || arg_u64(a, 4) ? -EINVAL : t->mce_kill;
}

static int64_t set_io_flusher(struct task *t, const struct sysargs *a)
{
	if (!cred_capable(t->cred, LX_CAP_SYS_RESOURCE))
		return -EPERM;
	if (arg_u64(a, 1) > 1 || arg_u64(a, 2) || arg_u64(a, 3) || arg_u64(a, 4))
		return -EINVAL;
	t->io_flusher = arg_u64(a, 1);
	return 0;
}

static int64_t get_io_flusher(struct task *t, const struct sysargs *a)
{
	if (!cred_capable(t->cred, LX_CAP_SYS_RESOURCE))
		return -EPERM;
	return arg_u64(a, 1) || arg_u64(a, 2) || arg_u64(a, 3) || arg_u64(a, 4) ? -EINVAL : t->io_flusher;
}

/* --- credentials -------------------------------------------------------------------------------------------------- */

static int64_t get_keepcaps(struct task *t, const struct sysargs *a)
{
	(void)a;
	return t->cred->keep_caps;
}

static int64_t set_keepcaps(struct task *t, const struct sysargs *a)
{
	struct cred *new;

	if (arg_u64(a, 1) > 1)
		return -EINVAL;
	if (t->cred->securebits & LX_SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	new = cred_prepare(t);
	if (!new)
		return -ENOMEM;
	new->keep_caps = arg_u64(a, 1);
	new->securebits &= ~(uint32_t)LX_SECBIT_KEEP_CAPS;
	new->securebits |= new->keep_caps ? LX_SECBIT_KEEP_CAPS : 0;
	cred_commit(t, new);
	return 0;
}

static int64_t capbset_read(struct task *t, const struct sysargs *a)
{
	return arg_u64(a, 1) > LX_CAP_LAST ? -EINVAL : (int64_t)(t->cred->cap_bounding >> arg_u64(a, 1) & 1);
}

static int64_t capbset_drop(struct task *t, const struct sysargs *a)
{
	struct cred *new;

	if (!cred_own_capable(t->cred, LX_CAP_SETPCAP))
		return -EPERM;
	if (arg_u64(a, 1) > LX_CAP_LAST)
		return -EINVAL;
	new = cred_prepare(t);
	if (!new)
		return -ENOMEM;
	new->cap_bounding &= ~LX_CAP_MASK(arg_u64(a, 1));
	cred_commit(t, new);
	return 0;
}

static int64_t get_securebits(struct task *t, const struct sysargs *a)
{
	(void)a;
	return t->cred->securebits;
}

static int64_t set_securebits(struct task *t, const struct sysargs *a)
{
	const uint32_t all = 0xff, locks = 0xaa;
	uint32_t old = t->cred->securebits, bits = arg_u32(a, 1);
	struct cred *new;

	/* A locked bit stays, a lock stays locked. */
	if (((old & locks) >> 1) & (old ^ bits) || (old & locks & ~bits) || arg_u64(a, 1) & ~(uint64_t)all ||
	    !cred_own_capable(t->cred, LX_CAP_SETPCAP))
		return -EPERM;
	new = cred_prepare(t);
	if (!new)
		return -ENOMEM;
	new->securebits = bits;
	new->keep_caps = bits & LX_SECBIT_KEEP_CAPS;
	cred_commit(t, new);
	return 0;
}

static int64_t set_no_new_privs(struct task *t, const struct sysargs *a)
{
	struct cred *new;

	if (arg_u64(a, 1) != 1 || arg_u64(a, 2) || arg_u64(a, 3) || arg_u64(a, 4))
		return -EINVAL;
	new = cred_prepare(t);
	if (!new)
		return -ENOMEM;
	new->no_new_privs = true;
	cred_commit(t, new);
	return 0;
}

static int64_t get_no_new_privs(struct task *t, const struct sysargs *a)
{
	if (arg_u64(a, 1) || arg_u64(a, 2) || arg_u64(a, 3) || arg_u64(a, 4))
		return -EINVAL;
	return task_no_new_privs(t);
}

static int64_t change_ambient(struct task *t, uint64_t set, uint64_t clear)
{
	struct cred *new = cred_prepare(t);

	if (!new)
		return -ENOMEM;
	new->cap_ambient = (new->cap_ambient | set) & ~clear;
	cred_commit(t, new);
	return 0;
}

static int64_t cap_ambient(struct task *t, const struct sysargs *a)
{
	uint64_t cap = arg_u64(a, 2), bit;
	const struct cred *c = t->cred;

	if (arg_u64(a, 3) || arg_u64(a, 4))
		return -EINVAL;
	if (arg_u64(a, 1) == LX_PR_CAP_AMBIENT_CLEAR_ALL)
		return cap ? -EINVAL : change_ambient(t, 0, ~0ull);
	if (cap > LX_CAP_LAST)
		return -EINVAL;
	bit = LX_CAP_MASK(cap);
	switch (arg_u64(a, 1)) {
	case LX_PR_CAP_AMBIENT_IS_SET:
		return !!(c->cap_ambient & bit);
	case LX_PR_CAP_AMBIENT_RAISE:
		if (!(c->cap_permitted & c->cap_inheritable & bit) || (c->securebits & LX_SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		return change_ambient(t, bit, 0);
	case LX_PR_CAP_AMBIENT_LOWER:
		return change_ambient(t, 0, bit);
	default:
		return -EINVAL;
	}
}

/* --- process ---------------------------------------------------------------------------------------------------------- */

static int64_t set_subreaper(struct task *t, const struct sysargs *a)
{
	LOCK_GUARD(&t->k->lock);
	t->proc->subreaper = arg_u64(a, 1) != 0;
	return 0;
}

static int64_t get_subreaper(struct task *t, const struct sysargs *a)
{
	return put_int(t, a, t->proc->subreaper);
}

static int64_t set_timerslack(struct task *t, const struct sysargs *a)
{
	t->timer_slack_ns = arg_long(a, 1) ? arg_long(a, 1) : 50000; /* unsigned in Linux: all but zero is kept */
	return 0;
}

static int64_t get_timerslack(struct task *t, const struct sysargs *a)
{
	(void)a;
	return t->timer_slack_ns;
}

static int64_t get_tid_address(struct task *t, const struct sysargs *a)
{
	return copy_out(t, arg_addr(a, 1), &t->clear_child_tid.v, sizeof(uint64_t));
}

static int64_t get_auxv(struct task *t, const struct sysargs *a)
{
	uint64_t size = sizeof(t->proc->auxv), len = arg_u64(a, 2);

	if (arg_u64(a, 3) || arg_u64(a, 4))
		return -EINVAL;
	if (copy_out(t, arg_addr(a, 1), t->proc->auxv, len < size ? len : size) < 0)
		return -EFAULT;
	return (int64_t)size;
}

/* What the speculation controls say on a machine that is not affected. */
static int64_t get_speculation(struct task *t, const struct sysargs *a)
{
	(void)t;
	if (arg_u64(a, 2) || arg_u64(a, 3) || arg_u64(a, 4))
		return -EINVAL;
	return arg_u64(a, 1) <= 2 ? 0 : -ENODEV;
}

static int64_t set_speculation(struct task *t, const struct sysargs *a)
{
	(void)t;
	if (arg_u64(a, 3) || arg_u64(a, 4))
		return -EINVAL;
	return arg_u64(a, 1) <= 2 ? -ENXIO : -ENODEV;
}

/* --- what calls pass before their handlers ---------------------------------------------------------------------------- */

static int64_t get_seccomp(struct task *t, const struct sysargs *a)
{
	(void)a;
	return atomic_load(&t->entry.seccomp.mode);
}

static int64_t set_seccomp(struct task *t, const struct sysargs *a)
{
	switch (arg_u64(a, 1)) {
	case LX_SECCOMP_MODE_STRICT:
		return seccomp_set_strict(t);
	case LX_SECCOMP_MODE_FILTER:
		return seccomp_set_filter(t, 0, arg_addr(a, 2));
	default:
		return -EINVAL;
	}
}

static int64_t set_user_dispatch(struct task *t, const struct sysargs *a)
{
	return user_dispatch_set(t, arg_u64(a, 1), arg_u64(a, 2), arg_u64(a, 3), arg_u64(a, 4));
}

static const struct {
	uint32_t op;
	prctl_fn *fn;
} operations[] = {
	{ LX_PR_SET_PDEATHSIG, set_pdeathsig },
	{ LX_PR_GET_PDEATHSIG, get_pdeathsig },
	{ LX_PR_GET_DUMPABLE, get_dumpable },
	{ LX_PR_SET_DUMPABLE, set_dumpable },
	{ LX_PR_GET_KEEPCAPS, get_keepcaps },
	{ LX_PR_SET_KEEPCAPS, set_keepcaps },
	{ LX_PR_GET_TIMING, get_zero },
	{ LX_PR_SET_TIMING, set_timing },
	{ LX_PR_SET_NAME, set_name },
	{ LX_PR_GET_NAME, get_name },
	{ LX_PR_GET_SECCOMP, get_seccomp },
	{ LX_PR_SET_SECCOMP, set_seccomp },
	{ LX_PR_SET_SYSCALL_USER_DISPATCH, set_user_dispatch },
	{ LX_PR_CAPBSET_READ, capbset_read },
	{ LX_PR_CAPBSET_DROP, capbset_drop },
	{ LX_PR_GET_TSC, get_tsc },
	{ LX_PR_SET_TSC, set_tsc },
	{ LX_PR_GET_SECUREBITS, get_securebits },
	{ LX_PR_SET_SECUREBITS, set_securebits },
	{ LX_PR_SET_TIMERSLACK, set_timerslack },
	{ LX_PR_GET_TIMERSLACK, get_timerslack },
	{ LX_PR_TASK_PERF_EVENTS_DISABLE, accept_any },
	{ LX_PR_TASK_PERF_EVENTS_ENABLE, accept_any },
	{ LX_PR_MCE_KILL, set_mce_kill },
	{ LX_PR_MCE_KILL_GET, get_mce_kill },
	{ LX_PR_SET_MM, prctl_set_mm },
	{ LX_PR_SET_CHILD_SUBREAPER, set_subreaper },
	{ LX_PR_GET_CHILD_SUBREAPER, get_subreaper },
	{ LX_PR_SET_NO_NEW_PRIVS, set_no_new_privs },
	{ LX_PR_GET_NO_NEW_PRIVS, get_no_new_privs },
	{ LX_PR_GET_TID_ADDRESS, get_tid_address },
	{ LX_PR_SET_THP_DISABLE, prctl_set_thp_disable },
	{ LX_PR_GET_THP_DISABLE, prctl_get_thp_disable },
	{ LX_PR_CAP_AMBIENT, cap_ambient },
	{ LX_PR_GET_SPECULATION_CTRL, get_speculation },
	{ LX_PR_SET_SPECULATION_CTRL, set_speculation },
	{ LX_PR_SET_IO_FLUSHER, set_io_flusher },
	{ LX_PR_GET_IO_FLUSHER, get_io_flusher },
	{ LX_PR_SET_MDWE, prctl_set_mdwe },
	{ LX_PR_GET_MDWE, prctl_get_mdwe },
	{ LX_PR_GET_MEMORY_MERGE, prctl_get_memory_merge },
	{ LX_PR_SET_MEMORY_MERGE, prctl_set_memory_merge },
	{ LX_PR_SET_PTRACER, accept_any },
	{ LX_PR_SET_VMA, prctl_set_vma },
	{ LX_PR_GET_AUXV, get_auxv },
};

int64_t sys_prctl(struct task *t, const struct sysargs *a)
{
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		if (operations[i].op == arg_u32(a, 0))
			return operations[i].fn(t, a);
	return -EINVAL;
}
