/*
 * Linux strings are bytes, JSON's are Unicode. A string that is valid UTF-8 goes as it is; any other goes as U+0001 and then one
 * code point (U+0001 to U+00FF) a byte. A string that begins with byte 1 takes the second form too, so that nothing is ambiguous.
 */
#ifndef SENTRY_BOOT_TEXT_H
#define SENTRY_BOOT_TEXT_H

#include <jansson.h>

/* A JSON string, or NULL when memory is out. */
json_t *text_to_json(const char *bytes);
/* The bytes (mem_free them); NULL when memory is out or, with errno EINVAL, where the second form is broken. */
char *text_from_json(const json_t *string);

#endif
