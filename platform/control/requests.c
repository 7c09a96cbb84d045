/* What other threads ask of a tracer: a queue per lane. Several requests for one tracee merge into one entry. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>

#include "base/log.h"
#include "base/mem.h"
#include "platform/fast/fast.h"

static void wake_tracer(struct lane *l)
{
	__atomic_store_n(&l->wake, 1, __ATOMIC_SEQ_CST);
	if (tracer_current_lane() != l && __atomic_load_n(&l->waiting, __ATOMIC_SEQ_CST))
		host_tgkill(l->platform->self, l->tracer_tid, PLATFORM_SIGNAL);
}

/* The caller holds the lane's lock. */
static void enqueue(struct tracee *t, unsigned what)
{
	if (t->finished)
		return;
	t->requests |= what;
	if (list_empty(&t->request_link))
		list_push_back(&t->lane->requests, &t->request_link);
}

void request_post(struct tracee *t, unsigned what)
{
	struct lane *l = t->lane;

	lock_take(&l->lock);
	enqueue(t, what);
	lock_drop(&l->lock);
	wake_tracer(l);
}

void platform_release(struct tracee *t, enum resume how)
{
	struct lane *l = t->lane;

	lock_take(&l->lock);
	t->release_how = how;
	enqueue(t, REQUEST_RELEASE);
	lock_drop(&l->lock);
	wake_tracer(l);
}

void platform_rerun_held(struct tracee *t)
{
	request_post(t, REQUEST_RERUN);
}

void request_answer(struct tracee *t, unsigned what, int64_t ret)
{
	struct lane *l = t->lane;

	lock_take(&l->lock);
	t->answer = ret;
	enqueue(t, what);
	lock_drop(&l->lock);
	wake_tracer(l);
}

int platform_spawn(struct platform *p, void *cookie)
{
	struct tracee *t = tracee_alloc(balance_choose(p), cookie);

	if (!t)
		return -ENOMEM;
	balance_set_busy(t, true); /* counted from now on: the next choice follows at once */
	request_post(t, REQUEST_SPAWN);
	return 0;
}

/* The sentry has been promised an event: where there can be no tracee, that is `gone`. */
static void spawn(struct tracee *t)
{
	struct lane *l = t->lane;
	int err = atomic_load(&l->platform->ending) ? -ESRCH : inject_clone(l->zygote, &(struct clone_how){ 0 }, t);

	if (!err) {
		arch_clear(&t->regs);
		return;
	}
	balance_set_busy(t, false);
	log_warning("no new guest process: error %d", -err);
	t->platform->handler->gone(t, t->cookie, SIGKILL);
	tracee_put(t);
}

/* One tracee's requests. A death that was noted meanwhile is found by stop_settle(). */
static void run(struct tracee *t, unsigned what, enum resume how, int64_t answer)
{
	if (what & REQUEST_SPAWN) {
		spawn(t);
	} else if (what & REQUEST_GONE) {
		tracee_finish(t);
	} else if (t->dead) {
		return; /* its `gone` is on the way */
	} else if (what & (REQUEST_ANSWER | REQUEST_PASS)) {
		t->platform->ops->complete(t, what & REQUEST_PASS, answer);
	} else if (!t->held) {
		if (what & REQUEST_RERUN)
			platform_kick(t); /* it was let go in between */
	} else {
		t->held = false;
		balance_set_busy(t, true);
		if (what & REQUEST_RERUN) {
			if (what & REQUEST_RELEASE)
				t->kicked = true; /* both: the kick of the release covers the rerun */
			else
				t->stop = (struct stop){ 0 };
		}
		if (what & REQUEST_RELEASE)
			stop_settle(t, how);
		else
			stop_deliver(t, STOP_KICK);
	}
}

void requests_run(struct lane *l)
{
	for (;;) {
		lock_take(&l->lock);
		if (list_empty(&l->requests)) {
			lock_drop(&l->lock);
			return;
		}
		struct tracee *t = list_first(&l->requests, struct tracee, request_link);
		unsigned what = t->requests;
		enum resume how = t->release_how;
		int64_t answer = t->answer;

		list_remove(&t->request_link);
		t->requests = 0;
		lock_drop(&l->lock);
		fast_enter(t);
		run(t, what, how, answer);
		fast_leave();
	}
}
