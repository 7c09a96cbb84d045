/* /proc/sys: what programs ask of the kernel's settings. Those that can be set are settings of the sandbox. proc_sys(5). */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "abi/cred.h"
#include "sentry/fs/aio.h"
#include "sentry/fs/lease.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ns.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/user_ns.h"
#include "sentry/kernel/version.h"

/* --- names of the machine --------------------------------------------------------------------------------------------------- */

static char *uts_name(const struct pseudo_req *r)
{
	return r->entry->arg ? task_uts(r->t)->domainname : task_uts(r->t)->hostname;
}

static int show_name(const struct pseudo_req *r, struct textbuf *b)
{
	const char *name = uts_name(r);

	LOCK_GUARD(&uts_lock);
	text_printf(b, "%.64s\n", name[0] ? name : "(none)");
	return 0;
}

static int store_name(const struct pseudo_req *r, char *text, size_t len)
{
	char *name = uts_name(r);

	if (!ns_capable(r->t->cred, task_uts(r->t)->ns.owner, LX_CAP_SYS_ADMIN))
		return -EPERM;
	if (len > 64)
		len = 64;
	LOCK_GUARD(&uts_lock);
	memset(name, 0, 65);
	memcpy(name, text, len);
	return 0;
}

/* --- random ------------------------------------------------------------------------------------------------------------------- */

static void put_uuid(struct textbuf *b, const uint8_t *id)
{
	for (int i = 0; i < 16; i++)
		text_printf(b, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
	text_puts(b, "\n");
}

static int show_boot_id(const struct pseudo_req *r, struct textbuf *b)
{
	put_uuid(b, r->t->k->boot_id);
	return 0;
}

static int show_uuid(const struct pseudo_req *r, struct textbuf *b)
{
	uint8_t id[16];

	(void)r;
	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	id[6] = (id[6] & 0x0f) | 0x40; /* version 4: random */
	id[8] = (id[8] & 0x3f) | 0x80;
	put_uuid(b, id);
	return 0;
}

/* --- limits that are the sandbox's ---------------------------------------------------------------------------------------------- */

static int show_threads_max(const struct pseudo_req *r, struct textbuf *b)
{
	uint64_t limit = r->t->k->spec ? r->t->k->spec->pid_limit : 0;

	text_printf(b, "%lu\n", limit ? limit : (uint64_t)PID_MAX);
	return 0;
}

static int show_last_pid(const struct pseudo_req *r, struct textbuf *b)
{
	int last = 0;

	for (int pid = process_next(r->t->k, 0); pid; pid = process_next(r->t->k, pid))
		last = pid;
	text_printf(b, "%d\n", last);
	return 0;
}

static int show_number(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%lu\n", r->entry->arg);
	return 0;
}

static int show_aio_nr(const struct pseudo_req *r, struct textbuf *b)
{
	(void)r;
	text_printf(b, "%u\n", aio_nr());
	return 0;
}

#define NUMBER(n, v) { .name = n, .mode = LX_S_IFREG | 0644, .show = show_number, .arg = v }
#define TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0644, .text = s }
#define SHOW(n, fn) { .name = n, .mode = LX_S_IFREG | 0444, .show = fn }
#define DIR(n, d) { .name = n, .mode = LX_S_IFDIR | 0555, .dir = &(d) }

static const struct pseudo_entry random_entries[] = {
	SHOW("boot_id", show_boot_id), SHOW("uuid", show_uuid), NUMBER("entropy_avail", 256), NUMBER("poolsize", 256),
	NUMBER("urandom_min_reseed_secs", 60), NUMBER("write_wakeup_threshold", 256),
};
static const struct pseudo_dir random_dir = PSEUDO_DIR(random_entries);

static const struct pseudo_entry seccomp_entries[] = {
	TEXT("actions_avail", "kill_process kill_thread trap errno user_notif trace log allow\n"),
	TEXT("actions_logged", "kill_process kill_thread trap errno user_notif trace log\n"),
};
static const struct pseudo_dir seccomp_dir = PSEUDO_DIR(seccomp_entries);

static const struct pseudo_entry keys_entries[] = {
	NUMBER("gc_delay", 300), NUMBER("maxbytes", 20000), NUMBER("maxkeys", 200), NUMBER("persistent_keyring_expiry", 259200),
	NUMBER("root_maxbytes", 25000000), NUMBER("root_maxkeys", 1000000),
};
static const struct pseudo_dir keys_dir = PSEUDO_DIR(keys_entries);

static const struct pseudo_entry pty_entries[] = { NUMBER("max", 4096), NUMBER("nr", 0), NUMBER("reserve", 1024) };
static const struct pseudo_dir pty_dir = PSEUDO_DIR(pty_entries);

/* Who may look into whom is the classic rule. */
static const struct pseudo_entry yama_entries[] = { NUMBER("ptrace_scope", 0) };
static const struct pseudo_dir yama_dir = PSEUDO_DIR(yama_entries);

static const struct pseudo_entry kernel_entries[] = {
	TEXT("ostype", "Linux\n"),
	TEXT("osrelease", GUEST_RELEASE "\n"),
	TEXT("version", GUEST_VERSION "\n"),
	{ .name = "hostname", .mode = LX_S_IFREG | 0644, .show = show_name, .store = store_name, .arg = 0 },
	{ .name = "domainname", .mode = LX_S_IFREG | 0644, .show = show_name, .store = store_name, .arg = 1 },
	NUMBER("pid_max", PID_MAX),
	SHOW("threads-max", show_threads_max),
	DIR("random", random_dir),
	DIR("seccomp", seccomp_dir),
	NUMBER("cap_last_cap", LX_CAP_LAST),
	NUMBER("overflowuid", LX_OVERFLOW_ID),
	NUMBER("overflowgid", LX_OVERFLOW_ID),
	NUMBER("ngroups_max", LX_NGROUPS_MAX),
	NUMBER("randomize_va_space", 2),
	TEXT("core_pattern", "core\n"),
	NUMBER("core_uses_pid", 0),
	NUMBER("shmmax", 18446744073692774399ul),
	NUMBER("shmall", 18446744073692774399ul),
	NUMBER("shmmni", 4096),
	TEXT("sem", "32000\t1024000000\t500\t32000\n"),
	NUMBER("msgmax", 8192),
	NUMBER("msgmnb", 16384),
	NUMBER("msgmni", 32000),
	NUMBER("dmesg_restrict", 1),
	NUMBER("kptr_restrict", 2),
	NUMBER("perf_event_paranoid", 4),
	NUMBER("unprivileged_bpf_disabled", 2),
	NUMBER("unprivileged_userns_clone", 0),
	NUMBER("sched_autogroup_enabled", 0),
	NUMBER("sched_rt_runtime_us", 950000),
	NUMBER("sched_rt_period_us", 1000000),
	NUMBER("io_uring_disabled", 2),
	NUMBER("panic", 0),
	NUMBER("tainted", 0),
	TEXT("printk", "4\t4\t1\t7\n"),
	NUMBER("auto_msgmni", 0),
	NUMBER("core_pipe_limit", 0),
	NUMBER("hung_task_timeout_secs", 120),
	DIR("keys", keys_dir),
	TEXT("msg_next_id", "-1\n"),
	TEXT("modprobe", "\n"),
	NUMBER("modules_disabled", 1),
	SHOW("ns_last_pid", show_last_pid),
	NUMBER("numa_balancing", 0),
	NUMBER("panic_on_oops", 0),
	NUMBER("panic_on_warn", 0),
	NUMBER("perf_cpu_time_max_percent", 25),
	NUMBER("perf_event_max_sample_rate", 100000),
	NUMBER("perf_event_max_stack", 127),
	NUMBER("perf_event_mlock_kb", 516),
	TEXT("poweroff_cmd", "/sbin/poweroff\n"),
	NUMBER("print-fatal-signals", 0),
	NUMBER("printk_ratelimit", 5),
	NUMBER("printk_ratelimit_burst", 10),
	DIR("pty", pty_dir),
	NUMBER("sched_cfs_bandwidth_slice_us", 5000),
	NUMBER("sched_deadline_period_max_us", 4194304),
	NUMBER("sched_deadline_period_min_us", 100),
	NUMBER("sched_rr_timeslice_ms", 100),
	TEXT("sem_next_id", "-1\n"),
	TEXT("shm_next_id", "-1\n"),
	NUMBER("shm_rmid_forced", 0),
	NUMBER("sysctl_writes_strict", 1),
	NUMBER("timer_migration", 1),
	DIR("yama", yama_dir),
};
static const struct pseudo_dir kernel_dir = PSEUDO_DIR(kernel_entries);

static const struct pseudo_entry vm_entries[] = {
	NUMBER("overcommit_memory", 0), NUMBER("overcommit_ratio", 50), NUMBER("max_map_count", 65530), NUMBER("mmap_min_addr", 65536),
	NUMBER("swappiness", 60),	NUMBER("nr_hugepages", 0),	NUMBER("min_free_kbytes", 67584), NUMBER("dirty_ratio", 20),
	NUMBER("dirty_background_ratio", 10), NUMBER("zone_reclaim_mode", 0), NUMBER("admin_reserve_kbytes", 8192),
	NUMBER("compaction_proactiveness", 20), NUMBER("dirty_background_bytes", 0), NUMBER("dirty_bytes", 0),
	NUMBER("dirty_expire_centisecs", 3000), NUMBER("dirty_writeback_centisecs", 500), NUMBER("dirtytime_expire_seconds", 43200),
	NUMBER("extfrag_threshold", 500), NUMBER("hugetlb_shm_group", 0), NUMBER("laptop_mode", 0), NUMBER("legacy_va_layout", 0),
	NUMBER("memfd_noexec", 0), NUMBER("mmap_rnd_bits", 28), NUMBER("mmap_rnd_compat_bits", 8), NUMBER("nr_hugepages_mempolicy", 0),
	NUMBER("nr_overcommit_hugepages", 0), NUMBER("oom_dump_tasks", 1), NUMBER("oom_kill_allocating_task", 0),
	NUMBER("overcommit_kbytes", 0), NUMBER("page-cluster", 3), NUMBER("panic_on_oom", 0), NUMBER("stat_interval", 1),
	NUMBER("unprivileged_userfaultfd", 0), NUMBER("user_reserve_kbytes", 131072), NUMBER("vfs_cache_pressure", 100),
	NUMBER("watermark_boost_factor", 15000), NUMBER("watermark_scale_factor", 10),
	TEXT("lowmem_reserve_ratio", "256\t256\t32\t0\t0\n"), { .name = "drop_caches", .mode = LX_S_IFREG | 0200, .text = "" },
};
static const struct pseudo_dir vm_dir = PSEUDO_DIR(vm_entries);

static const struct pseudo_entry inotify_entries[] = {
	NUMBER("max_queued_events", 16384), NUMBER("max_user_instances", 128), NUMBER("max_user_watches", 65536),
};
static const struct pseudo_dir inotify_dir = PSEUDO_DIR(inotify_entries);

static const struct pseudo_entry epoll_entries[] = { NUMBER("max_user_watches", 1000000) };
static const struct pseudo_dir epoll_dir = PSEUDO_DIR(epoll_entries);

static const struct pseudo_entry mqueue_entries[] = {
	NUMBER("msg_default", 10), NUMBER("msg_max", 10), NUMBER("msgsize_default", 8192), NUMBER("msgsize_max", 8192),
	NUMBER("queues_max", 256),
};
static const struct pseudo_dir mqueue_dir = PSEUDO_DIR(mqueue_entries);

static const struct pseudo_entry fs_entries[] = {
	NUMBER("file-max", 9223372036854775807ul),
	NUMBER("nr_open", 1048576),
	NUMBER("pipe-max-size", 1048576),
	NUMBER("pipe-user-pages-soft", 16384),
	NUMBER("aio-max-nr", AIO_MAX_NR),
	SHOW("aio-nr", show_aio_nr),
	NUMBER("protected_hardlinks", 1),
	NUMBER("protected_symlinks", 1),
	NUMBER("dir-notify-enable", 1),
	NUMBER("lease-break-time", LEASE_BREAK_SECONDS),
	NUMBER("overflowuid", LX_OVERFLOW_ID),
	NUMBER("overflowgid", LX_OVERFLOW_ID),
	TEXT("file-nr", "0\t0\t9223372036854775807\n"),
	NUMBER("dentry-negative", 0),
	TEXT("dentry-state", "0\t0\t45\t0\t0\t0\n"),
	NUMBER("dir-notify-enable", 1),
	TEXT("inode-nr", "0\t0\n"),
	TEXT("inode-state", "0\t0\t0\t0\t0\t0\t0\n"),
	NUMBER("leases-enable", 1),
	NUMBER("mount-max", 100000),
	NUMBER("pipe-user-pages-hard", 0),
	NUMBER("protected_fifos", 0),
	NUMBER("protected_regular", 0),
	NUMBER("suid_dumpable", 0),
	DIR("inotify", inotify_dir),
	DIR("epoll", epoll_dir),
	DIR("mqueue", mqueue_dir),
};
static const struct pseudo_dir fs_dir = PSEUDO_DIR(fs_entries);

static const struct pseudo_entry user_entries[] = {
	NUMBER("max_cgroup_namespaces", 15000), NUMBER("max_inotify_instances", 128), NUMBER("max_inotify_watches", 65536),
	NUMBER("max_ipc_namespaces", 15000),    NUMBER("max_mnt_namespaces", 15000),	  NUMBER("max_net_namespaces", 15000),
	NUMBER("max_pid_namespaces", 15000),    NUMBER("max_time_namespaces", 15000),	  NUMBER("max_user_namespaces", 15000),
	NUMBER("max_uts_namespaces", 15000),
};
static const struct pseudo_dir user_dir = PSEUDO_DIR(user_entries);
static const struct pseudo_dir abi_dir = { .count = 0 }, dev_dir = { .count = 0 };
static const struct pseudo_entry debug_entries[] = { NUMBER("exception-trace", 1) };
static const struct pseudo_dir debug_dir = PSEUDO_DIR(debug_entries);

static const struct pseudo_entry sys_entries[] = {
	DIR("kernel", kernel_dir), DIR("vm", vm_dir), DIR("fs", fs_dir), DIR("net", proc_sys_net_dir), DIR("user", user_dir), DIR("debug", debug_dir), DIR("abi", abi_dir), DIR("dev", dev_dir),
};
const struct pseudo_dir proc_sys_dir = PSEUDO_DIR(sys_entries);
