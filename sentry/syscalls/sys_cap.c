/* capget, capset. */
#include <errno.h>

#include "abi/cred.h"
#include "sentry/kernel/cred_change.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

/* How many 32-bit halves the version has; an unknown one is answered with ours, and EINVAL. */
static int read_header(struct task *t, uaddr_t addr, struct lx_cap_header *h, int *halves)
{
	if (copy_in(t, h, addr, sizeof(*h)) < 0)
		return -EFAULT;
	switch (h->version) {
	case LX_CAPABILITY_VERSION_1:
		*halves = 1;
		return 0;
	case LX_CAPABILITY_VERSION_2:
	case LX_CAPABILITY_VERSION_3:
		*halves = 2;
		return 0;
	}
	h->version = LX_CAPABILITY_VERSION_3;
	return copy_out(t, addr, &h->version, sizeof(h->version)) < 0 ? -EFAULT : -EINVAL;
}

static struct cred *cred_of(struct task *t, int pid)
{
	struct task *of = pid ? task_find(t->k, pid) : task_get(t);
	struct cred *c;

	if (!of)
		return NULL;
	lock_take(&of->proc->lock);
	c = cred_get(of->cred);
	lock_drop(&of->proc->lock);
	task_put(of);
	return c;
}

int64_t sys_capget(struct task *t, const struct sysargs *a)
{
	uaddr_t data_addr = arg_addr(a, 1);
	struct lx_cap_header h;
	struct lx_cap_data data[2];
	struct cred *c;
	int halves, err;

	err = read_header(t, arg_addr(a, 0), &h, &halves);
	if (err)
		return err == -EINVAL && uaddr_null(data_addr) ? 0 : err;
	if (h.pid < 0)
		return -EINVAL;
	c = cred_of(t, h.pid);
	if (!c)
		return -ESRCH;
	for (int i = 0; i < 2; i++)
		data[i] = (struct lx_cap_data){
			.effective = (uint32_t)(c->cap_effective >> (32 * i)),
			.permitted = (uint32_t)(c->cap_permitted >> (32 * i)),
			.inheritable = (uint32_t)(c->cap_inheritable >> (32 * i)),
		};
	cred_put(c);
	return uaddr_null(data_addr) ? 0 : copy_out(t, data_addr, data, (size_t)halves * sizeof(data[0]));
}

static uint64_t join(uint32_t low, uint32_t high)
{
	return (low | (uint64_t)high << 32) & LX_CAP_ALL;
}

static int check_capset(const struct cred *c, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	if (inheritable & ~(c->cap_inheritable | c->cap_permitted) && !cred_own_capable(c, LX_CAP_SETPCAP))
		return -EPERM;
	if (inheritable & ~(c->cap_inheritable | c->cap_bounding))
		return -EPERM;
	if (permitted & ~c->cap_permitted)
		return -EPERM;
	return effective & ~permitted ? -EPERM : 0;
}

int64_t sys_capset(struct task *t, const struct sysargs *a)
{
	struct lx_cap_data d[2] = { { 0 }, { 0 } };
	uint64_t effective, permitted, inheritable;
	struct lx_cap_header h;
	struct cred *new;
	int halves, err;

	err = read_header(t, arg_addr(a, 0), &h, &halves);
	if (err)
		return err;
	if (h.pid != 0 && h.pid != t->tid)
		return -EPERM;
	if (copy_in(t, d, arg_addr(a, 1), (size_t)halves * sizeof(d[0])) < 0)
		return -EFAULT;
	effective = join(d[0].effective, d[1].effective);
	permitted = join(d[0].permitted, d[1].permitted);
	inheritable = join(d[0].inheritable, d[1].inheritable);
	err = check_capset(t->cred, effective, permitted, inheritable);
	if (err)
		return err;
	new = cred_prepare(t);
	if (!new)
		return -ENOMEM;
	new->cap_effective = effective;
	new->cap_permitted = permitted;
	new->cap_inheritable = inheritable;
	new->cap_ambient &= permitted & inheritable;
	cred_commit(t, new);
	return 0;
}
