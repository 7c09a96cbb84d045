/* What the machine is: meminfo, cpuinfo, stat, loadavg, uptime, version, filesystems, vmstat. The sandbox's limits are its machine. */
#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "platform/arch.h"
#include "sentry/fs/mountfs.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/family.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/keys.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/version.h"

#define NS_PER_TICK (1000000000 / CLOCK_TICKS)

int proc_show_meminfo(const struct pseudo_req *r, struct textbuf *b)
{
	uint64_t total, available, used = (uint64_t)atomic_load(&r->t->k->memory_used) / 1024;

	proc_memory(r->t->k, &total, &available);
	total /= 1024;
	available /= 1024;
	text_printf(b, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\nBuffers:               0 kB\n", total,
		    available, available);
	text_printf(b, "Cached:                0 kB\nSwapCached:            0 kB\nActive:         %8lu kB\nInactive:              0 kB\n", used);
	text_printf(b, "Active(anon):   %8lu kB\nInactive(anon):        0 kB\nActive(file):          0 kB\nInactive(file):        0 kB\n", used);
	text_puts(b, "Unevictable:           0 kB\nMlocked:               0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\nZswap:                 0 kB\nZswapped:              0 kB\n"
		     "Dirty:                 0 kB\nWriteback:             0 kB\n");
	text_printf(b, "AnonPages:      %8lu kB\nMapped:                0 kB\nShmem:                 0 kB\nKReclaimable:          0 kB\n", used);
	text_puts(b, "Slab:                  0 kB\nSReclaimable:          0 kB\nSUnreclaim:            0 kB\nKernelStack:           0 kB\n"
		     "PageTables:            0 kB\nSecPageTables:         0 kB\nNFS_Unstable:          0 kB\nBounce:                0 kB\nWritebackTmp:          0 kB\n");
	text_printf(b, "CommitLimit:    %8lu kB\nCommitted_AS:   %8lu kB\n", total, used);
	text_puts(b, "VmallocTotal:   34359738367 kB\nVmallocUsed:           0 kB\nVmallocChunk:          0 kB\nPercpu:                0 kB\n"
		     "AnonHugePages:         0 kB\nShmemHugePages:        0 kB\nShmemPmdMapped:        0 kB\nFileHugePages:         0 kB\nFilePmdMapped:         0 kB\n"
		     "HugePages_Total:       0\nHugePages_Free:        0\n"
		     "HugePages_Rsvd:        0\nHugePages_Surp:        0\nHugepagesize:       2048 kB\nHugetlb:               0 kB\nDirectMap4k:           0 kB\n");
	return 0;
}

int proc_show_cpuinfo(const struct pseudo_req *r, struct textbuf *b)
{
	char text[4096];

	arch_cpu_describe(text, sizeof(text));
	for (int i = 0; i < r->t->k->cpus; i++) {
		text_printf(b, "processor\t: %d\n", i);
		text_puts(b, text);
		text_printf(b, "physical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\ninitial apicid\t: %d\n\n",
			    r->t->k->cpus, i, r->t->k->cpus, i, i);
	}
	return 0;
}

/* CPU time of all guests, ended or not. */
static struct cpu_times guest_cpu(struct kernel *k)
{
	struct cpu_times sum = { atomic_load(&k->ended_user_ns), atomic_load(&k->ended_system_ns) };

	for (int pid = process_next(k, 0); pid; pid = process_next(k, pid)) {
		struct process *p = process_find(k, pid);
		struct usage used = { 0 };

		if (p && p->state < PROC_ZOMBIE)
			process_usage_get(p, &used);
		sum.user += used.cpu.user;
		sum.system += used.cpu.system;
		process_put(p);
	}
	return sum;
}

uint64_t proc_guest_cpu_ns(struct kernel *k)
{
	struct cpu_times used = guest_cpu(k);

	return cpu_times_sum(&used);
}

static int64_t uptime_ns(const struct kernel *k)
{
	return host_monotonic_ns() - k->boot_monotonic_ns;
}

int proc_show_system_stat(const struct pseudo_req *r, struct textbuf *b)
{
	struct kernel *k = r->t->k;
	struct cpu_times used = guest_cpu(k);
	uint64_t all = (uint64_t)uptime_ns(k) * (uint64_t)k->cpus, sum = cpu_times_sum(&used), cpus = (uint64_t)k->cpus;
	uint64_t idle = all > sum ? (all - sum) / NS_PER_TICK : 0, user = used.user / NS_PER_TICK, system = used.system / NS_PER_TICK;
	int running, processes;

	load_count(k, &running, &processes);
	text_printf(b, "cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n", user, system, idle);
	for (int i = 0; i < k->cpus; i++)
		text_printf(b, "cpu%d %lu 0 %lu %lu 0 0 0 0 0 0\n", i, user / cpus, system / cpus, idle / cpus);
	text_printf(b, "intr 0\nctxt 0\nbtime %ld\nprocesses %d\nprocs_running %d\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		    (host_realtime_ns() - uptime_ns(k)) / 1000000000, processes, running ? running : 1);
	return 0;
}

int proc_show_loadavg(const struct pseudo_req *r, struct textbuf *b)
{
	struct kernel *k = r->t->k;
	int running, processes, last = 0;

	load_count(k, &running, &processes);
	for (int pid = process_next(k, 0); pid; pid = process_next(k, pid))
		last = pid;
	for (int i = 0; i < LOAD_SPANS; i++) {
		uint64_t hundredths = (load_get(k, i) * 100 + LOAD_ONE / 2) / LOAD_ONE;

		text_printf(b, "%lu.%02lu ", hundredths / 100, hundredths % 100);
	}
	text_printf(b, "%d/%d %d\n", running ? running : 1, k->task_count, last);
	return 0;
}

int proc_show_keys(const struct pseudo_req *r, struct textbuf *b)
{
	keys_show(r->t, b);
	return 0;
}

int proc_show_key_users(const struct pseudo_req *r, struct textbuf *b)
{
	keys_show_users(r->t, b);
	return 0;
}

int proc_show_uptime(const struct pseudo_req *r, struct textbuf *b)
{
	struct kernel *k = r->t->k;
	struct cpu_times used = guest_cpu(k);
	uint64_t up = (uint64_t)uptime_ns(k), all = up * (uint64_t)k->cpus, sum = cpu_times_sum(&used);
	uint64_t idle = all > sum ? all - sum : 0;

	text_printf(b, "%lu.%02lu %lu.%02lu\n", up / 1000000000, up / 10000000 % 100, idle / 1000000000, idle / 10000000 % 100);
	return 0;
}

int proc_show_version(const struct pseudo_req *r, struct textbuf *b)
{
	(void)r;
	text_puts(b, "Linux version " GUEST_RELEASE " (picket@picket) (gcc) " GUEST_VERSION "\n");
	return 0;
}

int proc_show_filesystems(const struct pseudo_req *r, struct textbuf *b)
{
	(void)r;
	for (int i = 0; i < mountfs_count; i++)
		text_printf(b, "nodev\t%s\n", mountfs_table[i].name);
	text_puts(b, "nodev\toverlay\nnodev\tgoferfs\n");
	return 0;
}

int proc_show_vmstat(const struct pseudo_req *r, struct textbuf *b)
{
	uint64_t total, available;

	proc_memory(r->t->k, &total, &available);
	text_printf(b, "nr_free_pages %lu\nnr_anon_pages %ld\nnr_mapped 0\nnr_file_pages 0\nnr_dirty 0\nnr_writeback 0\n", available / 4096,
		    atomic_load(&r->t->k->memory_used) / 4096);
	text_puts(b, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\noom_kill 0\n");
	return 0;
}
