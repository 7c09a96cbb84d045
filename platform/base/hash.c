/* Table hashing: XXH3, inlined, with a seed of this process. */
#include "base/hash.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/host.h"
#include "base/log.h"

/* Written once by hash_setup() before there is a second thread. Zero, and so predictable, until then. */
static uint64_t seed;

uint64_t hash_bytes(const void *p, size_t n)
{
	return XXH3_64bits_withSeed(p, n, seed);
}

uint64_t hash_u64(uint64_t a, uint64_t b)
{
	uint64_t pair[2] = { a, b };

	return XXH3_64bits_withSeed(pair, sizeof(pair), seed);
}

uint64_t hash_stable(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

void hash_setup(void)
{
	int64_t n = HOST_RETRY(getrandom(&seed, sizeof(seed), 0));

	if (n != (int64_t)sizeof(seed))
		panic("getrandom: %lld", (long long)n);
}
