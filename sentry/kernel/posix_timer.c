/*
 * Interval and POSIX timers. Linux: kernel/time/posix-timers.c, itimer.c.
 *
 * An expiry sends the signal once; the next interval begins when the signal is taken (interval timers: at the next tick that is not past),
 * and what was missed meanwhile is the overrun count: however short the interval, a timer costs no more than its process asks for.
 * CPU timers are looked at when they could have expired at the earliest.
 */
#include "sentry/kernel/posix_timer.h"

#include <errno.h>
#include <string.h>

#include "abi/time.h"
#include "base/host.h"
#include "base/mem.h"
#include "sentry/kernel/clock.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/sigqueue.h"
#include "sentry/kernel/timer.h"

#define MIN_PERIOD_NS 100000    /* between two expiries that no signal's delivery paces */
#define CPU_LOOK_NS 1000000     /* between two looks at a CPU clock, at least */
#define TIMERS_MAX 4096

struct posix_timer {
	struct ref ref;                /* the list's, and who uses it at the moment */
	/* immutable after creation */
	struct process *proc;          /* no reference: the process ends its timers */
	struct task *target;           /* referenced; NULL: the process */
	struct list link;              /* on posix_timers.created; protected by set lock */
	int id, clock;
	int notify;                    /* LX_SIGEV_* */
	bool itimer;
	struct cpu_clock cpu;          /* of CPU timers; an interval timer's has no reference */
	/* protected by the set's lock */
	bool armed, deleted;
	int64_t expires, interval;     /* on the timer's clock: monotonic or CPU ns */
	int overrun, last_overrun;
	struct ktimer timer;
	/* protected by proc->sig_lock */
	struct sigqueue_entry entry;
};

struct posix_timers {
	struct lock lock;              /* RANK_TIMER_SET */
	struct list created;           /* of posix_timer.link; protected by lock */
	struct posix_timer itimers[3]; /* LX_ITIMER_* */
};

static void timer_fired(struct ktimer *);

static bool on_cpu(const struct posix_timer *pt)
{
	return pt->cpu.task || pt->cpu.proc;
}

/* The timer's clock now. Not under locks: CPU clocks look at the process. */
static int64_t timer_now(const struct posix_timer *pt)
{
	return on_cpu(pt) ? cpu_clock_ns(&pt->cpu) : host_monotonic_ns();
}

/* Has the heap call us when the timer can have expired; under the set's lock. */
static int start(struct posix_timer *pt, int64_t now)
{
	int64_t left = pt->expires - now;

	if (!on_cpu(pt))
		return ktimer_arm(&pt->timer, pt->expires);
	left /= pt->proc->k->cpus > 0 ? pt->proc->k->cpus : 1;
	return ktimer_arm(&pt->timer, host_monotonic_ns() + (left > CPU_LOOK_NS ? left : CPU_LOOK_NS));
}

/* To the first expiry that is not past; how many were passed over. */
static int forward(struct posix_timer *pt, int64_t now, int64_t step)
{
	int64_t missed = now >= pt->expires ? (now - pt->expires) / pt->interval : 0;

	pt->expires = clock_add(pt->expires + missed * pt->interval, pt->interval);
	if (pt->expires < now + step)
		pt->expires = now + step;
	return missed > INT32_MAX ? INT32_MAX : (int)missed;
}

static void add_overrun(struct posix_timer *pt, int missed)
{
	if (__builtin_add_overflow(pt->overrun, missed, &pt->overrun))
		pt->overrun = INT32_MAX;
}

static struct posix_timers *set_of(struct process *p)
{
	struct posix_timers *set = __atomic_load_n(&p->timers, __ATOMIC_ACQUIRE), *none = NULL;

	if (set)
		return set;
	set = mem_zalloc(sizeof(*set));
	if (!set)
		return NULL;
	lock_init(&set->lock, RANK_TIMER_SET, "posix timers");
	list_init(&set->created);
	for (int i = 0; i < 3; i++) {
		struct posix_timer *pt = &set->itimers[i];

		pt->proc = p;
		pt->itimer = true;
		pt->cpu.proc = i == LX_ITIMER_REAL ? NULL : p;
		pt->cpu.user = i == LX_ITIMER_VIRTUAL;
		ktimer_init(&pt->timer, timer_fired);
	}
	if (__atomic_compare_exchange_n(&p->timers, &none, set, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return set;
	mem_free(set);
	return none;
}

/* --- expiry, on the reactor ------------------------------------------------------------------------------------------- */

static void send_itimer(struct posix_timer *pt)
{
	static const int signals[] = { LX_SIGALRM, LX_SIGVTALRM, LX_SIGPROF };
	struct lx_siginfo info;

	siginfo_init_kill(&info, signals[pt - pt->proc->timers->itimers], NULL);
	signal_send_process(pt->proc, &info);
}

static void send_timer(struct posix_timer *pt, int64_t now)
{
	struct posix_timers *set = pt->proc->timers;
	bool queued = signal_send_timer(pt->proc, pt->target, &pt->entry);

	LOCK_GUARD(&set->lock);
	if (!queued) {
		add_overrun(pt, 1);
	} else if (list_empty(&pt->entry.link) && pt->armed && pt->interval) {
		/* Ignored, or taken already: nobody's delivery starts the next interval, unless it has. */
		if (pt->expires <= now)
			forward(pt, now, MIN_PERIOD_NS);
		start(pt, now);
	}
}

static void timer_fired(struct ktimer *timer)
{
	struct posix_timer *pt = container_of(timer, struct posix_timer, timer);
	struct posix_timers *set = pt->proc->timers;
	int64_t now = timer_now(pt);
	bool paced = !pt->itimer && pt->notify != LX_SIGEV_NONE;

	lock_take(&set->lock);
	if (!pt->armed || now < pt->expires) {
		if (pt->armed)
			start(pt, now);
		lock_drop(&set->lock);
		return;
	}
	if (!pt->interval) {
		pt->armed = false;
	} else if (!paced) {
		forward(pt, now, MIN_PERIOD_NS);
		start(pt, now);
	}
	lock_drop(&set->lock);
	if (pt->itimer)
		send_itimer(pt);
	else if (paced)
		send_timer(pt, now);
}

void posix_timer_taken(struct posix_timer *pt, struct lx_siginfo *info)
{
	struct posix_timers *set = pt->proc->timers;
	int64_t now;

	LOCK_GUARD(&set->lock);
	if (pt->armed && pt->interval && !on_cpu(pt)) {
		now = host_monotonic_ns();
		if (pt->expires <= now)
			add_overrun(pt, forward(pt, now, 0));
		start(pt, now);
	} else if (pt->armed && pt->interval) {
		/* Its clock cannot be read here (locks): the look that follows does. */
		pt->expires = clock_add(pt->expires, pt->interval);
		ktimer_arm(&pt->timer, host_monotonic_ns() + CPU_LOOK_NS);
	}
	pt->last_overrun = pt->overrun;
	pt->overrun = 0;
	info->u.timer.overrun = pt->last_overrun;
}

/* --- settings ------------------------------------------------------------------------------------------------------------ */

static void show(const struct posix_timer *pt, int64_t now, struct timer_setting *out)
{
	*out = (struct timer_setting){ 0, pt->interval };
	if (!pt->armed)
		return;
	out->left = pt->expires - now;
	/* Due but not yet seen to: "armed", which zero would deny. An interval timer shows its next expiry. */
	if (out->left <= 0 && pt->interval && pt->notify == LX_SIGEV_NONE)
		out->left = pt->interval - (-out->left % pt->interval);
	else if (out->left <= 0)
		out->left = pt->notify == LX_SIGEV_NONE ? 0 : 1;
}

/* `expires`: on the timer's clock. */
static int apply(struct posix_timer *pt, const struct timer_setting *new, int64_t expires, struct timer_setting *old)
{
	struct posix_timers *set = pt->proc->timers;
	int64_t now = timer_now(pt);
	int err = 0;

	LOCK_GUARD(&set->lock);
	if (pt->deleted)
		return -EINVAL;
	if (old)
		show(pt, now, old);
	ktimer_cancel(&pt->timer);
	pt->armed = new->left != 0;
	pt->interval = new->interval;
	pt->expires = expires;
	pt->overrun = 0;
	if (pt->armed && pt->notify != LX_SIGEV_NONE)
		err = start(pt, now);
	return err;
}

int itimer_set(struct task *t, int which, const struct timer_setting *new, struct timer_setting *old)
{
	struct posix_timers *set = set_of(t->proc);
	struct posix_timer *pt;

	if (!set)
		return -ENOMEM;
	pt = &set->itimers[which];
	return apply(pt, new, clock_add(timer_now(pt), new->left), old);
}

int itimer_get(struct task *t, int which, struct timer_setting *out)
{
	struct posix_timers *set = set_of(t->proc);
	int64_t now;

	if (!set)
		return -ENOMEM;
	now = timer_now(&set->itimers[which]);
	LOCK_GUARD(&set->lock);
	show(&set->itimers[which], now, out);
	return 0;
}

/* --- timer_create and what follows -------------------------------------------------------------------------------------------- */

/* Under the set's lock. */
static struct posix_timer *find(struct posix_timers *set, int id)
{
	struct posix_timer *pt;

	list_for_each(pt, &set->created, link)
		if (pt->id == id)
			return pt;
	return NULL;
}

static void timer_put(struct posix_timer *pt)
{
	if (!ref_put(&pt->ref))
		return;
	task_put(pt->target);
	cpu_clock_put(&pt->cpu);
	mem_free(pt);
}

/* Referenced: another thread may delete it meanwhile. */
static struct posix_timer *lookup(struct task *t, int id)
{
	struct posix_timers *set = set_of(t->proc);
	struct posix_timer *pt;

	if (!set)
		return NULL;
	LOCK_GUARD(&set->lock);
	pt = find(set, id);
	if (pt)
		ref_get(&pt->ref);
	return pt;
}

static int resolve_event(struct task *t, struct posix_timer *pt, const struct lx_sigevent *ev)
{
	int notify = ev->sigev_notify & ~LX_SIGEV_THREAD_ID;

	pt->notify = ev->sigev_notify;
	if (notify != LX_SIGEV_SIGNAL && notify != LX_SIGEV_NONE && notify != LX_SIGEV_THREAD)
		return -EINVAL;
	if (pt->notify != LX_SIGEV_NONE && (ev->sigev_signo < 1 || ev->sigev_signo > LX_NSIG))
		return -EINVAL;
	if (!(ev->sigev_notify & LX_SIGEV_THREAD_ID))
		return 0;
	if (notify != LX_SIGEV_SIGNAL)
		return -EINVAL;
	pt->target = task_find(t->k, ev->sigev_tid);
	if (!pt->target || pt->target->proc != t->proc)
		return -EINVAL;
	return 0;
}

static struct posix_timer *timer_new(struct task *t, int clock, const struct lx_sigevent *ev, int *err)
{
	struct posix_timer *pt = mem_zalloc(sizeof(*pt));

	*err = -EAGAIN;
	if (!pt)
		return NULL;
	ref_init(&pt->ref);
	pt->proc = t->proc;
	pt->clock = clock;
	list_init(&pt->link);
	list_init(&pt->entry.link);
	ktimer_init(&pt->timer, timer_fired);
	pt->entry.timer = pt;
	*err = clock_for_timers(clock);
	if (!*err && clock_is_cpu(clock))
		*err = cpu_clock_get(t, clock, &pt->cpu);
	if (!*err)
		*err = resolve_event(t, pt, ev);
	if (!*err)
		return pt;
	timer_put(pt);
	return NULL;
}

/* A timer holds one of the signals that may be queued, from its creation on. */
static bool reserve_signal(struct process *p)
{
	LOCK_GUARD(&p->sig_lock);
	if ((uint64_t)p->pending_count >= p->limits[LX_RLIMIT_SIGPENDING].rlim_cur)
		return false;
	p->pending_count++;
	return true;
}

static void release_signal(struct process *p)
{
	LOCK_GUARD(&p->sig_lock);
	p->pending_count--;
}

static int publish(struct posix_timers *set, struct posix_timer *pt)
{
	LOCK_GUARD(&set->lock);
	while (find(set, pt->id))
		if (++pt->id >= TIMERS_MAX)
			return -EAGAIN;
	pt->entry.info.u.timer.tid = pt->id;
	list_push_back(&set->created, &pt->link);
	return pt->id;
}

int posix_timer_create(struct task *t, int clock, const struct lx_sigevent *ev)
{
	static const struct lx_sigevent plain = { .sigev_signo = LX_SIGALRM, .sigev_notify = LX_SIGEV_SIGNAL };
	struct posix_timers *set = set_of(t->proc);
	struct posix_timer *pt;
	int err;

	if (!set)
		return -ENOMEM;
	pt = timer_new(t, clock, ev ? ev : &plain, &err);
	if (!pt)
		return err;
	pt->entry.info.si_signo = ev ? ev->sigev_signo : LX_SIGALRM;
	pt->entry.info.si_code = LX_SI_TIMER;
	pt->entry.info.u.timer.value = ev ? ev->sigev_value : 0;
	err = reserve_signal(t->proc) ? publish(set, pt) : -EAGAIN;
	if (err < 0 && pt->id == TIMERS_MAX)
		release_signal(t->proc);
	if (err < 0)
		timer_put(pt);
	else if (!ev)
		pt->entry.info.u.timer.value = (uint64_t)err;
	return err;
}

int posix_timer_set(struct task *t, int id, const struct timer_setting *new, bool absolute, struct timer_setting *old)
{
	struct posix_timer *pt = lookup(t, id);
	int64_t expires;
	int err;

	if (!pt)
		return -EINVAL;
	if (!absolute)
		expires = clock_add(timer_now(pt), new->left);
	else
		expires = on_cpu(pt) ? new->left : clock_deadline(pt->clock, new->left, true);
	err = apply(pt, new, expires, old);
	timer_put(pt);
	return err;
}

int posix_timer_get(struct task *t, int id, struct timer_setting *out)
{
	struct posix_timer *pt = lookup(t, id);
	int64_t now;

	if (!pt)
		return -EINVAL;
	now = timer_now(pt);
	lock_take(&t->proc->timers->lock);
	show(pt, now, out);
	lock_drop(&t->proc->timers->lock);
	timer_put(pt);
	return 0;
}

int posix_timer_overrun(struct task *t, int id)
{
	struct posix_timer *pt = lookup(t, id);
	int count;

	if (!pt)
		return -EINVAL;
	count = pt->last_overrun;
	timer_put(pt);
	return count;
}

/* Off the list already: nobody finds it any more. */
static void timer_end(struct posix_timer *pt)
{
	struct posix_timers *set = pt->proc->timers;

	lock_take(&set->lock);
	pt->armed = false;
	pt->deleted = true;
	lock_drop(&set->lock);
	ktimer_cancel_sync(&pt->timer);
	lock_take(&pt->proc->sig_lock);
	list_remove(&pt->entry.link);
	pt->proc->pending_count--;
	lock_drop(&pt->proc->sig_lock);
	timer_put(pt);
}

int posix_timer_delete(struct task *t, int id)
{
	struct posix_timers *set = set_of(t->proc);
	struct posix_timer *pt;

	if (!set)
		return -EINVAL;
	lock_take(&set->lock);
	pt = find(set, id);
	if (pt)
		list_remove(&pt->link);
	lock_drop(&set->lock);
	if (!pt)
		return -EINVAL;
	timer_end(pt);
	return 0;
}

void posix_timers_exec(struct process *p)
{
	struct posix_timers *set = p->timers;

	while (set && !list_empty(&set->created)) {
		struct posix_timer *pt = list_first(&set->created, struct posix_timer, link);

		list_remove(&pt->link);
		timer_end(pt);
	}
}

void posix_timers_exit(struct process *p)
{
	struct posix_timers *set = p->timers;

	if (!set)
		return;
	posix_timers_exec(p);
	for (int i = 0; i < 3; i++) {
		lock_take(&set->lock);
		set->itimers[i].armed = false;
		lock_drop(&set->lock);
		ktimer_cancel_sync(&set->itimers[i].timer);
	}
	p->timers = NULL;
	mem_free(set);
}
