/* Jobs at another task's control stop: see ptrace.h. The one who waits blocks like any call, but for death alone. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/sched.h"

static void job_put(struct stop_job *job)
{
	if (!ref_put(&job->ref))
		return;
	task_put(job->waiter);
	mem_free(job->bytes);
	mem_free(job);
}

/* The call ends, done or not: what is still on the target's list stays there, and tells nobody. */
static void job_abandon(void *data)
{
	job_put(data);
}

static struct stop_job *job_new(struct task *t, const struct stop_job *make, const void *bytes)
{
	struct stop_job *job = mem_alloc(sizeof(*job));

	if (!job)
		return NULL;
	*job = *make;
	ref_init(&job->ref);
	list_init(&job->link);
	atomic_init(&job->done, false);
	job->waiter = task_get(t);
	job->bytes = job->size ? mem_zalloc(job->size) : NULL;
	if (job->size && !job->bytes) {
		job_put(job);
		return NULL;
	}
	if (bytes)
		memcpy(job->bytes, bytes, job->size);
	return job;
}

static int enqueue(struct task *target, struct stop_job *job)
{
	LOCK_GUARD(&target->proc->sig_lock);
	if (atomic_load(&target->run) == RUN_DEAD || (atomic_load(&target->work) & WORK_EXIT))
		return -ESRCH;
	ref_get(&job->ref);
	list_push_back(&target->jobs, &job->link);
	atomic_fetch_or(&target->work, WORK_PTRACE);
	task_notify(target);
	return 0;
}

int64_t stop_job_run(struct task *t, struct task *target, const struct stop_job *make, const void *bytes, struct stop_job **out)
{
	struct stop_job *job = t->blk.data;
	int err;

	if (!job) {
		job = job_new(t, make, bytes);
		if (!job)
			return -ENOMEM;
		t->blk.data = job;
		t->blk.data_free = job_abandon;
		err = enqueue(target, job);
		if (err)
			return err;
	}
	if (!atomic_load(&job->done))
		/* Not by task_block(): no signal interrupts this. But two tasks that wait for each other's stop must both come to one. */
		return atomic_load(&t->work) & WORK_PTRACE ? -ERESTARTNOINTR : SYS_BLOCKED;
	*out = job;
	return job->ret;
}

static struct stop_job *take(struct task *target)
{
	struct stop_job *job;

	LOCK_GUARD(&target->proc->sig_lock);
	if (list_empty(&target->jobs))
		return NULL;
	job = list_first(&target->jobs, struct stop_job, link);
	list_remove(&job->link);
	return job;
}

static void finish(struct stop_job *job, int ret)
{
	job->ret = ret;
	atomic_store(&job->done, true);
	task_wake(job->waiter);
	job_put(job);
}

void stop_jobs_do(struct task *target)
{
	struct stop_job *job;

	while ((job = take(target)))
		finish(job, job->fn(job, target));
}

void stop_jobs_cancel(struct task *target)
{
	struct stop_job *job;

	while ((job = take(target)))
		finish(job, -ESRCH);
}
