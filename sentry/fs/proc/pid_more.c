/* Files of a process or thread that say little: scheduling, memory debugging, security attributes, what only the kernel's own debuggers set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/cred.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/vma.h"

/* --- scheduling ------------------------------------------------------------------------------------------------------------------------ */

int proc_show_sched(const struct pseudo_req *r, struct textbuf *b)
{
	struct proc_facts f;
	int ret = proc_facts_get(r->obj, &f);

	if (ret < 0)
		return ret;
	text_printf(b, "%s (%d, #threads: %d)\n", f.comm, f.tid, f.threads);
	text_puts(b, "-------------------------------------------------------------------\n");
	text_printf(b, "%-45s:%21.6f\n", "se.exec_start", (double)f.start_ns / 1e6);
	text_printf(b, "%-45s:%21.6f\n", "se.vruntime", (double)cpu_times_sum(&f.used.cpu) / 1e6);
	text_printf(b, "%-45s:%21.6f\n", "se.sum_exec_runtime", (double)cpu_times_sum(&f.used.cpu) / 1e6);
	text_printf(b, "%-45s:%21lu\n%-45s:%21lu\n%-45s:%21d\n", "nr_switches", f.used.waits, "nr_voluntary_switches", f.used.waits,
		    "nr_involuntary_switches", 0);
	text_printf(b, "%-45s:%21d\n%-45s:%21d\n", "policy", f.policy, "prio", 120 + f.nice);
	proc_facts_put(&f);
	return 0;
}

/* Time on a processor; the host does not tell of the time in queues. */
int proc_show_schedstat(const struct pseudo_req *r, struct textbuf *b)
{
	struct proc_facts f;
	int ret = proc_facts_get(r->obj, &f);

	if (ret < 0)
		return ret;
	text_printf(b, "%lu 0 1\n", cpu_times_sum(&f.used.cpu));
	proc_facts_put(&f);
	return 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------------------------------ */

/* As badness() has it: what share of memory it takes in thousandths, moved by oom_score_adj. */
int proc_show_oom_score(const struct pseudo_req *r, struct textbuf *b)
{
	struct mm *mm = proc_obj_mm(r->obj);
	struct proc_sizes s = { 0 };
	uint64_t total, available;
	long score;

	if (mm) {
		proc_sizes(mm, &s);
		mm_put(mm);
	}
	proc_memory(r->t->k, &total, &available);
	score = total ? (long)(s.resident * 1000 / (total / PAGE_SIZE_LX + 1)) : 0;
	score += atomic_load(&r->obj->proc->oom_score_adj);
	score = (1000 + score) * 2 / 3;
	text_printf(b, "%ld\n", score < 0 ? 0 : score);
	return 0;
}

/* The older scale, -17 to 15. */
int proc_show_oom_adj(const struct pseudo_req *r, struct textbuf *b)
{
	int adj = atomic_load(&r->obj->proc->oom_score_adj);

	text_printf(b, "%d\n", adj == 1000 ? 15 : adj * 17 / 1000);
	return 0;
}

int proc_store_oom_adj(const struct pseudo_req *r, char *text, size_t len)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (!len || *end || n < -17 || n > 15)
		return -EINVAL;
	n = n == 15 ? 1000 : n * 1000 / 17;
	if (n < atomic_load(&r->obj->proc->oom_score_adj) && !cred_capable(r->t->cred, LX_CAP_SYS_RESOURCE))
		return -EACCES;
	atomic_store(&r->obj->proc->oom_score_adj, (int)n);
	return 0;
}

/* Nothing keeps count of references, so that nothing has to be cleared. */
int proc_store_clear_refs(const struct pseudo_req *r, char *text, size_t len)
{
	char *end;
	long n = strtol(text, &end, 10);

	(void)r;
	return !len || *end || n < 1 || n > 5 ? -EINVAL : 0;
}

/* --- what belongs to the thread that asks ------------------------------------------------------------------------------------------------ */

static int store_refused(const struct pseudo_req *r, char *text, size_t len)
{
	(void)r, (void)text, (void)len;
	return -EINVAL;
}

/* No security module has anything to say: as with the capabilities alone. */
static int show_no_label(const struct pseudo_req *r, struct textbuf *b)
{
	(void)r, (void)b;
	return -EINVAL;
}

#define ATTR(n) { .name = n, .mode = LX_S_IFREG | 0666, .show = show_no_label, .store = store_refused, .check = proc_check_alive }
static const struct pseudo_entry attr_entries[] = {
	ATTR("current"),
	{ .name = "prev", .mode = LX_S_IFREG | 0444, .show = show_no_label, .check = proc_check_alive },
	ATTR("exec"), ATTR("fscreate"), ATTR("keycreate"), ATTR("sockcreate"),
};
const struct pseudo_dir proc_attr_dir = PSEUDO_DIR(attr_entries);
