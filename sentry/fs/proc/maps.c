/* /proc/PID/maps, smaps, smaps_rollup. proc_pid_maps(5). */
#include <errno.h>
#include <string.h>

#include "abi/mman.h"
#include "base/mem.h"
#include "platform/arch.h"
#include "sentry/fs/dev.h"
#include "sentry/fs/file.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/mm/anon_name.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usermem.h"
#include "sentry/mm/vma.h"

#define NAME_COLUMN 73

/* A copy of the list: names of files cannot be found out under the mm's lock. */
struct snapshot {
	struct vma *vmas; /* files referenced */
	size_t count, cap;
	uint64_t brk; /* the heap's end for the program: more than that is mapped ahead */
};

static void add_vma(const struct vma *v, void *arg)
{
	struct snapshot *s = arg;

	if (s->count == s->cap)
		return; /* came after the count was taken */
	s->vmas[s->count] = *v;
	if (v->name && !strcmp(v->name, "[heap]") && v->end > s->brk) {
		if (v->start >= s->brk)
			return;
		s->vmas[s->count].end = s->brk;
	}
	if (v->file)
		file_get(v->file);
	anon_name_get(v->anon_name);
	s->count++;
}

static int snapshot_take(const struct pseudo_obj *o, struct snapshot *s)
{
	struct mm *mm = proc_obj_mm(o);

	*s = (struct snapshot){ 0 };
	if (!mm)
		return proc_obj_alive(o);
	lock_take(&mm->lock);
	s->cap = mm->vma_count + 8;
	s->brk = PAGE_UP(mm->brk);
	lock_drop(&mm->lock);
	s->vmas = mem_calloc(s->cap, sizeof(*s->vmas));
	if (s->vmas)
		mm_for_each(mm, add_vma, s);
	mm_put(mm);
	return s->vmas ? 0 : -ENOMEM;
}

static void snapshot_drop(struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->vmas[i].file)
			file_put(s->vmas[i].file);
		anon_name_put(s->vmas[i].anon_name);
	}
	mem_free(s->vmas);
}

static void show_perms(const struct vma *v, struct textbuf *b)
{
	text_printf(b, " %c%c%c%c", v->prot & LX_PROT_READ ? 'r' : '-', v->prot & LX_PROT_WRITE ? 'w' : '-',
		    v->prot & LX_PROT_EXEC ? 'x' : '-', v->flags & LX_MAP_SHARED ? 's' : 'p');
}

static void show_name(struct task *t, const struct vma *v, struct textbuf *b, size_t start)
{
	char name[LX_PATH_MAX + 16];

	if (v->file) {
		if (file_link_name(t, v->file, name, sizeof(name)) < 0)
			return;
		text_pad(b, start, NAME_COLUMN);
		text_puts(b, name);
	} else if (v->anon_name) {
		text_pad(b, start, NAME_COLUMN);
		text_printf(b, "[anon:%s]", v->anon_name->text);
	} else if (v->name || v->flags & LX_MAP_SHARED) {
		text_pad(b, start, NAME_COLUMN);
		text_puts(b, v->name ? v->name : "/dev/zero (deleted)");
	}
}

static void show_vma(struct task *t, const struct vma *v, struct textbuf *b)
{
	uint64_t dev = v->file ? v->file->inode->super->dev : 0, ino = v->file ? v->file->inode->attr.ino : 0;
	size_t start = b->len;

	text_printf(b, "%08lx-%08lx", v->start, v->end);
	show_perms(v, b);
	text_printf(b, " %08lx %02x:%02x %lu ", v->file ? v->offset : 0, dev_major(dev), dev_minor(dev), ino);
	show_name(t, v, b, start);
	text_puts(b, "\n");
}

/* It is part of every address space, above all that is on the list. */
static void show_vdso(struct textbuf *b)
{
	uint64_t start = arch_vdso_address();
	size_t len, at = b->len;

	arch_vdso_image(&len);
	text_printf(b, "%08lx-%08lx r-xp 00000000 00:00 0 ", start, start + (uint64_t)PAGE_UP(len));
	text_pad(b, at, NAME_COLUMN);
	text_puts(b, "[vdso]\n");
}

int proc_show_maps(const struct pseudo_req *r, struct textbuf *b)
{
	struct snapshot s;
	int ret = snapshot_take(r->obj, &s);

	for (size_t i = 0; i < s.count; i++)
		show_vma(r->t, &s.vmas[i], b);
	if (s.count)
		show_vdso(b);
	snapshot_drop(&s);
	return ret;
}

/* What is resident is the host's to know: private memory that is or was writable counts as there, the rest as not. */
struct map_usage {
	uint64_t size, rss, shared, private_dirty;
};

static struct map_usage usage_of(const struct vma *v)
{
	uint64_t kb = (v->end - v->start) / 1024;
	struct map_usage u = { .size = kb };

	if (v->prot & LX_PROT_WRITE || v->charged)
		u.rss = u.private_dirty = kb;
	return u;
}

static void show_usage(const struct map_usage *u, struct textbuf *b)
{
	text_printf(b, "Rss:            %8lu kB\nPss:            %8lu kB\nPss_Dirty:      %8lu kB\n", u->rss, u->rss, u->private_dirty);
	text_printf(b, "Shared_Clean:          0 kB\nShared_Dirty:          0 kB\nPrivate_Clean:         0 kB\nPrivate_Dirty:  %8lu kB\n",
		    u->private_dirty);
	text_printf(b, "Referenced:     %8lu kB\nAnonymous:      %8lu kB\nLazyFree:              0 kB\nAnonHugePages:         0 kB\n", u->rss,
		    u->private_dirty);
	text_puts(b, "ShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\nShared_Hugetlb:        0 kB\nPrivate_Hugetlb:       0 kB\n"
		     "Swap:                  0 kB\nSwapPss:               0 kB\nLocked:                0 kB\n");
}

static void show_vm_flags(const struct vma *v, struct textbuf *b)
{
	text_puts(b, "THPeligible:           0\nVmFlags:");
	text_puts(b, v->prot & LX_PROT_READ ? " rd" : "");
	text_puts(b, v->prot & LX_PROT_WRITE ? " wr" : "");
	text_puts(b, v->prot & LX_PROT_EXEC ? " ex" : "");
	text_puts(b, v->flags & LX_MAP_SHARED ? " sh" : "");
	text_puts(b, " mr mw me\n");
}

int proc_show_smaps(const struct pseudo_req *r, struct textbuf *b)
{
	struct snapshot s;
	int ret = snapshot_take(r->obj, &s);

	for (size_t i = 0; i < s.count; i++) {
		struct map_usage u = usage_of(&s.vmas[i]);

		show_vma(r->t, &s.vmas[i], b);
		text_printf(b, "Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n", u.size);
		show_usage(&u, b);
		show_vm_flags(&s.vmas[i], b);
	}
	snapshot_drop(&s);
	return ret;
}

int proc_show_smaps_rollup(const struct pseudo_req *r, struct textbuf *b)
{
	struct map_usage sum = { 0 };
	struct snapshot s;
	int ret = snapshot_take(r->obj, &s);

	for (size_t i = 0; i < s.count; i++) {
		struct map_usage u = usage_of(&s.vmas[i]);

		sum.rss += u.rss;
		sum.private_dirty += u.private_dirty;
	}
	if (s.count) {
		text_printf(b, "%08lx-%08lx ---p 00000000 00:00 0 ", s.vmas[0].start, s.vmas[s.count - 1].end);
		text_pad(b, 0, NAME_COLUMN);
		text_puts(b, "[rollup]\n");
		show_usage(&sum, b);
	}
	snapshot_drop(&s);
	return ret;
}

/* One node; what is resident is told as smaps does. */
int proc_show_numa_maps(const struct pseudo_req *r, struct textbuf *b)
{
	char name[LX_PATH_MAX + 16];
	struct snapshot s;
	int ret = snapshot_take(r->obj, &s);

	for (size_t i = 0; i < s.count; i++) {
		const struct vma *v = &s.vmas[i];
		uint64_t pages = usage_of(v).rss / 4;

		text_printf(b, "%08lx default", v->start);
		if (v->file && file_link_name(r->t, v->file, name, sizeof(name)) >= 0)
			text_printf(b, " file=%s", name);
		else if (v->name && (!strcmp(v->name, "[stack]") || !strcmp(v->name, "[heap]")))
			text_puts(b, v->name[1] == 's' ? " stack" : " heap");
		if (pages)
			text_printf(b, " anon=%lu dirty=%lu N0=%lu kernelpagesize_kB=4", pages, pages, pages);
		text_puts(b, "\n");
	}
	snapshot_drop(&s);
	return ret;
}
