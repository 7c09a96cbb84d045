/* Writing values as strace(1) does. */
#include "sentry/trace/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/signal.h"

void trace_buf_init(struct trace_buf *b, char *text, size_t size)
{
	*b = (struct trace_buf){ .text = text, .size = size };
	text[0] = 0;
}

/* Room for "..." and the NUL stays free until the line is cut. */
void trace_put(struct trace_buf *b, const char *s)
{
	size_t n = strlen(s);

	if (b->cut)
		return;
	if (b->len + n + 4 > b->size) {
		b->cut = true;
		n = b->size - b->len - 4;
		memcpy(b->text + b->len, s, n);
		memcpy(b->text + b->len + n, "...", 4);
		b->len += n + 3;
		return;
	}
	memcpy(b->text + b->len, s, n + 1);
	b->len += n;
}

void trace_putf(struct trace_buf *b, const char *fmt, ...)
{
	char part[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(part, sizeof(part), fmt, ap);
	va_end(ap);
	trace_put(b, part);
}

/* An octal escape is written short, unless a digit follows that would be read as part of it. */
static void put_octal(char out[5], unsigned char c, bool digit_follows)
{
	snprintf(out, 5, digit_follows ? "\\%03o" : "\\%o", c);
}

void trace_put_quoted(struct trace_buf *b, const void *bytes, size_t n, bool more)
{
	static const char plain[] = "\"\\\n\t\r\v\f", letter[] = "\"\\ntrvf";
	const unsigned char *p = bytes;

	trace_put(b, "\"");
	for (size_t i = 0; i < n; i++) {
		const char *escape = p[i] ? strchr(plain, p[i]) : NULL;
		char out[5] = { (char)p[i], 0 };

		if (escape)
			memcpy(out, (char[]){ '\\', letter[escape - plain], 0 }, 3);
		else if (p[i] < 0x20 || p[i] >= 0x7f)
			put_octal(out, p[i], i + 1 < n && p[i + 1] >= '0' && p[i + 1] <= '9');
		trace_put(b, out);
	}
	trace_put(b, more ? "\"..." : "\"");
}

void trace_put_flags(struct trace_buf *b, const struct name_set *set, uint64_t v)
{
	const char *sep = "";
	uint64_t done = 0;

	if (v == 0 && set->zero) {
		trace_put(b, set->zero);
		return;
	}
	for (const struct name_row *row = set->rows; row && row->name; row++) {
		/* A field has one value: once named its bits are cleared, which must not count as its zero. */
		if ((v & row->mask) != row->value || (row->mask & done))
			continue;
		trace_putf(b, "%s%s", sep, row->name);
		sep = "|";
		done |= row->mask;
		v &= ~row->mask;
	}
	if (v)
		trace_putf(b, "%s%#" PRIx64, sep, v);
	else if (!*sep)
		trace_put(b, "0");
}

const char *trace_name(const struct name_set *set, uint64_t v)
{
	for (const struct name_row *row = set->rows; row && row->name; row++)
		if ((v & row->mask) == row->value)
			return row->name;
	return NULL;
}

void trace_put_addr(struct trace_buf *b, uint64_t v)
{
	if (v)
		trace_putf(b, "%#" PRIx64, v);
	else
		trace_put(b, "NULL");
}

void trace_put_signal(struct trace_buf *b, int sig)
{
	const char *name = signal_name(sig);

	if (name)
		trace_put(b, name);
	else
		trace_putf(b, "%d", sig);
}

void trace_put_sigset(struct trace_buf *b, uint64_t set)
{
	bool inverted = __builtin_popcountll(set) > 40;
	const char *sep = "";

	trace_put(b, inverted ? "~[" : "[");
	if (inverted)
		set = ~set;
	for (int sig = 1; sig <= LX_SIGRTMAX; sig++) {
		if (!(set & LX_SIGMASK(sig)))
			continue;
		trace_putf(b, "%s%s", sep, signal_name(sig) + 3);
		sep = " ";
	}
	trace_put(b, "]");
}
