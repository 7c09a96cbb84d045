/* /sys/fs/cgroup: one group of cgroup2, whose limits are the sandbox's, for runtimes that size themselves by it. cgroups(7). */
#include "sentry/fs/pseudo.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/kernel.h"

#define TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0444, .text = s }
#define SHOW(n, fn) { .name = n, .mode = LX_S_IFREG | 0444, .show = fn }

#define NO_PRESSURE                                                 \
	"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"

static int show_cpu_list(const struct pseudo_req *r, struct textbuf *b)
{
	int last = r->t->k->cpus - 1;

	text_printf(b, last ? "0-%d\n" : "%d\n", last);
	return 0;
}

static void put_limit(struct textbuf *b, uint64_t limit)
{
	if (limit)
		text_printf(b, "%lu\n", limit);
	else
		text_puts(b, "max\n");
}

static int show_memory_max(const struct pseudo_req *r, struct textbuf *b)
{
	put_limit(b, r->t->k->spec ? r->t->k->spec->memory_limit : 0);
	return 0;
}

static int show_memory_current(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%ld\n", atomic_load(&r->t->k->memory_used));
	return 0;
}

static int show_memory_peak(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%ld\n", atomic_load(&r->t->k->memory_peak));
	return 0;
}

static int show_memory_stat(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "anon %ld\nfile 0\nkernel 0\nshmem 0\nfile_mapped 0\ninactive_anon 0\nactive_anon %ld\ninactive_file 0\nactive_file 0\n",
		    atomic_load(&r->t->k->memory_used), atomic_load(&r->t->k->memory_used));
	return 0;
}

static int show_pids_max(const struct pseudo_req *r, struct textbuf *b)
{
	put_limit(b, r->t->k->spec ? r->t->k->spec->pid_limit : 0);
	return 0;
}

static int show_pids_current(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%d\n", atomic_load(&r->t->k->tasks_used));
	return 0;
}

static int show_procs(const struct pseudo_req *r, struct textbuf *b)
{
	for (int pid = process_next(r->t->k, 0); pid; pid = process_next(r->t->k, pid))
		text_printf(b, "%d\n", pid);
	return 0;
}

static int show_pids_peak(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%d\n", atomic_load(&r->t->k->tasks_peak));
	return 0;
}

/* All of the guests' time counts as their own: the sentry's, which does their system calls, is not the sandbox's. */
static int show_cpu_stat(const struct pseudo_req *r, struct textbuf *b)
{
	uint64_t us = proc_guest_cpu_ns(r->t->k) / 1000;

	text_printf(b, "usage_usec %lu\nuser_usec %lu\nsystem_usec 0\nnice_usec 0\ncore_sched.force_idle_usec 0\n", us, us);
	text_puts(b, "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\nnr_bursts 0\nburst_usec 0\n");
	return 0;
}

static const struct pseudo_entry cgroup_entries[] = {
	TEXT("cgroup.controllers", "cpuset cpu memory pids\n"),
	TEXT("cgroup.subtree_control", ""),
	SHOW("cgroup.procs", show_procs),
	TEXT("cgroup.type", "domain\n"),
	TEXT("cgroup.events", "populated 1\nfrozen 0\n"),
	TEXT("cpu.max", "max 100000\n"),
	TEXT("cpu.weight", "100\n"),
	SHOW("cpuset.cpus.effective", show_cpu_list),
	TEXT("cpuset.mems.effective", "0\n"),
	SHOW("memory.max", show_memory_max),
	TEXT("memory.high", "max\n"),
	TEXT("memory.low", "0\n"),
	TEXT("memory.min", "0\n"),
	SHOW("memory.current", show_memory_current),
	SHOW("memory.peak", show_memory_peak),
	SHOW("memory.stat", show_memory_stat),
	TEXT("memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n"),
	TEXT("memory.swap.max", "0\n"),
	TEXT("memory.swap.current", "0\n"),
	SHOW("pids.max", show_pids_max),
	SHOW("pids.current", show_pids_current),
	SHOW("pids.peak", show_pids_peak),
	TEXT("pids.events", "max 0\n"),
	TEXT("cgroup.freeze", "0\n"),
	TEXT("cgroup.max.depth", "max\n"),
	TEXT("cgroup.max.descendants", "max\n"),
	TEXT("cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0\n"),
	SHOW("cpu.stat", show_cpu_stat),
	TEXT("cpu.idle", "0\n"),
	TEXT("cpu.max.burst", "0\n"),
	TEXT("cpu.pressure", NO_PRESSURE),
	TEXT("cpu.weight.nice", "0\n"),
	TEXT("cpuset.cpus", "\n"),
	TEXT("cpuset.mems", "\n"),
	TEXT("io.pressure", NO_PRESSURE),
	TEXT("memory.events.local", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n"),
	TEXT("memory.oom.group", "0\n"),
	TEXT("memory.pressure", NO_PRESSURE),
	TEXT("memory.swap.events", "high 0\nmax 0\nfail 0\n"),
	TEXT("memory.swap.high", "max\n"),
	TEXT("memory.swap.peak", "0\n"),
};
const struct pseudo_dir sysfs_cgroup_dir = PSEUDO_DIR(cgroup_entries);
