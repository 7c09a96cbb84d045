/* The XSAVE area: its size by cpuid, its initial state, and the way from and to a signal frame. */
#include "xstate.h"

#include <cpuid.h>
#include <string.h>

#include "platform/arch.h"

#define FEATURE_TILE_DATA (1ull << 18) /* needs arch_prctl(ARCH_REQ_XCOMP_PERM), which guests are not given */
#define MXCSR_AT 24
#define MXCSR_PLAIN 0x1f80u
#define FCW_PLAIN 0x037fu

static uint64_t xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

uint64_t xstate_features(void)
{
	static _Atomic uint64_t known; /* a constant of the machine, found once: cpuid traps in virtual machines */

	if (!known) {
		uint32_t a, b, c, d;

		if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
			known = 3;
		else
			known = xcr0() & ~FEATURE_TILE_DATA;
	}
	return known;
}

size_t xstate_frame_size(void)
{
	static _Atomic size_t known; /* as above */
	size_t size = XSTATE_LEGACY + XSTATE_HEADER;

	if (known)
		return known;
	for (uint32_t i = 2; i < 63; i++) {
		uint32_t a, b, c, d;

		if (!(xstate_features() >> i & 1))
			continue;
		__cpuid_count(0xd, i, a, b, c, d);
		if (a && size < a + b)
			size = a + b;
	}
	known = size;
	return size;
}

#define FEATURE_PKRU 9

/* Where PKRU lies; 0 where there is none. */
static size_t pkru_at(size_t len)
{
	static _Atomic size_t known; /* as above; 1 for none */

	if (!known) {
		uint32_t a = 0, b = 0, c, d;

		if (xstate_features() >> FEATURE_PKRU & 1)
			__cpuid_count(0xd, FEATURE_PKRU, a, b, c, d);
		known = a >= sizeof(uint32_t) ? b : 1;
	}
	return known > 1 && known + sizeof(uint32_t) <= len ? known : 0;
}

int64_t xstate_pkru(const uint8_t *area, size_t len)
{
	size_t at = pkru_at(len);
	uint32_t pkru;

	if (!at)
		return -1;
	memcpy(&pkru, area + at, sizeof(pkru));
	return pkru;
}

void xstate_set_pkru(uint8_t *area, size_t len, uint32_t pkru)
{
	size_t at = pkru_at(len);
	uint64_t held;

	if (!at)
		return;
	memcpy(&held, area + XSTATE_LEGACY, sizeof(held));
	held |= 1ull << FEATURE_PKRU;
	memcpy(area + XSTATE_LEGACY, &held, sizeof(held));
	memcpy(area + at, &pkru, sizeof(pkru));
}

void xstate_clear(uint8_t *area, size_t len)
{
	uint8_t sw[XSTATE_LEGACY - XSTATE_SW_BYTES];

	memcpy(sw, area + XSTATE_SW_BYTES, sizeof(sw));
	memset(area, 0, len);
	memcpy(area + XSTATE_SW_BYTES, sw, sizeof(sw));
	memcpy(area, &(uint16_t){ FCW_PLAIN }, sizeof(uint16_t));
	memcpy(area + MXCSR_AT, &(uint32_t){ MXCSR_PLAIN }, sizeof(uint32_t));
}

/* The header's first word says which features the area holds; the rest of it must be zero for the host to take it. */
void xstate_from_frame(uint8_t *area, size_t len, const uint8_t *frame, size_t frame_len)
{
	uint64_t held = 3;

	xstate_clear(area, len);
	memcpy(area, frame, XSTATE_SW_BYTES);
	if (frame_len >= XSTATE_LEGACY + XSTATE_HEADER && frame_len <= len) {
		memcpy(&held, frame + XSTATE_LEGACY, sizeof(held));
		held &= xstate_features();
		memcpy(area + XSTATE_LEGACY + XSTATE_HEADER, frame + XSTATE_LEGACY + XSTATE_HEADER,
		       frame_len - XSTATE_LEGACY - XSTATE_HEADER);
	}
	memcpy(area + XSTATE_LEGACY, &held, sizeof(held));
}

uint64_t arch_xstate_features(void)
{
	return xstate_features();
}
