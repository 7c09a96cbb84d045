/* getpriority, setpriority, ioprio_get, ioprio_set: kept and shown for each thread; the host treats all guests alike. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/priority.h"

/* --- niceness ----------------------------------------------------------------------------------------------------------- */

/* Over the tasks that `which` and `who` name; `value` is what is to be set, or the best seen so far. */
struct walk {
	struct task *caller;
	void (*visit)(struct walk *, struct task *);
	int value;
	int64_t ret; /* -ESRCH until a task was visited */
};

bool priority_may_nice(const struct task *t, int value)
{
	uint64_t limit = t->proc->limits[LX_RLIMIT_NICE].rlim_cur;

	return (uint64_t)(NICE_MAX + 1 - value) <= limit;
}

static int may_nice(const struct task *caller, const struct task *of, int value)
{
	uint32_t euid = caller->cred->euid;

	if (cred_capable(caller->cred, LX_CAP_SYS_NICE))
		return 0;
	if (of->cred->uid != euid && of->cred->euid != euid)
		return -EPERM;
	return value < of->nice && !priority_may_nice(of, value) ? -EACCES : 0;
}

/* Visitors: k->lock is held, so that the task stays, and its process's lock, so that its credentials do. */
static void visit_get_nice(struct walk *w, struct task *of)
{
	if (w->ret == -ESRCH || of->nice < w->value)
		w->value = of->nice;
	w->ret = 0;
}

static void visit_set_nice(struct walk *w, struct task *of)
{
	int err = may_nice(w->caller, of, w->value);

	if (!err)
		of->nice = w->value;
	if (w->ret == -ESRCH || err)
		w->ret = err;
}

static void walk_process(struct walk *w, struct process *p)
{
	struct task *of;

	LOCK_GUARD(&p->lock);
	list_for_each(of, &p->tasks, proc_link)
		w->visit(w, of);
}

static void walk_pgrp(struct walk *w, int id)
{
	struct pid_entry *e = pid_entry(w->caller->k, id);
	struct pgrp *g = id ? e ? e->pgrp : NULL : w->caller->proc->pgrp;
	struct process *p;

	if (g)
		list_for_each(p, &g->members, pgrp_link)
			walk_process(w, p);
}

static void walk_user(struct walk *w, uint32_t uid)
{
	struct kernel *k = w->caller->k;

	for (int pid = pid_next(k, 1, 0); pid; pid = pid_next(k, pid + 1, 0))
		if (pid_entry(k, pid)->proc->counted_uid == uid)
			walk_process(w, pid_entry(k, pid)->proc);
}

static int64_t walk(struct walk *w, int which, int who)
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
			w->visit(w, e->task);
		}
		return w->ret;
	case LX_PRIO_PGRP:
		walk_pgrp(w, who);
		return w->ret;
	case LX_PRIO_USER:
		walk_user(w, who ? (uint32_t)who : w->caller->cred->uid);
		return w->ret;
	default:
		return -EINVAL;
	}
}

int64_t sys_getpriority(struct task *t, const struct sysargs *a)
{
	struct walk w = { .caller = t, .visit = visit_get_nice };
	int64_t ret = walk(&w, arg_int(a, 0), arg_int(a, 1));

	return ret ? ret : 20 - w.value;
}

int64_t sys_setpriority(struct task *t, const struct sysargs *a)
{
	int value = arg_int(a, 2);
	struct walk w = { .caller = t, .visit = visit_set_nice };

	w.value = value < NICE_MIN ? NICE_MIN : value > NICE_MAX ? NICE_MAX : value;
	return walk(&w, arg_int(a, 0), arg_int(a, 1));
}

/* --- I/O priorities ------------------------------------------------------------------------------------------------------ */

enum { IOPRIO_NONE, IOPRIO_RT, IOPRIO_BE, IOPRIO_IDLE };
#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_LEVEL_MASK 7

static int check_ioprio(const struct task *t, uint32_t ioprio)
{
	switch (ioprio >> IOPRIO_CLASS_SHIFT) {
	case IOPRIO_RT:
		return cred_capable(t->cred, LX_CAP_SYS_ADMIN) || cred_capable(t->cred, LX_CAP_SYS_NICE) ? 0 : -EPERM;
	case IOPRIO_BE:
	case IOPRIO_IDLE:
		return 0;
	case IOPRIO_NONE:
		return ioprio & IOPRIO_LEVEL_MASK ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* What counts for a task that has set none follows from how it is scheduled. */
static int effective_ioprio(const struct task *t)
{
	int class = IOPRIO_BE;

	if (t->ioprio >> IOPRIO_CLASS_SHIFT)
		return t->ioprio;
	if (t->sched.policy == LX_SCHED_IDLE)
		class = IOPRIO_IDLE;
	else if (t->sched.policy == LX_SCHED_FIFO || t->sched.policy == LX_SCHED_RR)
		class = IOPRIO_RT;
	return class << IOPRIO_CLASS_SHIFT | (t->nice - NICE_MIN) / 5;
}

static void visit_get_ioprio(struct walk *w, struct task *of)
{
	int ioprio = effective_ioprio(of);

	if (w->ret == -ESRCH || ioprio < w->value)
		w->value = ioprio;
	w->ret = 0;
}

static void visit_own_ioprio(struct walk *w, struct task *of)
{
	w->value = of->ioprio;
	w->ret = 0;
}

/* The first refusal ends the walk of Linux: what comes after it is left alone. */
static void visit_set_ioprio(struct walk *w, struct task *of)
{
	const struct cred *c = w->caller->cred;

	if (w->ret < 0 && w->ret != -ESRCH)
		return;
	w->ret = of->cred->uid == c->euid || of->cred->uid == c->uid || cred_capable(c, LX_CAP_SYS_NICE) ? 0 : -EPERM;
	if (!w->ret)
		of->ioprio = (uint16_t)w->value;
}

/* IOPRIO_WHO_PROCESS is one more than PRIO_PROCESS, and so on. */
static int64_t walk_io(struct walk *w, const struct sysargs *a)
{
	return arg_int(a, 0) < LX_IOPRIO_WHO_PROCESS || arg_int(a, 0) > LX_IOPRIO_WHO_USER ? -EINVAL :
											     walk(w, arg_int(a, 0) - LX_IOPRIO_WHO_PROCESS, arg_int(a, 1));
}

int64_t sys_ioprio_get(struct task *t, const struct sysargs *a)
{
	struct walk w = { .caller = t, .visit = arg_int(a, 0) == LX_IOPRIO_WHO_PROCESS ? visit_own_ioprio : visit_get_ioprio };
	int64_t ret = walk_io(&w, a);

	return ret ? ret : w.value;
}

int64_t sys_ioprio_set(struct task *t, const struct sysargs *a)
{
	struct walk w = { .caller = t, .visit = visit_set_ioprio, .value = (uint16_t)arg_u32(a, 2) };
	int err = check_ioprio(t, arg_u32(a, 2) & 0xffff);

	return err ? err : walk_io(&w, a);
}
