/* signalfd, signalfd4. */
#include <errno.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/kernel/signalfd.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int64_t signalfd(struct task *t, const struct sysargs *a, uint32_t flags)
{
	struct file *f AUTO_FILE = NULL;
	struct file *new;
	uint64_t mask;
	int err;

	if ((flags & ~(uint32_t)(LX_SFD_CLOEXEC | LX_SFD_NONBLOCK)) || arg_size(a, 2) != LX_SIGSET_SIZE)
		return -EINVAL;
	if (copy_in(t, &mask, arg_addr(a, 1), sizeof(mask)) < 0)
		return -EFAULT;
	if (arg_fd(a, 0) == -1) {
		err = signalfd_file(t, mask, flags & LX_O_NONBLOCK, &new);
		return err ? err : fd_add(t, new, flags & LX_SFD_CLOEXEC);
	}
	f = fd_get(t, arg_fd(a, 0));
	if (!f)
		return -EBADF;
	err = signalfd_set_mask(f, mask);
	return err ? err : arg_fd(a, 0);
}

int64_t sys_signalfd(struct task *t, const struct sysargs *a)
{
	return signalfd(t, a, 0);
}

int64_t sys_signalfd4(struct task *t, const struct sysargs *a)
{
	return signalfd(t, a, arg_u32(a, 3));
}
