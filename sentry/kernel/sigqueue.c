/* Pending signals: queues, masks, and when WORK_SIGNAL is set. Everything static here runs under proc->sig_lock. */
#include "sentry/kernel/sigqueue.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/kernel/ptrace.h"

/* A guest with an unlimited RLIMIT_SIGPENDING shall not use up the sentry's memory. */
#define QUEUE_MAX 65536

int sigqueue_add(struct process *p, struct sigpending *q, const struct lx_siginfo *info)
{
	uint64_t limit = p->limits[LX_RLIMIT_SIGPENDING].rlim_cur;
	struct sigqueue_entry *e = NULL;

	/* As in Linux, what only the bit can tell (a plain kill) is never refused, and what the kernel sends is never counted. */
	if ((uint64_t)p->pending_count < limit && p->pending_count < QUEUE_MAX)
		e = mem_alloc(sizeof(*e));
	if (!e && info->si_signo >= LX_SIGRTMIN && info->si_code != LX_SI_USER)
		return -EAGAIN;
	q->set |= SIGBIT(info->si_signo);
	if (!e)
		return 0;
	e->info = *info;
	e->timer = NULL;
	list_push_back(&q->queue, &e->link);
	p->pending_count++;
	return 0;
}

void sigqueue_add_entry(struct sigpending *q, struct sigqueue_entry *e)
{
	q->set |= SIGBIT(e->info.si_signo);
	list_push_back(&q->queue, &e->link);
}

static void entry_drop(struct process *p, struct sigqueue_entry *e)
{
	list_remove(&e->link);
	if (e->timer)
		return;
	p->pending_count--;
	mem_free(e);
}

static int first_of(uint64_t set)
{
	uint64_t sync = set & SIGNALS_SYNCHRONOUS;

	return __builtin_ctzll(sync ? sync : set) + 1;
}

int sigqueue_take(struct process *p, struct sigpending *q, uint64_t set, struct lx_siginfo *info)
{
	struct sigqueue_entry *e, *found = NULL;
	int signo, more = 0;

	set &= q->set;
	if (!set)
		return 0;
	signo = first_of(set);
	list_for_each(e, &q->queue, link) {
		if (e->info.si_signo != signo)
			continue;
		if (found) {
			more = 1;
			break;
		}
		found = e;
	}
	if (!more)
		q->set &= ~SIGBIT(signo);
	if (!found) {
		memset(info, 0, sizeof(*info));
		info->si_signo = signo;
		return signo;
	}
	*info = found->info;
	if (found->timer)
		posix_timer_taken(found->timer, info);
	entry_drop(p, found);
	return signo;
}

void sigqueue_flush(struct process *p, struct sigpending *q, uint64_t set)
{
	struct sigqueue_entry *e, *next;

	if (!(q->set & set))
		return;
	q->set &= ~set;
	list_for_each_safe(e, next, &q->queue, link)
		if (set & SIGBIT(e->info.si_signo))
			entry_drop(p, e);
}

void sigqueue_flush_all(struct process *p, uint64_t set)
{
	struct task *t;

	sigqueue_flush(p, &p->shared_pending, set);
	list_for_each(t, &p->tasks, proc_link)
		sigqueue_flush(p, &t->pending, set);
}

bool signal_is_ignored(const struct process *p, int signo)
{
	uint64_t handler = p->actions[signo - 1].handler;

	if (SIGBIT(signo) & LX_SIG_UNMASKABLE)
		return false;
	return handler == LX_SIG_IGN || (handler == LX_SIG_DFL && (SIGBIT(signo) & SIGNALS_DEFAULT_IGNORE));
}

bool signal_recalc(struct task *t)
{
	struct process *p = t->proc;
	uint64_t set = (t->pending.set | p->shared_pending.set) & ~t->blocked;

	lock_assert_held(&p->sig_lock);
	for (uint64_t left = set; left; left &= left - 1) {
		int signo = __builtin_ctzll(left) + 1;

		if (ptrace_is_traced(t) || !signal_is_ignored(p, signo))
			continue;
		set &= ~SIGBIT(signo);
		sigqueue_flush(p, &t->pending, SIGBIT(signo));
		sigqueue_flush(p, &p->shared_pending, SIGBIT(signo));
	}
	if (set)
		atomic_fetch_or(&t->work, WORK_SIGNAL);
	else if (atomic_load(&t->work) & WORK_SIGNAL)
		atomic_fetch_and(&t->work, ~(uint32_t)WORK_SIGNAL);
	return set != 0;
}

bool signal_pending(struct task *t)
{
	uint32_t work = atomic_load(&t->work);

	if (work & (WORK_EXIT | WORK_STOP | WORK_PTRACE))
		return true;
	if (!(work & WORK_SIGNAL))
		return false;
	LOCK_GUARD(&t->proc->sig_lock);
	return signal_recalc(t);
}

int signal_dequeue_locked(struct task *t, uint64_t set, struct lx_siginfo *info)
{
	int signo = sigqueue_take(t->proc, &t->pending, set, info);

	return signo ? signo : sigqueue_take(t->proc, &t->proc->shared_pending, set, info);
}

int signal_dequeue(struct task *t, uint64_t set, struct lx_siginfo *info)
{
	int signo;

	LOCK_GUARD(&t->proc->sig_lock);
	signo = signal_dequeue_locked(t, set, info);
	if (signo)
		signal_recalc(t);
	return signo;
}

/* What this task no longer takes from the shared queue, another may. */
static void retarget(struct task *t, uint64_t newly_blocked)
{
	struct process *p = t->proc;
	uint64_t set = p->shared_pending.set & newly_blocked;
	struct task *other;

	if (!set)
		return;
	list_for_each(other, &p->tasks, proc_link) {
		if (other == t || !(set & ~other->blocked))
			continue;
		set &= other->blocked;
		atomic_fetch_or(&other->work, WORK_SIGNAL);
		task_notify(other);
	}
}

static void set_mask_locked(struct task *t, uint64_t mask)
{
	uint64_t old = t->blocked;

	t->blocked = mask & ~LX_SIG_UNMASKABLE;
	retarget(t, t->blocked & ~old);
	signal_recalc(t);
}

void signal_set_mask(struct task *t, uint64_t mask)
{
	LOCK_GUARD(&t->proc->sig_lock);
	set_mask_locked(t, mask);
}

void signal_temp_mask(struct task *t, uint64_t mask)
{
	LOCK_GUARD(&t->proc->sig_lock);
	if (!t->restore_mask)
		t->saved_mask = t->blocked;
	t->restore_mask = true;
	set_mask_locked(t, mask);
}

void signal_restore_mask(struct task *t)
{
	LOCK_GUARD(&t->proc->sig_lock);
	if (!t->restore_mask)
		return;
	t->restore_mask = false;
	set_mask_locked(t, t->saved_mask);
}
