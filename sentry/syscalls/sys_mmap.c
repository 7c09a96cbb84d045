/* mmap, munmap, mprotect, mremap, remap_file_pages, brk. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "abi/arch.h"
#include "abi/mman.h"
#include "abi/personality.h"
#include "abi/resource.h"
#include "base/log.h"
#include "platform/arch.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/map.h"
#include "sentry/mm/vma.h"
#include "sentry/mm/window.h"
#include "sentry/syscalls/handlers.h"

/* Flags that the host may see; the rest is the sentry's business or has no effect. */
#define HOST_MAP_FLAGS (LX_MAP_SHARED | LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_NORESERVE | LX_MAP_POPULATE | LX_MAP_STACK)
#define PROT_BITS (LX_PROT_READ | LX_PROT_WRITE | LX_PROT_EXEC)

/* The file could not be asked on the tracer thread: the reactor asks it, then the stop goes on from the start of the call. */
static void ask_file(struct work *w)
{
	struct task *t = container_of(w, struct task, stop_work);
	struct map_source src;
	AUTO_FILE struct file *f = fd_get(t, arg_fd(&t->call, 4));

	if (f && f->ops->mmap)
		f->ops->mmap(f, t->call.v[5], t->call.v[1], (int)t->call.v[2], t->call.v[3] & LX_MAP_SHARED, &src);
	stop_call_again(t);
}

static int64_t map_in_host(struct task *t, const struct map_request *r)
{
	uint32_t flags = (r->flags & HOST_MAP_FLAGS) | LX_MAP_FIXED;
	int64_t ret;

	if (r->host_fd < 0) {
		uint64_t arg[6] = { r->addr, r->len, r->prot, flags | LX_MAP_ANONYMOUS, (uint64_t)-1, 0 };

		if (!r->file) {
			arch_set_call(stop_regs(t->tracee), LX_NR_mmap, arg);
			return SYS_HOST_CALL;
		}
		ret = stop_inject(t->tracee, LX_NR_mmap, arg);
	} else {
		flags &= ~(uint32_t)LX_MAP_ANONYMOUS;
		ret = stop_map_file(t->tracee, r->addr, r->len, (int)r->prot, (int)flags, r->host_fd, r->host_offset);
	}
	if (ret < 0)
		map_undo(t, r);
	return ret;
}

/* personality(2): what may be read may be run, as for programs of old. */
static bool reads_as_code(const struct task *t, uint32_t prot)
{
	return (prot & LX_PROT_READ) && (t->proc->personality & LX_READ_IMPLIES_EXEC);
}

int64_t sys_mmap(struct task *t, const struct sysargs *a)
{
	struct map_request r = { .addr = arg_u64(a, 0), .len = arg_u64(a, 1), .prot = arg_u32(a, 2) & PROT_BITS,
				 .flags = arg_u32(a, 3), .offset = arg_u64(a, 5) };
	uint32_t type = r.flags & LX_MAP_TYPE;
	AUTO_FILE struct file *f = NULL;
	int ret;

	if (r.offset % PAGE_SIZE_LX)
		return -EINVAL;
	if (reads_as_code(t, r.prot))
		r.prot |= LX_PROT_EXEC;
	if (!(r.flags & LX_MAP_ANONYMOUS)) {
		f = fd_get_io(t, arg_fd(a, 4));
		if (!f)
			return -EBADF;
	}
	if (!r.len)
		return -EINVAL;
	r.len = PAGE_UP(r.len);
	if (!r.len || r.len > t->mm->limit)
		return -ENOMEM;
	if (type == LX_MAP_SHARED_VALIDATE && f)
		r.flags = (r.flags & ~(uint32_t)LX_MAP_TYPE) | LX_MAP_SHARED;
	else if (type != LX_MAP_SHARED && type != LX_MAP_PRIVATE)
		return -EINVAL;
	if (reads_as_code(t, r.prot) && f && f->path.mount && (f->path.mount->flags & MOUNT_NOEXEC))
		r.prot = arg_u32(a, 2) & PROT_BITS;
	if (f && r.offset + r.len < r.offset)
		return -EOVERFLOW;
	if ((r.flags & LX_MAP_HUGETLB) && !f)
		return -ENOMEM; /* a machine with no huge pages reserved */
	if ((r.flags & LX_MAP_LOCKED) || t->mm->lock_future)
		r.flags |= LX_MAP_POPULATE;
	r.file = f;
	ret = map_prepare(t, &r);
	if (ret == -EAGAIN && r.ask_file)
		return stop_on_reactor(t, ask_file);
	return ret < 0 ? ret : map_in_host(t, &r);
}

/*
 * A task alone in its address space has the host make the call as it was trapped; with others about, or where something of the platform's
 * has to make way, list and host change at a stop.
 */
static bool is_simple(const struct task *t, uint64_t addr, uint64_t len)
{
	return atomic_load(&t->mm->users) == 1 && !window_is_touched(t->mm, addr, len);
}

static int64_t munmap_at_stop(struct task *t)
{
	return map_unmap(t, t->call.v[0], t->call.v[1]);
}

int64_t sys_munmap(struct task *t, const struct sysargs *a)
{
	uint64_t addr = arg_u64(a, 0), len = arg_u64(a, 1);
	int ret;

	if (!is_simple(t, addr, len) || map_clip(t->mm, addr, len) != len) {
		t->at_stop = munmap_at_stop;
		return SYS_AT_STOP;
	}
	ret = map_unmap_list(t->mm, addr, len);
	return ret < 0 ? ret : SYS_PASS;
}

static int64_t mprotect_at_stop(struct task *t)
{
	uint32_t prot = (uint32_t)t->call.v[2];

	return map_protect(t, t->call.v[0], t->call.v[1], prot | (reads_as_code(t, prot) ? LX_PROT_EXEC : 0));
}

int64_t sys_mprotect(struct task *t, const struct sysargs *a)
{
	uint32_t prot = arg_u32(a, 2);
	int ret;

	if (prot & ~(uint32_t)(PROT_BITS | LX_PROT_SEM | LX_PROT_GROWSDOWN | LX_PROT_GROWSUP))
		return -EINVAL;
	if (a->v[2] & ~(uint64_t)PROT_BITS)
		return -EINVAL; /* growing mappings are mapped ahead: they have no such edge */
	if (!is_simple(t, arg_u64(a, 0), arg_u64(a, 1)) || reads_as_code(t, prot) ||
	    map_full_length(t->mm, arg_u64(a, 0), arg_u64(a, 1)) < arg_u64(a, 1)) {
		t->at_stop = mprotect_at_stop;
		return SYS_AT_STOP;
	}
	ret = map_protect_list(t, arg_u64(a, 0), arg_u64(a, 1), prot);
	return ret < 0 || !arg_u64(a, 1) ? ret : SYS_PASS;
}

int64_t sys_mremap(struct task *t, const struct sysargs *a)
{
	return map_move(t, arg_u64(a, 0), arg_u64(a, 1), arg_u64(a, 2), arg_u32(a, 3), arg_u64(a, 4));
}

/* The shared file mapping that holds the whole range, ready to be mapped again from page `pgoff` on. -EINVAL. */
static int remap_source(struct mm *mm, uint64_t start, uint64_t len, uint64_t pgoff, struct map_request *r)
{
	struct vma *v;

	LOCK_GUARD(&mm->lock);
	v = mm_find(mm, start, false);
	if (!v || !(v->flags & LX_MAP_SHARED) || !v->file || len > v->end - start)
		return -EINVAL;
	*r = (struct map_request){ .addr = start, .len = len, .prot = v->prot, .flags = LX_MAP_SHARED | LX_MAP_FIXED | (v->flags & LX_MAP_LOCKED),
				   .file = file_get(v->file), .offset = pgoff * PAGE_SIZE_LX };
	return 0;
}

/* As Linux does it since 4.0: by a mapping on top of the old one. */
int64_t sys_remap_file_pages(struct task *t, const struct sysargs *a)
{
	uint64_t start = PAGE_DOWN(arg_u64(a, 0)), len = PAGE_DOWN(arg_u64(a, 1)), pgoff = arg_u64(a, 3);
	struct map_request r;
	int64_t ret;

	if (arg_u64(a, 2) || !len || start + len <= start || pgoff + len / PAGE_SIZE_LX < pgoff || pgoff >> (64 - 12))
		return -EINVAL;
	ret = remap_source(t->mm, start, len, pgoff, &r);
	if (ret)
		return ret;
	ret = map_prepare(t, &r);
	if (ret >= 0)
		ret = map_in_host(t, &r);
	file_put_deferred(r.file);
	return ret == -EAGAIN && r.ask_file ? -EINVAL : ret < 0 ? ret : 0;
}

/* --- brk ------------------------------------------------------------------------------------------------------------- */

#define HEAP_AHEAD (64ull << 20)

static int64_t brk_map_more(struct task *t)
{
	struct mm *mm = t->mm;
	uint64_t wanted = t->call.v[0], start, end;
	uint64_t arg[6] = { 0, 0, LX_PROT_READ | LX_PROT_WRITE,
			    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED | LX_MAP_NORESERVE, (uint64_t)-1, 0 };

	lock_take(&mm->lock);
	start = mm->brk_mapped;
	end = PAGE_UP(wanted + HEAP_AHEAD);
	if (!vma_range_free(mm, start, end))
		end = PAGE_UP(wanted);
	if (end <= start || !vma_range_free(mm, start, end) || !brk_extend_vma(mm, end)) {
		lock_drop(&mm->lock);
		return (int64_t)mm->brk;
	}
	lock_drop(&mm->lock);
	arg[0] = start;
	arg[1] = end - start;
	if (stop_inject(t->tracee, LX_NR_mmap, arg) < 0)
		return (int64_t)mm->brk;
	LOCK_GUARD(&mm->lock);
	mm->brk_mapped = end;
	return brk_move(mm, wanted);
}

/* What is given back must read as zero when it is handed out again. */
static int64_t brk_drop_pages(struct task *t)
{
	struct mm *mm = t->mm;
	uint64_t wanted = t->call.v[0];
	uint64_t arg[6] = { PAGE_UP(wanted), PAGE_UP(mm->brk) - PAGE_UP(wanted), LX_MADV_DONTNEED };

	if (arg[1] && stop_inject(t->tracee, LX_NR_madvise, arg) < 0)
		return (int64_t)mm->brk;
	LOCK_GUARD(&mm->lock);
	return brk_move(mm, wanted);
}

int64_t sys_brk(struct task *t, const struct sysargs *a)
{
	struct mm *mm = t->mm;
	uint64_t wanted = arg_u64(a, 0), limit = t->proc->limits[LX_RLIMIT_DATA].rlim_cur;

	LOCK_GUARD(&mm->lock);
	if (wanted < mm->brk_start || wanted > mm->limit || (limit != LX_RLIM_INFINITY && wanted - mm->brk_start > limit))
		return (int64_t)mm->brk;
	if (wanted < mm->brk && vma_sealed(mm, PAGE_UP(wanted), PAGE_UP(mm->brk)))
		return (int64_t)mm->brk;
	if (wanted >= mm->brk && wanted <= mm->brk_mapped)
		return brk_move(mm, wanted);
	t->at_stop = wanted < mm->brk ? brk_drop_pages : brk_map_more;
	return SYS_AT_STOP;
}
