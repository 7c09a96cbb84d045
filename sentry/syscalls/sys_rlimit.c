/* getrlimit, setrlimit, prlimit64, getrusage. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/resource.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/cpu_limit.h"
#include "sentry/kernel/family.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int set_limit(struct task *t, struct process *p, uint32_t resource, const struct lx_rlimit *new)
{
	struct lx_rlimit *limit = &p->limits[resource];

	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	LOCK_GUARD(&p->lock);
	if (new->rlim_max > limit->rlim_max && !cred_capable(t->cred, LX_CAP_SYS_RESOURCE))
		return -EPERM;
	*limit = *new;
	if (resource == LX_RLIMIT_CPU)
		cpu_limit_watch(p);
	return 0;
}

static struct lx_rlimit get_limit(struct process *p, uint32_t resource)
{
	LOCK_GUARD(&p->lock);
	return p->limits[resource];
}

int64_t sys_getrlimit(struct task *t, const struct sysargs *a)
{
	struct lx_rlimit limit;

	if (arg_u32(a, 0) >= LX_RLIM_NLIMITS)
		return -EINVAL;
	limit = get_limit(t->proc, arg_u32(a, 0));
	return copy_out(t, arg_addr(a, 1), &limit, sizeof(limit));
}

int64_t sys_setrlimit(struct task *t, const struct sysargs *a)
{
	struct lx_rlimit limit;

	if (copy_in(t, &limit, arg_addr(a, 1), sizeof(limit)) < 0)
		return -EFAULT;
	if (arg_u32(a, 0) >= LX_RLIM_NLIMITS)
		return -EINVAL;
	return set_limit(t, t->proc, arg_u32(a, 0), &limit);
}

static bool same_user(const struct cred *mine, const struct cred *c)
{
	return mine->uid == c->uid && mine->uid == c->euid && mine->uid == c->suid && mine->gid == c->gid &&
	       mine->gid == c->egid && mine->gid == c->sgid;
}

/* Another's limits: for those with the same ids, and CAP_SYS_RESOURCE. */
static int may_limit(struct task *t, struct task *of)
{
	struct cred *c;
	bool same;

	if (of->proc == t->proc || cred_capable(t->cred, LX_CAP_SYS_RESOURCE))
		return 0;
	lock_take(&of->proc->lock);
	c = cred_get(of->cred);
	lock_drop(&of->proc->lock);
	same = same_user(t->cred, c);
	cred_put(c);
	return same ? 0 : -EPERM;
}

int64_t sys_prlimit64(struct task *t, const struct sysargs *a)
{
	int pid = arg_pid(a, 0);
	uint32_t resource = arg_u32(a, 1);
	uaddr_t new_addr = arg_addr(a, 2), old_addr = arg_addr(a, 3);
	struct lx_rlimit new, old;
	struct task *of;
	int err;

	if (!uaddr_null(new_addr) && copy_in(t, &new, new_addr, sizeof(new)) < 0)
		return -EFAULT;
	if (resource >= LX_RLIM_NLIMITS)
		return -EINVAL;
	of = pid ? task_find(t->k, pid) : task_get(t);
	if (!of)
		return -ESRCH;
	err = may_limit(t, of);
	if (!err) {
		old = get_limit(of->proc, resource);
		if (!uaddr_null(new_addr))
			err = set_limit(t, of->proc, resource, &new);
	}
	task_put(of);
	if (err || uaddr_null(old_addr))
		return err;
	return copy_out(t, old_addr, &old, sizeof(old));
}

int64_t sys_getrusage(struct task *t, const struct sysargs *a)
{
	struct lx_rusage ru;
	struct usage used;

	process_usage_memory(t);
	switch (arg_int(a, 0)) {
	case LX_RUSAGE_SELF:
		process_usage_get(t->proc, &used);
		break;
	case LX_RUSAGE_CHILDREN:
		used = t->proc->child_usage;
		break;
	case LX_RUSAGE_THREAD:
		task_usage_get(t, &used);
		break;
	default:
		return -EINVAL;
	}
	ru = rusage_from(&used);
	return copy_out(t, arg_addr(a, 1), &ru, sizeof(ru));
}
