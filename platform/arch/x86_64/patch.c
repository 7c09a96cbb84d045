/*
 * Patched call sites on x86-64: which can be patched, with what, and what the registers of a thread mean that is stopped
 * in the code which the patch leads to. layout.h tells the idea; the code is fastcode.S.
 */
#include <string.h>

#include "layout.h"
#include "platform/arch_control.h"
#include "platform/fast/slot.h"
#include "regs.h"

extern const char arch_fast_code[], arch_fast_saved[], arch_fast_asked[], arch_fast_copy[],
	arch_fast_done[], arch_fast_refused[],
	arch_fast_slow[], arch_fast_end[];

_Static_assert(FAST_TRAMPOLINES + FAST_SITES * FAST_TRAMPOLINE_SIZE <= FAST_CODE_END, "the trampolines fit");
_Static_assert(FAST_WINDOW + 8 * (FAST_SITES + 1) <= FAST_TRAMPOLINES, "and so does the table");
_Static_assert(FAST_SLOT % 4096 == 0 && SLOT_DATA % 4096 == 0 && FAST_SLOT + SLOT_BYTES <= FAST_WINDOW + FAST_WINDOW_LEN, "and the slot");
_Static_assert(FAST_SITES == ARCH_SITES_MAX && FAST_TRAMPOLINE_SIZE == ARCH_TRAMPOLINE_SIZE, "as others know it");

static const struct arch_window window = {
	.start = FAST_WINDOW, .len = FAST_WINDOW_LEN, .code_len = FAST_CODE_END - FAST_WINDOW, .word = FAST_WORD, .slot = FAST_SLOT,
};

const struct arch_window *arch_window(void)
{
	return &window;
}

/*
 * Five bytes of whole instructions that can be run again and elsewhere, directly before the call: the number (nearly
 * all of a C library's), another argument, or syscall(3)'s last one from the stack.
 */
bool arch_site_fits(const uint8_t code[ARCH_SITE_SIZE])
{
	static const uint8_t from_stack[5] = { 0x4c, 0x8b, 0x4c, 0x24, 0x08 }; /* mov 8(%rsp), %r9 */

	if (code[5] != 0x0f || code[6] != 0x05)
		return false;
	switch (code[0]) {
	case 0xb8: /* mov $, %eax */
	case 0xba: /* edx */
	case 0xbe: /* esi */
	case 0xbf: /* edi */
		return true;
	default:
		return memcmp(code, from_stack, sizeof(from_stack)) == 0;
	}
}

void arch_site_patch(int index, uint8_t code[ARCH_SITE_SIZE])
{
	uint16_t low = (uint16_t)(8 * (index + 1));
	const uint8_t jump[5] = { 0xff, 0x24, 0x25, (uint8_t)low, (uint8_t)(low >> 8) };

	memcpy(code, jump, sizeof(jump));
}

bool arch_site_is_patched(int index, const uint8_t code[ARCH_SITE_SIZE])
{
	uint8_t jump[ARCH_SITE_SIZE];

	arch_site_patch(index, jump);
	return memcmp(code, jump, 5) == 0;
}

static uint64_t trampoline_address(int index)
{
	return FAST_TRAMPOLINES + (uint64_t)index * FAST_TRAMPOLINE_SIZE;
}

uint64_t arch_table_entry(int index, uint64_t *at)
{
	*at = FAST_WINDOW + 8 * (uint64_t)(index + 1);
	return index < 0 ? LAYOUT_STUB + STUB_FAST_AT : trampoline_address(index);
}

uint64_t arch_trampoline(int index, uint64_t site, const uint8_t original[ARCH_SITE_SIZE], uint8_t out[ARCH_TRAMPOLINE_SIZE])
{
	static const uint8_t rest[FAST_TRAMPOLINE_SIZE - 5] = {
		0x4c, 0x8d, 0x1d, 0x07, 0, 0, 0,          /* lea slow(%rip), %r11 */
		0xff, 0x24, 0x25, 0x00, 0x00, 0x0f, 0x05, /* jmp *FAST_WINDOW */
		0x0f, 0x05,                               /* slow: syscall */
		0x48, 0x8b, 0x0d, 0x04, 0, 0, 0,          /* mov return(%rip), %rcx */
		0xff, 0xe1,                               /* jmp *%rcx */
		0xcc, 0xcc,
	};
	uint64_t back = site + ARCH_SITE_SIZE;

	memcpy(out, original, 5);
	memcpy(out + 5, rest, sizeof(rest));
	memcpy(out + FAST_RETURN_AT, &back, sizeof(back));
	return trampoline_address(index);
}

void arch_relax(void)
{
	__builtin_ia32_pause();
}

/* --- a thread that is stopped in there --------------------------------------------------------------------------------- */

/* The trampoline that `ip` lies in, or -1. */
static int trampoline_of(uint64_t ip, unsigned *offset)
{
	if (ip < FAST_TRAMPOLINES || ip >= FAST_TRAMPOLINES + FAST_SITES * FAST_TRAMPOLINE_SIZE)
		return -1;
	*offset = (unsigned)((ip - FAST_TRAMPOLINES) % FAST_TRAMPOLINE_SIZE);
	return (int)((ip - FAST_TRAMPOLINES) / FAST_TRAMPOLINE_SIZE);
}

static enum arch_place place_in_common(uint64_t ip)
{
	uint64_t at = ip - LAYOUT_STUB - STUB_FAST_AT;

#define BELOW(label) (at < (uintptr_t)(label) - (uintptr_t)arch_fast_code)
	if (BELOW(arch_fast_saved) || !BELOW(arch_fast_slow))
		return PLACE_BEFORE;
	if (BELOW(arch_fast_asked))
		return PLACE_SAVED;
	if (BELOW(arch_fast_copy))
		return PLACE_WAITING;
	if (BELOW(arch_fast_done))
		return PLACE_COPYING;
	return BELOW(arch_fast_refused) ? PLACE_AFTER : PLACE_SAVED;
#undef BELOW
}

enum arch_place arch_site_place(const struct arch_regs *r, int *index)
{
	uint64_t ip = r->slot[R_IP], common = LAYOUT_STUB + STUB_FAST_AT;
	unsigned offset;

	*index = trampoline_of(ip, &offset);
	if (*index >= 0)
		return offset < FAST_SLOW_AT ? PLACE_BEFORE : offset == FAST_SLOW_AT ? PLACE_CALL : PLACE_PAST;
	if (ip < common || ip >= common + ((uintptr_t)arch_fast_end - (uintptr_t)arch_fast_code))
		return PLACE_ELSEWHERE;
	*index = trampoline_of(r->slot[R_R11], &offset);
	return *index < 0 || offset != FAST_SLOW_AT ? PLACE_ELSEWHERE : place_in_common(ip);
}

int arch_site_by_call(uint64_t ip)
{
	unsigned offset;
	int index = trampoline_of(ip, &offset);

	return index >= 0 && offset == FAST_SLOW_AT + CALL_INSN_SIZE ? index : -1;
}

void arch_site_copied(struct arch_regs *r, const uint64_t arg[6])
{
	r->slot[R_DI] = arg[0];
	r->slot[R_SI] = arg[1];
}

void arch_site_rewind(struct arch_regs *r, uint64_t site)
{
	r->slot[R_IP] = site;
}

void arch_site_call(struct arch_regs *r, uint64_t site)
{
	r->slot[R_IP] = site + ARCH_SITE_SIZE - CALL_INSN_SIZE;
}

void arch_site_leave(struct arch_regs *r, uint64_t site)
{
	r->slot[R_IP] = r->slot[R_CX] = site + ARCH_SITE_SIZE;
}
