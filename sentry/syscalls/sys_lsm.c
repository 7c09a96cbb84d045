/* lsm_get_self_attr, lsm_set_self_attr, lsm_list_modules: of a kernel with capabilities and Landlock, neither of which has attributes. */
#include <errno.h>

#include "base/mem.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/usermem.h"
#include "sentry/syscalls/handlers.h"

#define LSM_ID_CAPABILITY 100
#define LSM_ID_LANDLOCK 110
#define LSM_FLAG_SINGLE 1u

static int64_t get_size(struct task *t, uaddr_t addr, uint32_t *out)
{
	return copy_in(t, out, addr, sizeof(*out));
}

int64_t sys_lsm_get_self_attr(struct task *t, const struct sysargs *a)
{
	struct {
		uint64_t id, flags, len, ctx_len;
	} ctx;
	uint32_t size;

	if (arg_u32(a, 0) == 0 || arg_u32(a, 0) == UINT32_MAX)
		return arg_u32(a, 0) ? -EOPNOTSUPP : -EINVAL;
	if (uaddr_null(arg_addr(a, 2)))
		return -EINVAL;
	if (get_size(t, arg_addr(a, 2), &size) < 0)
		return -EFAULT;
	if (arg_u32(a, 3) & ~LSM_FLAG_SINGLE)
		return -EINVAL;
	if (arg_u32(a, 3) & LSM_FLAG_SINGLE) {
		if (uaddr_null(arg_addr(a, 1)))
			return -EINVAL;
		if (copy_in(t, &ctx, arg_addr(a, 1), sizeof(ctx)) < 0)
			return -EFAULT;
		if (ctx.id == 0)
			return -EINVAL;
	}
	return -EOPNOTSUPP;
}

int64_t sys_lsm_set_self_attr(struct task *t, const struct sysargs *a)
{
	uint8_t ctx[32];

	if (arg_u32(a, 3) || arg_u32(a, 2) < sizeof(ctx))
		return -EINVAL;
	if (arg_u32(a, 2) > LX_PAGE_SIZE)
		return -E2BIG;
	return copy_in(t, ctx, arg_addr(a, 1), sizeof(ctx)) < 0 ? -EFAULT : -EOPNOTSUPP;
}

int64_t sys_lsm_list_modules(struct task *t, const struct sysargs *a)
{
	static const uint64_t ids[] = { LSM_ID_CAPABILITY, LSM_ID_LANDLOCK };
	uint32_t room, size = sizeof(ids);

	if (arg_u32(a, 2))
		return -EINVAL;
	if (get_size(t, arg_addr(a, 1), &room) < 0 || copy_out(t, arg_addr(a, 1), &size, sizeof(size)) < 0)
		return -EFAULT;
	if (room < size)
		return -E2BIG;
	return copy_out(t, arg_addr(a, 0), ids, sizeof(ids)) < 0 ? -EFAULT : (int64_t)ARRAY_LEN(ids);
}
