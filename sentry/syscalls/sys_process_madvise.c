/* process_madvise, process_mrelease: advice about another process's memory, by pidfd. */
#include <errno.h>

#include "abi/cred.h"
#include "abi/mman.h"
#include "base/mem.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/mm/uio.h"
#include "sentry/mm/usermem.h"
#include "sentry/mm/vma.h"
#include "sentry/syscalls/handlers.h"

/* A referenced task of the process, which lives; NULL when there is none. */
static struct task *any_task(struct process *p)
{
	struct task *t = NULL;

	LOCK_GUARD(&p->lock);
	if (!list_empty(&p->tasks))
		t = task_get(list_first(&p->tasks, struct task, proc_link));
	return t;
}

static bool may_read(const struct task *t, struct task *of)
{
	const struct cred *a = t->cred, *b;

	LOCK_GUARD(&of->proc->lock);
	b = of->cred;
	if (t->proc == of->proc || cred_capable(a, LX_CAP_SYS_PTRACE))
		return true;
	return a->fsuid == b->uid && a->fsuid == b->euid && a->fsuid == b->suid && a->fsgid == b->gid && a->fsgid == b->egid &&
	       a->fsgid == b->sgid && of->proc->dumpable == 1;
}

/* Bytes of the range that are mapped from its start on; advice of these kinds changes nothing that can be seen. */
static int64_t advise_range(struct mm *mm, uint64_t addr, uint64_t len)
{
	if (addr % PAGE_SIZE_LX || PAGE_UP(len) < len)
		return -EINVAL;
	LOCK_GUARD(&mm->lock);
	if (addr > mm->limit || PAGE_UP(len) > mm->limit - addr || !vma_range_full(mm, addr, addr + PAGE_UP(len)))
		return -ENOMEM;
	return (int64_t)len;
}

static int64_t advise(struct task *t, struct task *of, const struct uio *ranges)
{
	struct mm *mm;
	int64_t done = 0;

	(void)t;
	lock_take(&of->proc->lock);
	mm = of->mm ? mm_get(of->mm) : NULL;
	lock_drop(&of->proc->lock);
	if (!mm)
		return -ESRCH;
	for (uint32_t i = 0; i < ranges->count; i++) {
		int64_t n = advise_range(mm, ranges->iov[i].addr.v, ranges->iov[i].len);

		if (n < 0) {
			done = done ? done : n;
			break;
		}
		done += n;
	}
	mm_put(mm);
	return done;
}

static bool for_others(int advice)
{
	return advice == LX_MADV_COLD || advice == LX_MADV_PAGEOUT || advice == LX_MADV_WILLNEED || advice == LX_MADV_COLLAPSE;
}

static int64_t advise_process(struct task *t, struct process *p, int advice, const struct uio *ranges)
{
	struct task *of = p->state >= PROC_ZOMBIE ? NULL : any_task(p);
	int64_t ret;

	if (!of)
		return -ESRCH;
	if (!for_others(advice))
		ret = -EINVAL;
	else if (!may_read(t, of) || (of->proc != t->proc && !cred_capable(t->cred, LX_CAP_SYS_NICE)))
		ret = -EPERM;
	else
		ret = advise(t, of, ranges);
	task_put(of);
	return ret;
}

int64_t sys_process_madvise(struct task *t, const struct sysargs *a)
{
	struct file *f AUTO_FILE = NULL;
	struct process *p;
	struct uio ranges;
	int64_t ret;

	if (arg_u32(a, 4))
		return -EINVAL;
	ret = uio_init_iovec(&ranges, t, arg_addr(a, 1), arg_u64(a, 2));
	if (ret < 0)
		return ret;
	f = fd_get(t, arg_fd(a, 0));
	p = f ? pidfd_process(f) : NULL;
	ret = p ? advise_process(t, p, arg_int(a, 3), &ranges) : -EBADF;
	process_put(p);
	uio_done(&ranges);
	return ret;
}

/* The host process of one that is being killed gives its memory back by itself, at once: there is nothing to hurry. */
int64_t sys_process_mrelease(struct task *t, const struct sysargs *a)
{
	struct file *f AUTO_FILE = NULL;
	struct process *p;
	struct task *of;
	int64_t ret;

	if (arg_u32(a, 1))
		return -EINVAL;
	f = fd_get(t, arg_fd(a, 0));
	p = f ? pidfd_process(f) : NULL;
	if (!p)
		return -EBADF;
	of = p->state >= PROC_ZOMBIE ? NULL : any_task(p);
	if (!of)
		ret = -ESRCH;
	else
		ret = atomic_load(&of->work) & WORK_EXIT ? 0 : -EINVAL;
	task_put(of);
	process_put(p);
	return ret;
}
