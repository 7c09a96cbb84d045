/* What a call passes before its handler: see entry.h. */
#include "sentry/kernel/entry.h"

#include <errno.h>

#include "abi/seccomp.h"
#include "abi/wait.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/signal.h"
#include "sentry/mm/usermem.h"

int64_t entry_result(struct task *t, int64_t value)
{
	t->raw_result = value;
	return SYS_RAW;
}

int64_t entry_trap(struct task *t, int code, int err)
{
	struct lx_siginfo info = {
		.si_signo = LX_SIGSYS,
		.si_errno = err,
		.si_code = code,
		.u.sys = { .call_addr = t->call.ip, .syscall = t->call.nr, .arch = LX_AUDIT_ARCH },
	};

	signal_force(t, &info);
	return entry_result(t, t->call.nr);
}

/* --- system-call user dispatch: Documentation/admin-guide/syscall-user-dispatch.rst -------------------------------- */

int user_dispatch_set(struct task *t, uint64_t mode, uint64_t offset, uint64_t len, uint64_t selector)
{
	if (mode == LX_PR_SYS_DISPATCH_OFF) {
		if (offset || len || selector)
			return -EINVAL;
		user_dispatch_off(t);
		return 0;
	}
	if (mode != LX_PR_SYS_DISPATCH_ON || (offset && offset + len <= offset))
		return -EINVAL;
	if (selector >= platform_address_limit(t->k->platform))
		return -EFAULT;
	t->entry.dispatch.offset = offset;
	t->entry.dispatch.len = len;
	t->entry.dispatch.selector = selector;
	atomic_fetch_or(&t->entry.work, ENTRY_USER_DISPATCH);
	return 0;
}

void user_dispatch_off(struct task *t)
{
	atomic_fetch_and(&t->entry.work, ~(uint32_t)ENTRY_USER_DISPATCH);
}

static int64_t kill_by(struct task *t, int signo)
{
	process_exit(t->proc, LX_WSTATUS_SIGNALED(signo));
	return entry_result(t, -ENOSYS);
}

/* True where the program's own handler is to have the call, or has broken its side; *ret then says how. */
static bool dispatched(struct task *t, int64_t *ret)
{
	uint8_t state;

	if (t->call.ip - t->entry.dispatch.offset < t->entry.dispatch.len)
		return false;
	if (t->entry.dispatch.selector) {
		if (copy_in(t, &state, uaddr(t->entry.dispatch.selector), 1) < 0) {
			*ret = kill_by(t, LX_SIGSEGV);
			return true;
		}
		if (state == LX_SYSCALL_DISPATCH_FILTER_ALLOW)
			return false;
		if (state != LX_SYSCALL_DISPATCH_FILTER_BLOCK) {
			*ret = kill_by(t, LX_SIGSYS);
			return true;
		}
	}
	*ret = entry_trap(t, LX_SYS_USER_DISPATCH, 0);
	return true;
}

/* --- all of it --------------------------------------------------------------------------------------------------------- */

bool entry_pass(struct task *t, int64_t *ret)
{
	uint32_t work = atomic_load(&t->entry.work);

	/* Not again for a call that waits for its filter's supervisor. */
	if ((work & ENTRY_USER_DISPATCH) && !seccomp_waits(t) && dispatched(t, ret))
		return false;
	if ((work & ENTRY_SECCOMP) && !seccomp_pass(t, ret))
		return false;
	t->entry.passed = true;
	return true;
}
