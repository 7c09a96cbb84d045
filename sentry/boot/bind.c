/* Structs to JSON and back by tables: see bind.h. jansson does the text; the strictness is here. */
#include "sentry/boot/bind.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sentry/boot/text.h"

#define PLACE_LEN 128

/* Where the decoder is, and the first complaint. */
struct ctx {
	char place[PLACE_LEN];
	char *why;
	size_t why_len;
	int err;
};

static int decode_object(struct ctx *ctx, const struct bind_field *fields, void *object, json_t *json);
static json_t *encode_object(const struct bind_field *fields, const void *object);

static void *field_at(const struct bind_field *f, const void *object)
{
	return (char *)(uintptr_t)object + f->offset;
}

static size_t *count_at(const struct bind_field *f, const void *object)
{
	return (size_t *)(void *)((char *)(uintptr_t)object + f->count_offset);
}

__attribute__((format(printf, 2, 3))) static int refuse(struct ctx *ctx, const char *fmt, ...)
{
	va_list args;
	char text[256];

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(ctx->why, ctx->why_len, "%s%s%s", ctx->place, ctx->place[0] ? ": " : "", text);
	ctx->err = -EINVAL;
	return -EINVAL;
}

/* Appends to the place; returns its old length for leave(). */
static size_t enter(struct ctx *ctx, const char *key, long index)
{
	size_t old = strlen(ctx->place);

	if (index >= 0)
		snprintf(ctx->place + old, sizeof(ctx->place) - old, "[%ld]", index);
	else
		snprintf(ctx->place + old, sizeof(ctx->place) - old, "%s%s", old ? "." : "", key);
	return old;
}

static void leave(struct ctx *ctx, size_t old)
{
	if (!ctx->err) /* a complaint keeps its place */
		ctx->place[old] = '\0';
}

/* --- decoding -------------------------------------------------------------------------------------------------------- */

static int decode_str(struct ctx *ctx, char **out, json_t *json)
{
	if (!json_is_string(json))
		return refuse(ctx, "a string is needed");
	if (strlen(json_string_value(json)) != json_string_length(json))
		return refuse(ctx, "a string with a NUL byte");
	errno = 0;
	*out = text_from_json(json);
	if (!*out && errno == EINVAL)
		return refuse(ctx, "a string that does not stand for bytes");
	return *out ? 0 : -ENOMEM;
}

static int decode_u64(struct ctx *ctx, uint64_t *out, json_t *json, uint64_t max)
{
	if (json_is_integer(json) && json_integer_value(json) >= 0) {
		*out = (uint64_t)json_integer_value(json);
	} else if (json_is_string(json) && !strcmp(json_string_value(json), "max")) {
		*out = UINT64_MAX;
	} else if (json_is_string(json)) {
		char *end;

		errno = 0;
		*out = strtoull(json_string_value(json), &end, 10);
		if (errno || *end || json_string_value(json)[0] < '0' || json_string_value(json)[0] > '9')
			return refuse(ctx, "a number is needed");
	} else {
		return refuse(ctx, "a number, zero or more, is needed");
	}
	return *out <= max ? 0 : refuse(ctx, "%" PRIu64 " is too large", *out);
}

static int decode_i32(struct ctx *ctx, int32_t *out, json_t *json)
{
	if (!json_is_integer(json))
		return refuse(ctx, "a whole number is needed");
	json_int_t v = json_integer_value(json);
	if (v < INT32_MIN || v > INT32_MAX)
		return refuse(ctx, "%" JSON_INTEGER_FORMAT " is out of range", v);
	*out = (int32_t)v;
	return 0;
}

static int decode_enum(struct ctx *ctx, const struct bind_field *f, int *out, json_t *json)
{
	if (!json_is_string(json))
		return refuse(ctx, "a string is needed");
	for (int i = 0; f->names[i]; i++) {
		if (!strcmp(f->names[i], json_string_value(json))) {
			*out = i;
			return 0;
		}
	}
	return refuse(ctx, "'%s' is not one of its values", json_string_value(json));
}

static int decode_strv(struct ctx *ctx, char ***out, json_t *json)
{
	if (!json_is_array(json))
		return refuse(ctx, "a list of strings is needed");
	*out = mem_calloc(json_array_size(json) + 1, sizeof(char *));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(json); i++) {
		size_t old = enter(ctx, NULL, (long)i);
		int err = decode_str(ctx, &(*out)[i], json_array_get(json, i));

		leave(ctx, old);
		if (err)
			return err;
	}
	return 0;
}

static int decode_u32v(struct ctx *ctx, const struct bind_field *f, void *object, json_t *json)
{
	if (!json_is_array(json))
		return refuse(ctx, "a list of numbers is needed");
	uint32_t *v = mem_calloc(json_array_size(json) + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	*(uint32_t **)field_at(f, object) = v;
	*count_at(f, object) = json_array_size(json);
	for (size_t i = 0; i < json_array_size(json); i++) {
		uint64_t wide = 0;
		int err = decode_u64(ctx, &wide, json_array_get(json, i), UINT32_MAX);

		if (err)
			return err;
		v[i] = (uint32_t)wide;
	}
	return 0;
}

static int decode_array(struct ctx *ctx, const struct bind_field *f, void *object, json_t *json)
{
	if (!json_is_array(json))
		return refuse(ctx, "a list is needed");
	char *v = mem_calloc(json_array_size(json) + 1, f->size);
	if (!v)
		return -ENOMEM;
	*(void **)field_at(f, object) = v;
	*count_at(f, object) = json_array_size(json);
	for (size_t i = 0; i < json_array_size(json); i++) {
		size_t old = enter(ctx, NULL, (long)i);
		int err = decode_object(ctx, f->sub, v + i * f->size, json_array_get(json, i));

		leave(ctx, old);
		if (err)
			return err;
	}
	return 0;
}

static int decode_field(struct ctx *ctx, const struct bind_field *f, void *object, json_t *json)
{
	void *at = field_at(f, object);
	uint64_t wide = 0;
	int err;

	switch (f->kind) {
	case BIND_STR:
		return decode_str(ctx, at, json);
	case BIND_STRV:
		return decode_strv(ctx, at, json);
	case BIND_BOOL:
		*(bool *)at = json_is_true(json);
		return json_is_boolean(json) ? 0 : refuse(ctx, "true or false is needed");
	case BIND_I32:
		return decode_i32(ctx, at, json);
	case BIND_U32:
		err = decode_u64(ctx, &wide, json, UINT32_MAX);
		*(uint32_t *)at = (uint32_t)wide;
		return err;
	case BIND_U64:
		return decode_u64(ctx, at, json, UINT64_MAX);
	case BIND_ENUM:
		return decode_enum(ctx, f, at, json);
	case BIND_U32V:
		return decode_u32v(ctx, f, object, json);
	case BIND_OBJECT:
		return decode_object(ctx, f->sub, at, json);
	case BIND_ARRAY:
		return decode_array(ctx, f, object, json);
	}
	return refuse(ctx, "a field of no known kind");
}

static const struct bind_field *find_field(const struct bind_field *fields, const char *key)
{
	for (; fields->key; fields++)
		if (!strcmp(fields->key, key))
			return fields;
	return NULL;
}

static int decode_object(struct ctx *ctx, const struct bind_field *fields, void *object, json_t *json)
{
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return refuse(ctx, "an object is needed");
	json_object_foreach(json, key, value) {
		const struct bind_field *f = find_field(fields, key);

		if (!f)
			return refuse(ctx, "unknown key '%s'", key);
		size_t old = enter(ctx, key, -1);
		int err = decode_field(ctx, f, object, value);
		leave(ctx, old);
		if (err)
			return err;
	}
	for (const struct bind_field *f = fields; f->key; f++)
		if (f->required && !json_object_get(json, f->key))
			return refuse(ctx, "'%s' is missing", f->key);
	return 0;
}

int bind_decode(const struct bind_field *fields, void *object, size_t size, const char *text, size_t len, char *why,
		size_t why_len)
{
	struct ctx ctx = { .why = why, .why_len = why_len };
	json_error_t error;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (!json) {
		snprintf(why, why_len, "line %d, column %d: %s", error.line, error.column, error.text);
		return -EINVAL;
	}
	int err = decode_object(&ctx, fields, object, json);
	json_decref(json);
	if (err) {
		bind_free(fields, object);
		memset(object, 0, size);
		if (err == -ENOMEM)
			snprintf(why, why_len, "out of memory");
	}
	return err;
}

/* --- encoding -------------------------------------------------------------------------------------------------------- */

static json_t *encode_u64(uint64_t v)
{
	char digits[24];

	if (v == UINT64_MAX)
		return json_string("max");
	if (v <= INT64_MAX)
		return json_integer((json_int_t)v);
	snprintf(digits, sizeof(digits), "%" PRIu64, v);
	return json_string(digits);
}

static json_t *encode_strv(char *const *v)
{
	json_t *list = json_array();

	for (size_t i = 0; v[i]; i++)
		if (json_array_append_new(list, text_to_json(v[i])))
			goto fail;
	return list;
fail:
	json_decref(list);
	return NULL;
}

static json_t *encode_u32v(const uint32_t *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(v[i]));
	return list;
}

static json_t *encode_array(const struct bind_field *f, const char *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list, encode_object(f->sub, v + i * f->size)))
			goto fail;
	return list;
fail:
	json_decref(list);
	return NULL;
}

/* NULL with *absent set where the field has nothing to say; NULL without: failed. */
static json_t *encode_field(const struct bind_field *f, const void *object, bool *absent)
{
	const void *at = field_at(f, object);

	*absent = false;
	switch (f->kind) {
	case BIND_STR:
		*absent = !*(char *const *)at;
		return *absent ? NULL : text_to_json(*(char *const *)at);
	case BIND_STRV:
		*absent = !*(char **const *)at;
		return *absent ? NULL : encode_strv(*(char **const *)at);
	case BIND_BOOL:
		return json_boolean(*(const bool *)at);
	case BIND_I32:
		return json_integer(*(const int32_t *)at);
	case BIND_U32:
		return json_integer(*(const uint32_t *)at);
	case BIND_U64:
		return encode_u64(*(const uint64_t *)at);
	case BIND_ENUM:
		return json_string(f->names[*(const int *)at]);
	case BIND_U32V:
		return encode_u32v(*(uint32_t *const *)at, *count_at(f, object));
	case BIND_OBJECT:
		return encode_object(f->sub, at);
	case BIND_ARRAY:
		return encode_array(f, *(char *const *)at, *count_at(f, object));
	}
	return NULL;
}

static json_t *encode_object(const struct bind_field *fields, const void *object)
{
	json_t *json = json_object();

	for (const struct bind_field *f = fields; f->key; f++) {
		bool absent;
		json_t *value = encode_field(f, object, &absent);

		if (absent)
			continue;
		if (json_object_set_new(json, f->key, value)) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

char *bind_encode(const struct bind_field *fields, const void *object, bool pretty)
{
	json_t *json = encode_object(fields, object);
	if (!json)
		return NULL;
	char *text = json_dumps(json, pretty ? JSON_INDENT(2) : JSON_COMPACT);
	char *copy = text ? mem_strdup(text) : NULL;

	free(text);
	json_decref(json);
	return copy;
}

/* --- freeing --------------------------------------------------------------------------------------------------------- */

static void free_strv(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		mem_free(v[i]);
	mem_free(v);
}

void bind_free(const struct bind_field *fields, void *object)
{
	for (const struct bind_field *f = fields; f->key; f++) {
		void *at = field_at(f, object);

		if (f->kind == BIND_STR || f->kind == BIND_U32V)
			mem_free(*(void **)at);
		else if (f->kind == BIND_STRV)
			free_strv(*(char ***)at);
		else if (f->kind == BIND_OBJECT)
			bind_free(f->sub, at);
		if (f->kind != BIND_ARRAY)
			continue;
		char *v = *(char **)at;
		for (size_t i = 0; v && i < *count_at(f, object); i++)
			bind_free(f->sub, v + i * f->size);
		mem_free(v);
	}
}
