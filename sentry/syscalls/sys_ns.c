/* unshare, setns. namespaces(7). */
#include <errno.h>

#include "abi/sched.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/nsfs.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task_ns.h"
#include "sentry/kernel/task.h"
#include "sentry/syscalls/handlers.h"

static int unshare_fs(struct task *t)
{
	struct fsctx *own, *old;

	own = fsctx_copy(t->fs);
	if (!own)
		return -ENOMEM;
	lock_take(&t->proc->lock);
	old = t->fs;
	t->fs = own;
	lock_drop(&t->proc->lock);
	fsctx_put(old);
	return 0;
}

static int unshare_files(struct task *t)
{
	struct fdtable *own = fdtable_copy(t->files), *old;

	if (!own)
		return -ENOMEM;
	lock_take(&t->proc->lock);
	old = t->files;
	t->files = own;
	lock_drop(&t->proc->lock);
	fdtable_put(old, t);
	return 0;
}

int64_t sys_unshare(struct task *t, const struct sysargs *a)
{
	const uint64_t single = LX_CLONE_THREAD | LX_CLONE_SIGHAND | LX_CLONE_VM;
	uint64_t flags = (uint32_t)arg_u64(a, 0);
	int err = 0;

	if (flags & ~(single | LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_SYSVSEM | LX_CLONE_NS_MASK))
		return -EINVAL;
	if (flags & LX_CLONE_NEWUSER)
		flags |= LX_CLONE_THREAD | LX_CLONE_FS;
	if (flags & LX_CLONE_NEWNS)
		flags |= LX_CLONE_FS;
	if ((flags & single) && t->proc->live_tasks > 1)
		return -EINVAL;
	if (flags & LX_CLONE_FS)
		err = unshare_fs(t);
	if (!err && (flags & LX_CLONE_NS_MASK))
		err = task_unshare_ns(t, flags);
	if (!err && (flags & LX_CLONE_FILES))
		err = unshare_files(t);
	return err;
}

static int64_t enter_of_pidfd(struct task *t, struct file *f, uint64_t flags)
{
	struct process *p = pidfd_process(f);
	struct task *of = NULL;
	int err;

	if (!p)
		return -EINVAL;
	if (!flags || (flags & ~LX_CLONE_NS_MASK)) {
		process_put(p);
		return -EINVAL;
	}
	lock_take(&p->lock);
	if (!list_empty(&p->tasks))
		of = task_get(list_first(&p->tasks, struct task, proc_link));
	lock_drop(&p->lock);
	err = of ? task_enter_ns_of(t, of, flags) : -ESRCH;
	task_put(of);
	process_put(p);
	return err;
}

int64_t sys_setns(struct task *t, const struct sysargs *a)
{
	AUTO_FILE struct file *f = fd_get(t, arg_fd(a, 0));
	uint64_t flags = (uint32_t)arg_int(a, 1);
	struct ns *ns;

	if (!f)
		return -EBADF;
	ns = nsfs_file_ns(f);
	if (!ns)
		return enter_of_pidfd(t, f, flags);
	if (flags && flags != ns_types[ns->kind].flag)
		return -EINVAL;
	return task_enter_ns(t, ns);
}
