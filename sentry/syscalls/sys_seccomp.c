/* seccomp. */
#include <errno.h>

#include "abi/prctl.h"
#include "abi/seccomp.h"
#include "base/mem.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

static int64_t action_available(struct task *t, uaddr_t arg)
{
	static const uint32_t known[] = {
		LX_SECCOMP_RET_KILL_PROCESS, LX_SECCOMP_RET_KILL_THREAD, LX_SECCOMP_RET_TRAP, LX_SECCOMP_RET_ERRNO,
		LX_SECCOMP_RET_USER_NOTIF, LX_SECCOMP_RET_TRACE, LX_SECCOMP_RET_LOG, LX_SECCOMP_RET_ALLOW,
	};
	uint32_t action;

	if (copy_in(t, &action, arg, sizeof(action)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i] == action)
			return 0;
	return -EOPNOTSUPP;
}

static int64_t notif_sizes(struct task *t, uaddr_t arg)
{
	const struct lx_seccomp_notif_sizes sizes = {
		.notif = sizeof(struct lx_seccomp_notif),
		.resp = sizeof(struct lx_seccomp_notif_resp),
		.data = sizeof(struct lx_seccomp_data),
	};

	return copy_out(t, arg, &sizes, sizeof(sizes));
}

int64_t sys_seccomp(struct task *t, const struct sysargs *a)
{
	uint32_t flags = arg_u32(a, 1);
	uaddr_t arg = arg_addr(a, 2);

	switch (arg_u32(a, 0)) {
	case LX_SECCOMP_SET_MODE_STRICT:
		return flags || !uaddr_null(arg) ? -EINVAL : seccomp_set_strict(t);
	case LX_SECCOMP_SET_MODE_FILTER:
		return seccomp_set_filter(t, flags, arg);
	case LX_SECCOMP_GET_ACTION_AVAIL:
		return flags ? -EINVAL : action_available(t, arg);
	case LX_SECCOMP_GET_NOTIF_SIZES:
		return flags ? -EINVAL : notif_sizes(t, arg);
	default:
		return -EINVAL;
	}
}
