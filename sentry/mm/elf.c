/* ELF programs: checks headers, lays out segments, finds the interpreter. elf(5), fs/binfmt_elf.c of Linux. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "abi/elf.h"
#include "abi/fcntl.h"
#include "abi/mman.h"
#include "base/mem.h"
#include "platform/arch.h"
#include "sentry/fs/landlock.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/vfs.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/exec.h"
#include "sentry/mm/vma.h"

#define MAX_PHDRS 64
#define PIE_BASE 0x555555554000ull
#define HEAP_AHEAD (64ull << 20)

struct image {
	struct file *file;
	struct lx_elf64_ehdr header;
	struct lx_elf64_phdr phdr[MAX_PHDRS];
	uint64_t low, high; /* page-aligned span of the segments, unbiased */
	uint64_t bias;
	uint64_t end;       /* of the highest segment, biased */
};

static uint64_t random_pages(const struct exec_plan *plan, unsigned bits)
{
	uint64_t r = 0;

	if (plan->fixed_layout || getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = 0;
	return (r & ((1ull << bits) - 1)) * PAGE_SIZE_LX;
}

static int read_headers(struct image *im)
{
	struct lx_elf64_ehdr *h = &im->header;
	int64_t got = exec_read(im->file, h, sizeof(*h), 0), want;

	if (got < 0)
		return (int)got;
	if (got < (int64_t)sizeof(*h) || memcmp(h->e_ident, LX_ELFMAG, LX_SELFMAG) != 0)
		return -ENOEXEC;
	if (h->e_ident[LX_EI_CLASS] != LX_ELFCLASS64 || h->e_ident[LX_EI_DATA] != LX_ELFDATA2LSB ||
	    h->e_machine != arch_elf_machine() || (h->e_type != LX_ET_EXEC && h->e_type != LX_ET_DYN))
		return -ENOEXEC;
	if (h->e_phentsize != sizeof(struct lx_elf64_phdr) || !h->e_phnum || h->e_phnum > MAX_PHDRS)
		return -ENOEXEC;
	want = h->e_phnum * (int64_t)sizeof(struct lx_elf64_phdr);
	got = exec_read(im->file, im->phdr, (uint64_t)want, h->e_phoff);
	return got < 0 ? (int)got : got < want ? -ENOEXEC : 0;
}

static int measure(struct image *im)
{
	bool any = false;

	im->low = UINT64_MAX;
	for (int i = 0; i < im->header.e_phnum; i++) {
		const struct lx_elf64_phdr *p = &im->phdr[i];

		if (p->p_type != LX_PT_LOAD)
			continue;
		if (p->p_filesz > p->p_memsz || p->p_memsz > (1ull << 46) || p->p_vaddr > (1ull << 47) ||
		    (p->p_vaddr - p->p_offset) % PAGE_SIZE_LX)
			return -ENOEXEC;
		if (PAGE_DOWN(p->p_vaddr) < im->low)
			im->low = PAGE_DOWN(p->p_vaddr);
		if (PAGE_UP(p->p_vaddr + p->p_memsz) > im->high)
			im->high = PAGE_UP(p->p_vaddr + p->p_memsz);
		any = true;
	}
	return any ? 0 : -ENOEXEC;
}

static uint32_t segment_prot(const struct lx_elf64_phdr *p)
{
	return (p->p_flags & LX_PF_R ? LX_PROT_READ : 0) | (p->p_flags & LX_PF_W ? LX_PROT_WRITE : 0) |
	       (p->p_flags & LX_PF_X ? LX_PROT_EXEC : 0);
}

static int map_segment(struct exec_plan *plan, struct image *im, const struct lx_elf64_phdr *p)
{
	uint64_t start = PAGE_DOWN(p->p_vaddr + im->bias), file_end = p->p_vaddr + im->bias + p->p_filesz;
	uint64_t end = p->p_vaddr + im->bias + p->p_memsz, file_pages = PAGE_UP(file_end);
	uint32_t prot = segment_prot(p);
	int ret;

	if (!p->p_memsz)
		return 0;
	if (p->p_filesz) {
		ret = exec_plan_map(plan, start, file_pages - start, prot, 0, im->file, PAGE_DOWN(p->p_offset), NULL);
		if (ret < 0)
			return ret;
		if (p->p_memsz > p->p_filesz && (prot & LX_PROT_WRITE)) {
			plan->maps[plan->map_count - 1].zero_from = file_end;
			plan->maps[plan->map_count - 1].zero_to = file_pages;
		}
		start = file_pages;
	}
	if (PAGE_UP(end) > start) {
		ret = exec_plan_map(plan, start, PAGE_UP(end) - start, prot, 0, NULL, 0, NULL);
		if (ret < 0)
			return ret;
	}
	if (end > im->end)
		im->end = end;
	return 0;
}

static int map_image(struct exec_plan *plan, struct image *im)
{
	for (int i = 0; i < im->header.e_phnum; i++) {
		int ret = im->phdr[i].p_type == LX_PT_LOAD ? map_segment(plan, im, &im->phdr[i]) : 0;

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Where the program headers are in memory: by PT_PHDR, or by the segment that holds their file offset. */
static uint64_t phdr_address(const struct image *im)
{
	for (int i = 0; i < im->header.e_phnum; i++) {
		const struct lx_elf64_phdr *p = &im->phdr[i];

		if (p->p_type == LX_PT_LOAD && im->header.e_phoff >= p->p_offset && im->header.e_phoff < p->p_offset + p->p_filesz)
			return p->p_vaddr + im->bias + (im->header.e_phoff - p->p_offset);
	}
	return 0;
}

static int open_interpreter(struct task *t, const struct image *im, struct file **out)
{
	const struct lx_elf64_phdr *p = NULL;
	char name[LX_PATH_MAX];
	AUTO_PATH struct path path = { 0 };
	int64_t got;
	int ret;

	*out = NULL;
	for (int i = 0; i < im->header.e_phnum && !p; i++)
		if (im->phdr[i].p_type == LX_PT_INTERP)
			p = &im->phdr[i];
	if (!p)
		return 0;
	if (p->p_filesz < 2 || p->p_filesz > sizeof(name))
		return -ENOEXEC;
	got = exec_read(im->file, name, p->p_filesz, p->p_offset);
	if (got < (int64_t)p->p_filesz || name[p->p_filesz - 1])
		return got < 0 ? (int)got : -ENOEXEC;
	ret = vfs_walk(t, LX_AT_FDCWD, name, WALK_WILL_OPEN, &path);
	if (ret < 0)
		return ret;
	if (path_inode(&path)->type != LX_S_IFREG)
		return -EACCES;
	ret = inode_permission(t->cred, path_inode(&path), MAY_EXEC);
	if (!ret)
		ret = path_may_exec(t, &path, "execve");
	if (!ret)
		ret = landlock_may(t->cred, &path, LX_LANDLOCK_FS_EXECUTE);
	return ret < 0 ? ret : vfs_open_path(t, &path, LX_O_RDONLY, out);
}

static int place_program(struct exec_plan *plan, struct image *im)
{
	if (im->header.e_type == LX_ET_EXEC) {
		if (im->low < MM_LOWEST || im->high > plan->mm->limit)
			return -ENOEXEC;
		return 0;
	}
	im->bias = PIE_BASE + random_pages(plan, 28) - im->low;
	return 0;
}

static int place_interpreter(struct exec_plan *plan, struct image *im)
{
	uint64_t at;

	lock_take(&plan->mm->lock);
	at = vma_find_gap(plan->mm, im->high - im->low, plan->mm->mmap_base);
	lock_drop(&plan->mm->lock);
	if (!at)
		return -ENOMEM;
	im->bias = at - im->low;
	return 0;
}

static int plan_interpreter(struct exec_plan *plan)
{
	AUTO_FREE struct image *im = mem_zalloc(sizeof(*im));
	int ret;

	if (!im)
		return -ENOMEM;
	im->file = plan->interpreter;
	ret = read_headers(im);
	if (!ret)
		ret = measure(im);
	if (ret == -ENOEXEC || (!ret && im->header.e_type != LX_ET_DYN))
		return -ELIBBAD;
	if (!ret)
		ret = place_interpreter(plan, im);
	if (!ret)
		ret = map_image(plan, im);
	plan->interpreter_base = im->bias;
	plan->entry = im->header.e_entry + im->bias;
	return ret;
}

static int plan_heap(struct exec_plan *plan, uint64_t end)
{
	struct mm *mm = plan->mm;
	uint64_t start = PAGE_UP(end) + random_pages(plan, 13), reserved, len;

	/* A heap that starts below the place that the platform may want starts above it instead. */
	if (platform_reserved(mm->k->platform, &reserved, &len) && start < reserved + len && start + HEAP_AHEAD > reserved &&
	    end < reserved)
		start = reserved + len + random_pages(plan, 13);

	mm->brk_start = mm->brk = start;
	mm->brk_mapped = start + HEAP_AHEAD;
	return exec_plan_map(plan, start, HEAP_AHEAD, LX_PROT_READ | LX_PROT_WRITE, LX_MAP_NORESERVE, NULL, 0, "[heap]");
}

int elf_plan(struct task *t, struct exec_plan *plan)
{
	AUTO_FREE struct image *im = mem_zalloc(sizeof(*im));
	int ret;

	if (!im)
		return -ENOMEM;
	im->file = plan->program;
	ret = read_headers(im);
	if (!ret)
		ret = measure(im);
	if (!ret)
		ret = open_interpreter(t, im, &plan->interpreter);
	if (!ret)
		ret = place_program(plan, im);
	if (!ret)
		ret = map_image(plan, im);
	if (ret < 0)
		return ret;
	plan->program_entry = plan->entry = im->header.e_entry + im->bias;
	plan->program_phdr = phdr_address(im);
	plan->phnum = im->header.e_phnum;
	plan->mm->code_start = im->low + im->bias;
	plan->mm->code_end = plan->mm->data_end = im->end;
	ret = plan_heap(plan, im->end);
	if (!ret && plan->interpreter)
		ret = plan_interpreter(plan);
	return ret;
}
