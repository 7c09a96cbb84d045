/*
 * What differs between guest architectures, as functions. One folder per architecture implements this header
 * (platform/arch/x86_64); nothing above it names a register.
 */
#ifndef PLATFORM_ARCH_H
#define PLATFORM_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform.h"

struct arch_regs {
	uint64_t slot[32]; /* the layout is the architecture's own */
};

/* Calls. */
void arch_call(const struct arch_regs *, struct call_info *out);
void arch_set_call(struct arch_regs *, int64_t nr, const uint64_t arg[6]);
int64_t arch_result(const struct arch_regs *);
void arch_set_result(struct arch_regs *, int64_t ret);
/* Backs up over the call instruction so that call `nr` with the same arguments is made again when the tracee runs. */
void arch_restart_call(struct arch_regs *, int64_t nr);

uint64_t arch_ip(const struct arch_regs *);
uint64_t arch_sp(const struct arch_regs *);
void arch_set_ip(struct arch_regs *, uint64_t);
void arch_set_sp(struct arch_regs *, uint64_t);
void arch_set_tls(struct arch_regs *, uint64_t);
/* Further per-thread base registers, for arch_prctl(2). x86-64: 0 is FS (the same as TLS), 1 is GS. */
uint64_t arch_base(const struct arch_regs *, int which);
void arch_set_base(struct arch_regs *, int which, uint64_t);
/*
 * What a debugger sees and sets, in ptrace(2)'s own layout: all general registers (arch_gregs_size() bytes; a prefix of
 * whole registers may be set), or a word of the user area. -EIO for what no user program can have, or for no such word.
 * Neither reaches the host but through stop_regs().
 */
size_t arch_gregs_size(void);
void arch_gregs_get(const struct arch_regs *, void *buf);
int arch_gregs_set(struct arch_regs *, const void *buf, size_t n);
int arch_user_peek(const struct arch_regs *, uint64_t offset, uint64_t *out);
int arch_user_poke(struct arch_regs *, uint64_t offset, uint64_t v);
/* The debug register that an offset of the user area means, or -1. */
int arch_user_debug(uint64_t offset);
/* The number of the call that the registers show as under way. */
void arch_set_number(struct arch_regs *, int64_t nr);
int64_t arch_number(const struct arch_regs *);
/* From now on the registers are those of a thread that is in no call. */
void arch_leave_call(struct arch_regs *);
uint32_t arch_audit(void); /* AUDIT_ARCH_* */
/* PTRACE_GETFPREGS' bytes are the first of the extended state; setting them puts them into a whole one. */
size_t arch_fpregs_size(void);
void arch_fpregs_put(uint8_t *xstate, size_t len, const void *fpregs);
#define ARCH_XSTATE_MAX 16384 /* more than any extended state */
/* The state in which a fresh program starts: everything zero but these. */
void arch_start(struct arch_regs *, uint64_t entry, uint64_t sp);

/* What ELF files this architecture runs, and what the auxiliary vector says of it. */
uint16_t arch_elf_machine(void);
const char *arch_platform_string(void); /* AT_PLATFORM, uname's machine: "x86_64" */
uint64_t arch_hwcap(void);
uint64_t arch_xstate_features(void);    /* XCR0, as far as guests have it */
uint64_t arch_hwcap2(void);
uint64_t arch_min_sigstack(void);       /* AT_MINSIGSTKSZ */
/* The lines of /proc/cpuinfo that are the same for every processor. */
void arch_cpu_describe(char *buf, size_t len);

/*
 * Signal frames. struct siginfo bytes and masks are the guest's ABI (128 bytes, 64-bit mask).
 */
struct sigframe {
	int signo;
	uint64_t handler;
	uint64_t restorer;     /* SA_RESTORER's, or 0 */
	uint64_t mask;         /* to be restored by sigreturn */
	uint8_t siginfo[128];
	uint64_t alt_base, alt_size; /* the alternate stack as uc_stack shows it */
	int32_t alt_flags;
	bool on_alt;           /* build the frame on the alternate stack */
	struct fault_info fault; /* for trapno, err and cr2 of the context; zero for other signals */
};
/*
 * In a stop, for a fault signal that a handler is to see: completes what f->error says of a page fault (read, write or
 * fetch) by a look at the instruction. Costs a copy of 15 bytes and its decoding.
 */
void arch_fault_access(struct tracee *, struct fault_info *f);
/*
 * In a stop: writes the frame to the guest's stack and sets the registers to enter the handler. 0 or -EFAULT (then the
 * guest gets SIGSEGV).
 */
int arch_push_frame(struct tracee *, const struct sigframe *);
struct sigreturn {
	uint64_t mask;
	uint64_t alt_base, alt_size;
	int32_t alt_flags;
};
/* In a stop at rt_sigreturn: reads the frame, restores all registers and the extended state from it. 0 or -EFAULT. */
int arch_pop_frame(struct tracee *, struct sigreturn *out);

/*
 * The vDSO. It is part of every address space that platform_spawn() makes, with the page before it from which it
 * answers clocks: nothing has to be mapped, AT_SYSINFO_EHDR is the address. Its image and the length of it are for
 * tests and core files.
 */
uint64_t arch_vdso_address(void);
const void *arch_vdso_image(size_t *len);
/*
 * Brings guests' clocks in line with the host's. Called once a second while guests run, by one thread at a time;
 * without it they find after four seconds that they must ask the sentry. The first call makes the page valid: before,
 * every clock is a call.
 */
void arch_clock_update(void);

#endif
