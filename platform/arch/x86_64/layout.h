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

/* `syscall` is two bytes. */
#define CALL_INSN_SIZE 2

#endif
