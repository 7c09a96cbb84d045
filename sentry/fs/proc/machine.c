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
static uint64_t guest_ns(struct kernel *k, int *running, int *processes)
{
	uint64_t sum = (uint64_t)atomic_load(&k->guest_cpu_ns);

	*running = *processes = 0;
	for (int pid = process_next(k, 0); pid; pid = process_next(k, pid)) {
		struct process *p = process_find(k, pid);
		struct pseudo_obj o = { .proc = p };
		struct task *t = p ? proc_obj_task(&o) : NULL;

		++*processes;
		if (t) {
			int run = atomic_load(&t->run);

			*running += run == RUN_GUEST || run == RUN_HANDLER || run == RUN_READY;
			sum += process_cpu_ns(p);
		}
		task_put(t);
		process_put(p);
	}
	return sum;
}

uint64_t proc_guest_cpu_ns(struct kernel *k)
{
	int running, processes;

	return guest_ns(k, &running, &processes);
}

static int64_t uptime_ns(const struct kernel *k)
{
	return host_monotonic_ns() - k->boot_monotonic_ns;
}

int proc_show_system_stat(const struct pseudo_req *r, struct textbuf *b)
{
	struct kernel *k = r->t->k;
	int running, processes;
	uint64_t user = guest_ns(k, &running, &processes), all = (uint64_t)uptime_ns(k) * (uint64_t)k->cpus;
	uint64_t idle = all > user ? (all - user) / NS_PER_TICK : 0;

	user /= NS_PER_TICK;
	text_printf(b, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", user, idle);
	for (int i = 0; i < k->cpus; i++)
		text_printf(b, "cpu%d %lu 0 0 %lu 0 0 0 0 0 0\n", i, user / (uint64_t)k->cpus, idle / (uint64_t)k->cpus);
	text_printf(b, "intr 0\nctxt 0\nbtime %ld\nprocesses %d\nprocs_running %d\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		    (host_realtime_ns() - uptime_ns(k)) / 1000000000, processes, running ? running : 1);
	return 0;
}

/* No history is kept: the three averages are the one since the sandbox's start. */
int proc_show_loadavg(const struct pseudo_req *r, struct textbuf *b)
{
	struct kernel *k = r->t->k;
	int running, processes, last = 0;
	uint64_t used = guest_ns(k, &running, &processes), up = (uint64_t)uptime_ns(k), hundredths = up ? used / (up / 100 + 1) : 0;

	for (int pid = process_next(k, 0); pid; pid = process_next(k, pid))
		last = pid;
	for (int i = 0; i < 3; i++)
		text_printf(b, "%lu.%02lu ", hundredths / 100, hundredths % 100);
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
	int running, processes;
	uint64_t used = guest_ns(k, &running, &processes), up = (uint64_t)uptime_ns(k), all = up * (uint64_t)k->cpus;
	uint64_t idle = all > used ? all - used : 0;

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
