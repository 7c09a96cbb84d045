/* mmap, munmap and mprotect on the list of mappings and, at stops, in the host: see map.h. */
#include "sentry/mm/map.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "abi/arch.h"
#include "abi/cred.h"
#include "abi/mman.h"
#include "abi/resource.h"
#include "base/mem.h"
#include "platform/arch.h"
#include "platform/platform.h"
#include "sentry/fs/file.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/vma.h"
#include "sentry/mm/window.h"

#define MAX_MAP_COUNT 65000u /* below the host's vm.max_map_count, which is in force underneath */

static bool range_ok(const struct mm *mm, uint64_t addr, uint64_t len)
{
	return len <= mm->limit && addr <= mm->limit - len;
}

/* Where the mapping goes; *clear says that what is there must go. 0 or negative errno. */
static int choose_place(struct mm *mm, struct map_request *r, bool *clear)
{
	uint64_t limit = r->flags & LX_MAP_32BIT ? 0x80000000ull : mm->mmap_base;

	*clear = false;
	if (r->flags & (LX_MAP_FIXED | LX_MAP_FIXED_NOREPLACE)) {
		if (r->addr % PAGE_SIZE_LX)
			return -EINVAL;
		if (!range_ok(mm, r->addr, r->len))
			return -ENOMEM;
		if (r->addr < MM_LOWEST)
			return -EPERM;
		if (vma_range_free(mm, r->addr, r->addr + r->len))
			return 0;
		if (r->flags & LX_MAP_FIXED_NOREPLACE)
			return -EEXIST;
		*clear = true;
		return 0;
	}
	r->addr = PAGE_UP(r->addr);
	if (r->addr >= MM_LOWEST && range_ok(mm, r->addr, r->len) && !(r->flags & LX_MAP_32BIT) &&
	    vma_range_free(mm, r->addr, r->addr + r->len))
		return 0;
	r->addr = vma_find_gap(mm, r->len, limit);
	if (!r->addr && limit == mm->mmap_base) /* below the stack it is full: above, then */
		r->addr = vma_find_gap(mm, r->len, mm->limit);
	return r->addr ? 0 : -ENOMEM;
}

static int check_limits(struct task *t, struct mm *mm, uint64_t bytes, uint32_t added)
{
	uint64_t space = t->proc->limits[LX_RLIMIT_AS].rlim_cur;

	if (mm->vma_count + added > MAX_MAP_COUNT)
		return -ENOMEM;
	if (space != LX_RLIM_INFINITY && mm->total_pages * PAGE_SIZE_LX + bytes > space)
		return -ENOMEM;
	return 0;
}

static int check_file(struct task *t, struct map_request *r, struct map_source *src)
{
	struct file *f = r->file;
	bool shared = r->flags & LX_MAP_SHARED;
	int ret;

	if (!f->readable || (shared && (r->prot & LX_PROT_WRITE) && !f->writable))
		return -EACCES;
	if (!f->ops->mmap)
		return -ENODEV;
	if (r->prot & LX_PROT_EXEC && f->path.mount && (f->path.mount->flags & MOUNT_NOEXEC)) {
		path_may_exec(t, &f->path, "mmap");
		return -EPERM;
	}
	ret = f->ops->mmap(f, r->offset, r->len, (int)r->prot, shared, src);
	if (ret < 0)
		return ret;
	return src->noexec && (r->prot & LX_PROT_EXEC) ? -EPERM : 0;
}

static struct vma *new_vma(struct task *t, const struct map_request *r, const struct map_source *src)
{
	static _Atomic uint64_t shared_ids; /* names shared anonymous objects for futexes; never reused */
	struct vma *v = mem_zalloc(sizeof(*v));
	bool shared = r->flags & LX_MAP_SHARED;

	(void)t;
	if (!v)
		return NULL;
	v->prot = r->prot;
	v->flags = r->flags & (LX_MAP_SHARED | LX_MAP_PRIVATE | LX_MAP_NORESERVE | LX_MAP_STACK | LX_MAP_LOCKED);
	v->may_write = !shared || !r->file || r->file->writable;
	v->noexec = r->file && (src->noexec || (r->file->path.mount && (r->file->path.mount->flags & MOUNT_NOEXEC)));
	v->may_exec = !v->noexec;
	if (r->file && !src->anonymous) {
		v->file = file_get(r->file);
		v->offset = r->offset;
	} else if (shared) {
		v->shared_id = ++shared_ids;
	}
	return v;
}

int map_prepare(struct task *t, struct map_request *r)
{
	struct mm *mm = t->mm;
	struct map_source src = { .fd = -1, .anonymous = !r->file };
	struct vma *v;
	bool clear;
	int ret;

	if ((r->flags & LX_MAP_LOCKED) && !map_may_lock(t))
		return -EPERM;
	if (r->file && (ret = check_file(t, r, &src)) < 0) {
		r->ask_file = ret == -EAGAIN;
		return ret;
	}
	if (mm->mdwe && (r->prot & LX_PROT_EXEC) && (r->prot & LX_PROT_WRITE))
		return -EACCES;
	if ((r->flags & (LX_MAP_FIXED | LX_MAP_FIXED_NOREPLACE)) && (ret = window_make_way(t, r->addr, r->len)) < 0)
		return ret;
	v = new_vma(t, r, &src);
	if (!v)
		return -ENOMEM;
	lock_take(&mm->lock);
	ret = choose_place(mm, r, &clear);
	if (!ret && clear && vma_sealed(mm, r->addr, r->addr + r->len))
		ret = -EPERM;
	if (!ret)
		ret = check_limits(t, mm, r->len, 1);
	if (!ret && mm->lock_future)
		v->flags |= LX_MAP_LOCKED;
	if (!ret && (v->flags & LX_MAP_LOCKED) && map_lock_limit(t, r->len / PAGE_SIZE_LX))
		ret = -EAGAIN;
	v->start = r->addr;
	v->end = r->addr + r->len;
	v->charged = vma_is_charged(v);
	if (!ret && v->charged)
		ret = memory_charge(mm->k, (int64_t)r->len);
	if (!ret && clear) {
		ret = vma_clear(mm, r->addr, r->addr + r->len);
		if (ret && v->charged)
			memory_charge(mm->k, -(int64_t)r->len);
	}
	if (!ret) {
		if (v->charged)
			mm->charged_bytes += r->len;
		vma_insert(mm, v);
	}
	lock_drop(&mm->lock);
	if (ret) {
		vma_free(v);
		return ret;
	}
	r->host_fd = src.anonymous ? -1 : src.fd;
	r->host_offset = src.offset;
	return 0;
}

void map_undo(struct task *t, const struct map_request *r)
{
	LOCK_GUARD(&t->mm->lock);
	vma_clear(t->mm, r->addr, r->addr + r->len);
}

uint64_t map_clip(const struct mm *mm, uint64_t addr, uint64_t len)
{
	return addr >= mm->limit ? 0 : len > mm->limit - addr ? mm->limit - addr : len;
}

int map_unmap_list(struct mm *mm, uint64_t addr, uint64_t len)
{
	if (addr % PAGE_SIZE_LX || !len)
		return -EINVAL;
	len = PAGE_UP(len);
	if (!len || len > LX_TASK_SIZE || addr > LX_TASK_SIZE - len)
		return -EINVAL;
	LOCK_GUARD(&mm->lock);
	return vma_sealed(mm, addr, addr + len) ? -EPERM : vma_clear(mm, addr, addr + len);
}

int64_t map_unmap(struct task *t, uint64_t addr, uint64_t len)
{
	uint64_t arg[6] = { addr, map_clip(t->mm, addr, PAGE_UP(len)) };
	int ret = window_make_way(t, addr, PAGE_UP(len));

	if (!ret)
		ret = map_unmap_list(t->mm, addr, len);
	return ret < 0 || !arg[1] ? ret : stop_inject(t->tracee, LX_NR_munmap, arg);
}

/* Writable memory counts: what becomes so is charged, and given back by munmap only, as in Linux. */
static int charge_writable(struct mm *mm, struct vma *v)
{
	int64_t bytes = (int64_t)(v->end - v->start);

	if (v->charged || !vma_is_charged(v))
		return 0;
	if (memory_charge(mm->k, bytes) < 0)
		return -ENOMEM;
	mm->charged_bytes += (uint64_t)bytes;
	v->charged = true;
	return 0;
}

static void report_mprotect(struct task *t, const struct vma *v)
{
	if (v->file)
		path_may_exec(t, &v->file->path, "mprotect");
}

int map_protect_list(struct task *t, uint64_t addr, uint64_t len, uint32_t prot)
{
	struct mm *mm = t->mm;
	struct vma *v;
	uint64_t end;
	int ret = 0;

	if (addr % PAGE_SIZE_LX)
		return -EINVAL;
	len = PAGE_UP(len);
	if (!len)
		return 0;
	if (!range_ok(mm, addr, len))
		return -ENOMEM;
	end = addr + len;
	LOCK_GUARD(&mm->lock);
	if (!vma_range_full(mm, addr, end))
		return -ENOMEM; /* what lies before the hole is changed in Linux: see map_protect() */
	for (v = vma_above(mm, addr); v && v->start < end; v = vma_above(mm, v->end)) {
		if (v->flags & VMA_SEALED)
			return -EPERM;
		if (mm->mdwe && (prot & LX_PROT_EXEC) && ((prot & LX_PROT_WRITE) || !(v->prot & LX_PROT_EXEC)))
			return -EACCES;
		if ((prot & LX_PROT_WRITE) && !v->may_write)
			return -EACCES;
		if ((prot & LX_PROT_EXEC) && !v->may_exec) {
			report_mprotect(t, v);
			return -EACCES;
		}
	}
	if (vma_split(mm, addr) < 0 || vma_split(mm, end) < 0)
		return -ENOMEM;
	for (v = vma_above(mm, addr); v && v->start < end && !ret; v = vma_above(mm, v->end)) {
		uint32_t before = v->prot;

		v->prot = prot;
		ret = charge_writable(mm, v);
		if (ret < 0)
			v->prot = before;
	}
	vma_merge_range(mm, addr, end);
	return ret;
}

uint64_t map_full_length(struct mm *mm, uint64_t addr, uint64_t len)
{
	uint64_t at = addr;
	struct vma *v;

	LOCK_GUARD(&mm->lock);
	while (at < addr + len && (v = vma_above(mm, at)) && v->start <= at)
		at = v->end;
	return at - addr < len ? at - addr : len;
}

bool map_may_lock(const struct task *t)
{
	return t->proc->limits[LX_RLIMIT_MEMLOCK].rlim_cur != 0 || cred_capable(t->cred, LX_CAP_IPC_LOCK);
}

bool map_lock_limit(const struct task *t, uint64_t pages)
{
	uint64_t limit = t->proc->limits[LX_RLIMIT_MEMLOCK].rlim_cur;

	lock_assert_held(&t->mm->lock);
	return limit != LX_RLIM_INFINITY && t->mm->locked_pages + pages > limit / PAGE_SIZE_LX && !cred_capable(t->cred, LX_CAP_IPC_LOCK);
}

int64_t map_protect(struct task *t, uint64_t addr, uint64_t len, uint32_t prot)
{
	return map_protect_key(t, addr, len, prot, -1);
}

int64_t map_protect_key(struct task *t, uint64_t addr, uint64_t len, uint32_t prot, int key)
{
	uint64_t whole = PAGE_UP(len), full;
	uint64_t arg[6] = { addr, whole, prot, (uint64_t)key };
	int64_t ret;

	if (addr % PAGE_SIZE_LX)
		return -EINVAL;
	if (!range_ok(t->mm, addr, whole))
		return -ENOMEM;
	ret = window_make_way(t, addr, whole);
	if (ret < 0)
		return ret;
	full = map_full_length(t->mm, addr, whole);
	arg[1] = full;
	ret = map_protect_list(t, addr, full, prot);
	if (ret == 0 && full)
		ret = stop_inject(t->tracee, key < 0 ? LX_NR_mprotect : LX_NR_pkey_mprotect, arg);
	return ret == 0 && full < whole ? -ENOMEM : ret;
}
