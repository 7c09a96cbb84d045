/* The heap of kernel timers, and wait queues. */
#include <criterion/criterion.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mem.h"
#include "sentry/kernel/timer.h"
#include "sentry/kernel/timers.h"
#include "sentry/kernel/waitq.h"

struct probe {
	struct ktimer timer;
	int fired;
	int64_t order;
};

static int64_t fired_total;

static void fire(struct ktimer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired++;
	p->order = ++fired_total;
}

static void arm(struct probe *p, int64_t when)
{
	*p = (struct probe){ 0 };
	ktimer_init(&p->timer, fire);
	cr_assert_eq(ktimer_arm(&p->timer, when), 0);
}

Test(timers, fire_in_order_of_their_time)
{
	struct probe a, b, c;

	arm(&a, 300);
	arm(&b, 100);
	arm(&c, 200);
	cr_expect_eq(timers_next(), 100);
	cr_expect_eq(timers_run(250), 300, "the next one is returned");
	cr_expect_eq(a.fired, 0);
	cr_expect(b.order < c.order);
	cr_expect_eq(timers_run(300), KTIMER_NEVER);
	cr_expect_eq(a.fired, 1);
}

Test(timers, a_cancelled_one_does_not_fire)
{
	struct probe a, b;

	arm(&a, 100);
	arm(&b, 50);
	cr_expect(ktimer_cancel(&a.timer));
	cr_expect_not(ktimer_cancel(&a.timer), "only once");
	timers_run(1000);
	cr_expect_eq(a.fired, 0);
	cr_expect_eq(b.fired, 1);
	cr_expect_not(ktimer_cancel(&b.timer), "it has fired");
}

Test(timers, arming_again_moves_it)
{
	struct probe a;

	arm(&a, 100);
	cr_assert_eq(ktimer_arm(&a.timer, 500), 0);
	timers_run(200);
	cr_expect_eq(a.fired, 0);
	timers_run(500);
	cr_expect_eq(a.fired, 1);
}

Test(timers, a_thousand_in_any_order)
{
	struct probe *p = mem_calloc(1000, sizeof(*p));
	int64_t last = 0;
	uint64_t seed = 7;

	for (int i = 0; i < 1000; i++) {
		seed = seed * 6364136223846793005ull + 1;
		arm(&p[i], (int64_t)(seed >> 40));
	}
	for (int i = 0; i < 1000; i += 3)
		cr_assert(ktimer_cancel(&p[i].timer));
	while (timers_next() != KTIMER_NEVER) {
		cr_assert(timers_next() >= last);
		last = timers_next();
		timers_run(last);
	}
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(p[i].fired, i % 3 != 0);
	mem_free(p);
}

/* --- wait queues --------------------------------------------------------------------------------------------------------- */

struct sleeper {
	struct waiter w;
	int woken;
	bool takes;
};

static bool wake(struct waiter *w, uint32_t events)
{
	struct sleeper *s = container_of(w, struct sleeper, w);

	(void)events;
	s->woken++;
	return s->takes;
}

static void sleep_on(struct waitq *q, struct sleeper *s, uint32_t events, bool exclusive)
{
	*s = (struct sleeper){ .w = { .events = events, .exclusive = exclusive, .wake = wake }, .takes = true };
	waitq_add(q, &s->w);
}

Test(waitq, wakes_who_waits_for_the_event)
{
	struct waitq q;
	struct sleeper in, out;

	waitq_init(&q);
	cr_expect_not(waitq_active(&q));
	sleep_on(&q, &in, 1, false);
	sleep_on(&q, &out, 4, false);
	cr_expect(waitq_active(&q));
	waitq_wake(&q, 1);
	cr_expect_eq(in.woken, 1);
	cr_expect_eq(out.woken, 0);
	waitq_remove(&in.w);
	waitq_remove(&in.w); /* harmless */
	waitq_wake(&q, 5);
	cr_expect_eq(in.woken, 1);
	cr_expect_eq(out.woken, 1);
	waitq_remove(&out.w);
}

Test(waitq, an_exclusive_wake_stops_at_its_limit)
{
	struct waitq q;
	struct sleeper all, first, second, unwilling;

	waitq_init(&q);
	sleep_on(&q, &unwilling, 1, true);
	sleep_on(&q, &first, 1, true);
	sleep_on(&q, &second, 1, true);
	sleep_on(&q, &all, 1, false);
	unwilling.takes = false;
	cr_expect_eq(waitq_wake_some(&q, 1, 1), 2, "one exclusive, and who is not");
	cr_expect_eq(all.woken, 1);
	cr_expect_eq(unwilling.woken, 1, "asked, but did not take it");
	cr_expect_eq(first.woken, 1);
	cr_expect_eq(second.woken, 0);
	waitq_remove(&all.w);
	waitq_remove(&first.w);
	waitq_remove(&second.w);
	waitq_remove(&unwilling.w);
}

Test(waitq, adding_twice_is_a_bug, .signal = 6)
{
	struct waitq q;
	struct sleeper s;

	waitq_init(&q);
	sleep_on(&q, &s, 1, false);
	waitq_add(&q, &s.w);
}
