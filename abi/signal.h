/* Signals: numbers, actions, siginfo, alternate stacks, signalfd records. */
#ifndef ABI_SIGNAL_H
#define ABI_SIGNAL_H

#include <stdint.h>

#include "abi/types.h"

#define LX_SIGHUP 1
#define LX_SIGINT 2
#define LX_SIGQUIT 3
#define LX_SIGILL 4
#define LX_SIGTRAP 5
#define LX_SIGABRT 6
#define LX_SIGBUS 7
#define LX_SIGFPE 8
#define LX_SIGKILL 9
#define LX_SIGUSR1 10
#define LX_SIGSEGV 11
#define LX_SIGUSR2 12
#define LX_SIGPIPE 13
#define LX_SIGALRM 14
#define LX_SIGTERM 15
#define LX_SIGSTKFLT 16
#define LX_SIGCHLD 17
#define LX_SIGCONT 18
#define LX_SIGSTOP 19
#define LX_SIGTSTP 20
#define LX_SIGTTIN 21
#define LX_SIGTTOU 22
#define LX_SIGURG 23
#define LX_SIGXCPU 24
#define LX_SIGXFSZ 25
#define LX_SIGVTALRM 26
#define LX_SIGPROF 27
#define LX_SIGWINCH 28
#define LX_SIGIO 29
#define LX_SIGPWR 30
#define LX_SIGSYS 31
#define LX_SIGRTMIN 32 /* the kernel's; libc keeps the first two for itself */
#define LX_SIGRTMAX 64
#define LX_NSIG 64
#define LX_SIGSET_SIZE 8 /* the only sigsetsize that calls accept */

#define LX_SIGMASK(sig) (1ull << ((sig) - 1))
#define LX_SIG_UNMASKABLE (LX_SIGMASK(LX_SIGKILL) | LX_SIGMASK(LX_SIGSTOP))

#define LX_SIG_DFL 0ull
#define LX_SIG_IGN 1ull

#define LX_SIG_BLOCK 0
#define LX_SIG_UNBLOCK 1
#define LX_SIG_SETMASK 2

#define LX_SA_NOCLDSTOP 0x00000001u
#define LX_SA_NOCLDWAIT 0x00000002u
#define LX_SA_SIGINFO 0x00000004u
#define LX_SA_UNSUPPORTED 0x00000400u
#define LX_SA_EXPOSE_TAGBITS 0x00000800u
#define LX_SA_RESTORER 0x04000000u
#define LX_SA_ONSTACK 0x08000000u
#define LX_SA_RESTART 0x10000000u
#define LX_SA_NODEFER 0x40000000u
#define LX_SA_RESETHAND 0x80000000u
/* sigaction drops every other bit. */
#define LX_SA_VALID                                                                                      \
	(LX_SA_NOCLDSTOP | LX_SA_NOCLDWAIT | LX_SA_SIGINFO | LX_SA_EXPOSE_TAGBITS | LX_SA_RESTORER |      \
	 LX_SA_ONSTACK | LX_SA_RESTART | LX_SA_NODEFER | LX_SA_RESETHAND)

/* As rt_sigaction takes it: libc's own struct has another order. */
struct lx_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	lx_sigset_t mask;
};
_Static_assert(sizeof(struct lx_sigaction) == 32, "struct kernel_sigaction");

#define LX_SS_ONSTACK 1
#define LX_SS_DISABLE 2
#define LX_SS_AUTODISARM 0x80000000u
#define LX_SS_FLAG_BITS LX_SS_AUTODISARM
struct lx_stack {
	uint64_t ss_sp;
	int32_t ss_flags;
	uint32_t pad;
	uint64_t ss_size;
};
_Static_assert(sizeof(struct lx_stack) == 24, "stack_t");

/* si_code: above zero from the kernel, zero and below from programs. */
#define LX_SI_USER 0
#define LX_SI_KERNEL 0x80
#define LX_SI_QUEUE (-1)
#define LX_SI_TIMER (-2)
#define LX_SI_MESGQ (-3)
#define LX_SI_ASYNCIO (-4)
#define LX_SI_SIGIO (-5)
#define LX_SI_TKILL (-6)
#define LX_ILL_ILLOPC 1
#define LX_ILL_ILLOPN 2
#define LX_FPE_INTDIV 1
#define LX_FPE_INTOVF 2
#define LX_FPE_FLTDIV 3
#define LX_FPE_FLTOVF 4
#define LX_FPE_FLTUND 5
#define LX_FPE_FLTRES 6
#define LX_FPE_FLTINV 7
#define LX_FPE_FLTSUB 8
#define LX_SEGV_MAPERR 1
#define LX_SEGV_ACCERR 2
#define LX_SEGV_BNDERR 3
#define LX_SEGV_PKUERR 4
#define LX_BUS_ADRALN 1
#define LX_BUS_ADRERR 2
#define LX_BUS_OBJERR 3
#define LX_TRAP_BRKPT 1
#define LX_TRAP_TRACE 2
#define LX_CLD_EXITED 1
#define LX_CLD_KILLED 2
#define LX_CLD_DUMPED 3
#define LX_CLD_TRAPPED 4
#define LX_CLD_STOPPED 5
#define LX_CLD_CONTINUED 6
#define LX_POLL_IN 1
#define LX_POLL_OUT 2
#define LX_POLL_MSG 3
#define LX_POLL_ERR 4
#define LX_POLL_PRI 5
#define LX_POLL_HUP 6
#define LX_SYS_SECCOMP 1

/* Which member of the union is meant follows from si_signo and si_code. */
struct lx_siginfo {
	int32_t si_signo;
	int32_t si_errno;
	int32_t si_code;
	int32_t pad0;
	union {
		struct { /* kill, tkill, rt_sigqueueinfo, mq_notify */
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		} rt;
		struct { /* POSIX timers */
			int32_t tid;
			int32_t overrun;
			uint64_t value;
		} timer;
		struct { /* SIGCHLD; times in clock ticks */
			int32_t pid;
			uint32_t uid;
			int32_t status;
			int32_t pad;
			int64_t utime;
			int64_t stime;
		} chld;
		struct { /* SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
			uint64_t addr;
			int16_t addr_lsb;
			int16_t pad[3];
			uint64_t lower;
			uint64_t upper;
		} fault;
		struct { /* SIGIO */
			int64_t band;
			int32_t fd;
		} poll;
		struct { /* SIGSYS */
			uint64_t call_addr;
			int32_t syscall;
			uint32_t arch;
		} sys;
		uint8_t bytes[112];
	} u;
};
_Static_assert(sizeof(struct lx_siginfo) == 128, "siginfo_t");

#define LX_SIGEV_SIGNAL 0
#define LX_SIGEV_NONE 1
#define LX_SIGEV_THREAD 2
#define LX_SIGEV_THREAD_ID 4
struct lx_sigevent {
	uint64_t sigev_value;
	int32_t sigev_signo;
	int32_t sigev_notify;
	int32_t sigev_tid;
	int32_t pad[11];
};
_Static_assert(sizeof(struct lx_sigevent) == 64, "struct sigevent");

/* What a read of a signalfd gives. */
struct lx_signalfd_siginfo {
	uint32_t ssi_signo;
	int32_t ssi_errno;
	int32_t ssi_code;
	uint32_t ssi_pid;
	uint32_t ssi_uid;
	int32_t ssi_fd;
	uint32_t ssi_tid;
	uint32_t ssi_band;
	uint32_t ssi_overrun;
	uint32_t ssi_trapno;
	int32_t ssi_status;
	int32_t ssi_int;
	uint64_t ssi_ptr;
	uint64_t ssi_utime;
	uint64_t ssi_stime;
	uint64_t ssi_addr;
	uint16_t ssi_addr_lsb;
	uint16_t pad2;
	int32_t ssi_syscall;
	uint64_t ssi_call_addr;
	uint32_t ssi_arch;
	uint8_t pad[28];
};
_Static_assert(sizeof(struct lx_signalfd_siginfo) == 128, "struct signalfd_siginfo");

/* pidfd_send_signal(2) and pidfd_open(2) */
#define LX_PIDFD_SIGNAL_THREAD 1
#define LX_PIDFD_SIGNAL_THREAD_GROUP 2
#define LX_PIDFD_SIGNAL_PROCESS_GROUP 4
#define LX_PIDFD_NONBLOCK 04000
#define LX_PIDFD_THREAD 0200

#endif
