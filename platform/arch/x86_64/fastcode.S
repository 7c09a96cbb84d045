/*
 * What the trampolines of patched call sites jump to (patch.c): copied into the stub, so that nothing here may depend
 * on where it lies. In: the call as at a `syscall` instruction, and in r11 the trampoline's own `syscall`, by which the
 * call is made where nobody polls. The stack is not touched, since a leaf function keeps data below it; rcx and r11 are
 * a call's to destroy; flags are kept.
 *
 * The labels are where patch.c looks when a thread is stopped in here.
 */
#include "layout.h"
#include "platform/fast/slot.h"

#define AT(field) (FAST_SLOT + field)
#define ROUNDS 600 /* of `pause`, before a request that nobody takes is withdrawn: about 10 microseconds */

	.section .rodata
	.globl arch_fast_code, arch_fast_saved, arch_fast_asked, arch_fast_copy, arch_fast_done, arch_fast_refused, arch_fast_slow, arch_fast_end
arch_fast_code:
	mov	FAST_WORD, %ecx
	jrcxz	1f
	mov	AT(SLOT_ARMED), %ecx
	jrcxz	1f
	jmp	3f
1:	jmp	*%r11
3:
	mov	%rax, AT(SLOT_SAVED_NR)
arch_fast_saved:
	mov	%rax, AT(SLOT_NR)
	lahf
	seto	%al
	mov	%eax, AT(SLOT_SAVED_FLAGS)
	mov	%rdi, AT(SLOT_ARG)
	mov	%rsi, AT(SLOT_ARG + 8)
	mov	%rdx, AT(SLOT_ARG + 16)
	mov	%r10, AT(SLOT_ARG + 24)
	mov	%r8, AT(SLOT_ARG + 32)
	mov	%r9, AT(SLOT_ARG + 40)
	movl	$SLOT_REQUEST, AT(SLOT_STATE)
arch_fast_asked:
	mov	$ROUNDS, %ecx
2:	pause
	mov	AT(SLOT_STATE), %eax
	cmp	$SLOT_DONE, %eax
	je	arch_fast_done
	cmp	$SLOT_REFUSED, %eax
	je	arch_fast_refused
	cmp	$SLOT_COPY, %eax
	je	arch_fast_copy
	dec	%ecx
	jnz	2b
	mov	$SLOT_REQUEST, %eax
	lock cmpxchg %ecx, AT(SLOT_STATE)	/* to SLOT_IDLE */
	jne	arch_fast_asked			/* taken: it takes as long as it takes */
	movl	$0, AT(SLOT_ARMED)
	jmp	arch_fast_refused
/*
 * The sentry's handler wants to see, or to fill, memory of ours. By plain moves: the string instructions' direction is the
 * guest's. A fault in here is no signal to the guest: the sentry finds out by its own means (space.c).
 */
arch_fast_copy:
	mov	AT(SLOT_COPY_FROM), %rsi
	mov	AT(SLOT_COPY_TO), %rdi
	mov	AT(SLOT_COPY_LEN), %ecx
	sub	$8, %ecx
	jb	5f
4:	mov	(%rsi), %rax
	mov	%rax, (%rdi)
	add	$8, %rsi
	add	$8, %rdi
	sub	$8, %ecx
	jae	4b
5:	add	$8, %ecx
	jz	7f
6:	mov	(%rsi), %al
	mov	%al, (%rdi)
	inc	%rsi
	inc	%rdi
	dec	%ecx
	jnz	6b
7:	mov	AT(SLOT_ARG), %rdi
	mov	AT(SLOT_ARG + 8), %rsi
	mov	$SLOT_COPY, %eax
	mov	$SLOT_COPIED, %ecx
	lock cmpxchg %ecx, AT(SLOT_STATE)
	jmp	arch_fast_asked
arch_fast_done:
	movl	$SLOT_IDLE, AT(SLOT_STATE)
	mov	AT(SLOT_SAVED_FLAGS), %eax
	add	$0x7f, %al
	sahf
	mov	AT(SLOT_NR), %rax
	mov	FAST_RETURN_AT - FAST_SLOW_AT(%r11), %rcx
	jmp	*%rcx
arch_fast_refused:
	movl	$SLOT_IDLE, AT(SLOT_STATE)
	mov	AT(SLOT_SAVED_FLAGS), %eax
	add	$0x7f, %al
	sahf
	mov	AT(SLOT_SAVED_NR), %rax
arch_fast_slow:
	jmp	*%r11
arch_fast_end:

	.section .note.GNU-stack, "", @progbits
