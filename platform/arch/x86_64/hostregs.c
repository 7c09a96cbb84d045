/* Registers of a stopped host thread: the one place that moves them by ptrace. */
#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>
#include <elf.h>
#include <linux/audit.h>
#include <linux/ptrace.h>

#include "base/host.h"
#include "base/mem.h"
#include "platform/arch_control.h"
#include "regs.h"
#include "xstate.h"

_Static_assert(sizeof(struct user_regs_struct) == R_COUNT * sizeof(uint64_t), "the slots are the host's");
_Static_assert(offsetof(struct user_regs_struct, orig_rax) == R_ORIG_AX * sizeof(uint64_t), "in its order");
_Static_assert(offsetof(struct user_regs_struct, gs) == R_GS * sizeof(uint64_t), "in its order");

/* Raw, since glibc's wrapper turns PEEKUSER's result into a value that cannot be told from an error. */
static int request(long what, pid_t tid, uint64_t addr, void *data)
{
	return (int)host_ret(syscall(SYS_ptrace, what, (long)tid, addr, data));
}

int arch_fetch(pid_t tid, struct arch_regs *r)
{
	return request(PTRACE_GETREGS, tid, 0, r->slot);
}

int arch_store(pid_t tid, const struct arch_regs *r)
{
	return request(PTRACE_SETREGS, tid, 0, (void *)(uintptr_t)r->slot);
}

int arch_fetch_nr(pid_t tid, int64_t *nr)
{
	return request(PTRACE_PEEKUSER, tid, R_ORIG_AX * sizeof(uint64_t), nr);
}

int arch_fetch_result(pid_t tid, int64_t *ret)
{
	return request(PTRACE_PEEKUSER, tid, R_AX * sizeof(uint64_t), ret);
}

int arch_store_result(pid_t tid, int64_t ret)
{
	return request(PTRACE_POKEUSER, tid, R_AX * sizeof(uint64_t), (void *)(uintptr_t)ret);
}

bool arch_fetch_call(pid_t tid, struct call_info *out)
{
	struct ptrace_syscall_info info;

	if (request(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return false;
	if (info.arch != AUDIT_ARCH_X86_64 || info.op == PTRACE_SYSCALL_INFO_NONE)
		return false;
	*out = (struct call_info){ .nr = (int64_t)info.entry.nr, .ip = info.instruction_pointer, .sp = info.stack_pointer };
	for (int i = 0; i < 6; i++)
		out->arg[i] = info.entry.args[i];
	return true;
}

int64_t arch_xstate_fetch(pid_t tid, void *buf, size_t len)
{
	struct iovec v = { buf, len };
	int err = request(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &v);

	return err < 0 ? err : (int64_t)v.iov_len;
}

int64_t arch_xstate_store(pid_t tid, const void *buf, size_t len)
{
	struct iovec v = { (void *)(uintptr_t)buf, len };

	return request(PTRACE_SETREGSET, tid, NT_X86_XSTATE, &v);
}

int arch_reset_xstate(pid_t tid)
{
	AUTO_FREE uint8_t *area = mem_zalloc(XSTATE_REGSET_MAX);

	if (!area)
		return -ENOMEM;
	int64_t n = arch_xstate_fetch(tid, area, XSTATE_REGSET_MAX);

	if (n < 0)
		return (int)n;
	xstate_clear(area, (size_t)n);
	return (int)arch_xstate_store(tid, area, (size_t)n);
}
