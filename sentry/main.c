/*
 * The life of a sentry: receives its boot spec, makes platform, reactor, mounts and the first process, locks itself down, reports READY,
 * serves until the first process has ended, and ends. The one file of the sentry that names a concrete platform.
 */
#include "sentry/sentry.h"

#include <errno.h>
#include <signal.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "platform/platform.h"
#include "sentry/boot/control.h"
#include "sentry/fs/gofer_client.h"
#include "sentry/fs/vfs.h"
#include "sentry/io/io.h"
#include "sentry/kernel/control.h"
#include "sentry/kernel/dispatch.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/ns.h"
#include "sentry/kernel/pid.h"
#include "sentry/kernel/program.h"
#include "sentry/lockdown.h"
#include "sentry/mm/exec.h"
#include "sentry/net/netns.h"
#include "sentry/syscalls/table.h"
#include "sentry/trace/trace.h"

#define MAX_STOP_CALLS 32
#define FD_ROOM 4096 /* fds that the table has room for from the start */

struct boot {
	struct control_msg msg;
	struct kernel *k;
	char why[512];
	enum control_stage stage; /* where it failed */
};

static int make_kernel(struct boot *b, int control_fd)
{
	struct kernel *k = mem_zalloc(sizeof(*k));
	int64_t cpus = sysconf(_SC_NPROCESSORS_ONLN);

	b->stage = CONTROL_STAGE_INTERNAL;
	if (!k)
		return -ENOMEM;
	the_kernel = b->k = k;
	k->spec = b->msg.spec;
	b->msg.spec = NULL;
	k->control_fd = control_fd;
	k->cpus = k->spec->lanes ? (int)k->spec->lanes : (int)(cpus > 0 ? cpus : 1);
	k->boot_monotonic_ns = host_monotonic_ns();
	lock_init(&k->lock, RANK_KERNEL, "kernel");
	if (getrandom(k->boot_id, sizeof(k->boot_id), 0) != sizeof(k->boot_id))
		return -EIO;
	k->pids = pid_table_new();
	k->netns = netns_create();
	return k->pids && k->netns ? 0 : -ENOMEM;
}

static enum platform_quick quick_mode(int wanted)
{
	return wanted == BOOT_QUICK_AUTO ? PLATFORM_QUICK_ON : wanted == BOOT_QUICK_FORCE ? PLATFORM_QUICK_FORCED : PLATFORM_QUICK_OFF;
}

static int try_platform(struct boot *b, const struct platform_ops *ops)
{
	/* The platform keeps the list: it is the table's, for the life of the sentry. */
	static uint16_t stop_calls[MAX_STOP_CALLS], quick_calls[LX_NR_COUNT];
	struct platform_config cfg = {
		.handler = &sentry_platform_handler,
		.lanes = b->k->cpus,
		.stop_calls = stop_calls,
		.quick_calls = quick_calls,
		.quick = quick_mode(b->k->spec->quick_calls),
		.log_fd = b->msg.fds.log > 0 ? b->msg.fds.log : 0,
	};

	cfg.stop_call_count = syscall_stop_list(stop_calls, MAX_STOP_CALLS);
	cfg.quick_call_count = syscall_quick_list(quick_calls, LX_NR_COUNT);
	return platform_create(ops, &cfg, &b->k->platform, b->why, sizeof(b->why));
}

static int make_platform(struct boot *b)
{
	int wanted = b->k->spec->platform, ret;
	char first[512];

	b->stage = CONTROL_STAGE_PLATFORM;
	if (wanted == BOOT_PLATFORM_PTRACE)
		return try_platform(b, &platform_ptrace);
	ret = try_platform(b, &platform_seccomp);
	if (ret == 0 || wanted == BOOT_PLATFORM_SECCOMP)
		return ret;
	memcpy(first, b->why, sizeof(first));
	ret = try_platform(b, &platform_ptrace);
	if (ret == 0)
		log_warning("the ptrace platform is used, which is slower: %s", first);
	return ret;
}

static int make_io(struct boot *b)
{
	static const enum io_backend backends[] = {
		[BOOT_IO_AUTO] = IO_AUTO, [BOOT_IO_URING] = IO_RING, [BOOT_IO_THREADS] = IO_THREADS,
	};

	b->stage = CONTROL_STAGE_PLATFORM;
	return io_create(b->k, backends[b->k->spec->io], &b->k->io, b->why, sizeof(b->why));
}

static void gofer_lost(void *arg)
{
	struct kernel *k = arg;

	log_error("the gofer is gone: no file can be named any more, the sandbox ends");
	io_stop(k->io);
}

static int make_gofer(struct boot *b)
{
	struct gofer_client_config cfg = {
		.fds = b->msg.fds.gofer,
		.channels = (int)b->msg.fds.gofer_count,
		.stuck_begin = platform_stuck_begin,
		.stuck_end = platform_stuck_end,
		.lost = gofer_lost,
		.lost_arg = b->k,
	};

	b->stage = CONTROL_STAGE_INTERNAL;
	if (cfg.channels == 0)
		return 0;
	b->k->gofer = gofer_client_new(&cfg);
	b->msg.fds.gofer_count = 0; /* taken over */
	return b->k->gofer ? 0 : -ENOMEM;
}

static int make_mounts(struct boot *b)
{
	int ret;

	b->stage = CONTROL_STAGE_MOUNT;
	ret = mounts_boot(b->k, b->why, sizeof(b->why));
	return ret < 0 ? ret : ns_boot(b->k);
}

static int make_program(struct boot *b)
{
	int stdio[3];

	b->stage = CONTROL_STAGE_EXEC;
	for (int i = 0; i < 3; i++) {
		stdio[i] = b->msg.fds.stdio[i];
		b->msg.fds.stdio[i] = -1;
	}
	return program_prepare(b->k, &b->k->spec->process, stdio, true, &b->k->prepared, &b->stage, b->why, sizeof(b->why));
}

static int boot(struct boot *b, int control_fd)
{
	int ret = make_kernel(b, control_fd);

	if (!ret && (b->k->spec->strace || b->k->spec->profile))
		ret = trace_create(b->k->spec->strace, b->k->spec->profile, &b->k->trace, b->why, sizeof(b->why));
	if (!ret)
		ret = make_io(b);
	if (!ret)
		ret = make_gofer(b);
	if (!ret)
		ret = make_platform(b);
	if (!ret) {
		mem_warm_up();
		b->stage = CONTROL_STAGE_LOCKDOWN;
		ret = sentry_lockdown(b->k, b->why, sizeof(b->why));
	}
	if (!ret)
		ret = make_mounts(b);
	if (!ret)
		ret = make_program(b);
	return ret;
}

static void raise_file_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* A table that grows while threads share it waits for an RCU grace period, 5 to 10 ms: it grows now, while there is one thread. */
static void make_room_for_fds(void)
{
	int high = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FD_ROOM - 1);

	host_close(&high);
}

int sentry_main(int control_fd)
{
	struct boot b = { 0 };
	uint32_t seq;
	int ret;

	mem_single_arena();
	signal(SIGPIPE, SIG_IGN); /* a donated stream that nobody reads any more is the guest's matter */
	ret = control_recv(control_fd, 0, &b.msg, b.why, sizeof(b.why));

	if (ret == 0 && b.msg.type != CONTROL_BOOT) {
		ret = -EBADMSG;
		snprintf(b.why, sizeof(b.why), "the first control message must be BOOT");
	}
	if (ret < 0) {
		if (ret != -EPIPE)
			control_send_failed(control_fd, 0, ret, CONTROL_STAGE_SPEC, "%s", b.why);
		return 1;
	}
	seq = b.msg.seq;
	log_setup(b.msg.fds.log, b.msg.spec->log_format == BOOT_LOG_JSON ? LOG_JSON : LOG_TEXT, (enum log_level)b.msg.spec->log_level,
		  "sentry");
	hash_setup();
	raise_file_limit();
	make_room_for_fds();
	ret = boot(&b, control_fd);
	if (ret < 0) {
		control_send_failed(control_fd, seq, ret, b.stage, "%s", b.why[0] ? b.why : strerrordesc_np(-ret));
		return 1;
	}
	io_on_readable(b.k->io, control_fd, control_readable);
	platform_start(b.k->platform);
	control_send_ready(control_fd, seq);
	io_run(b.k->io);
	kernel_end(b.k);
	/* The init of a pid namespace: what is left of the guests ends with this process. */
	return 0;
}
