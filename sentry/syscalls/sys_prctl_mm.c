/* The operations of prctl that are about memory: names of mappings, the layout that /proc shows, and what a process forbids itself. */
#include <errno.h>
#include <stddef.h>

#include "abi/cred.h"
#include "abi/mman.h"
#include "abi/prctl.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/anon_name.h"
#include "sentry/mm/usermem.h"
#include "sentry/mm/vma.h"
#include "sentry/syscalls/handlers.h"
#include "sentry/syscalls/prctl.h"

static bool beyond(const struct sysargs *a, int from)
{
	for (int i = from; i < 5; i++)
		if (arg_u64(a, i))
			return true;
	return false;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* NULL for no name. Printable characters but those that /proc/PID/maps gives a meaning. */
static int read_name(struct task *t, uaddr_t from, struct anon_name **out)
{
	char text[ANON_NAME_MAX];
	int64_t len;

	*out = NULL;
	if (uaddr_null(from))
		return 0;
	len = copy_in_str(t, text, from, sizeof(text));
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : (int)len;
	for (const char *c = text; *c; c++)
		if (*c < 0x20 || *c > 0x7e || *c == '\\' || *c == '`' || *c == '$' || *c == '[' || *c == ']')
			return -EINVAL;
	*out = anon_name_new(text);
	return *out ? 0 : -ENOMEM;
}

/* Names what is anonymous; the rest and holes make it -EBADF and -ENOMEM, as the walk of madvise(2) does. */
static int name_range(struct mm *mm, uint64_t start, uint64_t end, struct anon_name *name)
{
	struct vma *v;
	int err = 0;

	LOCK_GUARD(&mm->lock);
	if (end > mm->limit || vma_split(mm, start) < 0 || vma_split(mm, end) < 0)
		return -ENOMEM;
	if (!vma_range_full(mm, start, end))
		err = -ENOMEM;
	for (v = vma_above(mm, start); v && v->start < end; v = vma_above(mm, v->end)) {
		if (v->file)
			return -EBADF;
		anon_name_put(v->anon_name);
		v->anon_name = anon_name_get(name);
	}
	vma_merge_range(mm, start, end);
	return err;
}

int64_t prctl_set_vma(struct task *t, const struct sysargs *a)
{
	uint64_t start = arg_u64(a, 2), len = PAGE_UP(arg_u64(a, 3)), end = start + len;
	struct anon_name *name;
	int err;

	if (arg_u64(a, 1) != LX_PR_SET_VMA_ANON_NAME)
		return -EINVAL;
	err = read_name(t, arg_addr(a, 4), &name);
	if (err)
		return err;
	if (start % PAGE_SIZE_LX || len < arg_u64(a, 3) || end < start)
		err = -EINVAL;
	else if (len)
		err = name_range(t->mm, start, end, name);
	anon_name_put(name);
	return err;
}

/* --- the layout ---------------------------------------------------------------------------------------------------- */

#define MAP_SIZE 104 /* sizeof(struct prctl_mm_map) */

/* What can be set: the numbers that /proc shows. The heap and the stack are where the sentry has them. */
static uint64_t *layout_field(struct task *t, uint64_t which)
{
	struct mm *mm = t->mm;

	switch (which) {
	case LX_PR_SET_MM_START_CODE:
		return &mm->code_start;
	case LX_PR_SET_MM_END_CODE:
		return &mm->code_end;
	case LX_PR_SET_MM_START_DATA:
		return &mm->data_start;
	case LX_PR_SET_MM_END_DATA:
		return &mm->data_end;
	case LX_PR_SET_MM_ARG_START:
		return &t->proc->arg_start;
	case LX_PR_SET_MM_ARG_END:
		return &t->proc->arg_end;
	case LX_PR_SET_MM_ENV_START:
		return &t->proc->env_start;
	case LX_PR_SET_MM_ENV_END:
		return &t->proc->env_end;
	default:
		return NULL;
	}
}

int64_t prctl_set_mm(struct task *t, const struct sysargs *a)
{
	uint64_t which = arg_u64(a, 1), addr = arg_u64(a, 2), *field;
	uint32_t size = MAP_SIZE;
	bool mapped;

	if (arg_u64(a, 4) || (arg_u64(a, 3) && which != LX_PR_SET_MM_AUXV && which != LX_PR_SET_MM_MAP && which != LX_PR_SET_MM_MAP_SIZE))
		return -EINVAL;
	if (which == LX_PR_SET_MM_MAP_SIZE)
		return copy_out(t, arg_addr(a, 2), &size, sizeof(size));
	if (which == LX_PR_SET_MM_MAP)
		return -EINVAL; /* as without CONFIG_CHECKPOINT_RESTORE */
	if (!cred_capable(t->cred, LX_CAP_SYS_RESOURCE))
		return -EPERM;
	field = layout_field(t, which);
	if (!field || addr < MM_LOWEST || addr >= t->mm->limit)
		return -EINVAL;
	lock_take(&t->mm->lock);
	mapped = mm_find(t->mm, addr, false) != NULL;
	lock_drop(&t->mm->lock);
	if (!mapped)
		return -EINVAL;
	LOCK_GUARD(&t->proc->lock);
	*field = addr;
	return 0;
}

/* --- what a process forbids or asks of itself ------------------------------------------------------------------------ */

int64_t prctl_set_thp_disable(struct task *t, const struct sysargs *a)
{
	if (beyond(a, 2))
		return -EINVAL;
	t->mm->no_thp = arg_u64(a, 1) != 0;
	return 0;
}

int64_t prctl_get_thp_disable(struct task *t, const struct sysargs *a)
{
	return beyond(a, 1) ? -EINVAL : t->mm->no_thp;
}

int64_t prctl_set_mdwe(struct task *t, const struct sysargs *a)
{
	const uint64_t gain = LX_PR_MDWE_REFUSE_EXEC_GAIN, none = LX_PR_MDWE_NO_INHERIT;
	uint64_t bits = arg_u64(a, 1);

	if (beyond(a, 2) || bits & ~(gain | none) || ((bits & none) && !(bits & gain)))
		return -EINVAL;
	LOCK_GUARD(&t->mm->lock);
	/* Once set it stays, and as it is. */
	if (t->mm->mdwe && t->mm->mdwe != bits)
		return -EPERM;
	t->mm->mdwe = (uint8_t)bits;
	return 0;
}

int64_t prctl_get_mdwe(struct task *t, const struct sysargs *a)
{
	return beyond(a, 1) ? -EINVAL : t->mm->mdwe;
}

int64_t prctl_set_memory_merge(struct task *t, const struct sysargs *a)
{
	if (beyond(a, 2))
		return -EINVAL;
	t->mm->merge_any = arg_u64(a, 1) != 0;
	return 0;
}

int64_t prctl_get_memory_merge(struct task *t, const struct sysargs *a)
{
	return beyond(a, 1) ? -EINVAL : t->mm->merge_any;
}
