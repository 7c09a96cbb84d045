#include "kernel_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#include "abi/signal.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/session.h"

void fixture_setup(struct kernel_fixture *f)
{
	struct cred *cred = cred_new(0, 0, NULL, 0);

	memset(f, 0, sizeof(*f));
	lock_init(&f->k.lock, RANK_KERNEL, "kernel");
	f->k.spec = &f->spec;
	f->k.cpus = 2;
	f->k.pids = pid_table_new();
	f->init = task_create_init(&f->k, cred);
	cr_assert(f->init);
	atomic_store(&f->init->run, RUN_HANDLER);
	cred_put(cred);
}

struct task *fixture_fork(struct task *parent)
{
	struct process *p = process_alloc(parent->k, sighand_copy(parent->proc->sighand));
	struct task *t = task_alloc(p, parent->cred);

	cr_assert(tasks_charge(parent->k) == 0);
	p->exit_signal = LX_SIGCHLD;
	memcpy(p->limits, parent->proc->limits, sizeof(p->limits));
	atomic_store(&t->run, RUN_HANDLER);
	lock_take(&parent->k->lock);
	cr_assert(task_publish(t, true) == 0);
	p->parent = parent->proc;
	list_push_back(&parent->proc->children, &p->sibling);
	process_inherit_pgrp(p, parent->proc);
	lock_drop(&parent->k->lock);
	process_put(p);
	task_put(t);
	return t;
}

struct task *fixture_thread(struct task *of)
{
	struct task *t = task_alloc(of->proc, of->cred);

	cr_assert(tasks_charge(of->k) == 0);
	atomic_store(&t->run, RUN_HANDLER);
	lock_take(&of->k->lock);
	cr_assert(task_publish(t, false) == 0);
	lock_drop(&of->k->lock);
	task_put(t);
	return t;
}

void fixture_exit(struct task *t, int status)
{
	task_exit(t, status);
}
