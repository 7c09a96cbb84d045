/* Growing text: see textbuf.h. */
#include "sentry/fs/textbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static bool reserve(struct textbuf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 512;
	char *grown;

	if (b->failed)
		return false;
	if (b->cap - b->len >= more)
		return true;
	while (cap - b->len < more)
		cap *= 2;
	grown = mem_realloc(b->data, cap);
	if (!grown) {
		b->failed = true;
		return false;
	}
	b->data = grown;
	b->cap = cap;
	return true;
}

void text_put(struct textbuf *b, const void *bytes, size_t n)
{
	if (!n || !reserve(b, n))
		return;
	memcpy(b->data + b->len, bytes, n);
	b->len += n;
}

void text_puts(struct textbuf *b, const char *s)
{
	text_put(b, s, strlen(s));
}

void text_printf(struct textbuf *b, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0 || !reserve(b, (size_t)n + 1))
		return;
	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
}

void text_pad(struct textbuf *b, size_t start, size_t width)
{
	do
		text_put(b, " ", 1);
	while (!b->failed && b->len - start < width);
}

void text_escaped(struct textbuf *b, const char *s)
{
	for (; *s; s++) {
		if (strchr(" \t\n\\", *s))
			text_printf(b, "\\%03o", (unsigned char)*s);
		else
			text_put(b, s, 1);
	}
}

void text_free(struct textbuf *b)
{
	mem_free(b->data);
	*b = (struct textbuf){ 0 };
}
