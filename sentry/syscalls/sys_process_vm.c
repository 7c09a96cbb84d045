/* process_vm_readv, process_vm_writev. */
#include <errno.h>
#include <stddef.h>

#include "base/mem.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/uio.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define BOUNCE 65536u

/* A referenced tracee of the task's, that its end cannot take away. NULL when it has none now. */
static struct tracee *borrow_tracee(struct task *other)
{
	struct tracee *tracee;

	lock_take(&other->tracee_lock);
	tracee = other->tracee ? tracee_get(other->tracee) : NULL;
	lock_drop(&other->tracee_lock);
	return tracee;
}

/* Moves the bytes of the remote vector's next part. Bytes; fewer than asked at a fault. */
static int64_t move_part(struct uio *local, struct tracee *tracee, uaddr_t remote, uint64_t len, bool write, char *bounce)
{
	int64_t n;

	if (len > BOUNCE)
		len = BOUNCE;
	if (len > local->left)
		len = local->left;
	if (!write) {
		n = tracee_read(tracee, bounce, remote, len);
		return n > 0 ? uio_put(local, bounce, (uint64_t)n) : -EFAULT;
	}
	n = uio_get(local, bounce, len);
	return n > 0 ? tracee_write(tracee, remote, bounce, (size_t)n) : -EFAULT;
}

static int64_t move_all(struct uio *local, struct tracee *tracee, const struct uio *remote, bool write)
{
	AUTO_FREE char *bounce = mem_alloc(BOUNCE);
	int64_t done = 0;

	if (!bounce)
		return -ENOMEM;
	for (uint32_t i = 0; i < remote->count && local->left; i++) {
		for (uint64_t at = 0; at < remote->iov[i].len && local->left;) {
			int64_t n = move_part(local, tracee, uaddr_add(remote->iov[i].addr, at), remote->iov[i].len - at, write, bounce);

			if (n <= 0)
				return done ? done : -EFAULT;
			at += (uint64_t)n;
			done += n;
		}
	}
	return done;
}

static int64_t process_vm(struct task *t, const struct sysargs *a, bool write)
{
	struct tracee *tracee;
	struct uio local, remote;
	struct task *other;
	int64_t ret;

	if (arg_u64(a, 5))
		return -EINVAL;
	ret = uio_init_iovec(&local, t, arg_addr(a, 1), arg_u64(a, 2));
	if (ret < 0)
		return ret;
	ret = uio_init_iovec(&remote, t, arg_addr(a, 3), arg_u64(a, 4));
	if (ret < 0) {
		uio_done(&local);
		return ret;
	}
	other = task_find(t->k, arg_pid(a, 0));
	tracee = other ? borrow_tracee(other) : NULL;
	if (!tracee)
		ret = -ESRCH;
	else if (ptrace_may_access(t, other))
		ret = -EPERM;
	else
		ret = local.left && remote.left ? move_all(&local, tracee, &remote, write) : 0;
	if (tracee)
		tracee_put(tracee);
	task_put(other);
	uio_done(&local);
	uio_done(&remote);
	return ret;
}

int64_t sys_process_vm_readv(struct task *t, const struct sysargs *a)
{
	return process_vm(t, a, false);
}

int64_t sys_process_vm_writev(struct task *t, const struct sysargs *a)
{
	return process_vm(t, a, true);
}
