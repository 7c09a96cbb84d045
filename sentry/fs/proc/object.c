/* What the files of a process or thread are about: getting at it while it may be dying. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "abi/cred.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/fs/tty.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/vma.h"

struct task *proc_obj_task(const struct pseudo_obj *o)
{
	struct task *t;

	if (o->task)
		return atomic_load(&o->task->run) == RUN_DEAD ? NULL : task_get(o->task);
	LOCK_GUARD(&o->proc->lock);
	list_for_each(t, &o->proc->tasks, proc_link)
		return task_get(t);
	return NULL;
}

/* One of a task's references, taken while the task cannot drop it. */
#define TAKE(obj, type, field, get)                             \
	({                                                      \
		struct task *take_t = proc_obj_task(obj);       \
		type *take_x = NULL;                            \
		if (take_t) {                                   \
			lock_take(&take_t->proc->lock);         \
			take_x = take_t->field;                 \
			if (take_x)                             \
				get(take_x);                    \
			lock_drop(&take_t->proc->lock);         \
			task_put(take_t);                       \
		}                                               \
		take_x;                                         \
	})

struct mm *proc_obj_mm(const struct pseudo_obj *o)
{
	return TAKE(o, struct mm, mm, mm_get);
}

struct fdtable *proc_obj_files(const struct pseudo_obj *o)
{
	return TAKE(o, struct fdtable, files, fdtable_get);
}

struct fsctx *proc_obj_fs(const struct pseudo_obj *o)
{
	return TAKE(o, struct fsctx, fs, fsctx_get);
}

struct cred *proc_obj_cred(const struct pseudo_obj *o)
{
	return TAKE(o, struct cred, cred, cred_get);
}

struct file *proc_obj_exe(const struct pseudo_obj *o)
{
	LOCK_GUARD(&o->proc->lock);
	return o->proc->exe ? file_get(o->proc->exe) : NULL;
}

int proc_obj_alive(const struct pseudo_obj *o)
{
	if (o->proc->state == PROC_REAPED || (o->task && atomic_load(&o->task->run) == RUN_DEAD))
		return -ESRCH;
	return 0;
}

int64_t proc_obj_read(const struct pseudo_obj *o, void *dst, uint64_t addr, size_t n)
{
	struct task *t = proc_obj_task(o);
	struct tracee *tracee;
	int64_t got = -ESRCH;

	if (!t)
		return -ESRCH;
	lock_take(&t->tracee_lock);
	tracee = t->tracee ? tracee_get(t->tracee) : NULL;
	lock_drop(&t->tracee_lock);
	if (tracee) {
		got = tracee_read(tracee, dst, (uaddr_t){ addr }, n);
		tracee_put(tracee);
	}
	task_put(t);
	return got;
}

/* --- who may look -------------------------------------------------------------------------------------------------------- */

int proc_check_alive(const struct pseudo_req *r)
{
	return proc_obj_alive(r->obj);
}

static bool same_ids(const struct cred *mine, const struct cred *c)
{
	return mine->fsuid == c->euid && mine->fsuid == c->suid && mine->fsuid == c->uid && mine->fsgid == c->egid &&
	       mine->fsgid == c->sgid && mine->fsgid == c->gid;
}

int proc_check_private(const struct pseudo_req *r)
{
	struct cred *c;
	bool may;
	int ret = proc_obj_alive(r->obj);

	if (ret < 0 || r->t->proc == r->obj->proc)
		return ret;
	c = proc_obj_cred(r->obj);
	if (!c)
		return 0; /* a zombie has nothing to hide */
	may = landlock_may_trace(r->t->cred, c) &&
	      ((same_ids(r->t->cred, c) && r->obj->proc->dumpable == 1) || cred_capable(r->t->cred, LX_CAP_SYS_PTRACE));
	cred_put(c);
	return may ? 0 : -EACCES;
}

/* A process that may not be dumped keeps its files from its own user. */
void proc_obj_owner(const struct pseudo_obj *o, uint32_t *uid, uint32_t *gid)
{
	struct cred *c;

	if (!o->proc || o->proc->dumpable != 1)
		return;
	c = proc_obj_cred(o);
	if (c) {
		*uid = c->euid;
		*gid = c->egid;
	}
	cred_put(c);
}

/* --- facts ----------------------------------------------------------------------------------------------------------------- */

static char state_of(const struct process *p, const struct task *t)
{
	int run;

	if (!t || p->state >= PROC_ZOMBIE)
		return 'Z';
	if (p->state == PROC_STOPPED)
		return 'T';
	run = atomic_load(&t->run);
	return run == RUN_BLOCKED || run == RUN_HELD ? 'S' : run == RUN_DEAD ? 'X' : 'R';
}

/* A process's state is that of its busiest thread here: Linux shows the leader's, which is less telling. */
static void family_facts(struct process *p, struct proc_facts *f)
{
	struct session *s;

	LOCK_GUARD(&p->k->lock);
	s = p->session;
	f->pid = p->pid;
	f->ppid = p->parent ? p->parent->pid : 0;
	f->pgrp = p->pgrp ? p->pgrp->id : 0;
	f->session = s ? s->id : 0;
	f->tty_nr = s && s->tty ? (int)tty_device(s->tty) : 0;
	f->tpgid = s && s->tty && s->foreground ? s->foreground->id : -1;
	f->exit_signal = p->exit_signal;
	f->exit_status = p->state >= PROC_ZOMBIE ? p->exit_status : 0;
	f->children = p->child_usage;
}

static void signal_facts(struct process *p, struct task *t, struct proc_facts *f)
{
	signal_action_sets(p, &f->sig_ignored, &f->sig_caught);
	LOCK_GUARD(&p->sig_lock);
	f->sig_shared = p->shared_pending.set;
	f->sig_queued = (uint64_t)p->pending_count;
	f->sig_thread = t->pending.set;
	f->sig_blocked = t->blocked;
}

static void task_facts(struct task *t, struct proc_facts *f)
{
	snprintf(f->comm, sizeof(f->comm), "%.15s", t->comm);
	f->nice = t->nice;
	f->policy = t->sched.policy;
	f->priority = t->sched.priority;
	f->cpus = t->affinity[0];
	LOCK_GUARD(&t->proc->lock);
	f->threads = t->proc->live_tasks;
	f->sig_limit = t->proc->limits[LX_RLIMIT_SIGPENDING].rlim_cur;
	f->cred = cred_get(t->cred);
	f->mm = t->mm ? mm_get(t->mm) : NULL;
	f->umask = t->fs ? fsctx_umask(t->fs) : 0;
	f->fd_size = t->files ? t->files->capacity : 0;
}

int proc_facts_get(const struct pseudo_obj *o, struct proc_facts *f)
{
	struct task *t;
	bool stopped;
	int ret = proc_obj_alive(o);

	memset(f, 0, sizeof(*f));
	if (ret < 0)
		return ret;
	family_facts(o->proc, f);
	t = proc_obj_task(o);
	f->tid = o->task ? o->task->tid : f->pid;
	f->state = state_of(o->proc, t);
	f->start_ns = (o->task ? o->task->start_ns : o->proc->start_ns) - o->proc->k->boot_monotonic_ns;
	if (!t) {
		f->threads = 1;
		f->used = o->proc->usage_at_exit;
		snprintf(f->comm, sizeof(f->comm), "%.15s", o->proc->comm);
		return 0;
	}
	f->tracer = ptrace_tracer_pid(t, &stopped);
	if (stopped && f->state != 'Z')
		f->state = 't';
	task_facts(t, f);
	f->seccomp_mode = atomic_load(&t->entry.seccomp.mode);
	f->seccomp_filters = seccomp_filter_count(t);
	f->no_new_privs = f->cred && (f->cred->no_new_privs || atomic_load(&t->entry.seccomp.no_new_privs));
	signal_facts(o->proc, t, f);
	if (o->task)
		task_usage_get(t, &f->used);
	else
		process_usage_get(o->proc, &f->used);
	task_put(t);
	return 0;
}

void proc_facts_put(struct proc_facts *f)
{
	cred_put(f->cred);
	if (f->mm)
		mm_put(f->mm);
}

/* --- memory ---------------------------------------------------------------------------------------------------------------- */

void proc_memory(const struct kernel *k, uint64_t *total, uint64_t *free_bytes)
{
	uint64_t limit = k->spec ? k->spec->memory_limit : 0, used = (uint64_t)atomic_load(&k->memory_used);
	struct sysinfo host;

	*total = limit;
	*free_bytes = used < limit ? limit - used : 0;
	if (sysinfo(&host) < 0)
		return;
	if (!limit || limit > (uint64_t)host.totalram * host.mem_unit) {
		*total = (uint64_t)host.totalram * host.mem_unit;
		*free_bytes = (uint64_t)host.freeram * host.mem_unit;
	}
}

struct process *proc_dir_process(struct inode *i)
{
	const struct pseudo_obj *o = pseudo_dir_object(i, &proc_process);

	return o ? process_get(o->proc) : NULL;
}

static void add_size(const struct vma *v, void *arg)
{
	struct proc_sizes *s = arg;
	uint64_t pages = (v->end - v->start) / PAGE_SIZE_LX;

	if (v->name && !strcmp(v->name, "[stack]"))
		s->stack += pages;
	else if (v->prot & 4)
		s->code += pages;
	else if (v->prot & 2 && !v->file)
		s->data += pages;
}

void proc_sizes(struct mm *mm, struct proc_sizes *s)
{
	memset(s, 0, sizeof(*s));
	mm_for_each(mm, add_size, s);
	lock_take(&mm->lock);
	s->total = mm->total_pages;
	s->locked = mm->locked_pages;
	s->resident = mm->charged_bytes / PAGE_SIZE_LX;
	lock_drop(&mm->lock);
	if (s->resident > s->total)
		s->resident = s->total;
	if (s->resident == 0 && s->total)
		s->resident = 1;
}
