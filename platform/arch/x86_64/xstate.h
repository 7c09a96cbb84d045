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
/* Makes an area that of a fresh program. */
void xstate_clear(uint8_t *area, size_t len);
/* The state of a frame, put into a whole area of `len` bytes that held anything. */
void xstate_from_frame(uint8_t *area, size_t len, const uint8_t *frame, size_t frame_len);

#endif
