/* sysfs: what C libraries, language runtimes and monitors ask of it: processors, one memory node, huge pages, lo. sysfs(5). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/dirent.h"
#include "sentry/fs/fstypes.h"
#include "sentry/fs/pseudo.h"
#include "sentry/kernel/kernel.h"
#include "sentry/net/netns.h"

#define CPUS_MAX 8192 /* CONFIG_NR_CPUS of distributions */

#define TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0444, .text = s }
#define SHOW(n, fn) { .name = n, .mode = LX_S_IFREG | 0444, .show = fn }
#define DIR(n, d) { .name = n, .mode = LX_S_IFDIR | 0755, .dir = &(d) }
#define LINK(n, to) { .name = n, .mode = LX_S_IFLNK | 0777, .text = to }

static const struct pseudo_dir empty_dir = { .count = 0 };

/* --- processors --------------------------------------------------------------------------------------------------------------- */

static int show_cpu_list(const struct pseudo_req *r, struct textbuf *b)
{
	int last = r->t->k->cpus - 1;

	text_printf(b, last ? "0-%d\n" : "%d\n", last);
	return 0;
}

/* A mask of `n` processors from `first` on, in words of 32 bits, highest first. */
static void put_mask(struct textbuf *b, int cpus, int first, int n)
{
	for (int word = (cpus - 1) / 32; word >= 0; word--) {
		uint32_t bits = 0;

		for (int bit = 0; bit < 32; bit++)
			bits |= (uint32_t)(word * 32 + bit >= first && word * 32 + bit < first + n) << bit;
		text_printf(b, word ? "%08x," : "%08x\n", bits);
	}
}

static int show_all_mask(const struct pseudo_req *r, struct textbuf *b)
{
	put_mask(b, r->t->k->cpus, 0, r->t->k->cpus);
	return 0;
}

static int show_own_mask(const struct pseudo_req *r, struct textbuf *b)
{
	put_mask(b, r->t->k->cpus, r->obj->nr, 1);
	return 0;
}

static int show_own_number(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%d\n", r->obj->nr);
	return 0;
}

static int show_kernel_max(const struct pseudo_req *r, struct textbuf *b)
{
	(void)r;
	text_printf(b, "%d\n", CPUS_MAX - 1);
	return 0;
}

static const struct pseudo_entry topology_entries[] = {
	SHOW("core_id", show_own_number),
	TEXT("physical_package_id", "0\n"),
	TEXT("die_id", "0\n"),
	TEXT("cluster_id", "65535\n"),
	SHOW("die_cpus", show_all_mask),
	SHOW("die_cpus_list", show_cpu_list),
	SHOW("cluster_cpus", show_own_mask),
	SHOW("cluster_cpus_list", show_own_number),
	SHOW("thread_siblings", show_own_mask),
	SHOW("thread_siblings_list", show_own_number),
	SHOW("core_cpus", show_own_mask),
	SHOW("core_cpus_list", show_own_number),
	SHOW("core_siblings", show_all_mask),
	SHOW("core_siblings_list", show_cpu_list),
	SHOW("package_cpus", show_all_mask),
	SHOW("package_cpus_list", show_cpu_list),
};
static const struct pseudo_dir topology_dir = PSEUDO_DIR(topology_entries);

static const struct pseudo_entry one_cpu_entries[] = { DIR("topology", topology_dir), TEXT("online", "1\n"), DIR("cpufreq", empty_dir) };
static const struct pseudo_dir one_cpu_dir = PSEUDO_DIR(one_cpu_entries);
static const struct pseudo_entry one_cpu = DIR(NULL, one_cpu_dir);

static int cpu_lookup(const struct pseudo_obj *o, const char *name, struct pseudo_found *out)
{
	char *end;
	long n;

	(void)o;
	if (strncmp(name, "cpu", 3) != 0 || name[3] < '0' || name[3] > '9')
		return -ENOENT;
	n = strtol(name + 3, &end, 10);
	if (*end || n >= the_kernel->cpus)
		return -ENOENT;
	*out = (struct pseudo_found){ .entry = &one_cpu, .obj = { .nr = (int)n } };
	return 0;
}

static int cpu_list(const struct pseudo_req *r, struct dirlist *l)
{
	int ret = 0;

	for (int i = 0; i < r->t->k->cpus && ret == 0; i++) {
		struct pseudo_obj o = { .nr = i };
		char name[16];
		int len = snprintf(name, sizeof(name), "cpu%d", i);

		ret = dirlist_add(l, name, (uint32_t)len, pseudo_ino(&one_cpu, &o), LX_DT_DIR);
	}
	return ret;
}

static const struct pseudo_entry smt_entries[] = { TEXT("active", "0\n"), TEXT("control", "notsupported\n") };
static const struct pseudo_dir smt_dir = PSEUDO_DIR(smt_entries);
static const struct pseudo_entry cpu_entries[] = {
	SHOW("online", show_cpu_list), SHOW("possible", show_cpu_list), SHOW("present", show_cpu_list),
	TEXT("offline", "\n"),	       TEXT("isolated", "\n"),		SHOW("kernel_max", show_kernel_max),
	DIR("cpufreq", empty_dir),     DIR("cpuidle", empty_dir),	DIR("smt", smt_dir),
};
static const struct pseudo_dir cpu_dir = {
	.entries = cpu_entries,
	.count = sizeof(cpu_entries) / sizeof(cpu_entries[0]),
	.lookup = cpu_lookup,
	.list = cpu_list,
};

/* --- memory ------------------------------------------------------------------------------------------------------------------- */

static int show_node_memory(const struct pseudo_req *r, struct textbuf *b)
{
	uint64_t total = kernel_machine_memory(r->t->k) / 1024, used = (uint64_t)atomic_load(&r->t->k->memory_used) / 1024;

	text_printf(b, "Node 0 MemTotal:       %8lu kB\nNode 0 MemFree:        %8lu kB\nNode 0 MemUsed:        %8lu kB\n", total,
		    total > used ? total - used : 0, used);
	return 0;
}

static const struct pseudo_entry node0_entries[] = {
	SHOW("cpulist", show_cpu_list), SHOW("cpumap", show_all_mask), SHOW("meminfo", show_node_memory), TEXT("distance", "10\n"),
};
static const struct pseudo_dir node0_dir = PSEUDO_DIR(node0_entries);

static const struct pseudo_entry node_entries[] = {
	TEXT("online", "0\n"), TEXT("possible", "0\n"), TEXT("has_cpu", "0\n"), TEXT("has_memory", "0\n"),
	TEXT("has_normal_memory", "0\n"), DIR("node0", node0_dir),
};
static const struct pseudo_dir node_dir = PSEUDO_DIR(node_entries);

static const struct pseudo_entry thp_entries[] = {
	TEXT("enabled", "always [madvise] never\n"), TEXT("defrag", "always defer defer+madvise [madvise] never\n"),
	TEXT("shmem_enabled", "always within_size advise [never] deny force\n"), TEXT("hpage_pmd_size", "2097152\n"),
	TEXT("use_zero_page", "1\n"),
};
static const struct pseudo_dir thp_dir = PSEUDO_DIR(thp_entries);

static const struct pseudo_entry ksm_entries[] = { TEXT("run", "0\n"), TEXT("pages_shared", "0\n"), TEXT("pages_sharing", "0\n"), TEXT("pages_unshared", "0\n") };
static const struct pseudo_dir ksm_dir = PSEUDO_DIR(ksm_entries);
static const struct pseudo_entry mm_entries[] = { DIR("transparent_hugepage", thp_dir), DIR("hugepages", empty_dir), DIR("ksm", ksm_dir) };
static const struct pseudo_dir mm_dir = PSEUDO_DIR(mm_entries);
static const struct pseudo_entry kernel_entries[] = {
	DIR("mm", mm_dir), DIR("debug", empty_dir), DIR("security", empty_dir), DIR("tracing", empty_dir), DIR("config", empty_dir),
	TEXT("cpu_byteorder", "little\n"), TEXT("address_bits", "64\n"), TEXT("fscaps", "1\n"), TEXT("profiling", "0\n"), TEXT("uevent_seqnum", "0\n"),
	TEXT("kexec_loaded", "0\n"), TEXT("kexec_crash_loaded", "0\n"),
};
static const struct pseudo_dir kernel_dir = PSEUDO_DIR(kernel_entries);

static const struct pseudo_entry fs_entries[] = { DIR("cgroup", sysfs_cgroup_dir), DIR("fuse", empty_dir) };
static const struct pseudo_dir fs_dir = PSEUDO_DIR(fs_entries);

/* --- the loopback interface ----------------------------------------------------------------------------------------------------------- */

static int show_lo_count(const struct pseudo_req *r, struct textbuf *b)
{
	struct netns *ns = task_netns(r->t);

	text_printf(b, "%lu\n", r->entry->arg ? atomic_load(&ns->lo_bytes) : atomic_load(&ns->lo_packets));
	return 0;
}

#define COUNT(n, bytes) { .name = n, .mode = LX_S_IFREG | 0444, .show = show_lo_count, .arg = bytes }
#define NONE(n) TEXT(n, "0\n")
static const struct pseudo_entry statistics_entries[] = {
	COUNT("rx_bytes", 1), COUNT("rx_packets", 0), COUNT("tx_bytes", 1), COUNT("tx_packets", 0), NONE("collisions"), NONE("multicast"),
	NONE("rx_compressed"), NONE("rx_crc_errors"), NONE("rx_dropped"), NONE("rx_errors"), NONE("rx_fifo_errors"), NONE("rx_frame_errors"),
	NONE("rx_length_errors"), NONE("rx_missed_errors"), NONE("rx_nohandler"), NONE("rx_over_errors"), NONE("tx_aborted_errors"),
	NONE("tx_carrier_errors"), NONE("tx_compressed"), NONE("tx_dropped"), NONE("tx_errors"), NONE("tx_fifo_errors"),
	NONE("tx_heartbeat_errors"), NONE("tx_window_errors"),
};
static const struct pseudo_dir statistics_dir = PSEUDO_DIR(statistics_entries);
static const struct pseudo_entry lo_entries[] = {
	TEXT("address", "00:00:00:00:00:00\n"), TEXT("addr_len", "6\n"), TEXT("broadcast", "00:00:00:00:00:00\n"), TEXT("carrier", "1\n"),
	TEXT("flags", "0x9\n"), TEXT("ifindex", "1\n"), TEXT("iflink", "1\n"), TEXT("mtu", "65536\n"), TEXT("operstate", "unknown\n"),
	TEXT("tx_queue_len", "1000\n"), TEXT("type", "772\n"), TEXT("addr_assign_type", "0\n"), TEXT("carrier_changes", "0\n"),
	TEXT("carrier_down_count", "0\n"), TEXT("carrier_up_count", "0\n"), TEXT("dev_id", "0x0\n"), TEXT("dev_port", "0\n"),
	TEXT("dormant", "0\n"), TEXT("ifalias", ""), TEXT("link_mode", "0\n"), TEXT("netdev_group", "0\n"), TEXT("proto_down", "0\n"),
	TEXT("testing", "0\n"), TEXT("uevent", "INTERFACE=lo\nIFINDEX=1\n"), DIR("statistics", statistics_dir),
	DIR("queues", empty_dir), DIR("power", empty_dir), LINK("subsystem", "../../../../class/net"),
};
static const struct pseudo_dir lo_dir = PSEUDO_DIR(lo_entries);
static const struct pseudo_entry virtual_net_entries[] = { DIR("lo", lo_dir) };
static const struct pseudo_dir virtual_net_dir = PSEUDO_DIR(virtual_net_entries);
static const struct pseudo_entry virtual_entries[] = { DIR("net", virtual_net_dir) };
static const struct pseudo_dir virtual_dir = PSEUDO_DIR(virtual_entries);
static const struct pseudo_entry class_net_entries[] = { LINK("lo", "../../devices/virtual/net/lo") };
static const struct pseudo_dir class_net_dir = PSEUDO_DIR(class_net_entries);
static const struct pseudo_entry class_entries[] = { DIR("net", class_net_dir), DIR("block", empty_dir), DIR("tty", empty_dir), DIR("bdi", empty_dir), DIR("dmi", empty_dir),
						    DIR("drm", empty_dir), DIR("hwmon", empty_dir), DIR("input", empty_dir), DIR("mem", empty_dir),
						    DIR("misc", empty_dir), DIR("power_supply", empty_dir), DIR("thermal", empty_dir) };
static const struct pseudo_dir class_dir = PSEUDO_DIR(class_entries);

/* --- the tree --------------------------------------------------------------------------------------------------------------------------- */

static const struct pseudo_entry system_entries[] = { DIR("cpu", cpu_dir), DIR("node", node_dir) };
static const struct pseudo_dir system_dir = PSEUDO_DIR(system_entries);
static const struct pseudo_entry devices_entries[] = { DIR("system", system_dir), DIR("virtual", virtual_dir) };
static const struct pseudo_dir devices_dir = PSEUDO_DIR(devices_entries);
static const struct pseudo_entry root_entries[] = {
	DIR("block", empty_dir), DIR("bus", empty_dir),		DIR("class", class_dir),  DIR("dev", empty_dir),    DIR("devices", devices_dir),
	DIR("firmware", empty_dir), DIR("fs", fs_dir), DIR("hypervisor", empty_dir), DIR("kernel", kernel_dir), DIR("module", empty_dir),
	DIR("power", empty_dir),
};
static const struct pseudo_dir root_dir = PSEUDO_DIR(root_entries);
static const struct pseudo_entry root = { .name = "sys", .mode = LX_S_IFDIR | 0555, .dir = &root_dir };

struct super *sysfs_create(struct kernel *k)
{
	(void)k;
	return pseudo_create("sysfs", LX_SYSFS_MAGIC, &root, NULL);
}
