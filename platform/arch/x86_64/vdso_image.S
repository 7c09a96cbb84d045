/* The vDSO's bytes, built by the Makefile as a shared object of its own. */
	.section .rodata
	.balign 4096
	.globl arch_vdso_begin, arch_vdso_end
arch_vdso_begin:
	.incbin PICKET_VDSO_SO
arch_vdso_end:
	.section .note.GNU-stack, "", @progbits
