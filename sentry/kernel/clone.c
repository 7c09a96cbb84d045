/* fork, vfork, clone and clone3 come down to task_clone(). Linux: kernel/fork.c, copy_process(). */
#include <errno.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/sched.h"
#include "base/mem.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/cpu_limit.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/keys.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/session.h"
#include "sentry/kernel/task_ns.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usermem.h"

static int check_flags(const struct task *t, uint64_t flags)
{
	bool vm = flags & LX_CLONE_VM, sighand = flags & LX_CLONE_SIGHAND, thread = flags & LX_CLONE_THREAD;

	if ((flags & LX_CLONE_FS) && (flags & (LX_CLONE_NEWNS | LX_CLONE_NEWUSER)))
		return -EINVAL;
	if ((thread && !sighand) || (sighand && !vm))
		return -EINVAL;
	if (sighand && (flags & LX_CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if (thread && (flags & (LX_CLONE_NEWUSER | LX_CLONE_NEWPID)))
		return -EINVAL;
	if ((flags & LX_CLONE_PARENT) && !t->proc->parent)
		return -EINVAL;
	return 0;
}

/* --- the child's parts; what fails leaves the rest to child_drop() ---------------------------------------------------- */

static void copy_process_state(struct process *to, struct process *from)
{
	lock_take(&from->lock);
	memcpy(to->limits, from->limits, sizeof(to->limits));
	to->exe = from->exe ? file_get(from->exe) : NULL;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	memcpy(to->auxv, from->auxv, sizeof(to->auxv));
	to->dumpable = from->dumpable;
	to->personality = from->personality;
	lock_drop(&from->lock);
	atomic_store(&to->oom_score_adj, atomic_load(&from->oom_score_adj));
}

static struct sighand *child_sighand(struct process *from, uint64_t flags)
{
	struct sighand *h;

	if (flags & LX_CLONE_SIGHAND)
		return sighand_get(from->sighand);
	LOCK_GUARD(&from->sig_lock);
	h = sighand_copy(from->sighand);
	for (int i = 0; h && (flags & LX_CLONE_CLEAR_SIGHAND) && i < LX_NSIG; i++)
		if (h->actions[i].handler != LX_SIG_IGN)
			h->actions[i].handler = LX_SIG_DFL;
	return h;
}

static struct process *child_process(struct task *t, const struct clone_params *c)
{
	struct process *from = t->proc, *p;
	struct sighand *h;

	if (c->flags & LX_CLONE_THREAD)
		return process_get(from);
	h = child_sighand(from, c->flags);
	if (!h)
		return NULL;
	p = process_alloc(t->k, h);
	if (!p) {
		sighand_put(h);
		return NULL;
	}
	copy_process_state(p, from);
	p->exit_signal = c->flags & LX_CLONE_PARENT ? from->exit_signal : c->exit_signal;
	return p;
}

static void copy_task_state(struct task *to, const struct task *from, uint64_t flags)
{
	memcpy(to->comm, from->comm, sizeof(to->comm));
	to->blocked = from->blocked;
	if ((flags & (LX_CLONE_VM | LX_CLONE_VFORK)) != LX_CLONE_VM)
		to->altstack = from->altstack;
	if (!from->sched.reset_on_fork) {
		to->sched = from->sched;
		to->nice = from->nice;
	}
	memcpy(to->affinity, from->affinity, sizeof(to->affinity));
	to->mempolicy = from->mempolicy;
	to->timer_slack_ns = from->timer_slack_ns;
	to->ioprio = from->ioprio;
	to->mce_kill = from->mce_kill;
	to->io_flusher = from->io_flusher;
	to->tsc_faults = from->tsc_faults;
}

static int copy_resources(struct task *to, struct task *from, uint64_t flags)
{
	to->mm = flags & LX_CLONE_VM ? mm_get(from->mm) : mm_copy(from->mm);
	if (!to->mm)
		return -ENOMEM;
	mm_join(to->mm);
	to->fs = flags & LX_CLONE_FS ? fsctx_get(from->fs) : fsctx_copy(from->fs);
	if (!to->fs)
		return -ENOMEM;
	to->files = flags & LX_CLONE_FILES ? fdtable_get(from->files) : fdtable_copy(from->files);
	return to->files ? 0 : -ENOMEM;
}

static int copy_namespaces(struct task *to, struct task *from, uint64_t flags)
{
	struct cred *cred;
	struct ns_set *set;
	int err = 0;

	if (!(flags & LX_CLONE_NS_MASK)) {
		to->ns = ns_set_get(from->ns);
		return 0;
	}
	err = task_new_ns(from, flags, to->fs, &cred, &set);
	if (err)
		return err;
	to->ns = set ? set : ns_set_get(from->ns);
	if (cred) {
		cred_put(to->cred);
		to->cred = cred;
	}
	return 0;
}

/* On the reactor: references to files may be the last. */
static void child_drop(struct work *w)
{
	struct task *t = container_of(w, struct task, exit_work);

	task_drop_resources(t);
	if (t->proc->exe && !t->proc->pid)
		file_put(t->proc->exe);
	tasks_uncharge(t->k);
	task_put(t);
}

static struct task *child_new(struct task *t, const struct clone_params *c, int *err)
{
	struct process *p;
	struct task *child;

	*err = tasks_charge(t->k);
	if (*err)
		return NULL;
	*err = -ENOMEM;
	p = child_process(t, c);
	child = p ? task_alloc(p, t->cred) : NULL;
	process_put(p);
	if (!child) {
		tasks_uncharge(t->k);
		return NULL;
	}
	copy_task_state(child, t, c->flags);
	*err = copy_resources(child, t, c->flags);
	if (!*err)
		*err = copy_namespaces(child, t, c->flags);
	if (!*err)
		return child;
	child->exit_work.fn = child_drop;
	sched_defer(&child->exit_work);
	return NULL;
}

/* --- numbers and kin ----------------------------------------------------------------------------------------------------- */

static int over_nproc(struct task *t)
{
	uint64_t limit = t->proc->limits[LX_RLIMIT_NPROC].rlim_cur;

	if (t->cred->uid == 0 || cred_capable(t->cred, LX_CAP_SYS_RESOURCE) || cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return 0;
	return (uint64_t)pid_uid_count(t->k, t->cred->uid, 0) >= limit ? -EAGAIN : 0;
}

static int publish(struct task *t, struct task *child, uint64_t flags)
{
	bool first = !(flags & LX_CLONE_THREAD);
	int err;

	LOCK_GUARD(&t->k->lock);
	err = over_nproc(t);
	if (!err)
		err = task_publish(child, first);
	if (err)
		return err;
	seccomp_inherit(child, t);
	keys_inherit(child, t);
	if (!first)
		return 0;
	child->proc->parent = flags & LX_CLONE_PARENT ? t->proc->parent : t->proc;
	child->proc->forker = flags & LX_CLONE_PARENT ? t->proc->forker : t->tid;
	list_push_back(&child->proc->parent->children, &child->proc->sibling);
	process_inherit_pgrp(child->proc, t->proc);
	return 0;
}

static void unpublish(struct task *child)
{
	struct process *p = child->proc;
	bool first = p->pid == child->tid;

	lock_take(&p->k->lock);
	task_unlist(child);
	task_unpublish(child);
	if (first)
		process_reap(p);
	lock_drop(&p->k->lock);
	seccomp_leave(child);
	keys_task_end(child);
	if (first) {
		atomic_fetch_add(&p->k->tasks_used, 1); /* child_drop() takes it back, as process_reap() has */
		process_put(p);
	}
	task_put(child);
}

/* --- the clone ------------------------------------------------------------------------------------------------------------- */

/* At the child's first stop: its memory is its own, and nobody has seen it yet. */
static int64_t set_child_tid(struct task *t)
{
	int32_t tid = t->tid;

	copy_out(t, uaddr((uintptr_t)t->at_stop_arg), &tid, sizeof(tid));
	return 0;
}

struct pidfd_install {
	struct file *file;
	int fd;
};

static int pidfd_prepare(struct task *t, struct task *child, const struct clone_params *c, struct pidfd_install *out)
{
	int32_t number;
	int err;

	if (!(c->flags & LX_CLONE_PIDFD))
		return 0;
	out->fd = fd_reserve(t, 0);
	if (out->fd < 0)
		return out->fd;
	number = out->fd;
	err = c->flags & LX_CLONE_THREAD ? pidfd_thread_file(t, child, 0, &out->file) : pidfd_file(t, child->proc, 0, &out->file);
	if (!err)
		err = copy_out(t, c->pidfd, &number, sizeof(number));
	return err;
}

static void pidfd_cancel(struct task *t, const struct pidfd_install *pidfd)
{
	if (pidfd->file)
		file_put_deferred(pidfd->file);
	if (pidfd->fd >= 0)
		fd_unreserve(t, pidfd->fd);
}

static int host_clone(struct task *t, struct task *child, const struct clone_params *c)
{
	struct tracee *tracee;
	struct clone_how how = {
		.share_vm = c->flags & LX_CLONE_VM,
		.thread = c->flags & LX_CLONE_THREAD,
		.set_stack = c->stack != 0,
		.stack = c->stack + c->stack_size,
		.set_tls = c->flags & LX_CLONE_SETTLS,
		.tls = c->tls,
	};
	int err;

	if (c->flags & LX_CLONE_CHILD_CLEARTID)
		child->clear_child_tid = c->child_tid;
	if (c->flags & LX_CLONE_CHILD_SETTID) {
		child->at_stop = set_child_tid;
		child->at_stop_arg = (void *)(uintptr_t)c->child_tid.v;
	}
	if (c->flags & LX_CLONE_VFORK) {
		child->proc->vfork_parent = task_get(t);
		atomic_store(&t->vfork_wait, true);
	}
	/* Nobody runs it before its first stop; what is sent to it meanwhile is found there. */
	atomic_store(&child->run, RUN_HANDLER);
	err = stop_clone(t->tracee, &how, task_get(child), &tracee);
	if (err) {
		task_put(child);
		process_release_vfork_parent(child->proc);
	}
	return err;
}

int64_t task_clone(struct task *t, const struct clone_params *c)
{
	struct pidfd_install pidfd = { .fd = -1 };
	struct task *child = NULL;
	int32_t tid;
	int err;

	err = check_flags(t, c->flags);
	if (!err)
		child = child_new(t, c, &err);
	if (err)
		return err;
	err = pidfd_prepare(t, child, c, &pidfd);
	if (err)
		goto drop;
	err = publish(t, child, c->flags);
	if (err)
		goto drop;
	err = host_clone(t, child, c);
	if (err)
		goto unpublish;
	tid = child->tid;
	if (t->pt)
		ptrace_clone(t, child, c->flags, c->exit_signal); /* memory out: the child goes untraced */
	if (!(c->flags & LX_CLONE_THREAD))
		cpu_limit_watch(child->proc);
	if (pidfd.file)
		fd_install(t, pidfd.fd, pidfd.file, true);
	if (c->flags & LX_CLONE_PARENT_SETTID)
		copy_out(t, c->parent_tid, &tid, sizeof(tid));
	task_put(child);
	return tid;
unpublish:
	unpublish(child);
drop:
	pidfd_cancel(t, &pidfd);
	child->exit_work.fn = child_drop;
	sched_defer(&child->exit_work);
	return err;
}
