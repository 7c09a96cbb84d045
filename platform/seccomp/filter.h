/* The guests' filter. */
#ifndef PLATFORM_SECCOMP_FILTER_H
#define PLATFORM_SECCOMP_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_MAX = 250 }; /* jumps reach no further */

/*
 * Writes the filter into `out` (room for FILTER_MAX): calls from the stub's loop and those in `stops` (ascending) stop
 * at the tracer, others are notified, and other architectures' have no system calls here. Instructions, or -E2BIG.
 */
int filter_build(struct sock_filter *out, const uint16_t *stops, size_t count);

#endif
