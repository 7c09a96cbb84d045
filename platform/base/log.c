/*
 * Log lines, text or JSON, built on the stack and written by one write(2), so that lines of several threads and processes
 * do not mix (O_APPEND files, and pipes up to PIPE_BUF). Nothing here allocates, takes a lock or opens a file: the sentry
 * logs while locked down and from any depth of locks. That is why the date is computed here: gmtime() may read /etc/localtime.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/sanitize.h"

/* One line, newline included. PIPE_BUF is 4096. */
#define LINE_MAX_BYTES 4096

/* Set once at start, before there is a second thread; read by all. */
static struct {
	int fd;
	enum log_format format;
	enum log_level level;
	const char *proc;
} sink = { .fd = -1, .level = LOG_ERROR, .proc = "picket" };

static const char *const level_name[] = { "error", "warning", "info", "debug" };

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

void log_setup(int fd, enum log_format format, enum log_level level, const char *proc)
{
	sink.fd = fd;
	sink.format = format;
	sink.level = level;
	sink.proc = proc;
}

bool log_enabled(enum log_level level)
{
	return sink.fd >= 0 && level <= sink.level;
}

/* Two bytes stay free: for the end of a JSON object and the newline, which a cut line must have too. */
static void add_bytes(struct line *l, const char *s, size_t n)
{
	size_t room = sizeof(l->text) - 3 - l->len;

	if (n > room)
		n = room;
	memcpy(l->text + l->len, s, n);
	l->len += n;
}

static void add(struct line *l, const char *s)
{
	add_bytes(l, s, strlen(s));
}

/* Howard Hinnant's days-to-civil: the year begins in March, so that the leap day is its last. */
static void add_time(struct line *l, int64_t ns)
{
	int64_t secs = ns / 1000000000, days = secs / 86400, of_day = secs % 86400;
	int64_t z = days + 719468, era = z / 146097, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
	int64_t year = yoe + era * 400 + (month <= 2);
	char text[80];

	snprintf(text, sizeof(text), "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%06lldZ", (long long)year,
		 (long long)month, (long long)day, (long long)of_day / 3600, (long long)of_day / 60 % 60,
		 (long long)of_day % 60, (long long)(ns % 1000000000 / 1000));
	add(l, text);
}

/* A guest's bytes may be in the message: what is not plain ASCII is escaped, so that a line stays a line and valid JSON. */
static void add_json_string(struct line *l, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		char esc[8];

		/* An escape is kept whole or left out, and the closing quote needs its byte. */
		if (l->len + 12 > sizeof(l->text))
			break;
		if (c == '"' || c == '\\')
			snprintf(esc, sizeof(esc), "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			snprintf(esc, sizeof(esc), "\\u%04x", c);
		else
			snprintf(esc, sizeof(esc), "%c", c);
		add(l, esc);
	}
}

static void add_text(struct line *l, const char *s)
{
	for (; *s; s++) {
		char c = *s;

		if ((unsigned char)c < 0x20 || c == 0x7f)
			c = c == '\t' ? ' ' : '?';
		add_bytes(l, &c, 1);
	}
}

static void format_line(struct line *l, enum log_format format, enum log_level level, const char *msg)
{
	l->len = 0;
	if (format == LOG_JSON) {
		add(l, "{\"time\":\"");
		add_time(l, host_realtime_ns());
		add(l, "\",\"level\":\"");
		add(l, level_name[level]);
		add(l, "\",\"proc\":\"");
		add_json_string(l, sink.proc);
		add(l, "\",\"msg\":\"");
		add_json_string(l, msg);
		l->text[l->len++] = '"';
		l->text[l->len++] = '}';
	} else {
		add(l, "picket[");
		add(l, sink.proc);
		add(l, "] ");
		add(l, level_name[level]);
		add(l, ": ");
		add_text(l, msg);
	}
	l->text[l->len++] = '\n';
}

static void write_line(int fd, enum log_level level, const char *fmt, va_list ap)
{
	char msg[LINE_MAX_BYTES];
	struct line l;
	int saved = errno;

	vsnprintf(msg, sizeof(msg), fmt, ap);
	format_line(&l, fd == sink.fd ? sink.format : LOG_TEXT, level, msg);
	/* A log that cannot be written is lost: there is nobody to tell. */
	(void)host_write_full(fd, l.text, l.len);
	errno = saved;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	write_line(sink.fd, level, fmt, ap);
	va_end(ap);
}

void log_line(const char *text)
{
	struct line l = { .len = 0 };
	int saved = errno;

	if (sink.fd < 0)
		return;
	if (sink.format == LOG_JSON) {
		format_line(&l, LOG_JSON, LOG_INFO, text);
	} else {
		add_text(&l, text);
		l.text[l.len++] = '\n';
	}
	(void)host_write_full(sink.fd, l.text, l.len);
	errno = saved;
}

void panic_at(const char *file, int line, const char *fmt, ...)
{
	char msg[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	/* Without a log the reason still goes to stderr: a process that ends so must say why. */
	if (sink.fd < 0)
		sink.fd = STDERR_FILENO;
	log_write(LOG_ERROR, "%s:%d: %s", file, line, msg);
	sanitize_print_stack();
	abort();
}
