/* Blocking, waking, and running again: see sched.h for the states and the idea. */
#include "sentry/kernel/sched.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/io/io.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/signal.h"
#include "sentry/kernel/task.h"

/* What this thread has made ready, in order; and whether it may run handlers. Owned by the thread. */
static _Thread_local struct {
	struct task *head, *tail;
	bool tracer;
} self;

/* Tasks made ready by tracer threads, and deferred work: for the reactor. Lock-free stacks; taken whole. */
static struct task *_Atomic orphans;
static struct work *_Atomic deferred;
static void (*wake_reactor)(void); /* immutable after sched_init() */

void sched_init(void (*wake)(void))
{
	wake_reactor = wake;
}

void sched_thread_is_tracer(void)
{
	self.tracer = true;
}

bool sched_on_tracer(void)
{
	return self.tracer;
}

/* --- making ready ------------------------------------------------------------------------------------------------- */

static void ready_push(struct task *t)
{
	task_get(t);
	if (self.tracer) {
		struct task *head = atomic_load(&orphans);

		do
			t->ready_next = head;
		while (!atomic_compare_exchange_weak(&orphans, &head, t));
		if (!head)
			wake_reactor();
		return;
	}
	t->ready_next = NULL;
	if (self.tail)
		self.tail->ready_next = t;
	else
		self.head = t;
	self.tail = t;
}

void task_wake(struct task *t)
{
	for (;;) {
		int state = atomic_load(&t->run);

		if (state == RUN_BLOCKED) {
			if (!atomic_compare_exchange_strong(&t->run, &state, RUN_READY))
				continue;
			ready_push(t);
			return;
		}
		if (state != RUN_HANDLER && state != RUN_HELD)
			return;
		/* Its runner looks at `woken` after it has published BLOCKED or HELD: one of the two sees the other. */
		atomic_store(&t->woken, true);
		if (atomic_load(&t->run) == state)
			return;
	}
}

void task_notify(struct task *t)
{
	switch (atomic_load(&t->run)) {
	case RUN_GUEST:
		lock_take(&t->tracee_lock);
		if (t->tracee)
			platform_kick(t->tracee);
		lock_drop(&t->tracee_lock);
		break;
	case RUN_HELD:
		atomic_store(&t->woken, true);
		lock_take(&t->tracee_lock);
		if (t->tracee)
			platform_rerun_held(t->tracee);
		lock_drop(&t->tracee_lock);
		break;
	default:
		task_wake(t);
	}
}

void sched_defer(struct work *w)
{
	struct work *head = atomic_load(&deferred);

	do
		w->next = head;
	while (!atomic_compare_exchange_weak(&deferred, &head, w));
	if (!head)
		wake_reactor();
}

/* --- running ------------------------------------------------------------------------------------------------------- */

void sched_drain(void)
{
	while (self.head) {
		struct task *t = self.head;

		self.head = t->ready_next;
		if (!self.head)
			self.tail = NULL;
		atomic_store(&t->run, RUN_HANDLER);
		dispatch_rerun(t);
		task_put(t);
	}
}

/* Turns a stack into the order in which it was pushed. */
static struct work *reverse(struct work *w)
{
	struct work *out = NULL;

	while (w) {
		struct work *next = w->next;

		w->next = out;
		out = w;
		w = next;
	}
	return out;
}

void sched_run_deferred(void)
{
	struct work *w = reverse(atomic_exchange(&deferred, NULL));
	struct task *t = atomic_exchange(&orphans, NULL);

	while (t) {
		struct task *next = t->ready_next;

		t->ready_next = NULL;
		if (self.tail)
			self.tail->ready_next = t;
		else
			self.head = t;
		self.tail = t;
		t = next;
	}
	while (w) {
		struct work *next = w->next;

		w->fn(w);
		w = next;
	}
	sched_drain();
}

bool sched_has_deferred(void)
{
	return atomic_load(&deferred) || atomic_load(&orphans);
}

/* --- blocking ------------------------------------------------------------------------------------------------------ */

static bool wake_task(struct waiter *w, uint32_t events)
{
	(void)events;
	task_wake(container_of(w, struct task_waiter, w)->t);
	return true;
}

static struct task_waiter *waiter_slot(struct block *b)
{
	if (b->used < BLOCK_INLINE_WAITERS)
		return &b->inline_waiters[b->used];
	if (b->used - BLOCK_INLINE_WAITERS >= b->cap) {
		/* Waiters are linked into queues: they cannot move, so that growing is chaining blocks of them. */
		uint32_t n = b->cap ? b->cap : 16;
		struct task_waiter *block = mem_calloc(n + 1, sizeof(*block));

		if (!block)
			return NULL;
		block[0].t = (struct task *)(void *)b->more; /* slot 0 chains to the block before */
		b->more = block;
		b->cap += n;
		b->more_free = n;
	}
	return &b->more[b->more_free--];
}

int task_wait_on_file(struct task *t, struct waitq *q, uint32_t events, struct file *f)
{
	struct task_waiter *w = waiter_slot(&t->blk);

	if (!w)
		return -ENOMEM;
	t->blk.used++;
	w->t = t;
	w->file = f ? file_get(f) : NULL;
	w->w = (struct waiter){ .events = events, .wake = wake_task };
	waitq_add(q, &w->w);
	return 0;
}

int task_wait_on(struct task *t, struct waitq *q, uint32_t events)
{
	return task_wait_on_file(t, q, events, NULL);
}

static void let_go(struct file *f)
{
	if (self.tracer)
		file_put_deferred(f);
	else
		file_put(f);
}

static void waiter_leave(struct task_waiter *w)
{
	struct file *f = w->file;

	waitq_remove(&w->w);
	w->file = NULL;
	let_go(f);
}

static void block_clear_waiters(struct block *b)
{
	uint32_t total = b->used, in_line = total < BLOCK_INLINE_WAITERS ? total : BLOCK_INLINE_WAITERS;
	struct task_waiter *block = b->more;

	for (uint32_t i = 0; i < in_line; i++)
		waiter_leave(&b->inline_waiters[i]);
	if (block) {
		/* Blocks double the capacity: their sizes are 16, 16, 32, 64, ... from the first made to the last. */
		uint32_t n = b->cap <= 16 ? b->cap : b->cap / 2;

		for (;;) {
			struct task_waiter *before = (struct task_waiter *)(void *)block[0].t;

			for (uint32_t i = 1; i <= n; i++)
				waiter_leave(&block[i]);
			mem_free(block);
			if (!before)
				break;
			n = n <= 16 ? 16 : n / 2;
			block = before;
		}
		b->more = NULL;
		b->cap = 0;
		b->more_free = 0;
	}
	b->used = 0;
}

static void deadline_passed(struct ktimer *timer)
{
	task_wake(container_of(timer, struct task, blk.timer));
}

void block_begin(struct task *t)
{
	struct block *b = &t->blk;

	b->rerun = b->timed_out = b->has_deadline = b->fired = false;
	b->deadline = KTIMER_NEVER;
	memset(b->scratch, 0, sizeof(b->scratch));
	b->data = NULL;
	b->data_free = NULL;
	b->timer.fn = deadline_passed;
}

void block_rerun(struct task *t)
{
	if (t->blk.used)
		block_clear_waiters(&t->blk);
	t->blk.rerun = true;
}

void block_end(struct task *t)
{
	struct block *b = &t->blk;

	if (b->used)
		block_clear_waiters(b);
	if (b->has_deadline)
		ktimer_cancel(&b->timer);
	if (b->io)
		io_op_abandon(t);
	if (b->data && b->data_free)
		b->data_free(b->data);
	b->data = NULL;
	b->data_free = NULL;
	if (b->waited)
		let_go(b->waited);
	b->waited = NULL;
}

struct file *task_call_file(struct task *t, int fd)
{
	return t->blk.waited ? file_get(t->blk.waited) : fd_get_io(t, fd);
}

void task_set_deadline(struct task *t, int64_t monotonic_ns)
{
	if (t->blk.has_deadline || monotonic_ns == KTIMER_NEVER)
		return;
	t->blk.has_deadline = true;
	t->blk.deadline = monotonic_ns;
}

int64_t task_block(struct task *t)
{
	uint32_t work = atomic_load(&t->work);

	if (work & (WORK_EXIT | WORK_STOP | WORK_PTRACE))
		return -ERESTARTSYS;
	if ((work & WORK_SIGNAL) && signal_pending(t))
		return -ERESTARTSYS;
	if (t->blk.has_deadline) {
		if (host_monotonic_ns() >= t->blk.deadline) {
			t->blk.timed_out = true;
			return -ETIMEDOUT;
		}
		if (ktimer_arm(&t->blk.timer, t->blk.deadline) < 0)
			return -ENOMEM;
	}
	return SYS_BLOCKED;
}

struct task_poll {
	struct poll_table table;
	struct task *t;
	struct file *f;
};

static int task_poll_add(struct poll_table *table, struct waitq *q, uint32_t events)
{
	struct task_poll *poll = container_of(table, struct task_poll, table);

	return task_wait_on_file(poll->t, q, events, poll->f);
}

#define POLL_ALWAYS 0x18u /* POLLERR | POLLHUP: reported whether asked for or not */

int64_t task_wait_file(struct task *t, struct file *f, uint32_t events)
{
	struct task_poll poll = { .table = { .add = task_poll_add, .events = events | POLL_ALWAYS }, .t = t, .f = f };
	int64_t ret;

	if (!t->blk.waited)
		t->blk.waited = file_get(f);
	if (file_poll(f, &poll.table) & (events | POLL_ALWAYS))
		return SYS_AGAIN;
	ret = task_block(t);
	if (ret == -ETIMEDOUT)
		return -EAGAIN;
	return ret == -ERESTARTSYS && t->blk.has_deadline ? -EINTR : ret;
}
