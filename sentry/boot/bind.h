/*
 * Binds C structs to JSON by tables, so that encoder, decoder and destructor of a struct are made from the same rows and
 * cannot drift apart. Strict: an unknown key, a key twice, a missing required key, a wrong type or a number out of range is
 * refused, with one sentence that names the place ("mounts[2].cache").
 */
#ifndef SENTRY_BOOT_BIND_H
#define SENTRY_BOOT_BIND_H

#include <stdbool.h>
#include <stddef.h>

enum bind_kind {
	BIND_STR,    /* char *; absent: NULL */
	BIND_STRV,   /* char **, ends with NULL; absent: NULL */
	BIND_BOOL,   /* bool; absent: false */
	BIND_I32,    /* int32_t */
	BIND_U32,    /* uint32_t */
	BIND_U64,    /* uint64_t; "max" in JSON stands for UINT64_MAX and numbers above INT64_MAX are written as strings */
	BIND_ENUM,   /* int, by `names` */
	BIND_U32V,   /* uint32_t * and, at `count_offset`, its size_t count */
	BIND_OBJECT, /* a struct in place, by `sub` */
	BIND_ARRAY,  /* a pointer to structs of `size` bytes by `sub`, and, at `count_offset`, their size_t count */
};

struct bind_field {
	const char *key;
	enum bind_kind kind;
	bool required;
	size_t offset, count_offset, size;
	const char *const *names;     /* ENUM: ends with NULL */
	const struct bind_field *sub; /* OBJECT, ARRAY: ends with a NULL key */
};

/* `object` as JSON text from mem_alloc's family; NULL when memory is out. */
char *bind_encode(const struct bind_field *fields, const void *object, bool pretty);
/*
 * Fills the zeroed `object`. 0; -EINVAL with `why` for bad input; -ENOMEM. On failure the object is freed again and zeroed.
 * Reads `len` bytes; trailing text is refused.
 */
int bind_decode(const struct bind_field *fields, void *object, size_t size, const char *text, size_t len, char *why,
		size_t why_len);
/* Frees what the fields own, not the object itself. */
void bind_free(const struct bind_field *fields, void *object);

#endif
