/*
 * Which CPU a guest runs on. By default its lane's: there its calls and stops cost no wake across CPUs, which is ten
 * times the price of anything else here. Two things work against everybody crowding on one CPU:
 *
 *   A fresh address space (an exec) goes to another lane when its own has more to do.
 *   A thread that computes on a crowded lane, making no call for a whole tick, while another lane has nothing to do, is
 *   let loose: the host may run it anywhere. Once it makes calls again, it is taken back. This is the balancer thread's
 *   work; it sleeps while no lane is crowded.
 *
 * "Busy" is a tracee that is neither in a call nor held. The counts are read without a lock: they are for choosing, and
 * may be stale.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/prctl.h>

#include "platform/platform_impl.h"

enum {
	TICK_US = 8000,
	IDLE_TICKS = 25,   /* with no crowded lane, before the balancer sleeps */
	CALLS_TO_REPIN = 16, /* a tick */
	BALANCER_STACK = 128 * 1024,
};

/* What the current tracer thread is handling a stop of, or NULL: who asks for a fresh address space. */
static __thread struct tracee *current_stop;

void balance_stop_begins(struct tracee *t)
{
	current_stop = t;
	t->events++;
}

void balance_stop_ends(void)
{
	current_stop = NULL;
}

void balance_set_busy(struct tracee *t, bool busy)
{
	struct lane *l = t->lane;
	struct platform *p = l->platform;

	if (!busy)
		t->events++;
	else if (atomic_load(&t->reaped))
		return; /* answered after its death */
	if (atomic_exchange(&t->busy, busy) == busy)
		return;
	int n = atomic_fetch_add(&l->busy, busy ? 1 : -1);

	if (busy && n >= 1 && atomic_load_explicit(&p->balancer_sleeps, memory_order_relaxed)) {
		atomic_store(&p->balancer_sleeps, false);
		__atomic_fetch_add(&p->balance_gate, 1, __ATOMIC_SEQ_CST);
		host_futex_wake(&p->balance_gate, 1);
	}
}

/*
 * What would be left on the asker's lane: without the asker, whose exec ends it, and its parent, who most likely waits
 * for it.
 */
static int left_behind(struct lane *own)
{
	struct tracee *t = current_stop;
	int n = atomic_load(&own->busy);

	if (!t || t->lane != own)
		return n;
	n -= atomic_load(&t->busy);
	struct tracee *parent = t->parent_tid ? tracer_find(own, t->parent_tid) : NULL;

	return parent && parent != t && atomic_load(&parent->busy) ? n - 1 : n;
}

struct lane *balance_choose(struct platform *p)
{
	struct lane *own = calls_current_lane();
	struct lane *best = &p->lanes[0];

	if (!own)
		own = tracer_current_lane();
	for (int i = 1; i < p->lane_count; i++)
		if (atomic_load(&p->lanes[i].busy) < atomic_load(&best->busy))
			best = &p->lanes[i];
	return own && left_behind(own) <= atomic_load(&best->busy) ? own : best;
}

static bool is_idle_elsewhere(const struct lane *crowded)
{
	struct platform *p = crowded->platform;

	for (int i = 0; i < p->lane_count; i++)
		if (&p->lanes[i] != crowded && atomic_load(&p->lanes[i].busy) == 0)
			return true;
	return false;
}

/* One look at a lane. The tracees' event counts of the last look tell who computes. */
static void look_at(struct lane *l)
{
	struct tracee *t;
	bool crowded = atomic_load(&l->busy) >= 2 && is_idle_elsewhere(l);

	LOCK_GUARD(&l->lock);
	list_for_each(t, &l->tracees, link) {
		uint32_t since = t->events - t->events_seen;

		t->events_seen = t->events;
		if (atomic_load(&t->reaped))
			continue;
		if (t->loose && since >= CALLS_TO_REPIN) {
			host_pin(t->tid, l->cpu);
			t->loose = false;
		} else if (crowded && !t->loose && since == 0 && atomic_load(&t->busy)) {
			host_unpin(t->tid);
			t->loose = true;
			crowded = false; /* one a tick */
		}
	}
}

/* True when some lane has somebody to spare, or a loose one. */
static bool tick(struct platform *p)
{
	bool crowded = false;

	for (int i = 0; i < p->lane_count; i++) {
		if (atomic_load(&p->lanes[i].busy) < 2)
			continue;
		crowded = true;
		look_at(&p->lanes[i]);
	}
	return crowded;
}

static void *balancer_main(void *arg)
{
	struct platform *p = arg;
	int idle = 0;

	prctl(PR_SET_NAME, "picket-balance");
	platform_thread_setup(NULL);
	platform_wait_gate(p);
	while (!atomic_load(&p->workers_ending)) {
		uint32_t seen = __atomic_load_n(&p->balance_gate, __ATOMIC_SEQ_CST);

		idle = tick(p) ? 0 : idle + 1;
		atomic_store(&p->balancer_sleeps, idle >= IDLE_TICKS);
		host_futex_wait_for(&p->balance_gate, seen, idle >= IDLE_TICKS ? -1 : TICK_US);
	}
	return NULL;
}

int balance_start(struct platform *p)
{
	pthread_attr_t attr;

	if (p->lane_count < 2)
		return 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, BALANCER_STACK);
	int err = -pthread_create(&p->balancer, &attr, balancer_main, p);

	pthread_attr_destroy(&attr);
	p->has_balancer = !err;
	return err;
}

void balance_end(struct platform *p)
{
	if (!p->has_balancer)
		return;
	__atomic_fetch_add(&p->balance_gate, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&p->balance_gate, 1);
	pthread_join(p->balancer, NULL);
}
