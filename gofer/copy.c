/*
 * Copying: a reflink where the filesystem has them, then the copy is read for its hash; else read, hash and write in
 * one pass.
 */
#include "gofer/copy.h"

#include <nettle/sha2.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/host.h"
#include "base/mem.h"
#include "gofer/hostops.h"

#define BUFFER (256 * 1024)

static int pump(int src, int dst, uint64_t max, struct sha256_ctx *ctx, uint64_t *size)
{
	AUTO_FREE uint8_t *buf = mem_alloc(BUFFER);

	if (!buf)
		return -ENOMEM;
	for (*size = 0;;) {
		int64_t n = HOST_RETRY(read(src, buf, BUFFER));
		int err;

		if (n <= 0)
			return (int)n;
		if ((uint64_t)n > max - *size)
			return -EFBIG;
		err = dst < 0 ? 0 : hostop_write(dst, buf, (size_t)n);
		if (err)
			return err;
		sha256_update(ctx, (size_t)n, buf);
		*size += (uint64_t)n;
	}
}

/* Those of a clone's failures that mean "not with these files", so that copying is the answer. */
static bool cannot_clone(int err)
{
	return err == -EOPNOTSUPP || err == -ENOTTY || err == -EXDEV || err == -EINVAL || err == -EPERM ||
	       err == -ETXTBSY;
}

int copy_and_hash(int src, int dst, uint64_t max, uint8_t hash[HASH_SIZE], uint64_t *size)
{
	struct sha256_ctx ctx;
	int err = dst < 0 ? -EOPNOTSUPP : hostop_clone(dst, src);

	sha256_init(&ctx);
	if (err == 0)
		err = pump(dst, -1, max, &ctx, size);
	else if (cannot_clone(err))
		err = pump(src, dst, max, &ctx, size);
	sha256_digest(&ctx, HASH_SIZE, hash);
	return err;
}
