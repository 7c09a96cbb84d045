/* The ABI headers against the host's: signals. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/ucontext.h>
#include <asm/prctl.h>
#include <linux/pidfd.h>
#include <stddef.h>

#include "abi/signal.h"
#include "abi/x86_64/sigcontext.h"

#define SAME(x) cr_expect_eq((unsigned)LX_##x, (unsigned)(unsigned long)(x), #x);
#define SIZE(ours, host) cr_expect_eq(sizeof(struct lx_##ours), sizeof(host), #host);

Test(abi_signal, constants_are_the_hosts)
{
	SAME(SIGHUP) SAME(SIGINT) SAME(SIGQUIT) SAME(SIGILL) SAME(SIGTRAP) SAME(SIGABRT) SAME(SIGBUS) SAME(SIGFPE)
	SAME(SIGKILL) SAME(SIGUSR1) SAME(SIGSEGV) SAME(SIGUSR2) SAME(SIGPIPE) SAME(SIGALRM) SAME(SIGTERM)
	SAME(SIGSTKFLT) SAME(SIGCHLD) SAME(SIGCONT) SAME(SIGSTOP) SAME(SIGTSTP) SAME(SIGTTIN) SAME(SIGTTOU)
	SAME(SIGURG) SAME(SIGXCPU) SAME(SIGXFSZ) SAME(SIGVTALRM) SAME(SIGPROF) SAME(SIGWINCH) SAME(SIGIO)
	SAME(SIGPWR) SAME(SIGSYS) SAME(SIGRTMAX) SAME(SIG_DFL) SAME(SIG_IGN) SAME(SIG_BLOCK) SAME(SIG_UNBLOCK)
	SAME(SIG_SETMASK) SAME(SA_NOCLDSTOP) SAME(SA_NOCLDWAIT) SAME(SA_SIGINFO) SAME(SA_ONSTACK) SAME(SA_RESTART)
	SAME(SA_NODEFER) SAME(SA_RESETHAND) SAME(SS_ONSTACK) SAME(SS_DISABLE) SAME(SI_USER) SAME(SI_KERNEL)
	SAME(SI_QUEUE) SAME(SI_TIMER) SAME(SI_MESGQ) SAME(SI_ASYNCIO) SAME(SI_SIGIO) SAME(SI_TKILL) SAME(ILL_ILLOPC)
	SAME(ILL_ILLOPN) SAME(FPE_INTDIV) SAME(FPE_INTOVF) SAME(FPE_FLTDIV) SAME(FPE_FLTOVF) SAME(FPE_FLTUND)
	SAME(FPE_FLTRES) SAME(FPE_FLTINV) SAME(FPE_FLTSUB) SAME(SEGV_MAPERR) SAME(SEGV_ACCERR) SAME(SEGV_BNDERR)
	SAME(SEGV_PKUERR) SAME(BUS_ADRALN) SAME(BUS_ADRERR) SAME(BUS_OBJERR) SAME(TRAP_BRKPT) SAME(TRAP_TRACE)
	SAME(CLD_EXITED) SAME(CLD_KILLED) SAME(CLD_DUMPED) SAME(CLD_TRAPPED) SAME(CLD_STOPPED) SAME(CLD_CONTINUED)
	SAME(POLL_IN) SAME(POLL_OUT) SAME(POLL_MSG) SAME(POLL_ERR) SAME(POLL_PRI) SAME(POLL_HUP) SAME(SIGEV_SIGNAL)
	SAME(SIGEV_NONE) SAME(SIGEV_THREAD) SAME(SIGEV_THREAD_ID) SAME(PIDFD_NONBLOCK) SAME(FP_XSTATE_MAGIC1)
	SAME(FP_XSTATE_MAGIC2) SAME(ARCH_SET_GS) SAME(ARCH_SET_FS) SAME(ARCH_GET_FS) SAME(ARCH_GET_GS)
	SAME(ARCH_GET_CPUID) SAME(ARCH_SET_CPUID) SAME(ARCH_GET_XCOMP_SUPP) SAME(ARCH_GET_XCOMP_PERM)
	SAME(ARCH_REQ_XCOMP_PERM)
}

Test(abi_signal, structures_are_the_hosts)
{
	SIZE(siginfo, siginfo_t)
	SIZE(stack, stack_t)
	SIZE(sigevent, struct sigevent)
	SIZE(sigcontext, struct sigcontext)
}

Test(abi_signal, siginfo_members_are_where_the_host_has_them)
{
	cr_expect_eq(offsetof(struct lx_siginfo, u.rt.pid), offsetof(siginfo_t, si_pid));
	cr_expect_eq(offsetof(struct lx_siginfo, u.rt.value), offsetof(siginfo_t, si_value));
	cr_expect_eq(offsetof(struct lx_siginfo, u.timer.overrun), offsetof(siginfo_t, si_overrun));
	cr_expect_eq(offsetof(struct lx_siginfo, u.chld.status), offsetof(siginfo_t, si_status));
	cr_expect_eq(offsetof(struct lx_siginfo, u.chld.stime), offsetof(siginfo_t, si_stime));
	cr_expect_eq(offsetof(struct lx_siginfo, u.fault.addr), offsetof(siginfo_t, si_addr));
	cr_expect_eq(offsetof(struct lx_siginfo, u.fault.upper), offsetof(siginfo_t, si_upper));
	cr_expect_eq(offsetof(struct lx_siginfo, u.poll.fd), offsetof(siginfo_t, si_fd));
	cr_expect_eq(offsetof(struct lx_siginfo, u.sys.arch), offsetof(siginfo_t, si_arch));
	cr_expect_eq(offsetof(struct lx_stack, ss_size), offsetof(stack_t, ss_size));
	cr_expect_eq(offsetof(struct lx_sigevent, sigev_notify), offsetof(struct sigevent, sigev_notify));
	cr_expect_eq(offsetof(struct lx_ucontext, uc_mcontext), offsetof(ucontext_t, uc_mcontext));
	cr_expect_eq(offsetof(struct lx_ucontext, uc_sigmask), offsetof(ucontext_t, uc_sigmask));
	cr_expect_eq(offsetof(struct lx_sigcontext, fpstate), offsetof(mcontext_t, fpregs));
}
