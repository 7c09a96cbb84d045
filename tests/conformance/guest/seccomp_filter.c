/* seccomp: strict mode, filters, what they may be, and what each action does. seccomp(2). */
#include "../tap.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <ucontext.h>

#define NR ((uint32_t)offsetof(struct seccomp_data, nr))
#define ARG(i) ((uint32_t)offsetof(struct seccomp_data, args[i]))
#define LD(off) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, off)
#define RET(v) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(v))
#define IF(nr, action) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(nr), 0, 1), RET(action)
#define INSTALL(flags, ...) ({ \
	struct sock_filter code_[] = { __VA_ARGS__ }; \
	struct sock_fprog prog_ = { sizeof(code_) / sizeof(code_[0]), code_ }; \
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog_); \
})
/* One call, one action; all else is allowed. */
#define ON(nr, action) INSTALL(0, LD(NR), IF(nr, action), RET(SECCOMP_RET_ALLOW))

static void nnp(void)
{
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void operations(void)
{
	uint32_t actions[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
			       SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW };
	uint32_t odd = 0x7f000000;
	struct seccomp_notif_sizes sizes = { 0 };

	for (int i = 0; i < 8; i++)
		CHECK(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]) == 0, "action %#x is available", actions[i]);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &odd), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &odd), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, NULL), EFAULT);
	CHECK_OK(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
	CHECK_EQ(sizes.seccomp_notif, 80, "size of a notification");
	CHECK_EQ(sizes.seccomp_notif_resp, 24, "size of an answer");
	CHECK_EQ(sizes.seccomp_data, 64, "size of seccomp_data");
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 4, &sizes), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, 4, 0, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, -1, 0, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, &odd), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_SECCOMP, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_SECCOMP, 3, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0), EFAULT);
	CHECK(strstr(tap_text("/proc/sys/kernel/seccomp/actions_avail"), "user_notif") != NULL, "actions_avail names user_notif");
	CHECK(strstr(tap_text("/proc/sys/kernel/seccomp/actions_logged"), "kill_process") != NULL, "actions_logged names kill_process");
}

static void bad_programs(void)
{
	static struct sock_filter many[4097];
	struct sock_fprog prog = { 0, many };

	nnp();
	for (int i = 0; i < 4097; i++)
		many[i] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
#define LOAD syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog)
	CHECK_ERRNO(LOAD, EINVAL); /* empty */
	prog.len = 4097;
	CHECK_ERRNO(LOAD, EINVAL); /* too long */
	prog = (struct sock_fprog){ 2, NULL };
	CHECK_ERRNO(LOAD, EINVAL);
	prog = (struct sock_fprog){ 2, (void *)8 };
	CHECK_ERRNO(LOAD, EFAULT);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL), EFAULT);
	CHECK_ERRNO(INSTALL(0x40, RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(1u << 5, RET(SECCOMP_RET_ALLOW)), EINVAL); /* WAIT_KILLABLE_RECV without a listener */
	CHECK_ERRNO(INSTALL(0, LD(64), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, LD(2), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, LD((uint32_t)SKF_AD_OFF), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_STMT(BPF_LD | BPF_MEM, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, LD(NR)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
	CHECK_ERRNO(INSTALL(0, BPF_STMT(BPF_RET | BPF_X, 0)), EINVAL);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0, "none of them is in force");
}

static bool status_has(const char *line)
{
	return strstr(tap_text("/proc/self/status"), line) != NULL;
}

static void installed(void)
{
	CHECK_CHILD("without no_new_privs or CAP_SYS_ADMIN: EACCES", MUST(setgid(65534) == 0 || !tap_is_root());
		    MUST(!tap_is_root() || setuid(65534) == 0); errno = 0; MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 7) == -1 && errno == EACCES));
	CHECK_CHILD("with no_new_privs it is let", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 7) == 0);
		    MUST(syscall(SYS_getppid) == -1 && errno == 7); MUST(getpid() > 0));
	CHECK_CHILD("by prctl", nnp(); struct sock_filter code[] = { LD(NR), IF(SYS_getppid, SECCOMP_RET_ERRNO | 9), RET(SECCOMP_RET_ALLOW) };
		    struct sock_fprog prog = { 4, code }; MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
		    MUST(syscall(SYS_getppid) == -1 && errno == 9));
	CHECK_CHILD("PR_GET_SECCOMP and /proc/self/status", nnp(); MUST(status_has("Seccomp:\t0\nSeccomp_filters:\t0\n"));
		    MUST(ON(SYS_getppid, SECCOMP_RET_LOG) == 0); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO) == 0);
		    MUST(prctl(PR_GET_SECCOMP) == 2); MUST(status_has("Seccomp:\t2\nSeccomp_filters:\t2\n")));
	CHECK_CHILD("strict after a filter: EINVAL", nnp(); MUST(INSTALL(0, RET(SECCOMP_RET_ALLOW)) == 0);
		    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == -1 && errno == EINVAL));
	CHECK_CHILD("flags LOG and SPEC_ALLOW", nnp(); MUST(INSTALL(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW, RET(SECCOMP_RET_ALLOW)) == 0));
	CHECK_CHILD("a fork inherits", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 7) == 0);
		    MUST(IN_CHILD(MUST(syscall(SYS_getppid) == -1 && errno == 7)) == 0));
	CHECK_CHILD("an exec keeps", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 7) == 0);
		    execl("/proc/self/exe", "seccomp_filter", "getppid", (char *)NULL); MUST(false));
	CHECK_CHILD("the sum of all filters is limited", nnp(); static struct sock_filter code[4096];
		    for (int i = 0; i < 4096; i++) code[i] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
		    struct sock_fprog prog = { 4096, code }; int n = 0;
		    while (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0) n++;
		    MUST(errno == ENOMEM); MUST(n == 3));
}

/* --- actions ------------------------------------------------------------------------------------------------------- */

static int status_on(uint32_t action)
{
	return IN_CHILD(nnp(); MUST(ON(SYS_getppid, action) == 0); syscall(SYS_getppid));
}

static void deaths(void)
{
	int status = status_on(SECCOMP_RET_KILL_PROCESS);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "KILL_PROCESS: SIGSYS");
	status = status_on(SECCOMP_RET_KILL_THREAD);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "KILL_THREAD of the only thread: SIGSYS");
	status = status_on(0x12340000);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "an unknown action kills");
	status = status_on(SECCOMP_RET_TRAP);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "TRAP without a handler: SIGSYS");
	status = IN_CHILD(nnp(); signal(SIGSYS, SIG_IGN); MUST(ON(SYS_getppid, SECCOMP_RET_TRAP) == 0); syscall(SYS_getppid));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "TRAP cannot be ignored");
	status = IN_CHILD(nnp(); signal(SIGSYS, SIG_IGN); MUST(ON(SYS_getppid, SECCOMP_RET_KILL_PROCESS) == 0); syscall(SYS_getppid));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "KILL_PROCESS is not caught");
	status = IN_CHILD(MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0); syscall(SYS_getpid); syscall(SYS_exit, 0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "strict mode kills for getpid");
	status = IN_CHILD(MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0); (void)!write(2, "", 0); syscall(SYS_exit, 5));
	CHECK_EQ(status, EXITED(5), "strict mode lets write and exit");
	status = IN_CHILD(MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0); syscall(SYS_mmap, 0, 4096, 0, 0, 0, 0); syscall(SYS_exit, 0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "strict mode kills for mmap");
	status = IN_CHILD(MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0); syscall(SYS_exit_group, 0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "strict mode kills for exit_group");
	/* Calls that the kernel makes on the caller's memory or threads. */
	status = IN_CHILD(nnp(); MUST(ON(SYS_mmap, SECCOMP_RET_KILL_PROCESS) == 0); mmap(NULL, 4096, 0, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "KILL_PROCESS for mmap");
	status = IN_CHILD(nnp(); MUST(ON(SYS_exit_group, SECCOMP_RET_KILL_PROCESS) == 0); _exit(0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "KILL_PROCESS for exit_group");
}

static void errnos(void)
{
	static const int calls[] = { SYS_mmap, SYS_munmap, SYS_brk, SYS_clone, SYS_fork, SYS_vfork, SYS_clone3, SYS_execve, SYS_mprotect, SYS_mremap,
				     SYS_read, SYS_openat, SYS_futex, SYS_sigaltstack, SYS_arch_prctl, SYS_ptrace, SYS_sched_yield, SYS_lseek, 400, 511, 600 };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int status = IN_CHILD(nnp(); MUST(ON(calls[i], SECCOMP_RET_ERRNO | 37) == 0);
				      long got = syscall(calls[i], 0, 0, 0, 0, 0, 0); MUST(got == -1 && errno == 37));

		CHECK_EQ(status, 0, "ERRNO for call %d", calls[i]);
	}
	CHECK_CHILD("ERRNO 0 is success", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO) == 0); MUST(syscall(SYS_getppid) == 0));
	CHECK_CHILD("ERRNO is at most 4095", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 0xffff) == 0);
		    MUST(syscall(SYS_getppid) == -1 && errno == 4095));
	for (int err = 510; err < 620; err += 1)
		if (IN_CHILD(nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | err) == 0); MUST(syscall(SYS_getppid) == -1 && errno == err)))
			CHECK(false, "ERRNO %d is itself", err);
	CHECK(true, "ERRNO from 510 to 619 are themselves");
	CHECK_CHILD("a negative number can be judged", nnp(); MUST(ON((uint32_t)-600, SECCOMP_RET_ERRNO | 3) == 0);
		    MUST(syscall(-600) == -1 && errno == 3));
	CHECK_CHILD("TRACE without a tracer: ENOSYS", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_TRACE) == 0);
		    MUST(syscall(SYS_getppid) == -1 && errno == ENOSYS));
	CHECK_CHILD("LOG allows", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_LOG) == 0); MUST(syscall(SYS_getppid) > 0));
	CHECK_CHILD("USER_NOTIF without a listener: ENOSYS", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_USER_NOTIF) == 0);
		    MUST(syscall(SYS_getppid) == -1 && errno == ENOSYS));
	CHECK_CHILD("the most severe action counts", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 1) == 0);
		    MUST(ON(SYS_getppid, SECCOMP_RET_LOG) == 0); MUST(syscall(SYS_getppid) == -1 && errno == 1));
	CHECK_CHILD("of equal ones the newest", nnp(); MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 1) == 0);
		    MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 2) == 0); MUST(syscall(SYS_getppid) == -1 && errno == 2));
	CHECK_CHILD("arguments are whole", nnp();
		    MUST(INSTALL(0, LD(NR), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 5), LD(ARG(1) + 4),
				 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x12345678, 0, 3), LD(ARG(1)),
				 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x9abcdef0, 0, 1), RET(SECCOMP_RET_ERRNO | 11), RET(SECCOMP_RET_ALLOW)) == 0);
		    MUST(syscall(SYS_lseek, -1, 0x123456789abcdef0, 0) == -1 && errno == 11);
		    MUST(syscall(SYS_lseek, -1, 0x123456789abcdef1, 0) == -1 && errno == EBADF));
	CHECK_CHILD("the architecture is told", nnp();
		    MUST(INSTALL(0, LD(4), IF(AUDIT_ARCH_X86_64, SECCOMP_RET_ALLOW), RET(SECCOMP_RET_KILL_PROCESS)) == 0); getppid());
}

/* --- TRAP ------------------------------------------------------------------------------------------------------------ */

static siginfo_t seen;
static long seen_rax;

static void on_sys(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	seen = *info;
	seen_rax = uc->uc_mcontext.gregs[REG_RAX];
	MUST((void *)(uintptr_t)uc->uc_mcontext.gregs[REG_RIP] == info->si_call_addr);
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void trap(long nr)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	nnp();
	sigaction(SIGSYS, &sa, NULL);
	MUST(ON((uint32_t)nr, SECCOMP_RET_TRAP | 0x1234) == 0);
	MUST(syscall(nr, 0, 0, 0, 0, 0, 0) == 4711);
	MUST(seen.si_signo == SIGSYS && seen.si_code == 1 && seen.si_errno == 0x1234);
	MUST(seen.si_syscall == nr && seen.si_arch == AUDIT_ARCH_X86_64 && seen_rax == nr);
}

static void traps(void)
{
	CHECK_CHILD("TRAP: the handler knows all and gives the result", trap(SYS_getppid));
	CHECK_CHILD("TRAP for mmap", trap(SYS_mmap));
	CHECK_CHILD("TRAP for fork", trap(SYS_fork));
	CHECK_CHILD("TRAP for openat", trap(SYS_openat));
	CHECK_CHILD("TRAP for a call that does not exist", trap(999));
	CHECK_CHILD("TRAP again in the same process", trap(SYS_getppid); MUST(syscall(SYS_getppid) == 4711));
	int status = IN_CHILD(sigset_t all; sigfillset(&all); sigprocmask(SIG_SETMASK, &all, NULL); trap(SYS_getppid));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "TRAP while SIGSYS is blocked kills");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "getppid"))
		return syscall(SYS_getppid) == -1 && errno == 7 && prctl(PR_GET_SECCOMP) == 2 ? 0 : 1;
	tap_begin();
	operations();
	installed();
	deaths();
	errnos();
	traps();
	bad_programs();
	return tap_end();
}
