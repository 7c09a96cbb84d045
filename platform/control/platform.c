/*
 * The platform as a whole: how it is made, started and ended.
 *
 * The life of a tracee, and who moves it on:
 *
 *              clone seen by the tracer
 *                       │
 *                    (fresh) ── first stop ──▶ STOP_NEW
 *                                                │ handler returns
 *        ┌────────────────────────┬──────────────┴──────┐
 *        ▼                        ▼                     ▼
 *    running ──── stop ────▶ in its handler ─HOLD─▶   held
 *     │   ▲                  (tracer thread)            │ platform_release(), by a request to the tracer
 *     │   └──────────────────── RUN, CALL ──────────────┘
 *     │ call
 *     ▼
 *    in a call ── platform_answer(), _pass(), by any thread ──▶ running
 *
 *    any ── SIGKILL, exit ──▶ dead (reaped by the tracer) ──▶ `gone`, once no worker is inside handler->call() for it
 *
 * The tracer thread of a lane owns ptrace: registers, stops, injected calls, clones. All others reach it through a
 * queue of requests (requests.c) and wake it with PLATFORM_SIGNAL; arch_waitcall() sees to it that none is lost. What
 * any thread may do by itself: answer a call (seccomp: the listener's fd), kick and kill (signals), read and write
 * memory (process_vm_*).
 *
 * Locks: lane->lock, of rank RANK_PLATFORM, innermost but for the log. It is never held while a handler runs.
 *
 * A host signal reaches no guest: each is a stop at its tracer, which suppresses it. One is meant: PLATFORM_SIGNAL, the
 * kick.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>

#include "base/host.h"
#include "base/mem.h"
#include "platform/fast/fast.h"

const char *platform_name(const struct platform *p)
{
	return p->ops->name;
}

uint64_t platform_address_limit(const struct platform *p)
{
	(void)p;
	return arch_address_limit();
}

bool platform_stops_at(const struct platform *p, int64_t nr)
{
	return nr >= 0 && nr < (int64_t)(sizeof(p->stop_set) * 8) && (p->stop_set[nr / 64] >> (nr % 64) & 1);
}

/* No capability, no host signal but the one. */
void platform_thread_setup(const struct lane *l)
{
	sigset_t mask;

	sigfillset(&mask);
	sigdelset(&mask, PLATFORM_SIGNAL);
	sigdelset(&mask, SIGSYS); /* a forbidden host call is to say which it was */
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (l)
		host_pin(0, l->cpu);
	host_drop_capabilities();
}

void platform_wait_gate(struct platform *p)
{
	while (__atomic_load_n(&p->gate, __ATOMIC_ACQUIRE) == 0)
		host_futex_wait(&p->gate, 0);
}

static void open_gate(struct platform *p)
{
	__atomic_store_n(&p->gate, 1, __ATOMIC_RELEASE);
	host_futex_wake(&p->gate, INT32_MAX);
}

/*
 * Ends what runs, in the order in which threads make each other; then nothing of the platform is left but memory and
 * fds.
 */
static void end_threads(struct platform *p)
{
	atomic_store(&p->ending, true);
	open_gate(p);
	for (int i = 0; i < p->lane_count; i++) {
		struct lane *l = &p->lanes[i];

		if (!l->has_tracer)
			continue;
		__atomic_store_n(&l->wake, 1, __ATOMIC_SEQ_CST);
		host_tgkill(p->self, l->tracer_tid, PLATFORM_SIGNAL);
		pthread_join(l->tracer, NULL);
	}
	atomic_store(&p->workers_ending, true);
	for (int i = 0; i < p->lane_count; i++)
		workers_end(&p->lanes[i]);
	fast_destroy(p);
	balance_end(p);
}

void platform_free(struct platform *p)
{
	for (int i = 0; p->lanes && i < p->lane_count; i++)
		host_close(&p->lanes[i].listener);
	host_close(&p->self_pidfd);
	host_close(&p->setup_socket[0]);
	host_close(&p->setup_socket[1]);
	if (p->by_tid)
		munmap((void *)p->by_tid, TID_LIMIT * sizeof(p->by_tid[0]));
	mem_free(p->lanes);
	mem_free(p);
}

void platform_start(struct platform *p)
{
	open_gate(p);
}

void platform_destroy(struct platform *p)
{
	end_threads(p);
	platform_free(p);
}
