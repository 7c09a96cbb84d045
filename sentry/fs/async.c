/* Signals about files: see async.h. */
#include "sentry/fs/async.h"

#include <errno.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "abi/stat.h"
#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/session.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"

#define QUEUES 3
#define READABLE (LX_POLLIN | LX_POLLRDNORM)
#define WRITABLE (LX_POLLOUT | LX_POLLWRNORM)

struct async {
	struct ref ref;          /* the file's, and the work's */
	struct lock lock;        /* RANK_PIPE */
	/* protected by lock */
	int type, pid, signal;
	uint32_t uid, euid;      /* of who has set the owner */
	/* what readiness is told by; changed by async_turn() and async_file_gone(), under `turn` */
	struct lock turn;        /* RANK_FILE_POS */
	bool on;
	struct waiter waiters[QUEUES];
	uint32_t queues;
	bool socket;             /* immutable */
	/* atomic */
	_Atomic int fd[LX_POLL_HUP + 1]; /* through which it was asked for, by reason */
	_Atomic uint32_t pending; /* 1 << reason */
	atomic_bool queued;
	struct work work;
};

static const int64_t bands[LX_POLL_HUP + 1] = {
	[LX_POLL_IN] = READABLE,
	[LX_POLL_OUT] = WRITABLE | LX_POLLWRBAND,
	[LX_POLL_MSG] = LX_POLLIN | LX_POLLRDNORM | LX_POLLMSG,
	[LX_POLL_ERR] = LX_POLLERR,
	[LX_POLL_PRI] = LX_POLLPRI | LX_POLLRDBAND,
	[LX_POLL_HUP] = LX_POLLHUP | LX_POLLERR,
};

static struct async *async_of(struct file *f, bool make)
{
	struct async *a = atomic_load(&f->async), *none = NULL;

	if (a || !make)
		return a;
	a = mem_zalloc(sizeof(*a));
	if (!a)
		return NULL;
	ref_init(&a->ref);
	lock_init(&a->lock, RANK_PIPE, "async owner");
	lock_init(&a->turn, RANK_FILE_POS, "async turn");
	a->socket = f->inode->type == LX_S_IFSOCK;
	if (atomic_compare_exchange_strong(&f->async, &none, a))
		return a;
	mem_free(a);
	return none;
}

static void async_put(struct async *a)
{
	if (ref_put(&a->ref))
		mem_free(a);
}

/* --- owners ------------------------------------------------------------------------------------------------------------------- */

static bool exists(struct kernel *k, int type, int pid)
{
	struct process *p;
	struct pgrp *g;
	struct task *t;

	if (type == LX_F_OWNER_TID) {
		t = task_find(k, pid);
		task_put(t);
		return t != NULL;
	}
	if (type == LX_F_OWNER_PID) {
		p = process_find(k, pid);
		process_put(p);
		return p != NULL;
	}
	g = pgrp_find(k, pid);
	pgrp_put(g);
	return g != NULL;
}

int async_set_owner(struct task *t, struct file *f, int type, int pid, bool force)
{
	struct async *a;

	if (pid && !exists(t->k, type, pid))
		return -ESRCH;
	a = async_of(f, true);
	if (!a)
		return -ENOMEM;
	LOCK_GUARD(&a->lock);
	if (!force && a->pid)
		return 0;
	a->type = type;
	a->pid = pid;
	a->uid = t->cred->uid;
	a->euid = t->cred->euid;
	return 0;
}

void async_noted_owner(const struct file *f, int *type, int *pid)
{
	struct async *a = atomic_load(&f->async);

	*type = *pid = 0;
	if (!a)
		return;
	LOCK_GUARD(&a->lock);
	*type = a->type;
	*pid = a->pid;
}

void async_owner(struct file *f, int *type, int *pid)
{
	async_noted_owner(f, type, pid);
	if (*pid && !exists(the_kernel, *type, *pid))
		*pid = 0;
}

int async_set_signal(struct file *f, int signo)
{
	struct async *a = async_of(f, true);

	if (!a)
		return -ENOMEM;
	LOCK_GUARD(&a->lock);
	a->signal = signo;
	return 0;
}

int async_signal(struct file *f)
{
	struct async *a = async_of(f, false);

	if (!a)
		return 0;
	LOCK_GUARD(&a->lock);
	return a->signal;
}

/* --- sending -------------------------------------------------------------------------------------------------------------------- */

struct telling {
	int type, pid, signal, fd, reason;
	uint32_t uid, euid;
};

/* send_sigio_to_task of Linux: the signal with its words, or plain SIGIO where none was chosen or the queue is full. */
static void send_to(const struct telling *w, struct process *p, struct task *t)
{
	struct lx_siginfo info = { .si_signo = w->signal, .si_code = w->reason };

	if (w->euid != 0 && !signal_ids_may_send(w->uid, w->euid, p))
		return;
	if (w->signal) {
		/* Where the signal has codes of its own, POLL_IN would be taken for one of them. */
		if (w->signal != LX_SIGIO && signal_has_codes(w->signal))
			info.si_code = LX_SI_SIGIO;
		info.u.poll.band = bands[w->reason];
		info.u.poll.fd = w->fd;
		if ((t ? signal_send_task(t, &info) : signal_send_process(p, &info)) == 0)
			return;
	}
	siginfo_init_kill(&info, LX_SIGIO, NULL);
	if (t)
		signal_send_task(t, &info);
	else
		signal_send_process(p, &info);
}

static void send_to_group(const struct telling *w)
{
	struct pgrp *g = pgrp_find(the_kernel, w->pid);

	for (int pid = process_next(the_kernel, 0); g && pid; pid = process_next(the_kernel, pid)) {
		struct process *p = process_find(the_kernel, pid);

		if (p && p->pgrp == g)
			send_to(w, p, NULL);
		process_put(p);
	}
	pgrp_put(g);
}

static void tell(const struct telling *w)
{
	struct process *p;
	struct task *t;

	if (w->type == LX_F_OWNER_PGRP) {
		send_to_group(w);
	} else if (w->type == LX_F_OWNER_TID) {
		t = task_find(the_kernel, w->pid);
		if (t)
			send_to(w, t->proc, t);
		task_put(t);
	} else {
		p = process_find(the_kernel, w->pid);
		if (p)
			send_to(w, p, NULL);
		process_put(p);
	}
}

static void deliver(struct work *work)
{
	struct async *a = container_of(work, struct async, work);
	struct telling w;
	uint32_t bits;

	atomic_store(&a->queued, false);
	bits = atomic_exchange(&a->pending, 0);
	lock_take(&a->lock);
	w = (struct telling){ .type = a->type, .pid = a->pid, .signal = a->signal, .uid = a->uid, .euid = a->euid };
	lock_drop(&a->lock);
	for (w.reason = LX_POLL_IN; w.pid && w.reason <= LX_POLL_HUP; w.reason++) {
		if (!(bits & 1u << w.reason))
			continue;
		w.fd = atomic_load(&a->fd[w.reason]);
		tell(&w);
	}
	async_put(a);
}

static void post(struct async *a, int reason)
{
	atomic_fetch_or(&a->pending, 1u << reason);
	if (atomic_exchange(&a->queued, true))
		return;
	ref_get(&a->ref);
	a->work.fn = deliver;
	sched_defer(&a->work);
}

void async_post(struct file *f, int fd, int reason)
{
	struct async *a = async_of(f, false);

	if (!a)
		return;
	atomic_store(&a->fd[reason], fd);
	post(a, reason);
}

/* --- readiness -------------------------------------------------------------------------------------------------------------------- */

static bool on_wake(struct waiter *w, uint32_t events)
{
	struct async *a = container_of(w - w->index, struct async, waiters[0]);

	if (a->socket && events & LX_POLLHUP)
		post(a, LX_POLL_HUP);
	else if (events & w->events & READABLE)
		post(a, LX_POLL_IN);
	else if (events & w->events & WRITABLE)
		post(a, LX_POLL_OUT);
	return false; /* whoever waits for the event itself is still to have it */
}

struct turn_table {
	struct poll_table table;
	struct async *a;
};

static int join_queue(struct poll_table *table, struct waitq *q, uint32_t events)
{
	struct async *a = container_of(table, struct turn_table, table)->a;
	struct waiter *w;

	if (a->queues == QUEUES)
		return 0;
	w = &a->waiters[a->queues];
	*w = (struct waiter){ .events = events, .index = a->queues++, .wake = on_wake };
	waitq_add(q, w);
	return 0;
}

bool file_can_async(const struct file *f)
{
	return f->ops->fasync && f->ops->poll;
}

static void leave(struct async *a)
{
	for (uint32_t i = 0; i < a->queues; i++)
		waitq_remove(&a->waiters[i]);
	a->queues = 0;
}

int async_turn(struct file *f, int fd, bool on)
{
	struct async *a = async_of(f, true);
	struct turn_table tt = { .table = { .add = join_queue }, .a = a };
	/* Room to write is told for pipes only: elsewhere Linux speaks of it after a write that found none. */
	uint32_t out = f->inode->type == LX_S_IFIFO && f->writable ? WRITABLE : 0u;

	if (!a)
		return -ENOMEM;
	for (int i = 0; i <= LX_POLL_HUP; i++)
		atomic_store(&a->fd[i], fd);
	LOCK_GUARD(&a->turn);
	if (a->on == on)
		return 0;
	a->on = on;
	tt.table.events = (f->readable ? READABLE : 0u) | out | LX_POLLHUP;
	if (on)
		file_poll(f, &tt.table);
	else
		leave(a);
	return 0;
}

void async_file_gone(struct file *f)
{
	struct async *a = atomic_load(&f->async);

	if (!a)
		return;
	leave(a);
	async_put(a);
}
