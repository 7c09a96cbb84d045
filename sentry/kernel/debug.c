/* A debugger's reach into a stopped task: see debug.h. The functions with `job` in their names run at its stop. */
#include "sentry/kernel/debug.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/mm/force.h"
#include "sentry/mm/usermem.h"

/* --- memory -------------------------------------------------------------------------------------------------------------- */

static struct tracee *borrow_tracee(struct task *target)
{
	LOCK_GUARD(&target->tracee_lock);
	return target->tracee ? tracee_get(target->tracee) : NULL;
}

static int64_t copy_allowed(struct task *target, bool write, uaddr_t at, void *buf, uint32_t n)
{
	struct tracee *tracee = borrow_tracee(target);
	int64_t done;

	if (!tracee)
		return -ESRCH;
	done = write ? tracee_write(tracee, at, buf, n) : tracee_read(tracee, buf, at, n);
	tracee_put(tracee);
	return done;
}

static int peek_job(struct stop_job *job, struct task *target)
{
	return stop_peek(target->tracee, uaddr(job->addr), job->bytes, job->size);
}

static int poke_job(struct stop_job *job, struct task *target)
{
	int err = target->mm ? mm_allow_forced_write(target->mm, job->addr, job->size) : -ESRCH;

	return err ? err : stop_poke(target->tracee, uaddr(job->addr), job->bytes, job->size);
}

/* To the end of the page: what lies behind it may be of another kind. */
static uint32_t part_of_page(uaddr_t at, uint32_t n)
{
	uint32_t left = 4096 - (uint32_t)(at.v % 4096);

	return n < left ? n : left;
}

int64_t debug_read(struct task *t, struct task *target, uaddr_t from, void *buf, uint32_t n)
{
	const struct stop_job make = { .fn = peek_job, .addr = from.v, .size = part_of_page(from, n) };
	struct stop_job *job;
	int64_t ret = t->blk.data ? 0 : copy_allowed(target, false, from, buf, n);

	if (ret > 0 || n == 0)
		return ret;
	if (t->proc == target->proc)
		return -EIO;
	ret = stop_job_run(t, target, &make, NULL, &job);
	if (ret)
		return ret;
	memcpy(buf, job->bytes, job->size);
	return (int64_t)job->size;
}

int64_t debug_write(struct task *t, struct task *target, uaddr_t to, const void *buf, uint32_t n)
{
	const struct stop_job make = { .fn = poke_job, .addr = to.v, .size = part_of_page(to, n) };
	struct stop_job *job;
	int64_t ret = t->blk.data ? 0 : copy_allowed(target, true, to, (void *)(uintptr_t)buf, n);

	if (ret > 0 || n == 0)
		return ret;
	if (t->proc == target->proc)
		return -EIO;
	ret = stop_job_run(t, target, &make, buf, &job);
	return ret ? ret : (int64_t)job->size;
}

/* --- extended state -------------------------------------------------------------------------------------------------------- */

static int get_xstate_job(struct stop_job *job, struct task *target)
{
	int64_t n = stop_xstate_get(target->tracee, job->bytes, job->size);

	job->value = n > 0 ? (uint64_t)n : 0;
	return n < 0 ? (int)n : 0;
}

static int set_xstate_job(struct stop_job *job, struct task *target)
{
	return (int)stop_xstate_set(target->tracee, job->bytes, job->size);
}

static int set_fpregs_job(struct stop_job *job, struct task *target)
{
	AUTO_FREE uint8_t *whole = mem_alloc(ARCH_XSTATE_MAX);
	int64_t n = whole ? stop_xstate_get(target->tracee, whole, ARCH_XSTATE_MAX) : -ENOMEM;

	if (n < 0)
		return (int)n;
	arch_fpregs_put(whole, (size_t)n, job->bytes);
	return (int)stop_xstate_set(target->tracee, whole, (size_t)n);
}

int64_t debug_xstate_get(struct task *t, struct task *target, void *buf)
{
	const struct stop_job make = { .fn = get_xstate_job, .size = ARCH_XSTATE_MAX };
	struct stop_job *job;
	int64_t ret = stop_job_run(t, target, &make, NULL, &job);

	if (ret)
		return ret;
	memcpy(buf, job->bytes, job->value);
	return (int64_t)job->value;
}

int64_t debug_xstate_set(struct task *t, struct task *target, const void *buf, uint32_t n)
{
	const struct stop_job make = { .fn = set_xstate_job, .size = n };
	struct stop_job *job;

	return stop_job_run(t, target, &make, buf, &job);
}

int64_t debug_fpregs_set(struct task *t, struct task *target, const void *buf)
{
	const struct stop_job make = { .fn = set_fpregs_job, .size = arch_fpregs_size() };
	struct stop_job *job;

	return stop_job_run(t, target, &make, buf, &job);
}

/* --- debug registers ------------------------------------------------------------------------------------------------------- */

static int get_debug_job(struct stop_job *job, struct task *target)
{
	return stop_debug_get(target->tracee, (int)job->addr, &job->value);
}

static int set_debug_job(struct stop_job *job, struct task *target)
{
	return stop_debug_set(target->tracee, (int)job->addr, job->value);
}

int64_t debug_register_get(struct task *t, struct task *target, int which, uint64_t *out)
{
	const struct stop_job make = { .fn = get_debug_job, .addr = (uint64_t)which };
	struct stop_job *job;
	int64_t ret = stop_job_run(t, target, &make, NULL, &job);

	if (!ret)
		*out = job->value;
	return ret;
}

int64_t debug_register_set(struct task *t, struct task *target, int which, uint64_t v)
{
	const struct stop_job make = { .fn = set_debug_job, .addr = (uint64_t)which, .value = v };
	struct stop_job *job;

	return stop_job_run(t, target, &make, NULL, &job);
}
