/* Copying one file and hashing what was copied. */
#ifndef GOFER_COPY_H
#define GOFER_COPY_H

#include <stdint.h>

#include "gofer/manifest.h"

/*
 * From src's start to its end into dst (empty; -1: only hash). *size is what was copied, which may not be what src's
 * attributes said. -EFBIG when there is more than `max`; then what dst holds is of no use.
 */
int copy_and_hash(int src, int dst, uint64_t max, uint8_t hash[HASH_SIZE], uint64_t *size);

#endif
