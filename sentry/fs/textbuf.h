/* Text under construction, in a buffer that grows: what files of proc and sys are made of. */
#ifndef SENTRY_FS_TEXTBUF_H
#define SENTRY_FS_TEXTBUF_H

#include <stdbool.h>
#include <stddef.h>

struct textbuf {
	char *data; /* not terminated */
	size_t len, cap;
	bool failed; /* memory was out: the text is not whole */
};

/* All-zero is an empty text. Failures are remembered, so that only the end has to be looked at. */
void text_put(struct textbuf *, const void *bytes, size_t n);
void text_puts(struct textbuf *, const char *);
void text_printf(struct textbuf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Blanks until the line (from `start` on) is `width` long, one at least. */
void text_pad(struct textbuf *, size_t start, size_t width);
/* A name with blanks, tabs, newlines and backslashes as \ooo, as in /proc/mounts. */
void text_escaped(struct textbuf *, const char *);
void text_free(struct textbuf *);

#endif
