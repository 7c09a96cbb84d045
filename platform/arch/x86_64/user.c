/* The user area as ptrace(2) shows it to a guest's debugger: general registers, and debug registers by their offsets. */
#include <errno.h>
#include <string.h>

#include "layout.h"
#include "platform/arch_control.h"
#include "regs.h"
#include "xstate.h"

enum {
	USER_SIZE = 912,    /* struct user */
	USER_DEBUG_AT = 848,
	DEBUG_COUNT = 8,
	USER_RPL = 3,
};
#define AUDIT_X86_64 0xc000003eu
#define FLAGS_DEBUGGER (FLAGS_USER | 0x4000u) /* and NT */

size_t arch_gregs_size(void)
{
	return R_COUNT * sizeof(uint64_t);
}

uint32_t arch_audit(void)
{
	return AUDIT_X86_64;
}

void arch_gregs_get(const struct arch_regs *r, void *buf)
{
	memcpy(buf, r->slot, R_COUNT * sizeof(uint64_t));
}

/* A selector that the host would load: none, or one of user rights. */
static bool plain_selector(uint64_t v)
{
	return v <= UINT16_MAX && (v == 0 || (v & USER_RPL) == USER_RPL);
}

/* What a debugger may put where. Code and stack segment stay those of 64-bit programs. */
static int set_slot(struct arch_regs *r, enum reg slot, uint64_t v)
{
	switch (slot) {
	case R_CS:
		return v == USER_CS ? 0 : -EIO;
	case R_SS:
		return v == USER_SS ? 0 : -EIO;
	case R_DS:
	case R_ES:
	case R_FS:
	case R_GS:
		if (!plain_selector(v))
			return -EIO;
		break;
	case R_FS_BASE:
	case R_GS_BASE:
		if (v >= LAYOUT_END)
			return -EIO;
		break;
	case R_FLAGS:
		v = (r->slot[R_FLAGS] & ~(uint64_t)FLAGS_DEBUGGER) | (v & FLAGS_DEBUGGER);
		break;
	default:
		break;
	}
	r->slot[slot] = v;
	return 0;
}

int arch_gregs_set(struct arch_regs *r, const void *buf, size_t n)
{
	for (size_t i = 0; i < n / sizeof(uint64_t) && i < R_COUNT; i++) {
		uint64_t v;
		int err;

		memcpy(&v, (const char *)buf + i * sizeof(v), sizeof(v));
		err = set_slot(r, (enum reg)i, v);
		if (err)
			return err;
	}
	return 0;
}

int arch_user_debug(uint64_t offset)
{
	if (offset % sizeof(uint64_t) || offset < USER_DEBUG_AT || offset >= USER_DEBUG_AT + DEBUG_COUNT * sizeof(uint64_t))
		return -1;
	return (int)((offset - USER_DEBUG_AT) / sizeof(uint64_t));
}

uint64_t arch_debug_offset(int which)
{
	return USER_DEBUG_AT + (uint64_t)which * sizeof(uint64_t);
}

bool arch_debug_is_address(int which)
{
	return which < 4;
}

int arch_user_peek(const struct arch_regs *r, uint64_t offset, uint64_t *out)
{
	if (offset % sizeof(uint64_t) || offset >= USER_SIZE)
		return -EIO;
	*out = offset < R_COUNT * sizeof(uint64_t) ? r->slot[offset / sizeof(uint64_t)] : 0;
	return 0;
}

int arch_user_poke(struct arch_regs *r, uint64_t offset, uint64_t v)
{
	if (offset % sizeof(uint64_t) || offset >= R_COUNT * sizeof(uint64_t))
		return -EIO;
	return set_slot(r, (enum reg)(offset / sizeof(uint64_t)), v);
}

void arch_set_number(struct arch_regs *r, int64_t nr)
{
	r->slot[R_ORIG_AX] = (uint64_t)nr;
}

size_t arch_fpregs_size(void)
{
	return XSTATE_LEGACY;
}

/* The legacy part, but for the bytes that are software's; from now on it counts. */
void arch_fpregs_put(uint8_t *xstate, size_t len, const void *fpregs)
{
	uint64_t held;

	memcpy(xstate, fpregs, XSTATE_SW_BYTES);
	if (len < XSTATE_LEGACY + XSTATE_HEADER)
		return;
	memcpy(&held, xstate + XSTATE_LEGACY, sizeof(held));
	held |= 3;
	memcpy(xstate + XSTATE_LEGACY, &held, sizeof(held));
}

int64_t arch_number(const struct arch_regs *r)
{
	return (int64_t)r->slot[R_ORIG_AX];
}
