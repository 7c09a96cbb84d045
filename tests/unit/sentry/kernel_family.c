/* Exit, wait, re-parenting, groups and sessions, and the limits they count against. */
#include <criterion/criterion.h>
#include <errno.h>

#include "abi/signal.h"
#include "abi/wait.h"
#include "kernel_fixture.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/session.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/wait.h"

static struct kernel_fixture f;

static void setup(void)
{
	fixture_setup(&f);
}

TestSuite(kernel_family, .init = setup);

static int64_t wait_for(struct task *t, int type, int id, uint32_t options, struct wait_result *r)
{
	const struct wait_query q = { type, id, options | LX_WNOHANG };

	return process_wait(t, &q, r);
}

Test(kernel_family, zombie_until_waited_for)
{
	struct task *child = fixture_fork(f.init);
	int pid = task_pid(child);
	struct wait_result r;

	cr_assert_eq(wait_for(f.init, LX_P_ALL, 0, LX_WEXITED, &r), 0);
	cr_assert_eq(r.pid, 0);
	fixture_exit(child, LX_WSTATUS_EXITED(7));
	cr_assert(process_find(&f.k, pid), "the zombie bears the number");
	cr_assert_eq(wait_for(f.init, LX_P_ALL, 0, LX_WEXITED | LX_WNOWAIT, &r), 0);
	cr_assert_eq(r.pid, pid);
	cr_assert_eq(wait_for(f.init, LX_P_PID, pid, LX_WEXITED, &r), 0);
	cr_assert_eq(r.pid, pid);
	cr_assert_eq(r.code, LX_CLD_EXITED);
	cr_assert_eq(LX_WEXITSTATUS(r.status), 7);
	cr_assert_null(process_find(&f.k, pid));
	cr_assert_eq(wait_for(f.init, LX_P_ALL, 0, LX_WEXITED, &r), -ECHILD);
}

Test(kernel_family, exit_sends_sigchld)
{
	struct task *child = fixture_fork(f.init);
	struct lx_siginfo info;
	int pid = task_pid(child);

	signal_set_mask(f.init, SIGBIT(LX_SIGCHLD)); /* else its default action drops it */
	fixture_exit(child, LX_WSTATUS_SIGNALED(LX_SIGTERM));
	cr_assert_eq(signal_dequeue(f.init, SIGBIT(LX_SIGCHLD), &info), LX_SIGCHLD);
	cr_assert_eq(info.si_code, LX_CLD_KILLED);
	cr_assert_eq(info.u.chld.pid, pid);
	cr_assert_eq(info.u.chld.status, LX_SIGTERM);
}

Test(kernel_family, ignored_sigchld_reaps)
{
	struct task *child = fixture_fork(f.init);
	int pid = task_pid(child);

	f.init->proc->actions[LX_SIGCHLD - 1].handler = LX_SIG_IGN;
	fixture_exit(child, 0);
	cr_assert_null(process_find(&f.k, pid));
}

Test(kernel_family, orphans_go_to_init_or_the_subreaper)
{
	struct task *a = fixture_fork(f.init), *b = fixture_fork(a), *c = fixture_fork(b), *d = fixture_fork(b);

	a->proc->subreaper = true;
	fixture_exit(d, 0);
	fixture_exit(b, 0);
	cr_assert_eq(c->proc->parent, a->proc);
	fixture_exit(a, 0);
	cr_assert_eq(c->proc->parent, f.init->proc);
}

Test(kernel_family, last_thread_makes_the_zombie_and_exit_group_status_counts)
{
	struct task *a = fixture_fork(f.init), *b = fixture_thread(a);
	int pid = task_pid(a);
	struct wait_result r;

	fixture_exit(a, LX_WSTATUS_EXITED(1));
	cr_assert_eq(wait_for(f.init, LX_P_PID, pid, LX_WEXITED, &r), 0);
	cr_assert_eq(r.pid, 0);
	process_exit(b->proc, LX_WSTATUS_EXITED(9));
	cr_assert(atomic_load(&b->work) & WORK_EXIT);
	fixture_exit(b, LX_WSTATUS_EXITED(2));
	cr_assert_eq(wait_for(f.init, LX_P_PID, pid, LX_WEXITED, &r), 0);
	cr_assert_eq(LX_WEXITSTATUS(r.status), 9);
}

Test(kernel_family, limits_count_tasks_until_they_are_reaped)
{
	struct task *child = fixture_fork(f.init);
	struct wait_result r;

	cr_assert_eq(atomic_load(&f.k.tasks_used), 2);
	fixture_exit(child, 0);
	cr_assert_eq(atomic_load(&f.k.tasks_used), 2);
	wait_for(f.init, LX_P_ALL, 0, LX_WEXITED, &r);
	cr_assert_eq(atomic_load(&f.k.tasks_used), 1);
	cr_assert_eq(f.k.process_count, 1);
	cr_assert_eq(f.k.task_count, 1);
}

static int setpgid(struct task *caller, struct task *of, int pgid)
{
	int ret;

	lock_take(&f.k.lock);
	ret = process_set_pgid(caller->proc, of->proc, pgid);
	lock_drop(&f.k.lock);
	return ret;
}

Test(kernel_family, groups_and_sessions)
{
	struct task *a = fixture_fork(f.init), *b = fixture_fork(f.init), *c = fixture_fork(a);
	int pgid = task_pid(a);

	cr_assert_eq(a->proc->pgrp->id, 1);
	cr_assert_eq(setpgid(f.init, a, pgid), 0);
	cr_assert_eq(setpgid(f.init, b, pgid), 0);
	cr_assert_eq(b->proc->pgrp, a->proc->pgrp);
	cr_assert_eq(setpgid(f.init, b, 12345), -EPERM, "no such group");
	cr_assert_eq(setpgid(f.init, c, pgid), -ESRCH, "not a child of the caller");
	cr_assert_eq(setpgid(f.init, f.init, 1), -EPERM, "a session's leader stays");
	b->proc->execed = true;
	cr_assert_eq(setpgid(f.init, b, task_pid(b)), -EACCES);

	lock_take(&f.k.lock);
	cr_assert_eq(process_new_session(c->proc), 0);
	lock_drop(&f.k.lock);
	cr_assert_eq(c->proc->session->id, task_pid(c));
	cr_assert_eq(setpgid(a, c, pgid), -EPERM, "in another session");
}

Test(kernel_family, a_group_bears_its_number_after_its_leader)
{
	struct task *a = fixture_fork(f.init), *b = fixture_fork(f.init);
	int pgid = task_pid(a);
	struct wait_result r;

	setpgid(f.init, a, pgid);
	setpgid(f.init, b, pgid);
	fixture_exit(a, 0);
	wait_for(f.init, LX_P_PID, pgid, LX_WEXITED, &r);
	lock_take(&f.k.lock);
	cr_assert_not_null(pid_entry(&f.k, pgid)->pgrp);
	cr_assert_null(pid_entry(&f.k, pgid)->proc);
	lock_drop(&f.k.lock);
	fixture_exit(b, 0);
	cr_assert_eq(wait_for(f.init, LX_P_PGID, pgid, LX_WEXITED, &r), 0);
	lock_take(&f.k.lock);
	cr_assert_null(pid_entry(&f.k, pgid)->pgrp);
	lock_drop(&f.k.lock);
}
