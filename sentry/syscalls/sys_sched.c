/*
 * sched_yield, sched_{get,set}{scheduler,param,affinity,attr}, sched_get_priority_{min,max}, sched_rr_get_interval, getpriority, setpriority,
 * getcpu, ioprio_get, ioprio_set. What is set is kept and shown: the host schedules the guest's threads as it schedules any.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "abi/time.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define RT_PRIORITY_MAX 99
#define RR_INTERVAL_NS 100000000
#define NICE_MIN (-20)
#define NICE_MAX 19

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

static int check_policy(const struct task *t, int policy, int priority)
{
	switch (policy) {
	case LX_SCHED_NORMAL:
	case LX_SCHED_BATCH:
	case LX_SCHED_IDLE:
		return priority == 0 ? 0 : -EINVAL;
	case LX_SCHED_FIFO:
	case LX_SCHED_RR:
		if (priority < 1 || priority > RT_PRIORITY_MAX)
			return -EINVAL;
		return cred_capable(t->cred, LX_CAP_SYS_NICE) ? 0 : -EPERM;
	case LX_SCHED_DEADLINE:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

static int64_t set_policy(struct task *t, int pid, int policy, int priority)
{
	bool reset = policy & LX_SCHED_RESET_ON_FORK;
	struct task *of;
	int err;

	if (pid < 0)
		return -EINVAL;
	err = check_policy(t, policy & ~LX_SCHED_RESET_ON_FORK, priority);
	if (err)
		return err;
	of = task_of(t, pid);
	if (!of)
		return -ESRCH;
	of->sched = (struct sched_attrs){ policy & ~LX_SCHED_RESET_ON_FORK, priority, reset };
	task_put(of);
	return 0;
}

int64_t sys_sched_setscheduler(struct task *t, const struct sysargs *a)
{
	struct lx_sched_param param;

	if (arg_int(a, 1) < 0)
		return -EINVAL;
	if (copy_in(t, &param, arg_addr(a, 2), sizeof(param)) < 0)
		return -EFAULT;
	return set_policy(t, arg_pid(a, 0), arg_int(a, 1), param.sched_priority);
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
	struct lx_sched_param param;
	struct task *of;
	int policy;

	if (arg_pid(a, 0) < 0)
		return -EINVAL;
	if (copy_in(t, &param, arg_addr(a, 1), sizeof(param)) < 0)
		return -EFAULT;
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	policy = of->sched.policy;
	task_put(of);
	return set_policy(t, arg_pid(a, 0), policy, param.sched_priority);
}

int64_t sys_sched_getparam(struct task *t, const struct sysargs *a)
{
	struct lx_sched_param param;
	struct task *of;

	if (arg_pid(a, 0) < 0)
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

int64_t sys_sched_setattr(struct task *t, const struct sysargs *a)
{
	struct lx_sched_attr attr;
	uint32_t size;
	int64_t ret;

	if (arg_pid(a, 0) < 0 || arg_u32(a, 2))
		return -EINVAL;
	if (copy_in(t, &size, arg_addr(a, 1), sizeof(size)) < 0)
		return -EFAULT;
	if (size && size < LX_SCHED_ATTR_SIZE_VER0)
		return -E2BIG;
	ret = copy_in_struct(t, &attr, sizeof(attr), arg_addr(a, 1), size ? size : LX_SCHED_ATTR_SIZE_VER0);
	if (ret)
		return ret;
	return set_policy(t, arg_pid(a, 0), (int)attr.sched_policy, (int)attr.sched_priority);
}

int64_t sys_sched_getattr(struct task *t, const struct sysargs *a)
{
	struct lx_sched_attr attr = { .size = sizeof(attr) };
	uint32_t size = arg_u32(a, 2);
	struct task *of;

	if (arg_pid(a, 0) < 0 || arg_u32(a, 3) || size < LX_SCHED_ATTR_SIZE_VER0 || size > LX_PAGE_SIZE)
		return -EINVAL;
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	attr.sched_policy = (uint32_t)of->sched.policy;
	attr.sched_priority = (uint32_t)of->sched.priority;
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

	if (copy_in(t, mask, arg_addr(a, 2), len < sizeof(mask) ? len : sizeof(mask)) < 0)
		return -EFAULT;
	for (unsigned int i = 0; i < 4; i++)
		any |= mask[i] & cpus_word(t, i);
	if (!any)
		return -EINVAL;
	of = task_of(t, arg_pid(a, 0));
	if (!of)
		return -ESRCH;
	memcpy(of->affinity, mask, sizeof(mask));
	task_put(of);
	return 0;
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

/* --- niceness ----------------------------------------------------------------------------------------------------------- */

struct nice_walk {
	struct task *caller;
	bool set;
	int value;  /* to set; or the lowest seen */
	int64_t ret; /* of the walk so far */
};

static int may_nice(const struct task *caller, const struct task *of, int value)
{
	uint32_t euid = caller->cred->euid;

	if (cred_capable(caller->cred, LX_CAP_SYS_NICE))
		return 0;
	if (of->cred->uid != euid && of->cred->euid != euid)
		return -EPERM;
	return value < of->nice ? -EACCES : 0;
}

/* k->lock held: the task stays; its process's lock: so do its credentials. */
static void nice_task(struct nice_walk *w, struct task *of)
{
	int err = w->set ? may_nice(w->caller, of, w->value) : 0;

	if (!w->set) {
		if (w->ret == -ESRCH || of->nice < w->value)
			w->value = of->nice;
		w->ret = 0;
		return;
	}
	if (!err)
		of->nice = w->value;
	if (w->ret == -ESRCH || err)
		w->ret = err;
}

static void nice_process(struct nice_walk *w, struct process *p)
{
	struct task *of;

	LOCK_GUARD(&p->lock);
	list_for_each(of, &p->tasks, proc_link)
		nice_task(w, of);
}

static void nice_pgrp(struct nice_walk *w, int id)
{
	struct pid_entry *e = pid_entry(w->caller->k, id);
	struct pgrp *g = id ? e ? e->pgrp : NULL : w->caller->proc->pgrp;
	struct process *p;

	if (g)
		list_for_each(p, &g->members, pgrp_link)
			nice_process(w, p);
}

static void nice_user(struct nice_walk *w, uint32_t uid)
{
	struct kernel *k = w->caller->k;

	for (int pid = pid_next(k, 1, 0); pid; pid = pid_next(k, pid + 1, 0))
		if (pid_entry(k, pid)->proc->counted_uid == uid)
			nice_process(w, pid_entry(k, pid)->proc);
}

static int64_t nice_walk(struct nice_walk *w, int which, int who)
{
	struct kernel *k = w->caller->k;
	struct pid_entry *e;

	w->ret = -ESRCH;
	LOCK_GUARD(&k->lock);
	switch (which) {
	case LX_PRIO_PROCESS:
		e = pid_entry(k, who ? who : w->caller->tid);
		if (e && e->task) {
			LOCK_GUARD(&e->task->proc->lock);
			nice_task(w, e->task);
		}
		return w->ret;
	case LX_PRIO_PGRP:
		nice_pgrp(w, who);
		return w->ret;
	case LX_PRIO_USER:
		nice_user(w, who ? (uint32_t)who : w->caller->cred->uid);
		return w->ret;
	default:
		return -EINVAL;
	}
}

int64_t sys_getpriority(struct task *t, const struct sysargs *a)
{
	struct nice_walk w = { .caller = t };
	int64_t ret = nice_walk(&w, arg_int(a, 0), arg_int(a, 1));

	return ret ? ret : 20 - w.value;
}

int64_t sys_setpriority(struct task *t, const struct sysargs *a)
{
	int value = arg_int(a, 2);
	struct nice_walk w = { .caller = t, .set = true };

	w.value = value < NICE_MIN ? NICE_MIN : value > NICE_MAX ? NICE_MAX : value;
	return nice_walk(&w, arg_int(a, 0), arg_int(a, 1));
}

/* --- I/O priorities: none is set, and setting one changes nothing --------------------------------------------------------- */

int64_t sys_ioprio_get(struct task *t, const struct sysargs *a)
{
	(void)t;
	return arg_int(a, 0) >= LX_IOPRIO_WHO_PROCESS && arg_int(a, 0) <= LX_IOPRIO_WHO_USER ? 0 : -EINVAL;
}

int64_t sys_ioprio_set(struct task *t, const struct sysargs *a)
{
	return sys_ioprio_get(t, a);
}
