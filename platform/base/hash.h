/* Hashing for tables (xxhash underneath). Seeded per process, so that a guest cannot aim at one bucket. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *p, size_t n);
uint64_t hash_u64(uint64_t a, uint64_t b);
/* The same in every process and at all times, for what is kept in files; against accidents, not against anybody. */
uint64_t hash_stable(const void *p, size_t n);
/* Draws the seed from getrandom(2); called once at start. */
void hash_setup(void);

#endif
