/* Bytes in JSON strings: see text.h. */
#include "sentry/boot/text.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define MARK '\001'

json_t *text_to_json(const char *bytes)
{
	json_t *plain = bytes[0] == MARK ? NULL : json_string(bytes);
	if (plain)
		return plain;
	AUTO_FREE char *coded = mem_alloc(2 * strlen(bytes) + 2);
	if (!coded)
		return NULL;
	char *to = coded;

	*to++ = MARK;
	for (const unsigned char *from = (const unsigned char *)bytes; *from; from++) {
		if (*from >= 0x80)
			*to++ = (char)(0xC0 | *from >> 6);
		*to++ = (char)(*from < 0x80 ? *from : 0x80 | (*from & 0x3F));
	}
	*to = '\0';
	return json_string(coded);
}

char *text_from_json(const json_t *string)
{
	const unsigned char *from = (const unsigned char *)json_string_value(string);
	if (*from != MARK)
		return mem_strdup((const char *)from);
	char *bytes = mem_alloc(json_string_length(string) + 1);
	if (!bytes)
		return NULL;
	char *to = bytes;

	while (*++from) {
		unsigned int c = *from;

		if (c >= 0x80) { /* jansson has checked that this is UTF-8; only C2 and C3 stand for one byte */
			if (c != 0xC2 && c != 0xC3)
				goto broken;
			c = (c & 3) << 6 | (*++from & 0x3F);
		}
		*to++ = (char)c;
	}
	*to = '\0';
	return bytes;
broken:
	mem_free(bytes);
	errno = EINVAL;
	return NULL;
}
