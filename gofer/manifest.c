/* The manifest's text and hash. */
#include "gofer/manifest.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define HEADING "picket-manifest 1\n"

_Static_assert(HASH_SIZE == SHA256_DIGEST_SIZE, "SHA-256");

static int append(struct manifest *m, const char *s, size_t n)
{
	if (m->room - m->len < n) {
		size_t room = (m->room + n) * 2;
		char *p = mem_realloc(m->text, room);

		if (!p)
			return -ENOMEM;
		m->text = p;
		m->room = room;
	}
	memcpy(m->text + m->len, s, n);
	m->len += n;
	return 0;
}

static int start(struct manifest *m)
{
	return m->len ? 0 : append(m, HEADING, strlen(HEADING));
}

static int __attribute__((format(printf, 2, 3))) add_line(struct manifest *m, const char *fmt, ...)
{
	char line[8 * 1024 + 256]; /* a path, a target and some numbers */
	va_list ap;
	int n, err = start(m);

	if (err)
		return err;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return n < (int)sizeof(line) ? append(m, line, (size_t)n) : -ENAMETOOLONG;
}

int manifest_add_dir(struct manifest *m, const char *path)
{
	return add_line(m, "d %s\n", path);
}

int manifest_add_file(struct manifest *m, const char *path, bool exec, uint64_t size, const uint8_t hash[HASH_SIZE])
{
	char hex[HASH_HEX_SIZE];

	hash_to_hex(hash, hex);
	return add_line(m, "f %c %llu %s %s\n", exec ? 'x' : '-', (unsigned long long)size, hex, path);
}

int manifest_add_link(struct manifest *m, const char *path, const char *target)
{
	return add_line(m, "l %zu %s %s\n", strlen(target), target, path);
}

int manifest_root(struct manifest *m, char hex[HASH_HEX_SIZE])
{
	struct sha256_ctx ctx;
	uint8_t hash[HASH_SIZE];
	int err = start(m);

	if (err)
		return err;
	sha256_init(&ctx);
	sha256_update(&ctx, m->len, (const uint8_t *)m->text);
	sha256_digest(&ctx, sizeof(hash), hash);
	hash_to_hex(hash, hex);
	return 0;
}

void manifest_free(struct manifest *m)
{
	mem_free(m->text);
	*m = (struct manifest){ 0 };
}

void hash_to_hex(const uint8_t hash[HASH_SIZE], char hex[HASH_HEX_SIZE])
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < HASH_SIZE; i++) {
		hex[2 * i] = digit[hash[i] >> 4];
		hex[2 * i + 1] = digit[hash[i] & 15];
	}
	hex[2 * HASH_SIZE] = 0;
}

bool hash_hex_valid(const char *s)
{
	return strlen(s) == 2 * HASH_SIZE && strspn(s, "0123456789abcdef") == 2 * HASH_SIZE;
}
