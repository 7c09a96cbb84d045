/* The packets of the control protocol, for its two halves only (control.c sends, control_recv.c receives). */
#ifndef SENTRY_BOOT_CONTROL_WIRE_H
#define SENTRY_BOOT_CONTROL_WIRE_H

#include "sentry/boot/control.h"

#define CONTROL_MAGIC 0x50494b31u      /* "PIK1" */
#define CONTROL_INLINE_MAX (48u << 10) /* text up to here travels in the packet, more in a sealed memfd: the first fd */
#define CONTROL_TEXT_MAX (8u << 20)
#define CONTROL_MAX_FDS (CONTROL_MAX_GOFER_FDS + 5)

struct control_header {
	uint32_t magic;
	uint32_t type;
	uint32_t seq;
	uint32_t body_len; /* bytes that follow in the packet */
	uint32_t text_len; /* BOOT, EXEC: bytes of JSON, in the body or in the memfd */
	uint8_t in_memfd;
	uint8_t has_log;   /* BOOT: a log fd follows stdio */
	uint8_t stdio;     /* bits 0 to 2: which of the three are there */
	uint8_t pad;
};

_Static_assert(sizeof(struct control_header) == 24, "wire layout");
_Static_assert(sizeof(struct control_exited) == 32, "wire layout");
_Static_assert(sizeof(struct control_limit) == 24, "wire layout");
_Static_assert(sizeof(struct control_gap) == 16 + 16 + 16 + 256 + 3 * 144, "wire layout");
_Static_assert(sizeof(struct control_denied) == 8 + 64 + 512 + 128 + 64, "wire layout");

#define CONTROL_TEXT_BODY SIZE_MAX /* BOOT and EXEC: JSON text of any length */

/* Bytes of the body that a packet of this type has. */
size_t control_body_size(uint32_t type);
bool control_known_type(uint32_t type);

#endif
