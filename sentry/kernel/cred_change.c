/* Changing credentials: see cred_change.h. Linux: security/commoncap.c, cap_emulate_setxuid(). */
#include "sentry/kernel/cred_change.h"

#include <stddef.h>

#include "abi/cred.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/user_ns.h"

#define CAP_FS_MASK                                                                                             \
	(LX_CAP_MASK(LX_CAP_CHOWN) | LX_CAP_MASK(LX_CAP_MKNOD) | LX_CAP_MASK(LX_CAP_DAC_OVERRIDE) |             \
	 LX_CAP_MASK(LX_CAP_DAC_READ_SEARCH) | LX_CAP_MASK(LX_CAP_FOWNER) | LX_CAP_MASK(LX_CAP_FSETID) |        \
	 LX_CAP_MASK(LX_CAP_LINUX_IMMUTABLE) | LX_CAP_MASK(LX_CAP_MAC_OVERRIDE))

struct cred *cred_prepare(struct task *t)
{
	return cred_copy(t->cred, t->cred->group_count);
}

static uint32_t root_of(const struct cred *c)
{
	return id_to_kernel(c->user_ns, ID_USER, 0);
}

static bool any_root(const struct cred *c)
{
	const uint32_t root = root_of(c);

	return root != NO_ID && (c->uid == root || c->euid == root || c->suid == root);
}

void cred_fix_user_change(const struct cred *old, struct cred *new)
{
	const uint32_t root = root_of(old);

	if (new->securebits & LX_SECBIT_NO_SETUID_FIXUP)
		return;
	if (any_root(old) && !any_root(new)) {
		if (!new->keep_caps)
			new->cap_permitted = new->cap_effective = 0;
		/* What was inherited by the environment must not outlive root. */
		new->cap_ambient = 0;
	}
	if (old->euid == root && new->euid != root)
		new->cap_effective = 0;
	if (old->euid != root && new->euid == root)
		new->cap_effective = new->cap_permitted;
}

void cred_fix_fsuid_change(const struct cred *old, struct cred *new)
{
	const uint32_t root = root_of(old);

	if (new->securebits & LX_SECBIT_NO_SETUID_FIXUP)
		return;
	if (old->fsuid == root && new->fsuid != root)
		new->cap_effective &= ~CAP_FS_MASK;
	if (old->fsuid != root && new->fsuid == root)
		new->cap_effective |= new->cap_permitted & CAP_FS_MASK;
}

/* RLIMIT_NPROC counts by real uid; a process counts as a whole, for the user of whichever task changed last. */
static void count_for_user(struct task *t, uint32_t uid)
{
	struct process *p = t->proc;

	LOCK_GUARD(&t->k->lock);
	if (p->counted_uid == uid)
		return;
	pid_uid_count(t->k, p->counted_uid, -p->live_tasks);
	pid_uid_count(t->k, uid, p->live_tasks);
	p->counted_uid = uid;
}

void cred_commit(struct task *t, struct cred *new)
{
	struct cred *old = t->cred;
	bool changed = old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid || old->fsgid != new->fsgid;

	lock_take(&t->proc->lock);
	t->cred = new;
	if (changed) {
		t->proc->dumpable = 0;
		t->proc->pdeath_signal = 0;
	}
	lock_drop(&t->proc->lock);
	if (old->uid != new->uid)
		count_for_user(t, new->uid);
	cred_put(old);
}
