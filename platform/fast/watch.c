/* Which processes and call sites are worth a patch: counted at each trap. */
#include <errno.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "platform/fast/fast.h"
#include "platform/fast/slot.h"

enum {
	GAP_NS = 40000,  /* traps that follow each other in less are frequent */
	STREAK = 24,     /* so many frequent ones in a row, and the process is looked at */
	HITS = 24,       /* of one site, to be patched */
};

int fast_create(struct platform *p, const struct platform_config *cfg)
{
	struct fast_state *f;

	if (cfg->quick == PLATFORM_QUICK_OFF || !cfg->handler->quick || p->lane_count < 2 || !p->ops->at_entry)
		return 0;
	f = mem_zalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->platform = p;
	f->mode = cfg->quick;
	f->memfd = -1;
	lock_init(&f->lock, RANK_PLATFORM, "fast");
	for (size_t i = 0; i < cfg->quick_call_count; i++)
		if (cfg->quick_calls[i] < sizeof(f->quick_set) * 8)
			f->quick_set[cfg->quick_calls[i] / 64] |= 1ull << (cfg->quick_calls[i] % 64);
	p->fast = f;
	return 0;
}

void fast_destroy(struct platform *p)
{
	if (!p->fast)
		return;
	spinner_end(p->fast);
	mem_free(p->fast);
	p->fast = NULL;
}

bool platform_reserved(const struct platform *p, uint64_t *addr, uint64_t *len)
{
	*addr = arch_window()->start;
	*len = arch_window()->len;
	return p->fast != NULL;
}

static bool is_quick(const struct fast_state *f, int64_t nr)
{
	return nr >= 0 && nr < (int64_t)(sizeof(f->quick_set) * 8) && (f->quick_set[nr / 64] >> (nr % 64) & 1);
}

/* Counts a trap at a site that is not patched. True when it has been there often enough. */
static bool is_hot(struct fast_watch *w, uint64_t ip)
{
	struct fast_count *c = &w->count[(ip ^ ip >> 4) % ARRAY_LEN(w->count)];

	if (c->ip != ip) {
		if (c->hits > 0 && c->ip) {
			c->hits--; /* two sites that share the place: the busier one keeps it */
			return false;
		}
		*c = (struct fast_count){ .ip = ip };
	}
	if (++c->hits < HITS)
		return false;
	c->hits = -2 * HITS; /* should it not be patched, it is asked for again some time */
	return true;
}

static void ask_for_stop(struct tracee *t, uint64_t site)
{
	if (!fast_prepare(t->platform->fast)) {
		t->watch.hopeless = true;
		return;
	}
	atomic_store(&t->watch.wanted, site);
}

/* Not after a result that reads, at a stop, as that of a call which was never made (a guest's seccomp filter may give it). */
void fast_answers(struct tracee *t, int64_t ret)
{
	if (ret < -520 || ret > -512)
		platform_kick(t);
}

/* A trap that came by a patched site: is the slot off, or did nobody poll? */
static void by_trampoline(struct fast_state *f, struct tracee *t, int64_t now)
{
	struct fast_record *r = t->space->record;

	if (!r) {
		ask_for_stop(t, FAST_SLOT_ALONE);
		return;
	}
	if (!atomic_load(&r->on) && claim_try(r)) {
		fast_turn_on(r, t);
		claim_drop(r);
	}
	if (fast_want(f, now))
		__atomic_store_n(&r->slot->armed, 1, __ATOMIC_RELAXED);
}

/*
 * A trap while a request stands, or is being served, is a forgery: the code in the stub makes none. The spinner must not
 * have its call, now or in a moment, when a worker is given this one.
 */
static void refuse_both(struct tracee *t)
{
	struct fast_record *r = t->space->record;
	uint32_t state;

	if (!r || !atomic_load(&r->on))
		return;
	state = __atomic_load_n(&r->slot->state, __ATOMIC_SEQ_CST);
	if (state != SLOT_REQUEST && state != SLOT_TAKEN && __atomic_load_n(&r->claim, __ATOMIC_SEQ_CST) == CLAIM_FREE)
		return;
	claim_take(r);
	state = __atomic_load_n(&r->slot->state, __ATOMIC_SEQ_CST);
	if ((state == SLOT_REQUEST || state == SLOT_TAKEN) && r->tracee == t) {
		atomic_store(&r->on, false);
		r->tracee = NULL;
		t->watch.hopeless = true;
	}
	claim_drop(r);
}

void fast_trap(struct tracee *t)
{
	struct fast_state *f = t->platform->fast;
	struct fast_watch *w = &t->watch;
	int64_t now;
	int index;

	if (!f || !t->space)
		return;
	refuse_both(t);
	now = host_monotonic_ns();
	w->streak = now - w->last_ns < GAP_NS ? w->streak + 1 : 0;
	w->last_ns = now;
	index = arch_site_by_call(t->call.ip);
	if (index >= 0 && t->space->sites && index < t->space->sites->count)
		t->call.ip = t->space->sites->site[index].ip + ARCH_SITE_SIZE;
	else
		index = -1;
	if (w->hopeless || !is_quick(f, t->call.nr) || !fast_alone(t))
		return;
	if (f->mode != PLATFORM_QUICK_FORCED && w->streak < STREAK)
		return;
	if (index >= 0)
		by_trampoline(f, t, now);
	else if (f->mode == PLATFORM_QUICK_FORCED || is_hot(w, t->call.ip))
		ask_for_stop(t, t->call.ip - ARCH_SITE_SIZE);
}
