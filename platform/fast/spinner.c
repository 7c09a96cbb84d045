/*
 * The spinner: one thread that polls the slots, on a CPU that has nothing else to do. It leaves at once when that is no
 * longer so: when as many guests are busy as there are CPUs, when it finds that it was preempted, when nobody has asked
 * for a while. It says so in the slots, and guests that did not hear it find out by waiting in vain once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "platform/fast/fast.h"
#include "platform/fast/slot.h"

#define IDLE_NS 100000      /* without a request, before it parks */
#define GAP_NS 40000        /* between two looks around: it was not running */
#define REST_MIN_NS 1000000
#define REST_MAX_NS 256000000
#define STALE_NS 30000      /* a beat that old: it is not running now */

enum { ROUNDS = 64, COPY_ROUNDS = 1000, SPINNER_STACK = 512 * 1024 };

/* --- claims --------------------------------------------------------------------------------------------------------------- */

bool claim_try(struct fast_record *r)
{
	uint32_t expected = CLAIM_FREE;

	return __atomic_compare_exchange_n(&r->claim, &expected, CLAIM_HELD, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void claim_take(struct fast_record *r)
{
	if (claim_try(r))
		return;
	while (__atomic_exchange_n(&r->claim, CLAIM_WAITED, __ATOMIC_SEQ_CST) != CLAIM_FREE)
		host_futex_wait(&r->claim, CLAIM_WAITED);
}

void claim_drop(struct fast_record *r)
{
	if (__atomic_exchange_n(&r->claim, CLAIM_FREE, __ATOMIC_SEQ_CST) == CLAIM_WAITED)
		host_futex_wake(&r->claim, INT32_MAX);
}

/* --- one call ------------------------------------------------------------------------------------------------------------- */

/* The guest's request, copied once. False when it has withdrawn it. */
static bool take(struct slot *s, struct call_info *c)
{
	uint32_t expected = SLOT_REQUEST;

	if (!__atomic_compare_exchange_n(&s->state, &expected, SLOT_TAKEN, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return false;
	*c = (struct call_info){ .nr = *(volatile int64_t *)&s->nr };
	for (int i = 0; i < 6; i++)
		c->arg[i] = *(volatile uint64_t *)&s->arg[i];
	return true;
}

/* The slot of the call whose handler runs on this thread; NULL where its thread has not copied when it was to. */
static __thread struct fast_record *serving;

/*
 * A thread that does not run, or meets a fault, does not answer; it may do its copying yet, and so this is the last that it
 * is asked for in this call. (A handler that fills the same memory twice by other means could then see the first again.)
 */
static bool ask_for_copy(struct slot *s)
{
	uint32_t expected = SLOT_COPY;

	__atomic_store_n(&s->state, SLOT_COPY, __ATOMIC_SEQ_CST);
	for (int i = 0; i < COPY_ROUNDS && __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == SLOT_COPY; i++)
		arch_relax();
	__atomic_compare_exchange_n(&s->state, &expected, SLOT_TAKEN, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expected == SLOT_COPIED;
}

bool fast_copy(struct tracee *t, bool write, void *local, uint64_t remote, uint64_t n)
{
	struct fast_record *r = serving;
	uint64_t data = arch_window()->slot + offsetof(struct slot, data);

	if (!r || r->tracee != t || n > sizeof(r->slot->data))
		return false;
	struct slot *s = r->slot;

	if (write)
		memcpy(s->data, local, n);
	s->copy_from = write ? data : remote;
	s->copy_to = write ? remote : data;
	s->copy_len = n;
	if (!ask_for_copy(s)) {
		serving = NULL;
		return false;
	}
	__atomic_store_n(&s->state, SLOT_TAKEN, __ATOMIC_SEQ_CST);
	if (!write)
		memcpy(local, s->data, n);
	return true;
}

/* Under the claim. */
static void serve(struct fast_record *r, struct tracee *t, const struct call_info *c)
{
	const struct platform_handler *h = t->platform->handler;
	struct slot *s = r->slot;
	int64_t ret;

	t->events++;
	serving = r;
	enum quick how = h->quick(t, t->cookie, c, &ret);

	serving = NULL;
	switch (how) {
	case QUICK_DONE:
		s->nr = ret;
		__atomic_store_n(&s->state, SLOT_DONE, __ATOMIC_RELEASE);
		break;
	case QUICK_STOP:
		r->answer = ret;
		r->answered = true;
		platform_kick(t);
		break;
	case QUICK_REFUSED:
		__atomic_store_n(&s->state, SLOT_REFUSED, __ATOMIC_RELEASE);
		break;
	}
	h->quick_end(t, t->cookie);
}

static bool look_at(struct fast_record *r)
{
	struct call_info c;
	bool served = false;

	if (!atomic_load_explicit(&r->on, memory_order_relaxed) || __atomic_load_n(&r->slot->state, __ATOMIC_ACQUIRE) != SLOT_REQUEST)
		return false;
	if (!claim_try(r))
		return false;
	/* `on` and the tracee change under the claim alone. */
	if (atomic_load(&r->on) && !r->answered && take(r->slot, &c)) {
		serve(r, r->tracee, &c);
		served = true;
	}
	claim_drop(r);
	return served;
}

static bool look_at_all(struct fast_state *f)
{
	bool any = false;

	for (int i = 0; i < FAST_SLOTS; i++)
		if (atomic_load_explicit(&f->record[i].used, memory_order_relaxed))
			any |= look_at(&f->record[i]);
	return any;
}

/* --- when ------------------------------------------------------------------------------------------------------------------ */

static void arm_all(struct fast_state *f, uint32_t armed)
{
	for (int i = 0; i < FAST_SLOTS; i++)
		if (atomic_load(&f->record[i].used))
			__atomic_store_n(&f->record[i].slot->armed, armed, __ATOMIC_SEQ_CST);
}

/* A lane's CPU that no guest is using, while some other one is; -1 where there is none. */
static int free_cpu(const struct fast_state *f)
{
	struct platform *p = f->platform;
	int busy = 0, cpu = -1;

	for (int i = 0; i < p->lane_count; i++) {
		int n = atomic_load_explicit(&p->lanes[i].busy, memory_order_relaxed);

		busy += n;
		if (n == 0)
			cpu = p->lanes[i].cpu;
	}
	return f->mode == PLATFORM_QUICK_FORCED || busy < p->lane_count ? cpu : -1;
}

static void rest(struct fast_state *f, int64_t now)
{
	f->rest_ns = f->rest_ns * 2 < REST_MAX_NS ? f->rest_ns * 2 : REST_MAX_NS;
	atomic_store(&f->rests_until_ns, now + f->rest_ns);
}

/* Until there is a reason to stop. */
static void poll_slots(struct fast_state *f)
{
	int64_t last = host_monotonic_ns(), before = last;
	int served = 0;
	bool forced = f->mode == PLATFORM_QUICK_FORCED;

	while (!atomic_load_explicit(&f->ending, memory_order_relaxed)) {
		bool any = false;

		for (int i = 0; i < ROUNDS && !any; i++) {
			any = look_at_all(f);
			arch_relax();
		}
		int64_t now = host_monotonic_ns();

		atomic_store_explicit(&f->beat_ns, now, memory_order_relaxed);
		served += any;
		if (any)
			last = now;
		if (!any && now - before > GAP_NS && !forced) {
			rest(f, now);
			return;
		}
		before = now;
		if (now - last > IDLE_NS || (!forced && free_cpu(f) < 0))
			break;
	}
	if (served > 200)
		f->rest_ns = REST_MIN_NS / 2;
}

static void *spinner_main(void *arg)
{
	struct fast_state *f = arg;

	prctl(PR_SET_NAME, "picket-spinner");
	platform_thread_setup(NULL);
	while (!atomic_load(&f->ending)) {
		uint32_t seen = __atomic_load_n(&f->gate, __ATOMIC_SEQ_CST);
		int cpu = atomic_load(&f->polls) ? free_cpu(f) : -1;

		if (cpu >= 0 || (atomic_load(&f->polls) && f->mode == PLATFORM_QUICK_FORCED)) {
			if (cpu >= 0)
				host_pin(0, cpu);
			arm_all(f, 1);
			poll_slots(f);
			arm_all(f, 0);
			look_at_all(f); /* who asked before it heard */
		}
		atomic_store(&f->polls, false);
		host_futex_wait(&f->gate, seen);
	}
	return NULL;
}

bool fast_want(struct fast_state *f, int64_t now)
{
	bool forced = f->mode == PLATFORM_QUICK_FORCED;

	if (atomic_load(&f->polls))
		return forced || now - atomic_load_explicit(&f->beat_ns, memory_order_relaxed) < STALE_NS;
	if (!forced && (now < atomic_load(&f->rests_until_ns) || free_cpu(f) < 0))
		return false;
	if (!atomic_exchange(&f->polls, true)) {
		__atomic_fetch_add(&f->gate, 1, __ATOMIC_SEQ_CST);
		host_futex_wake(&f->gate, 1);
	}
	return false;
}

/* --- beginning and end ----------------------------------------------------------------------------------------------------- */

static int make_slots(struct fast_state *f)
{
	size_t len = FAST_SLOTS * sizeof(struct slot);

	f->memfd = memfd_create("picket-slots", MFD_CLOEXEC);
	if (f->memfd < 0 || ftruncate(f->memfd, (off_t)len) < 0)
		return -errno;
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, f->memfd, 0);

	if (at == MAP_FAILED)
		return -errno;
	f->slots = at;
	for (int i = 0; i < FAST_SLOTS; i++)
		f->record[i].slot = &f->slots[i];
	f->rest_ns = REST_MIN_NS / 2;
	return 0;
}

static int make_thread(struct fast_state *f)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, SPINNER_STACK);
	int err = -pthread_create(&f->thread, &attr, spinner_main, f);

	pthread_attr_destroy(&attr);
	return err;
}

bool fast_prepare(struct fast_state *f)
{
	LOCK_GUARD(&f->lock);
	if (f->ready || f->failed)
		return f->ready;
	int err = make_slots(f);

	if (!err)
		err = make_thread(f);
	f->failed = err != 0;
	f->ready = !err;
	if (err)
		log_warning("all calls go by the trap: there is no memory or thread for another way: error %d", -err);
	return f->ready;
}

void spinner_end(struct fast_state *f)
{
	if (f->ready) {
		atomic_store(&f->ending, true);
		__atomic_fetch_add(&f->gate, 1, __ATOMIC_SEQ_CST);
		host_futex_wake(&f->gate, 1);
		pthread_join(f->thread, NULL);
	}
	if (f->slots)
		munmap(f->slots, FAST_SLOTS * sizeof(struct slot));
	host_close(&f->memfd);
}
