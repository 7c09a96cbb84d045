/* FUTEX_WAKE_OP: one word changed atomically, and its old value compared. */
#include <errno.h>

#include "abi/futex.h"
#include "sentry/kernel/futex_impl.h"
#include "sentry/kernel/task.h"

static int32_t sign_extend12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

static int apply(uint32_t op, uint32_t old, uint32_t arg, uint32_t *out)
{
	switch (op) {
	case LX_FUTEX_OP_SET:
		*out = arg;
		return 0;
	case LX_FUTEX_OP_ADD:
		*out = old + arg;
		return 0;
	case LX_FUTEX_OP_OR:
		*out = old | arg;
		return 0;
	case LX_FUTEX_OP_ANDN:
		*out = old & ~arg;
		return 0;
	case LX_FUTEX_OP_XOR:
		*out = old ^ arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

static int compare(uint32_t cmp, int32_t old, int32_t arg)
{
	switch (cmp) {
	case LX_FUTEX_OP_CMP_EQ:
		return old == arg;
	case LX_FUTEX_OP_CMP_NE:
		return old != arg;
	case LX_FUTEX_OP_CMP_LT:
		return old < arg;
	case LX_FUTEX_OP_CMP_GE:
		return old >= arg;
	case LX_FUTEX_OP_CMP_LE:
		return old <= arg;
	case LX_FUTEX_OP_CMP_GT:
		return old > arg;
	default:
		return -ENOSYS;
	}
}

int futex_op(struct task *t, uaddr_t addr, uint32_t encoded)
{
	uint32_t op = (encoded >> 28) & 7, cmp = (encoded >> 24) & 15;
	int32_t arg = sign_extend12((encoded >> 12) & 0xfff), cmparg = sign_extend12(encoded & 0xfff);
	uint32_t seen, new;
	int done;

	if (encoded & ((uint32_t)LX_FUTEX_OP_OPARG_SHIFT << 28))
		arg = (int32_t)(1u << (arg & 31));
	if (tracee_read(t->tracee, &seen, addr, sizeof(seen)) != sizeof(seen))
		return -EFAULT;
	do {
		uint32_t expected = seen;

		if (apply(op, expected, (uint32_t)arg, &new) < 0)
			return -ENOSYS;
		done = stop_cmpxchg32(t->tracee, addr, expected, new, &seen);
		if (done > 0)
			seen = expected;
	} while (done == 0);
	return done < 0 ? done : compare(cmp, (int32_t)seen, cmparg);
}
