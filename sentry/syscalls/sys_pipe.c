/* pipe, pipe2. */
#include <errno.h>
#include <stddef.h>

#include "abi/fcntl.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/pipefile.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int64_t do_pipe(struct task *t, uaddr_t out, uint32_t flags)
{
	struct file *ends[2];
	int fds[2], ret;

	if (flags & ~(uint32_t)(LX_O_CLOEXEC | LX_O_NONBLOCK | LX_O_DIRECT))
		return -EINVAL;
	ret = pipe_create(t, flags & (LX_O_NONBLOCK | LX_O_DIRECT), ends);
	if (ret < 0)
		return ret;
	fds[0] = ret = fd_reserve(t, 0);
	if (ret >= 0) {
		fds[1] = ret = fd_reserve(t, 0);
		if (ret >= 0)
			ret = copy_out(t, out, fds, sizeof(fds));
		if (ret < 0 && fds[1] >= 0)
			fd_unreserve(t, fds[1]);
	}
	if (ret < 0) {
		if (fds[0] >= 0)
			fd_unreserve(t, fds[0]);
		file_put(ends[0]);
		file_put(ends[1]);
		return ret;
	}
	fd_install(t, fds[0], ends[0], flags & LX_O_CLOEXEC);
	fd_install(t, fds[1], ends[1], flags & LX_O_CLOEXEC);
	return 0;
}

int64_t sys_pipe(struct task *t, const struct sysargs *a)
{
	return do_pipe(t, arg_addr(a, 0), 0);
}

int64_t sys_pipe2(struct task *t, const struct sysargs *a)
{
	return do_pipe(t, arg_addr(a, 0), arg_u32(a, 1));
}
