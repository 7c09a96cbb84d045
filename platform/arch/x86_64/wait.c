/*
 * Waiting in a host call without lost wake-ups, and rseq. Between the test of the flag and the call's first instruction
 * in the kernel a signal would be lost; its handler therefore moves a thread that is inside that window to the end of
 * it.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/host.h"
#include "platform/arch_control.h"

extern const char arch_waitcall_begin[], arch_waitcall_end[], arch_waitcall_abort[];

/* (flag, nr, a, b, c, d): the flag is tested inside the window, the call is its last instruction. */
__asm__(".text\n"
	".globl arch_waitcall\n"
	".type arch_waitcall, @function\n"
	"arch_waitcall:\n"
	"	mov %rdi, %r11\n"
	"	mov %rsi, %rax\n"
	"	mov %rdx, %rdi\n"
	"	mov %rcx, %rsi\n"
	"	mov %r8, %rdx\n"
	"	mov %r9, %r10\n"
	"arch_waitcall_begin:\n"
	"	cmpl $0, (%r11)\n"
	"	jne arch_waitcall_abort\n"
	"	syscall\n"
	"arch_waitcall_end:\n"
	"	ret\n"
	"arch_waitcall_abort:\n"
	"	mov $-4, %rax\n" /* -EINTR */
	"	ret\n"
	".size arch_waitcall, .-arch_waitcall\n");

_Static_assert(EINTR == 4, "as the assembly has it");

static void leave_window(int sig, siginfo_t *info, void *context)
{
	greg_t *ip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	(void)sig;
	(void)info;
	if (*ip >= (greg_t)arch_waitcall_begin && *ip < (greg_t)arch_waitcall_end)
		*ip = (greg_t)arch_waitcall_abort;
}

int arch_waitcall_setup(int sig)
{
	/* Not SA_RESTART: the call must end. */
	struct sigaction sa = { .sa_sigaction = leave_window, .sa_flags = SA_SIGINFO };

	return (int)host_ret(sigaction(sig, &sa, NULL));
}

/* glibc says where its registration lies; weak, since a libc may not register at all. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned __rseq_size __attribute__((weak));

void arch_forget_rseq(void)
{
	enum { UNREGISTER = 1, AREA = 32, SIGNATURE = 0x53053053 };

	if (!&__rseq_size || __rseq_size == 0)
		return;
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	/* The length must be the one it was registered with: the first layout's, or what glibc says. */
	if (syscall(SYS_rseq, area, AREA, UNREGISTER, SIGNATURE) != 0)
		syscall(SYS_rseq, area, __rseq_size, UNREGISTER, SIGNATURE);
}
