/* The miniature kernel of the platform's tests. */
#include "tiny.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

struct tiny tiny;

extern const char __start_guest_text[], __stop_guest_text[];

uint64_t tiny_guest_address(const void *fn)
{
	return GUEST_CODE + (uint64_t)((const char *)fn - __start_guest_text);
}

static struct task *new_task(void)
{
	struct task *k = mem_zalloc(sizeof(*k));

	pthread_mutex_lock(&tiny.lock);
	tiny.live++;
	pthread_mutex_unlock(&tiny.lock);
	return k;
}

static void changed(void)
{
	pthread_cond_broadcast(&tiny.change);
}

static void on_report(struct task *k, const struct call_info *c)
{
	pthread_mutex_lock(&tiny.lock);
	tiny.report[c->arg[0]] = (int64_t)c->arg[1];
	tiny.reported |= 1ull << c->arg[0];
	struct task *parent = k->parent;

	k->parent = NULL;
	changed();
	pthread_mutex_unlock(&tiny.lock);
	if (parent)
		platform_release(parent->tracee, RESUME_RUN);
}

static void on_call(struct tracee *t, void *cookie, const struct call_info *c)
{
	struct task *k = cookie;

	switch (c->nr) {
	case SYS_getppid:
		platform_answer(t, 4242);
		break;
	case SYS_mprotect:
	case SYS_munmap:
	case SYS_exit:
		platform_pass(t);
		break;
	case SYS_exit_group:
		platform_kill(t);
		break;
	case CALL_REPORT:
		on_report(k, c);
		platform_answer(t, 0);
		break;
	case CALL_NOTE:
		platform_answer(t, __atomic_add_fetch(&tiny.notes, 1, __ATOMIC_SEQ_CST));
		break;
	case CALL_WAIT:
		pthread_mutex_lock(&tiny.lock);
		tiny.waiting = k;
		changed();
		pthread_mutex_unlock(&tiny.lock);
		break;
	case CALL_STUCK:
		platform_stuck_begin();
		pthread_mutex_lock(&tiny.lock);
		while (!tiny.unstuck)
			pthread_cond_wait(&tiny.change, &tiny.lock);
		tiny.unstuck = false;
		pthread_mutex_unlock(&tiny.lock);
		platform_stuck_end();
		platform_answer(t, 1);
		break;
	case CALL_UNSTICK:
		pthread_mutex_lock(&tiny.lock);
		tiny.unstuck = true;
		changed();
		pthread_mutex_unlock(&tiny.lock);
		platform_answer(t, 0);
		break;
	case CALL_SIGNAL:
		k->handler = c->arg[0];
		k->restorer = c->arg[1];
		k->on_alt = c->arg[2];
		platform_answer_stop(t, 77);
		break;
	default:
		platform_answer(t, -ENOSYS);
	}
}

static enum resume load(struct tracee *t, struct task *k)
{
	static const struct { uint64_t at, len; } maps[] = { { GUEST_DATA, 0x10000 }, { GUEST_STACK, 0x10000 } };
	size_t n = (size_t)(__stop_guest_text - __start_guest_text);
	uint64_t arg[6] = { GUEST_CODE, (n + 4095) & ~4095ul, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX, 0 };

	k->tracee = t;
	if (!k->entry)
		return RESUME_RUN; /* a clone: as it is */
	cr_assert_eq(stop_inject(t, SYS_mmap, arg), GUEST_CODE);
	for (int i = 0; i < 2; i++) {
		uint64_t a[6] = { maps[i].at, maps[i].len, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, UINT64_MAX, 0 };

		cr_assert_eq(stop_inject(t, SYS_mmap, a), (int64_t)maps[i].at);
	}
	cr_assert_eq(tracee_write(t, (uaddr_t){ GUEST_CODE }, __start_guest_text, n), (int64_t)n);
	struct arch_regs *r = stop_regs(t);
	uint64_t none[6] = { k->arg };

	arch_start(r, k->entry, GUEST_STACK_TOP - 8);
	arch_set_call(r, -1, none);
	return RESUME_RUN;
}

static enum resume on_clone(struct tracee *t, struct task *k, const struct call_info *c)
{
	struct task *child = new_task();
	struct clone_how how = {
		.share_vm = c->arg[0] & CLONE_VM,
		.thread = c->arg[0] & CLONE_THREAD,
		.set_stack = c->arg[1] != 0,
		.stack = c->arg[1],
		.set_tls = c->arg[0] & CLONE_SETTLS,
		.tls = c->arg[4],
	};

	struct tracee *tracee;
	int err = stop_clone(t, &how, child, &tracee);

	if (err == -ESRCH) { /* killed meanwhile */
		pthread_mutex_lock(&tiny.lock);
		tiny.live--;
		pthread_mutex_unlock(&tiny.lock);
		mem_free(child);
		return RESUME_RUN;
	}
	cr_assert_eq(err, 0, "clone: %d", err);
	arch_set_result(stop_regs(t), 5000);
	if (c->arg[0] & CLONE_VFORK) {
		child->parent = k;
		return RESUME_HOLD;
	}
	return RESUME_RUN;
}

static enum resume on_stop_call(struct tracee *t, struct task *k, const struct call_info *c)
{
	struct sigreturn back;
	uint32_t seen;
	int r;

	switch (c->nr) {
	case SYS_mmap:
		if (c->arg[2] == 0x1000)
			return RESUME_RUN; /* refused */
		return RESUME_CALL;
	case SYS_clone:
		return on_clone(t, k, c);
	case SYS_rt_sigreturn:
		cr_assert_eq(arch_pop_frame(t, &back), 0);
		pthread_mutex_lock(&tiny.lock);
		tiny.report[60] = (int64_t)back.mask;
		pthread_mutex_unlock(&tiny.lock);
		return RESUME_RUN;
	case CALL_HOLD:
		pthread_mutex_lock(&tiny.lock);
		tiny.waiting = k;
		k->in_hold = true;
		changed();
		pthread_mutex_unlock(&tiny.lock);
		return RESUME_HOLD;
	case CALL_CMPXCHG:
		r = stop_cmpxchg32(t, (uaddr_t){ c->arg[0] }, (uint32_t)c->arg[1], (uint32_t)c->arg[2], &seen);
		arch_set_result(stop_regs(t), r < 0 ? r : (int64_t)seen + (r ? 100 : 0));
		return RESUME_RUN;
	case CALL_ANSWER_OTHER:
		pthread_mutex_lock(&tiny.lock);
		struct task *other = tiny.waiting;

		tiny.waiting = NULL;
		pthread_mutex_unlock(&tiny.lock);
		if (other)
			platform_answer(other->tracee, 55);
		arch_set_result(stop_regs(t), other != NULL);
		return RESUME_RUN;
	default:
		arch_set_result(stop_regs(t), -ENOSYS);
		return RESUME_RUN;
	}
}

static void push(struct tracee *t, struct task *k, int signo)
{
	struct sigframe f = { .signo = signo, .handler = k->handler, .restorer = k->restorer, .mask = 0xabcd, .on_alt = k->on_alt };

	f.siginfo[0] = (uint8_t)signo;
	f.alt_base = GUEST_DATA + 0x8000;
	f.alt_size = 0x4000;
	cr_assert_eq(arch_push_frame(t, &f), 0);
}

static enum resume on_stop(struct tracee *t, void *cookie, const struct stop *s)
{
	struct task *k = cookie;

	pthread_mutex_lock(&tiny.lock);
	tiny.stops++;
	if (s->kind == STOP_KICK) {
		tiny.kicks++;
		tiny.kicks_after += s->after_call;
	} else if (s->kind == STOP_CALL) {
		tiny.last_stop = s->call;
	} else if (s->kind == STOP_FAULT) {
		tiny.faults++;
		tiny.last_fault = s->fault;
	}
	changed();
	pthread_mutex_unlock(&tiny.lock);
	switch (s->kind) {
	case STOP_NEW:
		return load(t, k);
	case STOP_CALL:
		return on_stop_call(t, k, &s->call);
	case STOP_KICK:
		if (k->in_hold) {
			arch_set_result(stop_regs(t), 33);
			return RESUME_HOLD;
		}
		if (k->handler)
			push(t, k, SIGUSR1);
		k->handler = 0;
		return RESUME_RUN;
	case STOP_FAULT:
		if (k->faults++ == 0 && k->handler)
			push(t, k, s->fault.signo);
		else
			platform_kill(t);
		return RESUME_RUN;
	}
	return RESUME_RUN;
}

static void on_gone(struct tracee *t, void *cookie, int status)
{
	struct task *k = cookie;

	if (k->tracee)
		tracee_put(t); /* ours since its STOP_NEW */
	pthread_mutex_lock(&tiny.lock);
	tiny.live--;
	tiny.gone++;
	tiny.last_status = status;
	changed();
	pthread_mutex_unlock(&tiny.lock);
	mem_free(k);
}

static void on_broken(const char *what, int err)
{
	fprintf(stderr, "platform broken: %s: %d\n", what, err);
	abort();
}

static const struct platform_handler handler = { .call = on_call, .stop = on_stop, .gone = on_gone, .broken = on_broken };

void tiny_create(const struct platform_ops *ops, int lanes)
{
	static const uint16_t stops[] = { SYS_mmap, SYS_rt_sigreturn, SYS_mremap, SYS_clone, SYS_fork, SYS_vfork, SYS_execve, CALL_HOLD,
					  CALL_CMPXCHG, CALL_ANSWER_OTHER };
	struct platform_config cfg = { .handler = &handler, .lanes = lanes, .stop_calls = stops, .stop_call_count = ARRAY_LEN(stops),
				       .log_fd = 2 };
	char why[200] = "";

	tiny = (struct tiny){ .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER };
	int err = platform_create(ops, &cfg, &tiny.platform, why, sizeof(why));

	cr_assert_eq(err, 0, "%s", why);
	cr_assert_gt(cfg.address_limit, 0x7f0000000000);
	platform_start(tiny.platform);
}

void tiny_destroy(void)
{
	platform_destroy(tiny.platform);
	cr_assert_eq(tiny.live, 0, "every tracee is gone");
}

void tiny_run(void (*fn)(uint64_t), uint64_t arg)
{
	struct task *k = new_task();

	k->entry = tiny_guest_address((const void *)fn);
	k->arg = arg;
	tiny.first = k;
	cr_assert_eq(platform_spawn(tiny.platform, k), 0);
}

int64_t tiny_await_report(int slot)
{
	pthread_mutex_lock(&tiny.lock);
	while (!(tiny.reported >> slot & 1))
		pthread_cond_wait(&tiny.change, &tiny.lock);
	tiny.reported &= ~(1ull << slot);
	int64_t v = tiny.report[slot];

	pthread_mutex_unlock(&tiny.lock);
	return v;
}

void tiny_await_gone(int count)
{
	pthread_mutex_lock(&tiny.lock);
	while (tiny.gone < count)
		pthread_cond_wait(&tiny.change, &tiny.lock);
	pthread_mutex_unlock(&tiny.lock);
}

struct task *tiny_await_waiting(void)
{
	pthread_mutex_lock(&tiny.lock);
	while (!tiny.waiting)
		pthread_cond_wait(&tiny.change, &tiny.lock);
	struct task *k = tiny.waiting;

	tiny.waiting = NULL;
	pthread_mutex_unlock(&tiny.lock);
	return k;
}
