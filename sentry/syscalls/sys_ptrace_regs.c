/* Requests of ptrace(2) for registers: by the word, whole, and as register sets. Linux: arch/x86/kernel/ptrace.c, kernel/regset. */
#include <errno.h>
#include <string.h>

#include "abi/arch.h"
#include "base/mem.h"
#include "sentry/kernel/debug.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/ptrace_requests.h"

#define GREGS_MAX 512

struct guest_iovec {
	uint64_t base, len;
};

/* --- the user area -------------------------------------------------------------------------------------------------------- */

int64_t ptrace_peek_user(struct task *t, struct task *child, const struct sysargs *a)
{
	int debug = arch_user_debug(arg_u64(a, 2));
	uint64_t v = 0;
	int64_t ret;

	if (debug >= 0) {
		ret = debug_register_get(t, child, debug, &v);
	} else {
		ret = ptrace_hold(t, child, false);
		if (ret)
			return ret;
		ret = arch_user_peek(&child->pt->regs, arg_u64(a, 2), &v);
		ptrace_drop(child);
	}
	return ret ? ret : copy_out(t, arg_addr(a, 3), &v, sizeof(v));
}

int64_t ptrace_poke_user(struct task *t, struct task *child, const struct sysargs *a)
{
	int debug = arch_user_debug(arg_u64(a, 2));
	int64_t ret;

	if (debug >= 0)
		return debug_register_set(t, child, debug, arg_u64(a, 3));
	ret = ptrace_hold(t, child, false);
	if (ret)
		return ret;
	ret = arch_user_poke(&child->pt->regs, arg_u64(a, 2), arg_u64(a, 3));
	ptrace_drop(child);
	return ret;
}

/* --- general registers ------------------------------------------------------------------------------------------------------- */

static int64_t gregs_out(struct task *t, struct task *child, uaddr_t to, size_t n)
{
	uint8_t regs[GREGS_MAX];
	int ret = ptrace_hold(t, child, false);

	if (ret)
		return ret;
	arch_gregs_get(&child->pt->regs, regs);
	ptrace_drop(child);
	return copy_out(t, to, regs, n);
}

static int64_t gregs_in(struct task *t, struct task *child, uaddr_t from, size_t n)
{
	uint8_t regs[GREGS_MAX];
	int ret = copy_in(t, regs, from, n);

	if (!ret)
		ret = ptrace_hold(t, child, false);
	if (ret)
		return ret;
	ret = arch_gregs_set(&child->pt->regs, regs, n);
	ptrace_drop(child);
	return ret;
}

int64_t ptrace_get_regs(struct task *t, struct task *child, const struct sysargs *a)
{
	return gregs_out(t, child, arg_addr(a, 3), arch_gregs_size()) < 0 ? -EFAULT : 0;
}

int64_t ptrace_set_regs(struct task *t, struct task *child, const struct sysargs *a)
{
	return gregs_in(t, child, arg_addr(a, 3), arch_gregs_size());
}

/* --- extended state ------------------------------------------------------------------------------------------------------------ */

static int64_t xstate_out(struct task *t, struct task *child, uaddr_t to, size_t n)
{
	AUTO_FREE uint8_t *state = mem_alloc(ARCH_XSTATE_MAX);
	int64_t have = state ? debug_xstate_get(t, child, state) : -ENOMEM;

	if (have < 0)
		return have;
	if ((size_t)have < n)
		n = (size_t)have;
	return copy_out(t, to, state, n) < 0 ? -EFAULT : (int64_t)n;
}

static int64_t xstate_in(struct task *t, struct task *child, uaddr_t from, size_t n)
{
	AUTO_FREE uint8_t *state = n <= ARCH_XSTATE_MAX ? mem_alloc(ARCH_XSTATE_MAX) : NULL;

	if (n > ARCH_XSTATE_MAX || n == 0)
		return -EFAULT;
	if (!state)
		return -ENOMEM;
	if (copy_in(t, state, from, n) < 0)
		return -EFAULT;
	return debug_xstate_set(t, child, state, (uint32_t)n);
}

static int64_t fpregs_in(struct task *t, struct task *child, uaddr_t from, size_t n)
{
	AUTO_FREE uint8_t *state = mem_alloc(arch_fpregs_size());

	if (n < arch_fpregs_size())
		return -EINVAL;
	if (!state)
		return -ENOMEM;
	if (copy_in(t, state, from, arch_fpregs_size()) < 0)
		return -EFAULT;
	return debug_fpregs_set(t, child, state);
}

int64_t ptrace_get_fpregs(struct task *t, struct task *child, const struct sysargs *a)
{
	int64_t n = xstate_out(t, child, arg_addr(a, 3), arch_fpregs_size());

	return n > 0 ? 0 : n;
}

int64_t ptrace_set_fpregs(struct task *t, struct task *child, const struct sysargs *a)
{
	return fpregs_in(t, child, arg_addr(a, 3), arch_fpregs_size());
}

/* --- register sets ---------------------------------------------------------------------------------------------------------------- */

static int64_t get_general(struct task *t, struct task *child, uaddr_t to, size_t n)
{
	int64_t ret;

	if (n > arch_gregs_size())
		n = arch_gregs_size();
	ret = gregs_out(t, child, to, n);
	return ret ? ret : (int64_t)n;
}

static int64_t set_general(struct task *t, struct task *child, uaddr_t from, size_t n)
{
	int64_t ret;

	if (n > arch_gregs_size())
		n = arch_gregs_size();
	ret = gregs_in(t, child, from, n);
	return ret ? ret : (int64_t)n;
}

static int64_t get_fp(struct task *t, struct task *child, uaddr_t to, size_t n)
{
	return xstate_out(t, child, to, n < arch_fpregs_size() ? n : arch_fpregs_size());
}

static int64_t set_fp(struct task *t, struct task *child, uaddr_t from, size_t n)
{
	int64_t ret = fpregs_in(t, child, from, n);

	return ret ? ret : (int64_t)arch_fpregs_size();
}

static int64_t set_xstate(struct task *t, struct task *child, uaddr_t from, size_t n)
{
	int64_t ret = xstate_in(t, child, from, n);

	return ret ? ret : (int64_t)n;
}

/* Each moves up to n bytes and returns how many, or a negative errno. */
static const struct regset {
	uint64_t type;
	int64_t (*get)(struct task *, struct task *, uaddr_t, size_t n);
	int64_t (*set)(struct task *, struct task *, uaddr_t, size_t n);
} regsets[] = {
	{ LX_NT_PRSTATUS, get_general, set_general },
	{ LX_NT_PRFPREG, get_fp, set_fp },
	{ LX_NT_X86_XSTATE, xstate_out, set_xstate },
};

static int64_t move_regset(struct task *t, struct task *child, const struct sysargs *a, bool set)
{
	struct guest_iovec iov;
	const struct regset *r = NULL;
	int64_t n;

	if (copy_in(t, &iov, arg_addr(a, 3), sizeof(iov)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_LEN(regsets); i++)
		if (regsets[i].type == arg_u64(a, 2))
			r = &regsets[i];
	if (!r || iov.len % sizeof(uint64_t))
		return -EINVAL;
	n = (set ? r->set : r->get)(t, child, uaddr(iov.base), iov.len);
	if (n < 0)
		return n;
	iov.len = (uint64_t)n;
	return copy_out(t, uaddr_add(arg_addr(a, 3), sizeof(iov.base)), &iov.len, sizeof(iov.len));
}

int64_t ptrace_get_regset(struct task *t, struct task *child, const struct sysargs *a)
{
	return move_regset(t, child, a, false);
}

int64_t ptrace_set_regset(struct task *t, struct task *child, const struct sysargs *a)
{
	return move_regset(t, child, a, true);
}

/* --- arch_prctl ----------------------------------------------------------------------------------------------------------------------- */

static int64_t set_base(struct task *t, struct task *child, int which, uint64_t v)
{
	int ret;

	if (v >= platform_address_limit(t->k->platform))
		return -EPERM;
	ret = ptrace_hold(t, child, false);
	if (ret)
		return ret;
	arch_set_base(&child->pt->regs, which, v);
	ptrace_drop(child);
	return 0;
}

static int64_t get_base(struct task *t, struct task *child, int which, uaddr_t to)
{
	uint64_t v;
	int ret = ptrace_hold(t, child, false);

	if (ret)
		return ret;
	v = arch_base(&child->pt->regs, which);
	ptrace_drop(child);
	return copy_out(t, to, &v, sizeof(v));
}

/* The operation is `data` and its argument `addr`; what reads a base writes it to the tracer's memory. */
int64_t ptrace_arch_prctl(struct task *t, struct task *child, const struct sysargs *a)
{
	switch (arg_u32(a, 3)) {
	case LX_ARCH_SET_FS:
		return set_base(t, child, 0, arg_u64(a, 2));
	case LX_ARCH_SET_GS:
		return set_base(t, child, 1, arg_u64(a, 2));
	case LX_ARCH_GET_FS:
		return get_base(t, child, 0, arg_addr(a, 2));
	case LX_ARCH_GET_GS:
		return get_base(t, child, 1, arg_addr(a, 2));
	default:
		return -EINVAL;
	}
}
