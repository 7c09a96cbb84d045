/* kcmp. kcmp(2). */
#include <errno.h>

#include "abi/sched.h"
#include "base/hash.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/syscalls/handlers.h"

/* Which order objects have is nobody's business: that of their hashes, which have a seed. */
static int64_t order(const void *a, const void *b)
{
	if (a == b)
		return 0;
	return hash_bytes(&a, sizeof(a)) < hash_bytes(&b, sizeof(b)) ? 1 : 2;
}

/* What `t` has of a kind, to be compared only; NULL when it has none or the kind is not one of these. */
static const void *part_of(struct task *t, uint32_t type)
{
	LOCK_GUARD(&t->proc->lock);
	switch (type) {
	case LX_KCMP_VM:
		return t->mm;
	case LX_KCMP_FILES:
		return t->files;
	case LX_KCMP_FS:
		return t->fs;
	case LX_KCMP_SIGHAND:
		return t->proc->sighand;
	default: /* undo lists and I/O contexts: none */
		return NULL;
	}
}

static struct file *file_of(struct task *t, struct task *other, uint64_t fd)
{
	struct fdtable *files;
	struct file *f;

	lock_take(&other->proc->lock);
	files = other->files ? fdtable_get(other->files) : NULL;
	lock_drop(&other->proc->lock);
	if (!files)
		return NULL;
	f = fd <= INT32_MAX ? fdtable_file(files, (int)fd) : NULL;
	fdtable_put(files, t);
	return f;
}

static int64_t compare_files(struct task *t, struct task *one, struct task *two, const struct sysargs *a)
{
	struct file *f = file_of(t, one, arg_u64(a, 3)), *g = file_of(t, two, arg_u64(a, 4));
	int64_t ret = f && g ? order(f, g) : -EBADF;

	if (f)
		file_put(f);
	if (g)
		file_put(g);
	return ret;
}

static int64_t compare(struct task *t, struct task *one, struct task *two, const struct sysargs *a)
{
	uint32_t type = arg_u32(a, 2);

	if (ptrace_may_access(t, one) || ptrace_may_access(t, two))
		return -EPERM;
	if (type == LX_KCMP_FILE)
		return compare_files(t, one, two, a);
	if (type == LX_KCMP_EPOLL_TFD)
		return -EOPNOTSUPP;
	return type < LX_KCMP_EPOLL_TFD ? order(part_of(one, type), part_of(two, type)) : -EINVAL;
}

int64_t sys_kcmp(struct task *t, const struct sysargs *a)
{
	struct task *one = task_find(t->k, arg_pid(a, 0)), *two = task_find(t->k, arg_pid(a, 1));
	int64_t ret = one && two ? compare(t, one, two, a) : -ESRCH;

	task_put(one);
	task_put(two);
	return ret;
}
