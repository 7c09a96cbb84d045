/* /proc and /sys as programs read them: names of fields, formats, what agrees with what. */
#include "../tap.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>

static char text[1 << 18];

static const char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, all = 0;

	while (fd >= 0 && (n = read(fd, text + all, sizeof(text) - 1 - (size_t)all)) > 0)
		all += n;
	text[all] = 0;
	if (fd >= 0)
		close(fd);
	return fd < 0 ? NULL : text;
}

/* The rest of the line that begins so; NULL: there is none. */
static const char *field(const char *name)
{
	size_t len = strlen(name);

	for (const char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, name, len) && at[len] == ':')
			return at + len + 1;
	return NULL;
}

static void fields(const char *path, const char *const *names)
{
	CHECK(slurp(path) != NULL, "%s can be read", path);
	for (; *names; names++)
		CHECK(field(*names) != NULL, "%s has %s", path, *names);
}

static void status(void)
{
	static const char *const names[] = {
		"Name", "Umask", "State", "Tgid", "Ngid", "Pid", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "NStgid", "NSpid",
		"NSpgid", "NSsid", "VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData",
		"VmStk", "VmExe", "VmLib", "VmPTE", "VmSwap", "HugetlbPages", "CoreDumping", "THP_enabled", "Threads", "SigQ", "SigPnd",
		"ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
		"Seccomp_filters", "Cpus_allowed", "Cpus_allowed_list", "Mems_allowed", "Mems_allowed_list", "voluntary_ctxt_switches",
		"nonvoluntary_ctxt_switches", NULL,
	};

	fields("/proc/self/status", names);
	CHECK_EQ(atoi(field("Pid")), getpid(), "Pid");
	CHECK_EQ(atoi(field("Threads")), 1, "Threads");
}

static void machine(void)
{
	static const char *const names[] = {
		"MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SwapCached", "Active", "Inactive", "Active(anon)",
		"Inactive(anon)", "Active(file)", "Inactive(file)", "Unevictable", "Mlocked", "SwapTotal", "SwapFree", "Dirty", "Writeback",
		"AnonPages", "Mapped", "Shmem", "KReclaimable", "Slab", "SReclaimable", "SUnreclaim", "KernelStack", "PageTables",
		"SecPageTables", "CommitLimit", "Committed_AS", "VmallocTotal", "Percpu", "AnonHugePages", "FileHugePages",
		"HugePages_Total", "Hugepagesize", "DirectMap4k", NULL,
	};
	unsigned long total, available;
	struct sysinfo info;
	cpu_set_t set;
	int cpus = 0;

	fields("/proc/meminfo", names);
	total = strtoul(field("MemTotal"), NULL, 10);
	available = strtoul(field("MemAvailable"), NULL, 10);
	CHECK(available <= total && total, "what is available is part of the whole");
	sysinfo(&info);
	CHECK_EQ(info.totalram * info.mem_unit / 1024, total, "sysinfo says the same");
	sched_getaffinity(0, sizeof(set), &set);
	slurp("/proc/cpuinfo");
	for (const char *at = text; (at = strstr(at, "processor\t:")); at++)
		cpus++;
	CHECK_EQ(cpus, CPU_COUNT(&set), "as many processors as may be used");
	slurp("/proc/stat");
	CHECK(!strncmp(text, "cpu  ", 5) && strstr(text, "\ncpu0 ") && strstr(text, "\nbtime ") && strstr(text, "\nprocs_running "), "stat");
	CHECK(slurp("/proc/uptime") && strchr(text, '.') && strchr(text, ' '), "uptime");
	CHECK(slurp("/proc/loadavg") && strchr(text, '/'), "loadavg");
	CHECK(slurp("/proc/version") && !strncmp(text, "Linux version ", 14), "version");
	CHECK(slurp("/proc/filesystems") && strstr(text, "nodev\tproc\n"), "filesystems");
	CHECK(slurp("/proc/swaps") && !strncmp(text, "Filename\t\t\t\tType\t\tSize", 22), "swaps");
	CHECK(slurp("/proc/interrupts") && strstr(text, "CPU0"), "interrupts");
	CHECK(slurp("/proc/softirqs") && strstr(text, "      NET_RX:"), "softirqs");
	CHECK(slurp("/proc/devices") && !strncmp(text, "Character devices:\n", 19) && strstr(text, "\nBlock devices:\n"), "devices");
	CHECK(slurp("/proc/execdomains") && !strcmp(text, "0-0\tLinux           \t[kernel]\n"), "execdomains");
	CHECK(slurp("/proc/vmstat") && !strncmp(text, "nr_free_pages ", 14), "vmstat");
	CHECK(slurp("/proc/zoneinfo") && strstr(text, "\n  pages free "), "zoneinfo");
	CHECK(slurp("/proc/buddyinfo") && !strncmp(text, "Node 0, zone ", 13), "buddyinfo");
	CHECK(slurp("/proc/pressure/cpu") && !strncmp(text, "some avg10=", 11) && strstr(text, "\nfull avg10="), "pressure");
	CHECK(slurp("/proc/key-users") && strchr(text, '/'), "key-users");
	CHECK(slurp("/proc/cgroups") && !strncmp(text, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n", 43), "cgroups");
	CHECK(slurp("/proc/tty/drivers") && strstr(text, "pty_slave"), "tty/drivers");
	CHECK_CHILD("slabinfo is root's", MUST(setgid(65534) == 0 && setuid(65534) == 0);
		    MUST(open("/proc/slabinfo", O_RDONLY) < 0 && errno == EACCES));
}

static void readable(void)
{
	static const char *const names[] = {
		"arch_status", "autogroup", "auxv", "cgroup", "cmdline", "comm", "coredump_filter", "cpuset", "environ", "gid_map", "io",
		"ksm_merging_pages", "ksm_stat", "limits", "loginuid", "maps", "mountinfo", "mounts", "mountstats", "numa_maps", "oom_adj",
		"oom_score", "oom_score_adj", "personality", "projid_map", "sched", "schedstat", "sessionid", "setgroups", "smaps",
		"smaps_rollup", "stack", "stat", "statm", "status", "syscall", "timens_offsets", "timerslack_ns", "uid_map", "wchan",
		"task/self/stat",
	};
	char path[96];

	for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", names[i]);
		CHECK(slurp(path) != NULL, "%s can be read", path);
	}
	CHECK(slurp("/proc/self/attr/current") && !*text, "no label");
	CHECK(slurp("/proc/self/sched") && strstr(text, "\nse.sum_exec_runtime  ") && strstr(text, "\nnr_voluntary_switches "), "sched");
	CHECK(slurp("/proc/self/numa_maps") && strstr(text, " default"), "numa_maps");
	CHECK(slurp("/proc/self/io") && !strncmp(text, "rchar: ", 7), "io");
}

static void settings(void)
{
	static const char *const names[] = {
		"kernel/hostname", "kernel/osrelease", "kernel/pid_max", "kernel/threads-max", "kernel/random/uuid", "kernel/random/boot_id",
		"kernel/ngroups_max", "kernel/cap_last_cap", "kernel/core_pattern", "kernel/shmmax", "kernel/msgmax", "kernel/sem",
		"kernel/keys/maxkeys", "kernel/printk", "kernel/perf_event_paranoid", "kernel/overflowuid", "kernel/sched_rt_period_us",
		"kernel/pty/max", "kernel/tainted", "kernel/panic", "kernel/ns_last_pid", "kernel/numa_balancing", "kernel/shm_rmid_forced",
		"vm/overcommit_memory", "vm/max_map_count", "vm/swappiness", "vm/mmap_min_addr", "vm/dirty_bytes", "vm/nr_overcommit_hugepages",
		"vm/panic_on_oom", "vm/vfs_cache_pressure", "fs/file-max", "fs/file-nr", "fs/nr_open", "fs/pipe-max-size", "fs/dentry-state",
		"fs/inode-nr", "fs/inotify/max_user_watches", "fs/aio-max-nr", "fs/protected_fifos", "fs/suid_dumpable",
		"fs/mqueue/msg_max", "fs/epoll/max_user_watches", "user/max_user_namespaces",
	};
	char path[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/%s", names[i]);
		CHECK(slurp(path) && strchr(text, '\n'), "%s is there", names[i]);
	}
}

static void locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = 10, .l_len = 5 };
	int fd = open("locked", O_RDWR | O_CREAT, 0600), whole = open("locked", O_RDWR);
	struct stat st;
	char word[96];

	fstat(fd, &st);
	fcntl(fd, F_SETLK, &l);
	flock(whole, LOCK_SH);
	slurp("/proc/locks");
	snprintf(word, sizeof(word), "POSIX  ADVISORY  WRITE %d ", getpid());
	CHECK(strstr(text, word) != NULL, "a POSIX lock");
	snprintf(word, sizeof(word), ":%lu 10 14\n", (unsigned long)st.st_ino);
	CHECK(strstr(text, word) != NULL, "of that file and range");
	snprintf(word, sizeof(word), "FLOCK  ADVISORY  READ %d ", getpid());
	CHECK(strstr(text, word) != NULL, "flock(2)'s");
	snprintf(word, sizeof(word), ":%lu 0 EOF\n", (unsigned long)st.st_ino);
	CHECK(strstr(text, word) != NULL, "of the whole file");
	close(fd);
	close(whole);
	slurp("/proc/locks");
	CHECK(strstr(text, word) == NULL, "closed, they are gone");
}

static void slack(void)
{
	int fd = open("/proc/self/timerslack_ns", O_RDWR);

	CHECK_EQ(write(fd, "70000\n", 6), 6, "timerslack_ns can be set");
	slurp("/proc/self/timerslack_ns");
	CHECK_STR(text, "70000\n", "and is kept");
	CHECK_ERRNO(write(fd, "x", 1), EINVAL);
	close(fd);
	fd = open("/proc/self/clear_refs", O_WRONLY);
	CHECK_EQ(write(fd, "1", 1), 1, "clear_refs");
	CHECK_ERRNO(write(fd, "9", 1), EINVAL);
	close(fd);
}

static void sys(void)
{
	static const char *const names[] = {
		"devices/system/cpu/online", "devices/system/cpu/possible", "devices/system/cpu/present", "devices/system/cpu/kernel_max",
		"devices/system/cpu/cpu0/topology/core_id", "devices/system/cpu/cpu0/topology/die_cpus_list",
		"devices/system/cpu/cpu0/topology/cluster_id", "devices/system/node/node0/meminfo", "devices/system/node/online",
		"class/net/lo/mtu", "class/net/lo/address", "class/net/lo/operstate", "class/net/lo/statistics/rx_bytes",
		"class/net/lo/statistics/tx_packets", "class/net/lo/carrier_changes", "class/net/lo/uevent", "kernel/mm/transparent_hugepage/enabled",
		"kernel/cpu_byteorder",
	};
	char path[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/sys/%s", names[i]);
		CHECK(slurp(path) && strchr(text, '\n'), "%s is there", names[i]);
	}
}

int main(void)
{
	tap_begin();
	status();
	machine();
	readable();
	settings();
	locks();
	slack();
	sys();
	return tap_end();
}
