/* The kernel as a whole: limits, the count of calls, and what it tells its runtime. */
#include "sentry/kernel/kernel.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/boot/control.h"
#include "sentry/io/io.h"
#include "sentry/kernel/census.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/syscalls/table.h"
#include "sentry/trace/trace.h"

struct kernel *the_kernel;

/* --- limits ----------------------------------------------------------------------------------------------------- */

struct limit_report {
	struct work work;
	struct control_limit limit;
};

static void send_limit(struct work *w)
{
	struct limit_report *r = container_of(w, struct limit_report, work);

	control_send_limit(the_kernel->control_fd, &r->limit);
	mem_free(r);
}

void kernel_report_limit(struct kernel *k, uint32_t what, int pid, uint64_t limit)
{
	_Atomic int64_t *last = &k->limit_reported_ns[what];
	int64_t now = host_monotonic_ns(), before = atomic_load(last);
	struct limit_report *r;

	if ((before && now - before < 1000000000) || !atomic_compare_exchange_strong(last, &before, now))
		return;
	r = mem_zalloc(sizeof(*r));
	if (!r)
		return;
	r->work.fn = send_limit;
	r->limit = (struct control_limit){ .what = what, .pid = pid, .limit = limit };
	sched_defer(&r->work);
}

uint64_t kernel_machine_memory(const struct kernel *k)
{
	uint64_t limit = k->spec ? k->spec->memory_limit : 0, all = 0;
	struct sysinfo host;

	if (sysinfo(&host) == 0)
		all = (uint64_t)host.totalram * host.mem_unit;
	return limit && (!all || limit < all) ? limit : all;
}

int memory_charge(struct kernel *k, int64_t bytes)
{
	int64_t used = atomic_fetch_add(&k->memory_used, bytes) + bytes, peak;

	if (bytes > 0 && k->spec->memory_limit && (uint64_t)used > k->spec->memory_limit) {
		atomic_fetch_sub(&k->memory_used, bytes);
		kernel_report_limit(k, CONTROL_LIMIT_MEMORY, 0, k->spec->memory_limit);
		return -ENOMEM;
	}
	peak = atomic_load_explicit(&k->memory_peak, memory_order_relaxed);
	while (used > peak && !atomic_compare_exchange_weak(&k->memory_peak, &peak, used))
		;
	return 0;
}

/* --- the count of calls --------------------------------------------------------------------------------------------- */

/* Each thread counts for itself; the blocks stay linked for ever, one a thread. */
struct call_counts {
	struct call_counts *next; /* immutable once linked */
	uint64_t made[LX_NR_COUNT], refused[LX_NR_COUNT];
};
static _Thread_local struct call_counts *own_counts;

static struct call_counts *counts(struct kernel *k)
{
	struct call_counts *c = own_counts, *head;

	if (c)
		return c;
	c = own_counts = mem_zalloc(sizeof(*c));
	if (!c)
		return NULL;
	head = atomic_load(&k->call_counts);
	do
		c->next = head;
	while (!atomic_compare_exchange_weak(&k->call_counts, &head, c));
	return c;
}

void kernel_count_call(struct kernel *k, int32_t nr)
{
	struct call_counts *c = counts(k);

	if (c && nr >= 0 && nr < LX_NR_COUNT)
		c->made[nr]++;
}

void kernel_uncount_call(struct kernel *k, int32_t nr)
{
	struct call_counts *c = counts(k);

	if (c && nr >= 0 && nr < LX_NR_COUNT)
		c->made[nr]--;
}

void kernel_count_refused(struct kernel *k, int32_t nr)
{
	struct call_counts *c = counts(k);

	if (c && nr >= 0 && nr < LX_NR_COUNT)
		c->refused[nr]++;
}

static uint64_t sum_calls(struct kernel *k, int nr, uint64_t *refused)
{
	uint64_t made = 0;

	*refused = 0;
	for (struct call_counts *c = atomic_load(&k->call_counts); c; c = c->next) {
		made += c->made[nr];
		*refused += c->refused[nr];
	}
	return made;
}

void kernel_stats(struct kernel *k, struct control_stats *out)
{
	*out = (struct control_stats){
		.memory_now = (uint64_t)atomic_load(&k->memory_used),
		.memory_peak = (uint64_t)atomic_load(&k->memory_peak),
		.pids_now = (uint64_t)atomic_load(&k->tasks_used),
		.pids_peak = (uint64_t)atomic_load(&k->tasks_peak),
		.cpu_ns = (uint64_t)atomic_load(&k->guest_cpu_ns) + (uint64_t)host_process_cpu_ns(),
	};
	for (int nr = 0; nr < LX_NR_COUNT; nr++) {
		uint64_t refused;

		out->calls += sum_calls(k, nr, &refused);
		out->refused += refused;
	}
}

static void report_calls(struct kernel *k)
{
	struct control_syscalls rows = { 0 };

	for (int nr = 0; nr < LX_NR_COUNT; nr++) {
		struct control_syscall_row *row = &rows.row[rows.count];

		row->count = sum_calls(k, nr, &row->refused);
		if (!row->count)
			continue;
		snprintf(row->name, sizeof(row->name), "%s", syscall_row(nr)->name);
		if (++rows.count == CONTROL_SYSCALL_ROWS) {
			control_send_syscalls(k->control_fd, &rows);
			memset(&rows, 0, sizeof(rows));
		}
	}
	if (rows.count)
		control_send_syscalls(k->control_fd, &rows);
}

/* --- refusals that people should hear of -------------------------------------------------------------------------------- */

struct denial {
	struct work work;
	struct control_denied denied;
};

static void send_denial(struct work *w)
{
	struct denial *d = container_of(w, struct denial, work);

	log_warning("refused: %s of %s by %s (pid %d): mount %s is %s", control_denied_name(d->denied.what), d->denied.file,
		    d->denied.program, d->denied.pid, d->denied.mount, d->denied.rule);
	control_send_denied(the_kernel->control_fd, &d->denied);
	mem_free(d);
}

static uint32_t denied_what(const char *what)
{
	static const struct {
		const char *name;
		uint32_t what;
	} names[] = {
		{ "execve", CONTROL_DENIED_EXEC },
		{ "mmap", CONTROL_DENIED_MMAP },
		{ "mprotect", CONTROL_DENIED_MPROTECT },
		{ "preload", CONTROL_DENIED_PRELOAD },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(what, names[i].name))
			return names[i].what;
	return CONTROL_DENIED_WRITE;
}

static void copy_end(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	snprintf(dst, size, "%s", len >= size ? src + len - size + 1 : src);
}

void kernel_report_denied(struct task *t, const char *what, const char *file, const char *mount_label, const char *rule)
{
	struct kernel *k = t->k;
	struct denial *d;

	if (atomic_fetch_add(&k->denials, 1) >= KERNEL_MAX_DENIALS)
		return; /* a guest must not be able to flood its runtime */
	d = mem_zalloc(sizeof(*d));
	if (!d)
		return;
	d->work.fn = send_denial;
	d->denied.what = denied_what(what);
	d->denied.pid = task_pid(t);
	memcpy(d->denied.program, t->comm, sizeof(t->comm));
	copy_end(d->denied.file, sizeof(d->denied.file), file);
	snprintf(d->denied.mount, sizeof(d->denied.mount), "%s", mount_label);
	snprintf(d->denied.rule, sizeof(d->denied.rule), "%s", rule);
	sched_defer(&d->work);
}

/* --- ends ---------------------------------------------------------------------------------------------------------------- */

void kernel_count_cpu(struct kernel *k, const struct cpu_times *cpu, uint64_t sentry_ns)
{
	atomic_fetch_add(&k->ended_user_ns, cpu->user);
	atomic_fetch_add(&k->ended_system_ns, cpu->system);
	atomic_fetch_add(&k->guest_cpu_ns, (int64_t)(cpu_times_sum(cpu) - sentry_ns));
}

void kernel_process_exited(struct kernel *k, int pid, int wait_status, const struct cpu_times *cpu)
{
	struct control_exited e = { .pid = pid, .wait_status = wait_status, .usage = { .user_ns = cpu->user, .system_ns = cpu->system } };

	control_send_exited(k->control_fd, &e);
}

void kernel_init_exited(struct kernel *k, int wait_status)
{
	kernel_process_exited(k, k->init->pid, wait_status, &k->init->usage_at_exit.cpu);
	if (!atomic_exchange(&k->shutting_down, true))
		io_stop(k->io);
}

void kernel_end(struct kernel *k)
{
	struct control_stats stats;

	/* What was found out last, refusals above all, is told before the end. */
	sched_run_deferred();
	trace_finish(k->trace, k->control_fd);
	if (k->spec->report_syscalls)
		report_calls(k);
	census_log();
	kernel_stats(k, &stats);
	control_send_end(k->control_fd, &stats);
}

void kernel_platform_broken(const char *what, int err)
{
	log_error("the platform failed: %s: %s", what, strerrordesc_np(err < 0 ? -err : err));
	_exit(1);
}
