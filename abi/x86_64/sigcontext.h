/* The signal frame of x86-64: struct rt_sigframe as the kernel builds it below the red zone. */
#ifndef ABI_X86_64_SIGCONTEXT_H
#define ABI_X86_64_SIGCONTEXT_H

#include <stdint.h>

#include "abi/signal.h"

struct lx_sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t di, si, bp, bx, dx, ax, cx, sp, ip;
	uint64_t flags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate; /* address of the FXSAVE or XSAVE area; 0 without one */
	uint64_t reserved[8];
};
_Static_assert(sizeof(struct lx_sigcontext) == 256, "struct sigcontext_64");

struct lx_ucontext {
	uint64_t uc_flags;
	uint64_t uc_link;
	struct lx_stack uc_stack;
	struct lx_sigcontext uc_mcontext;
	lx_sigset_t uc_sigmask;
};
_Static_assert(sizeof(struct lx_ucontext) == 304, "struct ucontext");

#define LX_UC_FP_XSTATE 0x1
#define LX_UC_SIGCONTEXT_SS 0x2
#define LX_UC_STRICT_RESTORE_SS 0x4

struct lx_rt_sigframe {
	uint64_t pretcode; /* where the handler returns to: the restorer */
	struct lx_ucontext uc;
	struct lx_siginfo info;
};
_Static_assert(sizeof(struct lx_rt_sigframe) == 440, "struct rt_sigframe");

/* In the software-reserved bytes (464) of the FXSAVE area, and after the XSAVE area. */
#define LX_FP_XSTATE_MAGIC1 0x46505853u
#define LX_FP_XSTATE_MAGIC2 0x46505845u
#define LX_FP_SW_OFFSET 464
struct lx_fpx_sw_bytes {
	uint32_t magic1;
	uint32_t extended_size; /* with the second magic */
	uint64_t xfeatures;
	uint32_t xstate_size;
	uint32_t padding[7];
};
_Static_assert(sizeof(struct lx_fpx_sw_bytes) == 48, "struct _fpx_sw_bytes");

#define LX_RED_ZONE 128

/* arch_prctl(2) */
#define LX_ARCH_SET_GS 0x1001
#define LX_ARCH_SET_FS 0x1002
#define LX_ARCH_GET_FS 0x1003
#define LX_ARCH_GET_GS 0x1004
#define LX_ARCH_GET_CPUID 0x1011
#define LX_ARCH_SET_CPUID 0x1012
#define LX_ARCH_GET_XCOMP_SUPP 0x1021
#define LX_ARCH_GET_XCOMP_PERM 0x1022
#define LX_ARCH_REQ_XCOMP_PERM 0x1023
#define LX_ARCH_GET_XCOMP_GUEST_PERM 0x1024
#define LX_ARCH_REQ_XCOMP_GUEST_PERM 0x1025
#define LX_XFEATURE_MAX 19 /* and beyond: not even a name */
#define LX_ARCH_CET_STATUS 0x3001
#define LX_ARCH_SHSTK_ENABLE 0x5001
#define LX_ARCH_SHSTK_DISABLE 0x5002
#define LX_ARCH_SHSTK_STATUS 0x5005

#endif
