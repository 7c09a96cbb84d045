/*
 * sched_yield, sched_{get,set}{scheduler,param,affinity,attr}, sched_get_priority_{min,max}, sched_rr_get_interval, getcpu.
 * What is set is kept and shown: the host schedules the guest's threads as it schedules any.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "abi/time.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/priority.h"

#define RT_PRIORITY_MAX 99
#define RR_INTERVAL_NS 100000000

int64_t sys_sched_yield(struct task *t, const struct sysargs *a)
{
	(void)t;
	(void)a;
	return SYS_PASS;
}

static struct task *task_of(struct task *t, int pid)
{
	return pid ? task_find(t->k, pid) : task_get(t);
}

static bool is_realtime(int policy)
{
	return policy == LX_SCHED_FIFO || policy == LX_SCHED_RR;
}

/* Those whose niceness counts. */
static bool is_fair(int policy)
{
	return policy == LX_SCHED_NORMAL || policy == LX_SCHED_BATCH;
}

/* A change of policy, priority and niceness, as sched_setattr(2) can ask for it. */
struct change {
	int policy;          /* without the flag; -1: as it is */
	uint64_t flags;      /* LX_SCHED_FLAG_* */
	int priority, nice;
	uint64_t runtime, deadline, period;
	bool set_nice;       /* of fair policies */
};

/* The parameters of a deadline, as __checkparam_dl() of Linux. */
static bool deadline_valid(const struct change *c)
{
	uint64_t period = c->period ? c->period : c->deadline;

	return c->deadline && c->runtime >= 1024 && !(c->deadline >> 63) && !(period >> 63) && period >= c->deadline && c->deadline >= c->runtime &&
	       period >= 100000 && period <= 4194304000ull;
}

static int check_change(const struct change *c, int policy)
{
	if (c->flags & ~(uint64_t)LX_SCHED_FLAG_ALL)
		return -EINVAL;
	switch (policy) {
	case LX_SCHED_NORMAL: case LX_SCHED_BATCH: case LX_SCHED_IDLE: case LX_SCHED_FIFO: case LX_SCHED_RR: case LX_SCHED_DEADLINE:
		break;
	default:
		return -EINVAL;
	}
	if (c->priority < 0 || c->priority > RT_PRIORITY_MAX)
		return -EINVAL;
	if (policy == LX_SCHED_DEADLINE && !deadline_valid(c))
		return -EINVAL;
	return is_realtime(policy) == (c->priority != 0) ? 0 : -EINVAL;
}

/* Who lacks CAP_SYS_NICE may not gain by a change: user_check_sched_setscheduler() of Linux. */
static int may_change(struct task *t, struct task *of, const struct change *c, int policy)
{
	uint64_t rt_limit = of->proc->limits[LX_RLIMIT_RTPRIO].rlim_cur;
	bool reset = c->flags & LX_SCHED_FLAG_RESET_ON_FORK;

	if (cred_capable(t->cred, LX_CAP_SYS_NICE))
		return 0;
	if (policy == LX_SCHED_DEADLINE)
		return -EPERM;
	if (is_fair(policy) && c->set_nice && c->nice < of->nice && !priority_may_nice(of, c->nice))
		return -EPERM;
	if (is_realtime(policy)) {
		if (policy != of->sched.policy && !rt_limit)
			return -EPERM;
		if (c->priority > of->sched.priority && (uint64_t)c->priority > rt_limit)
			return -EPERM;
	}
	if (of->sched.policy == LX_SCHED_IDLE && policy != LX_SCHED_IDLE && !priority_may_nice(of, of->nice))
		return -EPERM;
	if (of->cred->uid != t->cred->euid && of->cred->euid != t->cred->euid)
		return -EPERM;
	return of->sched.reset_on_fork && !reset ? -EPERM : 0;
}

static int change_locked(struct task *t, struct task *of, struct change *c)
{
	int policy = c->policy < 0 ? of->sched.policy : c->policy, err;

	if (c->policy < 0 && of->sched.reset_on_fork)
		c->flags |= LX_SCHED_FLAG_RESET_ON_FORK;
	if (c->flags & LX_SCHED_FLAG_KEEP_PARAMS) {
		c->priority = is_realtime(policy) ? of->sched.priority ? of->sched.priority : 1 : 0;
		c->nice = of->nice;
	}
	err = check_change(c, policy);
	if (!err)
		err = may_change(t, of, c, policy);
	if (!err && (c->flags & (LX_SCHED_FLAG_UTIL_CLAMP_MIN | LX_SCHED_FLAG_UTIL_CLAMP_MAX)))
		err = -EOPNOTSUPP; /* as without CONFIG_UCLAMP_TASK */
	if (!err && policy == LX_SCHED_DEADLINE)
		err = -EBUSY; /* no bandwidth is to be had: that could not be kept up */
	if (err)
		return err;
	of->sched.reset_on_fork = c->flags & LX_SCHED_FLAG_RESET_ON_FORK;
	if (c->flags & LX_SCHED_FLAG_KEEP_PARAMS)
		return 0; /* the policy counts as one of them */
	of->sched.policy = policy;
	of->sched.priority = c->priority;
	if (c->set_nice && is_fair(policy))
		of->nice = c->nice;
	return 0;
}

static int64_t change(struct task *t, int pid, struct change *c)
{
	struct task *of = task_of(t, pid);
	int err;

	if (!of)
		return -ESRCH;
	lock_take(&of->proc->lock);
	err = change_locked(t, of, c);
	lock_drop(&of->proc->lock);
	task_put(of);
	return err;
}

/* sched_setscheduler and sched_setparam know no niceness: it stays. */
static int64_t set_policy(struct task *t, const struct sysargs *a, int param_arg, int policy)
{
	struct change c = { .policy = policy < 0 ? -1 : policy & ~LX_SCHED_RESET_ON_FORK };
	struct lx_sched_param param;

	if (uaddr_null(arg_addr(a, param_arg)) || arg_pid(a, 0) < 0)
		return -EINVAL;
	if (copy_in(t, &param, arg_addr(a, param_arg), sizeof(param)) < 0)
		return -EFAULT;
	if (policy >= 0 && (policy & LX_SCHED_RESET_ON_FORK))
		c.flags = LX_SCHED_FLAG_RESET_ON_FORK;
	c.priority = param.sched_priority;
	return change(t, arg_pid(a, 0), &c);
}

int64_t sys_sched_setscheduler(struct task *t, const struct sysargs *a)
{
	return arg_int(a, 1) < 0 ? -EINVAL : set_policy(t, a, 2, arg_int(a, 1));
}

int64_t sys_sched_getscheduler(struct task *t, const struct sysargs *a)
{
	struct task *of;
	int64_t ret;

	if (arg_pid(a, 0) < 0)
		return -EINVAL;
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	ret = of->sched.policy | (of->sched.reset_on_fork ? LX_SCHED_RESET_ON_FORK : 0);
	task_put(of);
	return ret;
}

int64_t sys_sched_setparam(struct task *t, const struct sysargs *a)
{
	return set_policy(t, a, 1, -1);
}

int64_t sys_sched_getparam(struct task *t, const struct sysargs *a)
{
	struct lx_sched_param param;
	struct task *of;

	if (arg_pid(a, 0) < 0 || uaddr_null(arg_addr(a, 1)))
		return -EINVAL;
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	param.sched_priority = of->sched.priority;
	task_put(of);
	return copy_out(t, arg_addr(a, 1), &param, sizeof(param));
}

int64_t sys_sched_get_priority_max(struct task *t, const struct sysargs *a)
{
	int policy = arg_int(a, 0);

	(void)t;
	if (policy < 0 || policy == 4 || policy > LX_SCHED_EXT)
		return -EINVAL;
	return is_realtime(policy) ? RT_PRIORITY_MAX : 0;
}

int64_t sys_sched_get_priority_min(struct task *t, const struct sysargs *a)
{
	int64_t max = sys_sched_get_priority_max(t, a);

	return max == RT_PRIORITY_MAX ? 1 : max;
}

int64_t sys_sched_rr_get_interval(struct task *t, const struct sysargs *a)
{
	struct lx_timespec ts = { 0, 0 };
	struct task *of;

	if (arg_pid(a, 0) < 0)
		return -EINVAL;
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	if (of->sched.policy == LX_SCHED_RR)
		ts.tv_nsec = RR_INTERVAL_NS;
	task_put(of);
	return copy_out(t, arg_addr(a, 1), &ts, sizeof(ts));
}

/* Too large or too small: Linux says which size it knows. */
static int64_t wrong_size(struct task *t, uaddr_t at)
{
	uint32_t ours = sizeof(struct lx_sched_attr);

	return copy_out(t, at, &ours, sizeof(ours)) < 0 ? -EFAULT : -E2BIG;
}

static int64_t read_attr(struct task *t, uaddr_t at, struct lx_sched_attr *attr)
{
	uint32_t size;
	int ret;

	if (copy_in(t, &size, at, sizeof(size)) < 0)
		return -EFAULT;
	if (!size)
		size = LX_SCHED_ATTR_SIZE_VER0;
	if (size < LX_SCHED_ATTR_SIZE_VER0 || size > LX_PAGE_SIZE)
		return wrong_size(t, at);
	ret = copy_in_struct(t, attr, sizeof(*attr), at, size);
	return ret == -E2BIG ? wrong_size(t, at) : ret;
}

int64_t sys_sched_setattr(struct task *t, const struct sysargs *a)
{
	struct lx_sched_attr attr;
	struct change c;
	int64_t ret;

	if (uaddr_null(arg_addr(a, 1)) || arg_pid(a, 0) < 0 || arg_u32(a, 2))
		return -EINVAL;
	ret = read_attr(t, arg_addr(a, 1), &attr);
	if (ret)
		return ret;
	if ((int32_t)attr.sched_policy < 0)
		return -EINVAL;
	c = (struct change){ .policy = (int)attr.sched_policy, .flags = attr.sched_flags, .priority = (int)attr.sched_priority,
			     .nice = attr.sched_nice, .runtime = attr.sched_runtime, .deadline = attr.sched_deadline,
			     .period = attr.sched_period, .set_nice = true };
	c.nice = c.nice < NICE_MIN ? NICE_MIN : c.nice > NICE_MAX ? NICE_MAX : c.nice;
	if (attr.sched_flags & LX_SCHED_FLAG_KEEP_POLICY)
		c.policy = -1;
	return change(t, arg_pid(a, 0), &c);
}

int64_t sys_sched_getattr(struct task *t, const struct sysargs *a)
{
	struct lx_sched_attr attr = { .size = sizeof(attr) };
	uint32_t size = arg_u32(a, 2);
	struct task *of;

	if (uaddr_null(arg_addr(a, 1)) || arg_pid(a, 0) < 0 || arg_u32(a, 3) || size < LX_SCHED_ATTR_SIZE_VER0 || size > LX_PAGE_SIZE)
		return -EINVAL;
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	attr.sched_policy = (uint32_t)of->sched.policy;
	attr.sched_priority = (uint32_t)of->sched.priority;
	attr.sched_flags = of->sched.reset_on_fork ? LX_SCHED_FLAG_RESET_ON_FORK : 0;
	attr.sched_nice = of->nice;
	task_put(of);
	if (size < sizeof(attr))
		attr.size = size;
	return copy_out(t, arg_addr(a, 1), &attr, attr.size);
}

/* --- affinity --------------------------------------------------------------------------------------------------------- */

static uint64_t cpus_word(const struct task *t, unsigned int word)
{
	int left = t->k->cpus - (int)word * 64;

	return left <= 0 ? 0 : left >= 64 ? ~0ull : (1ull << left) - 1;
}

int64_t sys_sched_getaffinity(struct task *t, const struct sysargs *a)
{
	uint32_t len = arg_u32(a, 1), size = (uint32_t)(t->k->cpus + 63) / 64 * 8;
	uint64_t mask[4];
	struct task *of;

	if (len < size || len % 8)
		return -EINVAL;
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	for (unsigned int i = 0; i < 4; i++)
		mask[i] = of->affinity[i] & cpus_word(t, i);
	task_put(of);
	if (size > sizeof(mask))
		size = sizeof(mask);
	return copy_out(t, arg_addr(a, 2), mask, size) < 0 ? -EFAULT : (int64_t)size;
}

int64_t sys_sched_setaffinity(struct task *t, const struct sysargs *a)
{
	uint64_t mask[4] = { 0 }, any = 0;
	uint32_t len = arg_u32(a, 1);
	struct task *of;
	bool may;

	if (copy_in(t, mask, arg_addr(a, 2), len < sizeof(mask) ? len : sizeof(mask)) < 0)
		return -EFAULT;
	for (unsigned int i = 0; i < 4; i++)
		any |= mask[i] & cpus_word(t, i);
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	lock_take(&of->proc->lock);
	may = of->cred->uid == t->cred->euid || of->cred->euid == t->cred->euid || cred_capable(t->cred, LX_CAP_SYS_NICE);
	if (may && any)
		memcpy(of->affinity, mask, sizeof(mask));
	lock_drop(&of->proc->lock);
	task_put(of);
	return !may ? -EPERM : any ? 0 : -EINVAL;
}

/* The CPU of this thread is the guest's, or was a moment ago. */
int64_t sys_getcpu(struct task *t, const struct sysargs *a)
{
	int host = sched_getcpu();
	uint32_t cpu = host < 0 ? 0 : (uint32_t)host % (uint32_t)t->k->cpus, node = 0;

	if (!uaddr_null(arg_addr(a, 0)) && copy_out(t, arg_addr(a, 0), &cpu, sizeof(cpu)) < 0)
		return -EFAULT;
	return uaddr_null(arg_addr(a, 1)) ? 0 : copy_out(t, arg_addr(a, 1), &node, sizeof(node));
}
