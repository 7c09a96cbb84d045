/*
 * The slot: memory that a guest process shares with the sentry, by which quick calls go across without a trap.
 *
 *   state     written by           means
 *   IDLE      guest, sentry        no call
 *   REQUEST   guest                nr and arg are a call; who makes it TAKEN or IDLE again by an exchange decides
 *   TAKEN     sentry               the sentry has copied them and works; the guest waits
 *   DONE      sentry               nr is the result
 *   REFUSED   sentry               the guest is to make the call by the trap
 *   COPY      sentry               the guest is to copy copy_len bytes from copy_from to copy_to; one of them is in data
 *   COPIED    guest                it has; or TAKEN again by the sentry, which will not wait any longer
 *
 * The guest is free to write anything at any time. The sentry copies nr and arg once, judges the copy, and takes no
 * decision that concerns anybody but this guest by what it reads here.
 */
#ifndef PLATFORM_FAST_SLOT_H
#define PLATFORM_FAST_SLOT_H

#define SLOT_IDLE 0
#define SLOT_REQUEST 1
#define SLOT_TAKEN 2
#define SLOT_DONE 3
#define SLOT_REFUSED 4
#define SLOT_COPY 5
#define SLOT_COPIED 6

/* Offsets, for assembly. */
#define SLOT_STATE 0
#define SLOT_ARMED 4
#define SLOT_NR 8
#define SLOT_ARG 16
#define SLOT_SAVED_NR 64
#define SLOT_SAVED_FLAGS 72
#define SLOT_COPY_FROM 128
#define SLOT_COPY_TO 136
#define SLOT_COPY_LEN 144
#define SLOT_DATA 4096
#define SLOT_BYTES 8192

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct slot {
	uint32_t state;    /* SLOT_*; both */
	uint32_t armed;    /* somebody polls: 1 by the sentry; 0 by the sentry, and by a guest that waited in vain */
	int64_t nr;        /* of the call, by the guest; its result, by the sentry */
	uint64_t arg[6];   /* by the guest */
	/* The next line is the guest's own. */
	int64_t saved_nr;
	uint64_t saved_flags;
	uint8_t unused[SLOT_COPY_FROM - 80];
	/* The sentry's, but for the data that it has asked for. */
	uint64_t copy_from, copy_to, copy_len;
	uint8_t rest[SLOT_DATA - SLOT_COPY_LEN - 8];
	uint8_t data[SLOT_BYTES - SLOT_DATA];
};

_Static_assert(offsetof(struct slot, state) == SLOT_STATE && offsetof(struct slot, armed) == SLOT_ARMED, "as assembly has it");
_Static_assert(offsetof(struct slot, nr) == SLOT_NR && offsetof(struct slot, arg) == SLOT_ARG, "as assembly has it");
_Static_assert(offsetof(struct slot, saved_nr) == SLOT_SAVED_NR && offsetof(struct slot, saved_flags) == SLOT_SAVED_FLAGS,
	       "as assembly has it");
_Static_assert(offsetof(struct slot, copy_from) == SLOT_COPY_FROM && offsetof(struct slot, copy_to) == SLOT_COPY_TO &&
		       offsetof(struct slot, copy_len) == SLOT_COPY_LEN && offsetof(struct slot, data) == SLOT_DATA,
	       "as assembly has it");
_Static_assert(sizeof(struct slot) == SLOT_BYTES, "whole pages, the data a page of its own");
#endif

#endif
