/* The directories of a process and of a thread, and those of their files that are small. proc_pid(5). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/cred.h"
#include "abi/dirent.h"
#include "sentry/fs/fdtable.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ptrace.h"

/* --- small files ---------------------------------------------------------------------------------------------------------- */

static int show_comm(const struct pseudo_req *r, struct textbuf *b)
{
	struct proc_facts f;
	int ret = proc_facts_get(r->obj, &f);

	if (ret < 0)
		return ret;
	text_printf(b, "%s\n", f.comm);
	proc_facts_put(&f);
	return 0;
}

static int store_comm(const struct pseudo_req *r, char *text, size_t len)
{
	struct task *t = proc_obj_task(r->obj);
	char comm[sizeof(t->comm)] = "";

	if (!t)
		return -ESRCH;
	memcpy(comm, text, len < sizeof(comm) - 1 ? len : sizeof(comm) - 1);
	if (t->proc == r->t->proc)
		memcpy(t->comm, comm, sizeof(comm));
	task_put(t);
	return r->t->proc == r->obj->proc ? 0 : -EINVAL;
}

static int show_limits(const struct pseudo_req *r, struct textbuf *b)
{
	static const struct {
		const char *name, *unit;
	} names[LX_RLIM_NLIMITS] = {
		{ "Max cpu time", "seconds" },	  { "Max file size", "bytes" },	      { "Max data size", "bytes" },
		{ "Max stack size", "bytes" },	  { "Max core file size", "bytes" },  { "Max resident set", "bytes" },
		{ "Max processes", "processes" }, { "Max open files", "files" },      { "Max locked memory", "bytes" },
		{ "Max address space", "bytes" }, { "Max file locks", "locks" },      { "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" }, { "Max nice priority", "" },	      { "Max realtime priority", "" },
		{ "Max realtime timeout", "us" },
	};
	struct lx_rlimit limits[LX_RLIM_NLIMITS];

	lock_take(&r->obj->proc->lock);
	memcpy(limits, r->obj->proc->limits, sizeof(limits));
	lock_drop(&r->obj->proc->lock);
	text_printf(b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < LX_RLIM_NLIMITS; i++) {
		uint64_t both[2] = { limits[i].rlim_cur, limits[i].rlim_max };

		text_printf(b, "%-25s ", names[i].name);
		for (int n = 0; n < 2; n++) {
			if (both[n] == LX_RLIM_INFINITY)
				text_printf(b, "%-20s ", "unlimited");
			else
				text_printf(b, "%-20lu ", both[n]);
		}
		text_printf(b, "%-10s\n", names[i].unit);
	}
	return 0;
}

static int show_adj(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%d\n", atomic_load(&r->obj->proc->oom_score_adj));
	return 0;
}

static int store_adj(const struct pseudo_req *r, char *text, size_t len)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (!len || *end || n < -1000 || n > 1000)
		return -EINVAL;
	/* What was raised may be lowered again only by those who could have been spared from the start. */
	if (n < atomic_load(&r->obj->proc->oom_score_adj) && !cred_capable(r->t->cred, LX_CAP_SYS_RESOURCE))
		return -EACCES;
	atomic_store(&r->obj->proc->oom_score_adj, (int)n);
	return 0;
}

static int show_personality(const struct pseudo_req *r, struct textbuf *b)
{
	text_printf(b, "%08x\n", r->obj->proc->personality);
	return 0;
}

/* A tracer's view of a stopped one is exact; a blocked one's stack pointer is not always known. */
static int show_syscall(const struct pseudo_req *r, struct textbuf *b)
{
	struct task *t = proc_obj_task(r->obj);
	struct call_info c;

	if (t && ptrace_call_of(t, &c)) {
		if (c.nr < 0)
			text_printf(b, "-1 0x%lx 0x%lx\n", c.sp, c.ip);
	} else if (t && atomic_load(&t->run) == RUN_BLOCKED) {
		c = (struct call_info){ .nr = t->call.nr, .ip = t->call.ip, .sp = t->call.sp };
		memcpy(c.arg, t->call.v, sizeof(c.arg));
	} else {
		text_puts(b, "running\n");
		c.nr = -1;
	}
	if (c.nr >= 0)
		text_printf(b, "%ld 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", c.nr, c.arg[0], c.arg[1], c.arg[2], c.arg[3], c.arg[4],
			    c.arg[5], c.sp, c.ip);
	task_put(t);
	return 0;
}

static int show_slack(const struct pseudo_req *r, struct textbuf *b)
{
	struct task *t = proc_obj_task(r->obj);

	text_printf(b, "%ld\n", t ? t->timer_slack_ns : 0);
	task_put(t);
	return 0;
}

static int store_slack(const struct pseudo_req *r, char *text, size_t len)
{
	struct task *t = proc_obj_task(r->obj);
	char *end;
	unsigned long long ns = strtoull(text, &end, 10);
	int ret = !t ? -ESRCH : !len || *end ? -EINVAL : 0;

	if (ret == 0 && t->proc != r->t->proc && !cred_capable(r->t->cred, LX_CAP_SYS_NICE))
		ret = -EPERM;
	if (ret == 0)
		t->timer_slack_ns = ns ? (int64_t)ns : 50000;
	task_put(t);
	return ret;
}

/* There is no kernel stack to be seen; who may ask is as on Linux. */
static int show_stack(const struct pseudo_req *r, struct textbuf *b)
{
	(void)b;
	return cred_capable(r->t->cred, LX_CAP_SYS_ADMIN) ? 0 : -EACCES;
}

static int show_children(const struct pseudo_req *r, struct textbuf *b)
{
	struct process *child;

	LOCK_GUARD(&r->t->k->lock);
	list_for_each(child, &r->obj->proc->children, sibling)
		text_printf(b, "%d ", child->pid);
	return 0;
}

static int show_sessionid(const struct pseudo_req *r, struct textbuf *b)
{
	(void)r;
	text_puts(b, "4294967295");
	return 0;
}

/* --- threads ---------------------------------------------------------------------------------------------------------------- */

static int task_lookup(const struct pseudo_obj *o, const char *name, struct pseudo_found *out)
{
	char *end;
	long tid = strtol(name, &end, 10);
	struct task *t = *end || tid <= 0 || tid > INT32_MAX ? NULL : task_find(o->proc->k, (int)tid);

	if (!t || t->proc != o->proc) {
		task_put(t);
		return -ENOENT;
	}
	*out = (struct pseudo_found){ .entry = &proc_task, .obj = { .proc = process_get(o->proc), .task = t } };
	return 0;
}

#define TASKS_AT_ONCE 256

/* The tids in order of creation; more threads than this have their list cut, which no tool minds. */
static int tids(struct process *p, int *out)
{
	struct task *t;
	int n = 0;

	LOCK_GUARD(&p->lock);
	list_for_each(t, &p->tasks, proc_link) {
		if (n < TASKS_AT_ONCE)
			out[n++] = t->tid;
	}
	return n;
}

static int task_list(const struct pseudo_req *r, struct dirlist *l)
{
	int tid[TASKS_AT_ONCE], n = tids(r->obj->proc, tid), ret = 0;

	for (int i = 0; i < n && ret == 0; i++) {
		struct pseudo_obj o = { .proc = r->obj->proc, .nr = tid[i] };
		char name[16];
		int len = snprintf(name, sizeof(name), "%d", tid[i]);

		ret = dirlist_add(l, name, (uint32_t)len, pseudo_ino(&proc_task, &o), LX_DT_DIR);
	}
	return ret;
}

static const struct pseudo_dir task_dir = { .lookup = task_lookup, .list = task_list };

/* --- tables ------------------------------------------------------------------------------------------------------------------ */

#define R(n, fn) { .name = n, .mode = LX_S_IFREG | 0444, .show = fn, .check = proc_check_alive }
#define RW(n, fn, st) { .name = n, .mode = LX_S_IFREG | 0644, .show = fn, .store = st, .check = proc_check_alive }
#define PRIVATE(n, m, fn) { .name = n, .mode = LX_S_IFREG | (m), .show = fn, .check = proc_check_private }
#define PRIVATE_TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0400, .text = s, .check = proc_check_private }
#define KSM_STAT "ksm_rmap_items 0\nksm_zero_pages 0\nksm_merging_pages 0\nksm_process_profit 0\n"
#define WATCHED(n, fn) { .name = n, .mode = LX_S_IFREG | 0444, .show = fn, .check = proc_check_alive, .watch = proc_watch_mounts }
#define MAP(n, sh, st, k) \
	{ .name = n, .mode = LX_S_IFREG | 0644, .show = sh, .store = st, .check = proc_check_alive, .whole = true, .arg = k }
#define TEXT(n, s) { .name = n, .mode = LX_S_IFREG | 0444, .text = s, .check = proc_check_alive }
#define LINK(n, what) \
	{ .name = n, .mode = LX_S_IFLNK | 0777, .show = proc_show_##what, .follow = proc_follow_##what, .check = proc_check_private }

#define COMMON_ENTRIES                                                                                                          \
	{ .name = "fd", .mode = LX_S_IFDIR | 0500, .dir = &proc_fd_dir, .check = proc_check_private },                          \
	{ .name = "fdinfo", .mode = LX_S_IFDIR | 0555, .dir = &proc_fdinfo_dir, .check = proc_check_private },                  \
	{ .name = "ns", .mode = LX_S_IFDIR | 0511, .dir = &proc_ns_dir, .check = proc_check_private },                          \
	{ .name = "net", .mode = LX_S_IFDIR | 0555, .dir = &proc_net_dir },                                                     \
	LINK("cwd", cwd), LINK("exe", exe), LINK("root", root),                                                                 \
	PRIVATE("auxv", 0400, proc_show_auxv), PRIVATE("environ", 0400, proc_show_environ),                                     \
	PRIVATE("maps", 0444, proc_show_maps), PRIVATE("smaps", 0444, proc_show_smaps),           \
	PRIVATE("smaps_rollup", 0444, proc_show_smaps_rollup), PRIVATE("personality", 0400, show_personality),                  \
	PRIVATE("syscall", 0400, show_syscall),                                                                                 \
	{ .name = "mem", .mode = LX_S_IFREG | 0600, .open = proc_open_mem, .check = proc_check_private },                       \
	R("cmdline", proc_show_cmdline), R("limits", show_limits), WATCHED("mountinfo", proc_show_mountinfo),                         \
	WATCHED("mounts", proc_show_mounts), R("sessionid", show_sessionid), R("stat", proc_show_stat),                               \
	R("statm", proc_show_statm), R("status", proc_show_status),                                                             \
	RW("comm", show_comm, store_comm), RW("oom_score_adj", show_adj, store_adj),                                            \
	TEXT("cgroup", "0::/\n"), TEXT("cpuset", "/\n"), MAP("gid_map", proc_show_id_map, proc_store_id_map, 1),                \
	TEXT("loginuid", "4294967295"), R("oom_score", proc_show_oom_score), RW("oom_adj", proc_show_oom_adj, proc_store_oom_adj),  \
	{ .name = "attr", .mode = LX_S_IFDIR | 0555, .dir = &proc_attr_dir, .check = proc_check_alive },                        \
	{ .name = "clear_refs", .mode = LX_S_IFREG | 0200, .store = proc_store_clear_refs, .check = proc_check_private },        \
	PRIVATE("numa_maps", 0444, proc_show_numa_maps), R("sched", proc_show_sched), PRIVATE("stack", 0400, show_stack),        \
	TEXT("arch_status", ""), PRIVATE_TEXT("ksm_merging_pages", "0\n"), PRIVATE_TEXT("ksm_stat", KSM_STAT),                   \
	 TEXT("projid_map", "         0          0 4294967295\n"),     \
	R("schedstat", proc_show_schedstat), MAP("setgroups", proc_show_setgroups, proc_store_setgroups, 0),      \
	MAP("uid_map", proc_show_id_map, proc_store_id_map, 0),                                                                 \
	TEXT("wchan", "0"),                                                                                                     \
	PRIVATE_TEXT("io", "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n")

static const struct pseudo_entry process_entries[] = {
	{ .name = "task", .mode = LX_S_IFDIR | 0555, .dir = &task_dir, .check = proc_check_alive },
	COMMON_ENTRIES,
	R("mountstats", proc_show_mountstats),
	{ .name = "timerslack_ns", .mode = LX_S_IFREG | 0666, .show = show_slack, .store = store_slack, .check = proc_check_alive },
	TEXT("coredump_filter", "00000033\n"),
	TEXT("autogroup", "/autogroup-1 nice 0\n"),
	TEXT("timens_offsets", "monotonic           0         0\nboottime            0         0\n"),
};
static const struct pseudo_entry task_entries[] = {
	COMMON_ENTRIES,
	R("children", show_children),
};

static const struct pseudo_dir process_dir = PSEUDO_DIR(process_entries);
static const struct pseudo_dir thread_dir = PSEUDO_DIR(task_entries);
const struct pseudo_entry proc_process = { .mode = LX_S_IFDIR | 0555, .dir = &process_dir, .check = proc_check_alive };
const struct pseudo_entry proc_task = { .mode = LX_S_IFDIR | 0555, .dir = &thread_dir, .check = proc_check_alive };
