/* Log lines: both formats, escapes, long messages. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/log.h"

static char out[8192];

static const char *logged(enum log_format format, const char *msg)
{
	int p[2];
	ssize_t n;

	cr_assert_eq(pipe(p), 0);
	log_setup(p[1], format, LOG_INFO, "test");
	log_info("%s", msg);
	close(p[1]);
	n = read(p[0], out, sizeof(out) - 1);
	close(p[0]);
	out[n < 0 ? 0 : n] = '\0';
	return out;
}

Test(log, text_is_one_line)
{
	cr_assert_str_eq(logged(LOG_TEXT, "a\nb\033c"), "picket[test] info: a?b?c\n");
}

Test(log, json_parses_and_keeps_the_message)
{
	json_t *o = json_loads(logged(LOG_JSON, "say \"hi\"\\\n\t"), 0, NULL);

	cr_assert(o != NULL);
	cr_assert_str_eq(json_string_value(json_object_get(o, "msg")), "say \"hi\"\\\n\t");
	cr_assert_str_eq(json_string_value(json_object_get(o, "level")), "info");
	cr_assert_str_eq(json_string_value(json_object_get(o, "proc")), "test");
	cr_assert_eq(strlen(json_string_value(json_object_get(o, "time"))), strlen("2026-01-01T00:00:00.000000Z"));
	json_decref(o);
}

Test(log, a_long_message_is_cut_and_still_one_line)
{
	static char msg[8000];
	json_t *o;

	memset(msg, '"', sizeof(msg) - 1);
	o = json_loads(logged(LOG_JSON, msg), 0, NULL);
	cr_assert(o != NULL);
	json_decref(o);
	logged(LOG_TEXT, msg);
	cr_assert_eq(out[strlen(out) - 1], '\n');
	cr_assert_leq(strlen(out), 4096);
}

Test(log, levels_are_kept_apart)
{
	log_setup(1, LOG_TEXT, LOG_WARNING, "test");
	cr_assert(log_enabled(LOG_ERROR));
	cr_assert_not(log_enabled(LOG_INFO));
	log_setup(-1, LOG_TEXT, LOG_DEBUG, "test");
	cr_assert_not(log_enabled(LOG_ERROR));
}
