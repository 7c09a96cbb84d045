/* The slots of struct arch_regs on x86-64: the host's user_regs_struct, in its order. */
#ifndef PLATFORM_ARCH_X86_64_REGS_H
#define PLATFORM_ARCH_X86_64_REGS_H

enum reg {
	R_R15, R_R14, R_R13, R_R12, R_BP, R_BX, R_R11, R_R10, R_R9, R_R8, R_AX, R_CX, R_DX, R_SI, R_DI,
	R_ORIG_AX, /* the number of the call under way; negative: none */
	R_IP, R_CS, R_FLAGS, R_SP, R_SS, R_FS_BASE, R_GS_BASE, R_DS, R_ES, R_FS, R_GS,
	R_COUNT
};

/* Flags: always one, interrupts on; what sigreturn may set; what a handler starts without. */
#define FLAGS_PLAIN 0x202u
#define FLAGS_USER 0x50dd5u /* AC OF DF TF SF ZF AF PF CF RF */
#define FLAGS_OFF_IN_HANDLER 0x10500u /* DF RF TF */

#define USER_CS 0x33
#define USER_SS 0x2b

#endif
