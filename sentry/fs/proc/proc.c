/* The root of /proc: processes by number, and the machine's files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/dirent.h"
#include "sentry/fs/fstypes.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/kernel.h"

static int show_self(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%d", task_pid(r->t));
	return 0;
}

static int show_thread_self(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%d/task/%d", task_pid(r->t), r->t->tid);
	return 0;
}

/* Any thread's number leads to its process, as on Linux; only processes are listed. */
static struct process *find_process(int nr)
{
	struct process *p = process_find(the_kernel, nr);
	struct task *t = p ? NULL : task_find(the_kernel, nr);

	if (t)
		p = process_get(t->proc);
	task_put(t);
	return p;
}

static int pid_lookup(const struct pseudo_obj *o, const char *name, struct pseudo_found *out)
{
	char *end;
	long nr = strtol(name, &end, 10);
	struct process *p = *name < '1' || *name > '9' || *end || nr > INT32_MAX ? NULL : find_process((int)nr);

	(void)o;
	if (!p)
		return -ENOENT;
	*out = (struct pseudo_found){ .entry = &proc_process, .obj = { .proc = p } };
	return 0;
}

static int pid_list(const struct pseudo_req *r, struct dirlist *l)
{
	int ret = 0;

	for (int pid = process_next(r->t->k, 0); pid && ret == 0; pid = process_next(r->t->k, pid)) {
		struct pseudo_obj o = { .nr = pid };
		char name[16];
		int len = snprintf(name, sizeof(name), "%d", pid);

		ret = dirlist_add(l, name, (uint32_t)len, pseudo_ino(&proc_process, &o), LX_DT_DIR);
	}
	return ret;
}

#define R(n, fn) { .name = n, .mode = LX_S_IFREG | 0444, .show = fn }
#define TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0444, .text = s }
#define LINK(n, to) { .name = n, .mode = LX_S_IFLNK | 0777, .text = to }

#define SLAB_HEAD                                                                                            \
	"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> " \
	"<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n"

/* Nobody measures how long tasks wait for what: as on a kernel that has just started. */
#define NO_PRESSURE                                                 \
	"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
static const struct pseudo_entry pressure_entries[] = { TEXT("cpu", NO_PRESSURE), TEXT("io", NO_PRESSURE), TEXT("memory", NO_PRESSURE) };
static const struct pseudo_dir pressure_dir = PSEUDO_DIR(pressure_entries);

static const struct pseudo_entry tty_entries[] = {
	TEXT("drivers", "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
			"/dev/console         /dev/console    5       1 system:console\n"
			"/dev/ptmx            /dev/ptmx       5       2 system\n"
			"pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
			"pty_master           /dev/ptm      128 0-1048575 pty:master\n"),
	TEXT("ldiscs", "n_tty       0\n"),
};
static const struct pseudo_dir tty_dir = PSEUDO_DIR(tty_entries);

static const struct pseudo_entry root_entries[] = {
	{ .name = "self", .mode = LX_S_IFLNK | 0777, .show = show_self },
	{ .name = "thread-self", .mode = LX_S_IFLNK | 0777, .show = show_thread_self },
	{ .name = "sys", .mode = LX_S_IFDIR | 0555, .dir = &proc_sys_dir },
	LINK("mounts", "self/mounts"),
	LINK("net", "self/net"),
	TEXT("buddyinfo", "Node 0, zone   Normal      0      0      0      0      0      0      0      0      0      0      0 \n"),
	TEXT("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t1\t1\nmemory\t0\t1\t1\npids\t0\t1\t1\n"),
	TEXT("cmdline", "picket\n"),
	TEXT("consoles", ""),
	R("cpuinfo", proc_show_cpuinfo),
	TEXT("crypto", ""),
	TEXT("devices", "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n"),
	TEXT("diskstats", ""),
	TEXT("execdomains", "0-0\tLinux           \t[kernel]\n"),
	R("filesystems", proc_show_filesystems),
	R("interrupts", proc_show_interrupts),
	TEXT("iomem", ""),
	TEXT("ioports", ""),
	TEXT("kallsyms", ""),
	R("loadavg", proc_show_loadavg),
	R("locks", proc_show_locks),
	R("meminfo", proc_show_meminfo),
	TEXT("misc", ""),
	TEXT("modules", ""),
	TEXT("partitions", ""),
	{ .name = "pressure", .mode = LX_S_IFDIR | 0555, .dir = &pressure_dir },
	{ .name = "slabinfo", .mode = LX_S_IFREG | 0400, .text = "slabinfo - version: 2.1\n" SLAB_HEAD },
	R("softirqs", proc_show_softirqs),
	R("stat", proc_show_system_stat),
	{ .name = "tty", .mode = LX_S_IFDIR | 0555, .dir = &tty_dir },
	TEXT("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
	R("uptime", proc_show_uptime),
	R("keys", proc_show_keys),
	R("key-users", proc_show_key_users),
	R("version", proc_show_version),
	R("vmstat", proc_show_vmstat),
	R("zoneinfo", proc_show_zoneinfo),
};

static const struct pseudo_dir root_dir = {
	.entries = root_entries,
	.count = sizeof(root_entries) / sizeof(root_entries[0]),
	.lookup = pid_lookup,
	.list = pid_list,
};
const struct pseudo_entry proc_root = { .name = "proc", .mode = LX_S_IFDIR | 0555, .dir = &root_dir };

struct super *procfs_create(struct kernel *k)
{
	(void)k;
	return pseudo_create("proc", LX_PROC_SUPER_MAGIC, &proc_root, proc_obj_owner);
}
