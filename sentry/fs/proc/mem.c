/*
 * /proc/PID/mem: a process's memory as a file, its position the address. proc_pid_mem(5).
 *
 * What the process itself may read or write is copied at once. The rest (breakpoints in code, memory without access) is done for whoever may trace the
 * process, at a stop of one of its threads, while the caller's read or write is blocked.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/fs/file.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/debug.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/mm/mm.h"

struct mem_file {
	struct pseudo_obj obj; /* its references are the inode's, which the file has */
	struct mm *mm;         /* referenced; a later image is not this file's business */
};

static bool lives_in(const struct task *t, const struct mm *mm)
{
	LOCK_GUARD(&t->proc->lock);
	return t->mm == mm;
}

/* A thread to reach the memory through: one that is stopped for a tracer where there is one. Referenced, or NULL. */
static struct task *reach(const struct mem_file *m)
{
	struct process *p = m->obj.proc;
	struct task *t, *found = NULL;

	lock_take(&p->lock);
	list_for_each(t, &p->tasks, proc_link) {
		bool stopped = t->pt && t->pt->stopped;

		if (!found || stopped)
			found = t;
		if (stopped)
			break;
	}
	if (found)
		task_get(found);
	lock_drop(&p->lock);
	if (!found || lives_in(found, m->mm))
		return found;
	task_put(found);
	return NULL;
}

typedef int64_t move_fn(struct task *t, struct task *target, struct uio *u, uint64_t at, char *part, uint32_t n);

static int64_t move_out(struct task *t, struct task *target, struct uio *u, uint64_t at, char *part, uint32_t n)
{
	int64_t got = debug_read(t, target, (uaddr_t){ at }, part, n);

	return got > 0 ? uio_put(u, part, (uint64_t)got) : got;
}

static int64_t move_in(struct task *t, struct task *target, struct uio *u, uint64_t at, char *part, uint32_t n)
{
	int64_t got = uio_get(u, part, n);

	return got > 0 ? debug_write(t, target, (uaddr_t){ at }, part, (uint32_t)got) : got;
}

/* One part a call: shorter than asked is what a reader of memory must expect. */
static int64_t move(struct file *f, struct task *t, struct uio *u, int64_t *pos, move_fn *fn)
{
	const struct mem_file *m = f->priv;
	uint32_t n = u->left < DEBUG_COPY_MAX ? (uint32_t)u->left : DEBUG_COPY_MAX;
	AUTO_FREE char *part = mem_alloc(n ? n : 1);
	struct task *target = reach(m);
	int64_t ret = 0;

	if (part && target && n)
		ret = fn(t, target, u, (uint64_t)*pos, part, n);
	else if (!part)
		ret = -ENOMEM;
	task_put(target);
	if (ret > 0)
		*pos += ret;
	return ret;
}

static int64_t mem_read(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	return move(f, t, u, pos, move_out);
}

static int64_t mem_write(struct file *f, struct task *t, struct uio *u, int64_t *pos)
{
	return move(f, t, u, pos, move_in);
}

static int64_t mem_seek(struct file *f, int64_t offset, int whence)
{
	return file_seek_plain(f, offset, whence, -1);
}

static void mem_release(struct file *f)
{
	struct mem_file *m = f->priv;

	mm_put(m->mm);
	mem_free(m);
}

static const struct file_ops mem_ops;

int proc_open_mem(const struct pseudo_req *r, struct inode *i, const struct path *path, uint32_t flags, struct file **out)
{
	struct mem_file *m = mem_zalloc(sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->obj = *r->obj;
	m->mm = proc_obj_mm(r->obj);
	*out = m->mm ? file_new(&mem_ops, i, path, flags, r->t->cred, m) : NULL;
	if (*out)
		return 0;
	if (!m->mm) {
		mem_free(m);
		return -ESRCH;
	}
	mm_put(m->mm);
	mem_free(m);
	return -ENOMEM;
}

static const struct file_ops mem_ops = {
	.read = mem_read,
	.write = mem_write,
	.seek = mem_seek,
	.release = mem_release,
	.name = "mem",
};
