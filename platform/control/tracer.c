/* The tracer thread of a lane: waits for what happens to its tracees and hands it on. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "platform/fast/fast.h"

/* The thread-specific "who am I": set once per tracer thread. */
static __thread struct lane *current_lane;

struct lane *tracer_current_lane(void)
{
	return current_lane;
}

struct tracee *tracee_alloc(struct lane *l, void *cookie)
{
	struct tracee *t = mem_zalloc(sizeof(*t));

	if (!t)
		return NULL;
	ref_init(&t->ref);
	t->platform = l->platform;
	t->lane = l;
	t->cookie = cookie;
	list_init(&t->event_link);
	list_init(&t->link);
	list_init(&t->request_link);
	list_init(&t->call_link);
	return t;
}

/* The host has made the thread; from here on its events and calls find the tracee. */
void tracee_adopt(struct tracee *t, pid_t tid, struct hproc *proc)
{
	struct lane *l = t->lane;

	t->tid = tid;
	t->proc = proc;
	if (proc->threads++ > 0)
		ref_get(&proc->ref);
	else
		ref_init(&proc->ref);
	t->fresh = true;
	balance_set_busy(t, true);
	LOCK_GUARD(&l->lock);
	list_push_back(&l->tracees, &t->link);
	atomic_store(&t->platform->by_tid[tid], t);
}

struct tracee *tracer_find(struct lane *l, pid_t tid)
{
	struct tracee *t = tid > 0 && tid < TID_LIMIT ? atomic_load(&l->platform->by_tid[tid]) : NULL;

	return t && t->lane == l ? t : NULL;
}

/*
 * The last that is done with a tracee. A worker inside handler->call() for it delays this: it posts REQUEST_GONE when
 * it leaves.
 */
void tracee_finish(struct tracee *t)
{
	struct lane *l = t->lane;

	fast_detach(t);
	lock_take(&l->lock);
	bool wait = t->delivering > 0;

	t->gone_waits = wait;
	list_remove(&t->call_link);
	if (!wait) {
		list_remove(&t->link);
		list_remove(&t->request_link);
		t->requests = 0;
		t->finished = true;
	}
	lock_drop(&l->lock);
	if (wait)
		return;
	balance_set_busy(t, false); /* a late answer may have counted it again */
	list_remove(&t->event_link);
	fast_finish(t);
	if (t->proc)
		t->proc->threads--;
	t->platform->handler->gone(t, t->cookie, t->wait_status);
	tracee_put(t);
}

struct tracee *tracee_get(struct tracee *t)
{
	ref_get(&t->ref);
	return t;
}

void tracee_put(struct tracee *t)
{
	if (!ref_put(&t->ref))
		return;
	if (t->proc && ref_put(&t->proc->ref))
		mem_free(t->proc);
	mem_free(t);
}

/* Takes note of a death that the host has reported. The tid may belong to another thread from now on. */
static void mark_dead(struct tracee *t, int status)
{
	struct tracee *self = t;

	t->dead = true;
	t->where = AT_RUN;
	t->wait_status = status;
	atomic_store(&t->reaped, true);
	balance_set_busy(t, false);
	/* Unless it already is another's, in another lane. */
	atomic_compare_exchange_strong(&t->platform->by_tid[t->tid], &self, NULL);
}

static bool is_death(int status)
{
	return WIFEXITED(status) || WIFSIGNALED(status);
}

/* What happened to a tracee while another was waited for. A death takes the place of a stop. */
static void note_event(struct tracee *t, int status)
{
	if (is_death(status))
		mark_dead(t, status);
	t->wait_status = status;
	if (list_empty(&t->event_link))
		list_push_back(&t->lane->events, &t->event_link);
}

/* An event of a thread that nobody knows. The last one counts. */
static void note_stranger(struct lane *l, pid_t tid, int status)
{
	int i = 0;

	while (i < l->stranger_count && l->strangers[i].tid != tid)
		i++;
	if (i == (int)ARRAY_LEN(l->strangers)) {
		l->platform->handler->broken("too many unknown threads", -ENFILE);
		return;
	}
	if (i == l->stranger_count)
		l->stranger_count++;
	l->strangers[i].tid = tid;
	l->strangers[i].status = status;
}

void tracer_welcome(struct tracee *child)
{
	struct lane *l = child->lane;

	for (int i = 0; i < l->stranger_count; i++) {
		if (l->strangers[i].tid != child->tid)
			continue;
		note_event(child, l->strangers[i].status);
		l->strangers[i] = l->strangers[--l->stranger_count];
		return;
	}
}

/*
 * A clone's parent may be killed after the child has been made and before it could tell. Clones are made one at a time,
 * so that outside of one every stranger is such a child: nobody will ever ask for it.
 */
void tracer_drop_strangers(struct lane *l)
{
	while (l->stranger_count > 0) {
		l->stranger_count--;
		if (!is_death(l->strangers[l->stranger_count].status))
			kill(l->strangers[l->stranger_count].tid, SIGKILL);
	}
}

/*
 * A leader's death is only reported after that of every other thread, and those are ours to reap: so a leader of many
 * is never waited for by itself.
 */
static bool may_wait_alone(const struct tracee *t)
{
	return !t->proc || t->proc->tgid != t->tid || (t->proc->threads == 1 && !t->cloning);
}

int tracer_wait(struct tracee *t, int *status)
{
	while (!t->dead) {
		int s;
		int64_t tid = HOST_RETRY(wait4(may_wait_alone(t) ? t->tid : -1, &s, __WALL | __WNOTHREAD, NULL));

		if (tid < 0)
			t->platform->handler->broken("waiting for a guest thread", (int)tid);
		if (tid == t->tid) {
			if (is_death(s))
				mark_dead(t, s);
			*status = s;
			break;
		}
		struct tracee *other = tracer_find(t->lane, (pid_t)tid);

		if (other)
			note_event(other, s);
		else
			note_stranger(t->lane, (pid_t)tid, s);
	}
	return t->dead ? -ESRCH : 0;
}

/* The first stop of a clone of the host's making: its registers were prepared by who cloned it. */
static void first_stop(struct tracee *t, bool kick)
{
	t->fresh = false;
	t->kicked = kick;
	t->where = AT_USER;
	tracee_get(t); /* the sentry's, from its first event on */
	stop_deliver(t, STOP_NEW);
}

static void handle_stop(struct tracee *t, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);

	if (t->leaving) {
		host_ptrace(PTRACE_CONT, t->tid, 0, 0); /* whatever it was, it is on its way out */
	} else if (t->fresh) {
		first_stop(t, event == 0 && sig == PLATFORM_SIGNAL);
	} else if (event == PTRACE_EVENT_SECCOMP || (event == 0 && sig == (SIGTRAP | 0x80))) {
		t->where = t->platform->ops->at_entry ? AT_ENTRY : AT_USER;
		t->platform->ops->on_call_stop(t, event == PTRACE_EVENT_SECCOMP);
	} else if (event == 0) {
		t->where = AT_USER;
		stop_signal(t, sig);
	} else {
		/* A group stop, or an interrupt that nobody asked for. */
		t->where = AT_USER;
		stop_resume_run(t);
	}
}

static void handle_event(struct tracee *t, int status)
{
	fast_enter(t);
	if (is_death(status)) {
		if (!t->dead)
			mark_dead(t, status);
		t->held = false;
		tracee_finish(t);
	} else {
		handle_stop(t, status);
	}
	fast_leave();
}

static void kill_all(struct lane *l)
{
	struct tracee *t;

	list_for_each(t, &l->tracees, link)
		if (!t->dead)
			kill(t->proc->tgid, SIGKILL);
}

/* The next event of the lane: one noted before, or the host's. NULL when woken for another reason. */
static struct tracee *next_event(struct lane *l, int *status)
{
	if (!list_empty(&l->events)) {
		struct tracee *t = list_first(&l->events, struct tracee, event_link);

		list_remove(&t->event_link);
		*status = t->wait_status;
		return t;
	}
	tracer_drop_strangers(l);
	__atomic_store_n(&l->waiting, 1, __ATOMIC_SEQ_CST);
	int64_t tid = arch_waitcall(&l->wake, SYS_wait4, (uint64_t)-1, (uintptr_t)status, __WALL | __WNOTHREAD, 0);

	__atomic_store_n(&l->waiting, 0, __ATOMIC_SEQ_CST);
	if (tid == -EINTR)
		return NULL;
	if (tid < 0)
		l->platform->handler->broken("waiting for guests", (int)tid);
	if (tid == l->zygote->tid) {
		l->platform->handler->broken("a zygote ended", *status);
		return NULL;
	}
	struct tracee *t = tracer_find(l, (pid_t)tid);

	if (!t && !is_death(*status))
		kill((pid_t)tid, SIGKILL); /* see tracer_drop_strangers() */
	return t;
}

/* Everything is killed and reaped; workers may still be leaving handlers, which delays a `gone`. */
static void wind_up(struct lane *l)
{
	requests_run(l); /* a process that was asked for and not made is `gone` too */
	kill_all(l);
	while (!list_empty(&l->tracees)) {
		int status;
		struct tracee *t = next_event(l, &status);

		if (t && is_death(status))
			handle_event(t, status);
		if (!t) {
			__atomic_store_n(&l->wake, 0, __ATOMIC_SEQ_CST);
			requests_run(l);
			kill_all(l);
		}
	}
	if (l->zygote->tid > 0) {
		kill(l->zygote->tid, SIGKILL);
		HOST_RETRY(wait4(l->zygote->tid, NULL, __WALL, NULL));
	}
	tracee_put(l->zygote);
}

void *tracer_main(void *arg)
{
	struct lane *l = arg;
	int status;

	current_lane = l;
	while (!atomic_load(&l->platform->ending)) {
		struct tracee *t = next_event(l, &status);

		if (t)
			handle_event(t, status);
		if (__atomic_exchange_n(&l->wake, 0, __ATOMIC_SEQ_CST))
			requests_run(l);
	}
	wind_up(l);
	return NULL;
}
