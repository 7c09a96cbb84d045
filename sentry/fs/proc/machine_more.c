/* More of the machine: interrupts, softirqs, zoneinfo; and what the sandbox as a whole has: locks. proc(5). */
#include "sentry/fs/flock.h"
#include "sentry/fs/inode.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/cred.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/vma.h"

/* --- interrupts: there are none, only the columns that tools count ------------------------------------------------------------------------ */

static void cpu_columns(const struct kernel *k, struct textbuf *b, const char *first, const char *column)
{
	text_puts(b, first);
	for (int i = 0; i < k->cpus; i++)
		text_printf(b, column, i);
	text_puts(b, "\n");
}

static void zero_columns(const struct kernel *k, struct textbuf *b, const char *name, const char *after)
{
	text_printf(b, "%4s:", name);
	for (int i = 0; i < k->cpus; i++)
		text_printf(b, " %10d", 0);
	text_printf(b, "   %s\n", after);
}

int proc_show_interrupts(const struct pseudo_req *r, struct textbuf *b)
{
	const struct kernel *k = r->t->k;

	cpu_columns(k, b, "     ", "      CPU%-2d");
	zero_columns(k, b, "LOC", "Local timer interrupts");
	zero_columns(k, b, "RES", "Rescheduling interrupts");
	zero_columns(k, b, "TLB", "TLB shootdowns");
	text_printf(b, "%4s: %10d\n%4s: %10d\n", "ERR", 0, "MIS", 0);
	return 0;
}

int proc_show_softirqs(const struct pseudo_req *r, struct textbuf *b)
{
	static const char *const names[] = { "HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU" };

	cpu_columns(r->t->k, b, "                    ", "CPU%-8d");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		text_printf(b, "%12s:", names[i]);
		for (int n = 0; n < r->t->k->cpus; n++)
			text_printf(b, " %10d", 0);
		text_puts(b, "\n");
	}
	return 0;
}

int proc_show_zoneinfo(const struct pseudo_req *r, struct textbuf *b)
{
	uint64_t total, available;

	proc_memory(r->t->k, &total, &available);
	total /= PAGE_SIZE_LX;
	available /= PAGE_SIZE_LX;
	text_printf(b, "Node 0, zone   Normal\n  pages free     %lu\n        boost    0\n        min      0\n        low      0\n        high     0\n",
		    available);
	text_printf(b, "        spanned  %lu\n        present  %lu\n        managed  %lu\n        cma      0\n", total, total, total);
	return 0;
}

/* --- locks --------------------------------------------------------------------------------------------------------------------------------- */

struct locks {
	struct textbuf *b;
	int count;
};

static void put_lock(const struct flock_row *row, void *arg)
{
	static const char *const kinds[] = { [FLOCK_POSIX] = "POSIX ", [FLOCK_OFD] = "OFDLCK", [FLOCK_WHOLE] = "FLOCK " };
	uint64_t dev = row->inode->super->dev;
	struct locks *l = arg;

	text_printf(l->b, "%d: %s ADVISORY  %s %d %02x:%02x:%lu %ld ", ++l->count, kinds[row->kind],
		    row->range.type == LX_F_WRLCK ? "WRITE" : "READ", row->pid, (unsigned)(dev >> 8 & 0xfff), (unsigned)(dev & 0xff),
		    (unsigned long)row->inode->attr.ino, (long)row->range.start);
	if (row->range.end == INT64_MAX)
		text_puts(l->b, "EOF\n");
	else
		text_printf(l->b, "%ld\n", (long)row->range.end);
}

int proc_show_locks(const struct pseudo_req *r, struct textbuf *b)
{
	struct locks l = { .b = b };

	(void)r;
	flock_rows(put_lock, &l);
	return 0;
}
