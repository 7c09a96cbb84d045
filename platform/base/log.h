/*
 * Logging. One line an event, to the fd given at set-up (none: dropped). Text: "picket[PROC] level: message"; JSON: one object
 * a line with "time" (RFC 3339), "level", "msg", "proc". Safe from any thread; never allocates.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* `proc` is a static string: "picket", "sentry", "gofer". The fd is borrowed. Not thread-safe: call once, at start. */
void log_setup(int fd, enum log_format format, enum log_level level, const char *proc);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line that the user has asked for by name (--strace): written whatever the level; as it stands in the text format. */
void log_line(const char *text);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                       \
	do {                                                 \
		if (log_enabled(LOG_DEBUG))                  \
			log_write(LOG_DEBUG, __VA_ARGS__);   \
	} while (0)

/* Says what broke, where, and ends the process with abort(). For broken invariants of our own, never for input. */
_Noreturn void panic_at(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define assert_that(cond)                                   \
	do {                                                \
		if (__builtin_expect(!(cond), 0))           \
			panic("assertion failed: %s", #cond); \
	} while (0)

#endif
