/*
 * Calls: the workers that receive them, and their completion. One worker of a lane is its receiver; it also runs the
 * handler, so that a call is answered on the CPU and by the thread that the guest woke. The others are stuck in the
 * host, or spare.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/mem.h"
#include "platform/fast/fast.h"

enum { WORKER_STACK = 512 * 1024 };

/* The thread-specific "who am I" of a worker. */
static __thread struct worker *current_worker;

struct tracee *call_begin(struct lane *l, pid_t tid)
{
	LOCK_GUARD(&l->lock);
	struct tracee *t = tid > 0 && tid < TID_LIMIT ? atomic_load(&l->platform->by_tid[tid]) : NULL;

	if (!t || t->lane != l)
		return NULL;
	t->delivering++;
	return t;
}

void call_end(struct tracee *t)
{
	struct lane *l = t->lane;

	lock_take(&l->lock);
	bool gone = --t->delivering == 0 && t->gone_waits;

	lock_drop(&l->lock);
	if (gone)
		request_post(t, REQUEST_GONE);
}

struct lane *calls_current_lane(void)
{
	return current_worker ? current_worker->lane : NULL;
}

/* Waits until the lane has no receiver, and becomes it. False when the platform ends. */
static bool become_receiver(struct worker *w)
{
	struct lane *l = w->lane;

	for (;;) {
		uint32_t seen = __atomic_load_n(&l->spare_gate, __ATOMIC_ACQUIRE);

		lock_take(&l->lock);
		if (!l->receiver) {
			l->receiver = w;
			w->wake = 1; /* there may be answers to give, from when there was no receiver */
		}
		bool mine = l->receiver == w;

		lock_drop(&l->lock);
		if (atomic_load(&l->platform->workers_ending))
			return false;
		if (mine)
			return true;
		host_futex_wait(&l->spare_gate, seen);
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct platform *p = w->lane->platform;

	current_worker = w;
	prctl(PR_SET_NAME, "picket-worker");
	__atomic_store_n(&w->tid, host_gettid(), __ATOMIC_SEQ_CST);
	platform_thread_setup(w->lane);
	platform_wait_gate(p);
	while (become_receiver(w)) {
		struct tracee *t = p->ops->receive(w);

		if (!t)
			continue;
		p->handler->call(t, t->cookie, &t->call);
		call_end(t);
	}
	return NULL;
}

int worker_start(struct lane *l)
{
	struct worker *w = mem_zalloc(sizeof(*w));
	pthread_attr_t attr;

	if (!w)
		return -ENOMEM;
	w->lane = l;
	lock_take(&l->lock);
	int at = l->worker_count < WORKERS_MAX ? l->worker_count++ : -1;

	if (at >= 0)
		l->workers[at] = w;
	lock_drop(&l->lock);
	if (at < 0) {
		mem_free(w);
		return -EAGAIN;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	int err = -pthread_create(&w->thread, &attr, worker_main, w);

	pthread_attr_destroy(&attr);
	w->started = !err;
	return err;
}

static void wake_worker(struct worker *w)
{
	pid_t tid = __atomic_load_n(&w->tid, __ATOMIC_SEQ_CST);

	__atomic_store_n(&w->wake, 1, __ATOMIC_SEQ_CST);
	if (tid)
		host_tgkill(w->lane->platform->self, tid, PLATFORM_SIGNAL);
}

void workers_end(struct lane *l)
{
	__atomic_fetch_add(&l->spare_gate, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&l->spare_gate, INT32_MAX);
	__atomic_fetch_add(&l->call_gate, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&l->call_gate, INT32_MAX);
	for (int i = 0; i < l->worker_count; i++) {
		if (!l->workers[i]->started)
			continue;
		wake_worker(l->workers[i]);
		pthread_join(l->workers[i]->thread, NULL);
	}
	for (int i = 0; i < l->worker_count; i++)
		mem_free(l->workers[i]);
}

static bool has_spare(struct lane *l)
{
	lock_assert_held(&l->lock);
	return l->worker_count > l->stuck + 1;
}

void platform_stuck_begin(void)
{
	struct worker *w = current_worker;

	if (!w)
		return;
	struct lane *l = w->lane;

	lock_take(&l->lock);
	bool was = l->receiver == w;

	if (was)
		l->receiver = NULL;
	bool spare = has_spare(l);

	l->stuck++;
	lock_drop(&l->lock);
	if (!was)
		return;
	if (spare) {
		__atomic_fetch_add(&l->spare_gate, 1, __ATOMIC_SEQ_CST);
		host_futex_wake(&l->spare_gate, 1);
	} else {
		worker_start(l); /* where it fails, the lane waits for this worker: slow, not wrong */
	}
}

void platform_stuck_end(void)
{
	struct worker *w = current_worker;

	if (!w)
		return;
	LOCK_GUARD(&w->lane->lock);
	w->lane->stuck--;
}

/*
 * A tracer thread lives in the pocket, where there is no listener: its answers are given by the lane's receiver. Not
 * worth a queue on platforms that complete calls on the tracer anyway.
 */
static bool defer(struct tracee *t, bool pass, int64_t ret)
{
	struct lane *l = t->lane;

	if (!tracer_current_lane() || !t->platform->ops->at_entry)
		return false;
	lock_take(&l->lock);
	t->pass = pass;
	t->answer = ret;
	list_push_back(&l->calls, &t->call_link);
	struct worker *w = l->receiver;

	lock_drop(&l->lock);
	if (w)
		wake_worker(w);
	return true;
}

void platform_answer(struct tracee *t, int64_t ret)
{
	if (__builtin_expect(atomic_load_explicit(&t->watch.wanted, memory_order_relaxed) != 0, 0))
		fast_answers(t, ret);
	if (!defer(t, false, ret))
		t->platform->ops->answer(t, ret);
}

void platform_pass(struct tracee *t)
{
	if (!defer(t, true, 0))
		t->platform->ops->pass(t);
}

void platform_kick(struct tracee *t)
{
	if (!atomic_load(&t->reaped))
		host_tgkill(t->proc->tgid, t->tid, PLATFORM_SIGNAL);
}

void platform_answer_stop(struct tracee *t, int64_t ret)
{
	platform_kick(t);
	platform_answer(t, ret);
}

void platform_kill(struct tracee *t)
{
	if (!atomic_load(&t->reaped))
		kill(t->proc->tgid, SIGKILL);
}
