/*
 * The host calls that a running sentry may make, each with its reason. Anything else ends it, and its guests with it: by SIGSYS, whose
 * handler (which no allowed call can replace) says which call it was.
 */
#include "sentry/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/x86_64/nr.h"
#include "base/host.h"
#include "base/log.h"
#include "base/mem.h"
#include "sentry/kernel/kernel.h"

#define EXIT_FORBIDDEN_CALL 3
/* What pthread_create(3) asks clone(2) for. */
#define THREAD_FLAGS                                                                                                         \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | \
	 CLONE_CHILD_CLEARTID)

enum rule {
	ANY,
	ARG0_IS, /* argument 0 equals value */
	ARG1_IS,
	ARG2_LACKS, /* argument 2 has none of the bits of value */
};

struct allowed {
	int nr;
	enum rule rule;
	uint64_t value;
	const char *why;
};

static const struct allowed allowlist[] = {
	/* The trap. */
	{ SCMP_SYS(ioctl), ARG1_IS, SECCOMP_IOCTL_NOTIF_RECV, "workers take the guests' calls" },
	{ SCMP_SYS(ioctl), ARG1_IS, SECCOMP_IOCTL_NOTIF_SEND, "and answer them" },
	{ SCMP_SYS(ioctl), ARG1_IS, SECCOMP_IOCTL_NOTIF_ID_VALID, "is a call still under way" },
	{ SCMP_SYS(ptrace), ANY, 0, "registers and stops of guests; its own children in its own pid namespace are all it can reach" },
	{ SCMP_SYS(wait4), ANY, 0, "stops and deaths of guests" },
	{ SCMP_SYS(waitid), ANY, 0, "the same" },
	{ SCMP_SYS(process_vm_readv), ANY, 0, "guest memory; nobody else is in this pid namespace" },
	{ SCMP_SYS(process_vm_writev), ANY, 0, "guest memory" },
	{ SCMP_SYS(tgkill), ANY, 0, "kicks of guests, wake-ups of our own threads; the pid namespace holds nobody else" },
	{ SCMP_SYS(kill), ANY, 0, "the end of a guest process" },
	{ SCMP_SYS(tkill), ANY, 0, "the same for one thread" },
	{ SCMP_SYS(pidfd_getfd), ANY, 0, "a donated fd into the pocket, to be mapped into a guest" },
	{ SCMP_SYS(sched_setaffinity), ANY, 0, "a guest stays on its lane's CPU" },
	{ SCMP_SYS(sched_getaffinity), ANY, 0, "the same" },
	{ SCMP_SYS(sched_yield), ANY, 0, "short waits for a timer's function to end" },
	{ SCMP_SYS(rt_sigreturn), ANY, 0, "return from the wake-up signal's handler" },
	{ SCMP_SYS(rt_sigprocmask), ANY, 0, "threads' masks" },
	{ SCMP_SYS(rt_sigtimedwait), ANY, 0, "tracers wait" },
	{ SCMP_SYS(restart_syscall), ANY, 0, "a wait after stop and continue" },
	/* Files that the gofer donated. */
	{ SCMP_SYS(read), ANY, 0, "donated fds; no fd can be had but by donation" },
	{ SCMP_SYS(write), ANY, 0, "donated fds, the log" },
	{ SCMP_SYS(pread64), ANY, 0, "the same" },
	{ SCMP_SYS(pwrite64), ANY, 0, "the same" },
	{ SCMP_SYS(readv), ANY, 0, "the same" },
	{ SCMP_SYS(writev), ANY, 0, "the same" },
	{ SCMP_SYS(preadv), ANY, 0, "the same" },
	{ SCMP_SYS(pwritev), ANY, 0, "the same" },
	{ SCMP_SYS(preadv2), ANY, 0, "the same; is it in the page cache" },
	{ SCMP_SYS(pwritev2), ANY, 0, "the same" },
	{ SCMP_SYS(lseek), ANY, 0, "holes, and the position of the standard streams" },
	{ SCMP_SYS(fstat), ANY, 0, "size and kind of what was donated" },
	{ SCMP_SYS(fstatfs), ANY, 0, "the same" },
	{ SCMP_SYS(ftruncate), ANY, 0, "in-memory files" },
	{ SCMP_SYS(fallocate), ANY, 0, "the same: holes" },
	{ SCMP_SYS(fsync), ANY, 0, "fsync means the host's" },
	{ SCMP_SYS(fdatasync), ANY, 0, "the same" },
	{ SCMP_SYS(sync_file_range), ANY, 0, "the same" },
	{ SCMP_SYS(syncfs), ANY, 0, "sync(2) of a volume, by a donated fd" },
	{ SCMP_SYS(fadvise64), ANY, 0, "read-ahead hints" },
	{ LX_NR_cachestat, ANY, 0, "how much of a donated file is cached: numbers about an fd that is there" },
	{ SCMP_SYS(copy_file_range), ANY, 0, "copies between donated files" },
	{ SCMP_SYS(memfd_create), ANY, 0, "in-memory files: not a way to a path or a socket" },
	{ SCMP_SYS(close), ANY, 0, "what is not needed any more" },
	{ SCMP_SYS(fcntl), ARG1_IS, F_GETFL, "the access of a donated stream" },
	{ SCMP_SYS(fcntl), ARG1_IS, F_SETFL, "O_APPEND of a donated fd" },
	{ SCMP_SYS(fcntl), ARG1_IS, F_DUPFD_CLOEXEC, "a second number for a donated fd" },
	{ SCMP_SYS(fcntl), ARG1_IS, F_GETFD, "debugging builds" },
	{ SCMP_SYS(fcntl), ARG1_IS, F_ADD_SEALS, "sealed memfds" },
	{ SCMP_SYS(fcntl), ARG1_IS, F_GET_SEALS, "the same" },
	{ SCMP_SYS(poll), ANY, 0, "readiness of the standard streams" },
	{ SCMP_SYS(ppoll), ANY, 0, "the reactor without io_uring; replies of the gofer" },
	{ SCMP_SYS(ioctl), ARG1_IS, FIONREAD, "bytes waiting in a standard stream" },
	{ SCMP_SYS(ioctl), ARG1_IS, TIOCGWINSZ, "the terminal's size" },
	{ SCMP_SYS(ioctl), ARG1_IS, TCGETS, "the terminal's modes" },
	{ SCMP_SYS(ioctl), ARG1_IS, TCSETS, "the terminal's modes, as the guest sets them; not TIOCSTI" },
	{ SCMP_SYS(ioctl), ARG1_IS, TCSETSW, "the same" },
	{ SCMP_SYS(ioctl), ARG1_IS, TCSETSF, "the same" },
	{ SCMP_SYS(ioctl), ARG1_IS, TCFLSH, "tcflush on the terminal" },
	/* Gofer and runtime: sockets that exist; none can be made. */
	{ SCMP_SYS(sendto), ANY, 0, "requests to the gofer" },
	{ SCMP_SYS(recvmsg), ANY, 0, "its replies, with donated fds; control messages" },
	{ SCMP_SYS(sendmsg), ANY, 0, "control messages" },
	{ SCMP_SYS(recvfrom), ANY, 0, "the same" },
	/* The ring, made before. */
	{ SCMP_SYS(io_uring_enter), ANY, 0, "a ring restricted to five operations on the files in its slots" },
	{ SCMP_SYS(io_uring_register), ARG1_IS, IORING_REGISTER_FILES_UPDATE, "a donated fd into a slot; the ring takes no other registration" },
	/* The process itself. */
	{ SCMP_SYS(futex), ANY, 0, "locks" },
	{ SCMP_SYS(mmap), ARG2_LACKS, PROT_EXEC, "memory, windows on donated files; nothing executable" },
	{ SCMP_SYS(munmap), ANY, 0, "the same" },
	{ SCMP_SYS(mremap), ANY, 0, "a growing heap" },
	{ SCMP_SYS(mprotect), ARG2_LACKS, PROT_EXEC, "a growing heap; nothing executable" },
	{ SCMP_SYS(madvise), ANY, 0, "memory given back" },
	{ SCMP_SYS(brk), ANY, 0, "the heap" },
	{ SCMP_SYS(getrandom), ANY, 0, "getrandom(2) of the guest, layout of fresh images" },
	{ SCMP_SYS(clock_gettime), ANY, 0, "clocks that the vDSO does not answer, CPU clocks of guests" },
	{ SCMP_SYS(clock_getres), ANY, 0, "the same" },
	{ SCMP_SYS(clock_nanosleep), ANY, 0, "waits of the platform" },
	{ SCMP_SYS(nanosleep), ANY, 0, "the same" },
	{ SCMP_SYS(prlimit64), ARG2_LACKS, UINT64_MAX, "how many fds it may have; changes none" },
	{ SCMP_SYS(getrusage), ANY, 0, "the sentry's own use, for the record" },
	{ SCMP_SYS(getpid), ANY, 0, "the address of wake-ups" },
	{ SCMP_SYS(gettid), ANY, 0, "the same" },
	{ SCMP_SYS(getcpu), ANY, 0, "which gofer channel" },
	{ SCMP_SYS(rseq), ANY, 0, "the C library's threads" },
	{ SCMP_SYS(set_robust_list), ANY, 0, "the same" },
	{ SCMP_SYS(prctl), ARG0_IS, PR_SET_NAME, "threads name themselves" },
	{ SCMP_SYS(clone), ARG0_IS, THREAD_FLAGS, "a worker more where one is stuck in the host: threads only (clone3, whose flags cannot be seen, is not there)" },
	{ SCMP_SYS(capset), ANY, 0, "a fresh thread gives up what it has not; nothing can be had back" },
	{ SCMP_SYS(sysinfo), ANY, 0, "load and memory of the machine for the guest's sysinfo" },
	{ SCMP_SYS(exit), ANY, 0, "the end of a thread" },
	{ SCMP_SYS(exit_group), ANY, 0, "the end" },
#ifdef __SANITIZE_ADDRESS__
	{ SCMP_SYS(sigaltstack), ANY, 0, "the sanitizer, at a thread's end" },
#endif
};

/* Refused, but not the end: a C library that finds no clone3 uses clone, a sanitizer that can read no file reports all the same. */
static const int refused[] = {
	SCMP_SYS(clone3),
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(stat), SCMP_SYS(newfstatat), SCMP_SYS(rt_sigaction),
#endif
};

static int add_row(scmp_filter_ctx ctx, const struct allowed *a)
{
	switch (a->rule) {
	case ARG0_IS:
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, a->nr, 1, SCMP_A0(SCMP_CMP_EQ, a->value));
	case ARG1_IS:
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, a->nr, 1, SCMP_A1(SCMP_CMP_EQ, a->value));
	case ARG2_LACKS:
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, a->nr, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, a->value, 0));
	case ANY:
		break;
	}
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, a->nr, 0);
}

static void forbidden_call(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	log_error("the sentry made host call %d, which is not on its allowlist (sentry/lockdown.c), and is ended for it", info->si_syscall);
	_exit(EXIT_FORBIDDEN_CALL);
}

static int catch_forbidden_calls(void)
{
	struct sigaction sa = { .sa_sigaction = forbidden_call, .sa_flags = SA_SIGINFO };

	return (int)host_ret(sigaction(SIGSYS, &sa, NULL));
}

int sentry_lockdown(struct kernel *k, char *why, size_t why_len)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int ret = ctx ? catch_forbidden_calls() : -ENOMEM;

	/* Nobody of the same uid may look into it; the guests' processes have set this anew for themselves. */
	if (!ret)
		ret = (int)host_ret(prctl(PR_SET_DUMPABLE, 0));


	(void)k;
	for (size_t i = 0; i < ARRAY_LEN(allowlist) && !ret; i++)
		ret = add_row(ctx, &allowlist[i]);
	for (size_t i = 0; i < ARRAY_LEN(refused) && !ret; i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), refused[i], 0);
	if (!ret)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!ret)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree of comparisons, not a list */
	if (!ret)
		ret = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (ret < 0)
		snprintf(why, why_len, "the sentry's seccomp filter cannot be installed: %s", strerrordesc_np(-ret));
	return ret;
}
