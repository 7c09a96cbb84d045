/* The extended state in its memory layout: the XSAVE area, standard format. Pure functions over bytes. */
#ifndef PLATFORM_ARCH_X86_64_XSTATE_H
#define PLATFORM_ARCH_X86_64_XSTATE_H

#include <stddef.h>
#include <stdint.h>

/* More than any processor's area (AMX included). */
#define XSTATE_REGSET_MAX 16384
#define XSTATE_LEGACY 512 /* the FXSAVE part */
#define XSTATE_HEADER 64
#define XSTATE_SW_BYTES 464 /* within the legacy part: left to software */

/*
 * Features that a signal frame holds: those enabled, without the ones a process must ask for. And the size of the area
 * with them.
 */
uint64_t xstate_features(void);
size_t xstate_frame_size(void);
/*
 * The protection-key rights (PKRU) of an area of `len` bytes; -1 where it has none. Handlers start with those of a fresh program, so that they
 * can use their stack whatever the interrupted code had denied itself.
 */
#define XSTATE_PKRU_FRESH 0x55555554u
int64_t xstate_pkru(const uint8_t *area, size_t len);
void xstate_set_pkru(uint8_t *area, size_t len, uint32_t pkru);
/* Makes an area that of a fresh program. */
void xstate_clear(uint8_t *area, size_t len);
/* The state of a frame, put into a whole area of `len` bytes that held anything. */
void xstate_from_frame(uint8_t *area, size_t len, const uint8_t *frame, size_t frame_len);

#endif
