/*
 * The stub: one page of code at a fixed place in every guest address space, from which the sentry makes host calls in a
 * guest. It is guest code: a guest may jump into it, and gains nothing by that, since a call that was not announced is
 * treated as the guest's own (control/tracer.c).
 *
 * LOOP is for the seccomp platform, whose filter stops every call that comes from it at its entry. The result of one
 * call is the number of the next, so that the tracer finds it there and puts the next call in its place: one stop a
 * call. ALIAS is the same code at another address, for a guest's own call from LOOP. ONCE is for the ptrace platform.
 * FAST is what patched call sites lead to (fastcode.S).
 */
#include <string.h>

#include "layout.h"
#include "platform/arch_control.h"
#include "regs.h"

static const struct {
	uint16_t at;
	uint8_t size;
	uint8_t code[8];
} pieces[] = {
	{ STUB_LOOP_AT, 4, { 0x0f, 0x05, 0xeb, 0xfc } },                     /* 1: syscall; jmp 1b */
	{ STUB_ALIAS_AT, 4, { 0x0f, 0x05, 0xeb, 0xfc } },                    /* 1: syscall; jmp 1b */
	{ STUB_ONCE_AT, 3, { 0x0f, 0x05, 0xcc } },                           /* syscall; int3 */
	{ STUB_CMPXCHG_LOOP_AT, 6, { 0xf0, 0x0f, 0xb1, 0x37, 0xeb, 0xca } }, /* lock cmpxchg %esi,(%rdi); jmp LOOP */
	{ STUB_CMPXCHG_ONCE_AT, 5, { 0xf0, 0x0f, 0xb1, 0x37, 0xcc } },       /* lock cmpxchg %esi,(%rdi); int3 */
};

_Static_assert(STUB_CMPXCHG_LOOP_AT + 6 - 0x36 == STUB_LOOP_AT, "the jump's displacement is 0xca");

extern const char arch_fast_code[], arch_fast_end[];

uint64_t arch_address_limit(void)
{
	return LAYOUT_LIMIT;
}

uint64_t arch_stub_address(void)
{
	return LAYOUT_STUB;
}

uint64_t arch_address_end(void)
{
	return LAYOUT_END;
}

uint64_t arch_stub_loop_ip(void)
{
	return LAYOUT_STUB + STUB_LOOP_AT + CALL_INSN_SIZE;
}

void arch_stub_write(void *page)
{
	memset(page, 0xcc, ARCH_STUB_SIZE);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		memcpy((char *)page + pieces[i].at, pieces[i].code, pieces[i].size);
	memcpy((char *)page + STUB_FAST_AT, arch_fast_code, (uintptr_t)arch_fast_end - (uintptr_t)arch_fast_code);
}

static uint64_t entry_at(enum stub_entry entry)
{
	return LAYOUT_STUB + (entry == STUB_LOOP ? STUB_LOOP_AT : STUB_ONCE_AT);
}

_Noreturn void arch_stub_enter(enum stub_entry entry, int64_t nr)
{
	__asm__ volatile("jmp *%1" : : "a"(nr), "r"(entry_at(entry)) : "memory");
	__builtin_unreachable();
}

/* Nothing of the guest reaches the stub but the segment bases, which would only have to be put back. */
static void keep_little(struct arch_regs *r)
{
	uint64_t fs = r->slot[R_FS_BASE], gs = r->slot[R_GS_BASE];

	arch_clear(r);
	r->slot[R_FS_BASE] = fs;
	r->slot[R_GS_BASE] = gs;
}

void arch_stub_call(struct arch_regs *r, enum stub_entry entry, bool at_entry, int64_t nr, const uint64_t arg[6])
{
	uint64_t at = entry_at(entry);

	keep_little(r);
	arch_set_call(r, nr, arg);
	if (at_entry) {
		arch_set_ip(r, at + CALL_INSN_SIZE);
	} else {
		arch_set_ip(r, at);
		arch_set_result(r, nr);
		arch_leave_call(r);
	}
}

void arch_stub_cmpxchg(struct arch_regs *r, enum stub_entry entry, uint64_t addr, uint32_t expected, uint32_t desired)
{
	uint64_t arg[6] = { addr, desired };

	keep_little(r);
	arch_set_call(r, -1, arg);
	arch_set_result(r, expected);
	arch_set_ip(r, LAYOUT_STUB + (entry == STUB_LOOP ? STUB_CMPXCHG_LOOP_AT : STUB_CMPXCHG_ONCE_AT));
}

void arch_disown_stub(struct arch_regs *r)
{
	arch_set_ip(r, LAYOUT_STUB + STUB_ALIAS_AT + CALL_INSN_SIZE);
}
