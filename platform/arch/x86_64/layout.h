/* The top of every guest address space (see arch_control.h), and the places in the stub. Also read by assembly. */
#ifndef PLATFORM_ARCH_X86_64_LAYOUT_H
#define PLATFORM_ARCH_X86_64_LAYOUT_H

/* The host maps nothing at or above TASK_SIZE_MAX, one page below 2^47. */
#define LAYOUT_LIMIT 0x7fffffff0000
#define LAYOUT_CLOCK 0x7fffffff0000
#define LAYOUT_VDSO 0x7fffffff1000
#define LAYOUT_VDSO_MAX 0x8000
#define LAYOUT_STUB 0x7fffffffc000
#define LAYOUT_END 0x7ffffffff000

/* Offsets in the stub. */
#define STUB_LOOP_AT 0x00
#define STUB_ALIAS_AT 0x10
#define STUB_ONCE_AT 0x20
#define STUB_CMPXCHG_LOOP_AT 0x30
#define STUB_CMPXCHG_ONCE_AT 0x40

#define STUB_FAST_AT 0x100

/*
 * Patched call sites. The seven bytes of `mov $nr, %eax; syscall` become `jmp *ADDRESS` in five bytes and their own
 * last two, 0f 05, which are the upper half of ADDRESS as well: so that all such addresses lie in one window of 64 KiB,
 * and a jump to the `syscall` itself still finds it.
 */
#define FAST_WINDOW 0x050f0000 /* a table of addresses, 8 bytes an entry; entry 0 is the stub's common code */
#define FAST_WINDOW_LEN 0x10000
#define FAST_TRAMPOLINES 0x050f1000
#define FAST_CODE_END 0x050f6000
#define FAST_WORD 0x050f6000 /* not 0: the slot may be used. A page that the host empties in a fork's child */
#define FAST_SLOT 0x050f8000 /* the slot; a fork's child does not get it */
#define FAST_SITES 510

/* A trampoline: the instruction that was replaced, a jump to the common code, the call itself, the way back. */
#define FAST_TRAMPOLINE_SIZE 40
#define FAST_SLOW_AT 19
#define FAST_RETURN_AT 32

/* `syscall` is two bytes. */
#define CALL_INSN_SIZE 2

#endif
